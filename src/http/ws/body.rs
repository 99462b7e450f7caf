//! What a connection writes: the answers of its session and the frames of its outbox, as they go over the wire.
//!
//! The body of the upgraded response. Frames come laid out once for everybody, and go on as the same buffer; those that
//! wait together go on together, so that a burst costs few write calls. The session's actor is polled only when something
//! of its own woke it (its client, its clock, an answer of the hub), not for every frame that passes by. It is polled as
//! the socket drains, so a page of a replay is asked for when there is room for it.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use actix_web::Error;
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, Stream, StreamExt, future::LocalBoxFuture, stream::LocalBoxStream, task::AtomicWaker};

use super::{
    codes::Close,
    outbox::{OutboxReader, Outgoing, Verdict},
};
use crate::view::wire;

/// Bytes that are put together for one step; one item more may follow.
const BATCH_BYTES: usize = 16 * 1024;
/// Bad messages in a row that close a connection.
const MAX_STRIKES: u32 = 10;

/// Bad messages in a row. Some are judged by the session, some when the hub's answer passes by.
#[derive(Debug, Clone, Default)]
pub struct Strikes(Rc<Cell<u32>>);

impl Strikes {
    /// Count an answer; true if it is one too many.
    pub fn judge(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Good => self.0.set(0),
            Verdict::Strike => self.0.set(self.0.get() + 1),
            Verdict::Neutral => {}
        }
        self.0.get() >= MAX_STRIKES
    }
}

/// Remembers that the session's actor was woken, and wakes the connection's task.
#[derive(Debug, Default)]
struct ActorWaker {
    is_woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for ActorWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// Frames that go on together: a single one as it is, several as one buffer.
#[derive(Debug, Default)]
struct Batch {
    first: Option<Bytes>,
    joined: BytesMut,
}

impl Batch {
    fn bytes(&self) -> usize {
        self.first.as_ref().map_or(0, Bytes::len) + self.joined.len()
    }

    fn push(&mut self, frames: &Bytes) {
        if self.bytes() == 0 {
            self.first = Some(frames.clone());
        } else {
            self.buffer().extend_from_slice(frames);
        }
    }

    /// The buffer, with all that came before in it.
    fn buffer(&mut self) -> &mut BytesMut {
        if let Some(first) = self.first.take() {
            self.joined.extend_from_slice(&first);
        }
        &mut self.joined
    }

    fn finish(self) -> Option<Bytes> {
        self.first.or_else(|| Some(self.joined.freeze())).filter(|bytes| !bytes.is_empty())
    }
}

/// The body.
pub struct SessionBody<M> {
    /// Asks for the next page of a replay; false if nobody is there to be asked.
    more: M,
    /// The question, until it was taken. At most one page is out, so at most one of these is under way.
    asking: Option<LocalBoxFuture<'static, bool>>,
    /// What the session's actor writes itself; it ends with the actor.
    actor: LocalBoxStream<'static, Result<Bytes, Error>>,
    actor_waker: Arc<ActorWaker>,
    /// The same, as the actor is given it.
    waker: Waker,
    outbox: OutboxReader,
    strikes: Strikes,
    is_over: bool,
}

impl<M: Fn() -> LocalBoxFuture<'static, bool>> SessionBody<M> {
    /// Of a session's actor and its outbox. `more` is called when a page of a replay goes on.
    pub fn new(
        actor: impl Stream<Item = Result<Bytes, Error>> + 'static,
        outbox: OutboxReader,
        strikes: Strikes,
        more: M,
    ) -> Self {
        let actor_waker = Arc::new(ActorWaker { is_woken: AtomicBool::new(true), task: AtomicWaker::new() });
        let waker = actor_waker.clone().into();
        Self { more, asking: None, actor: actor.boxed_local(), actor_waker, waker, outbox, strikes, is_over: false }
    }

    /// What waits in the outbox, up to a batch; the last of it may be the end.
    fn batch(&mut self, cx: &mut Context<'_>) -> Batch {
        let mut batch = Batch::default();
        self.ask(cx, &mut batch);
        while !self.is_over && batch.bytes() < BATCH_BYTES {
            let Poll::Ready(Some(item)) = self.outbox.poll_next_unpin(cx) else { break };
            match item {
                Outgoing::Pack(pack) => batch.push(pack.wire()),
                Outgoing::Page(page) => {
                    page.iter().for_each(|pack| batch.push(pack.wire()));
                    self.asking = Some((self.more)());
                    self.ask(cx, &mut batch);
                }
                Outgoing::Message(text, verdict) => {
                    wire::put_text(batch.buffer(), &text);
                    if self.strikes.judge(verdict) {
                        self.end(Close::TooManyBad, &mut batch);
                    }
                }
                Outgoing::Close(close) => self.end(close, &mut batch),
            }
        }
        batch
    }

    /// Go on with the question for a page.
    fn ask(&mut self, cx: &mut Context<'_>, batch: &mut Batch) {
        let Some(asking) = &mut self.asking else { return };
        if let Poll::Ready(was_taken) = asking.poll_unpin(cx) {
            self.asking = None;
            if !was_taken {
                self.end(Close::Restarted, batch);
            }
        }
    }

    fn end(&mut self, close: Close, batch: &mut Batch) {
        self.is_over = true;
        wire::put_close(batch.buffer(), close.code(), close.sentence());
    }
}

impl<M: Fn() -> LocalBoxFuture<'static, bool> + Unpin> Stream for SessionBody<M> {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        this.actor_waker.task.register(cx.waker());
        if this.actor_waker.is_woken.swap(false, Ordering::AcqRel) {
            match this.actor.poll_next_unpin(&mut Context::from_waker(&this.waker)) {
                Poll::Ready(Some(written)) => {
                    // It has more to say, or to end.
                    this.actor_waker.is_woken.store(true, Ordering::Release);
                    return Poll::Ready(Some(written));
                }
                Poll::Ready(None) => {
                    this.is_over = true;
                    return Poll::Ready(None);
                }
                Poll::Pending => {}
            }
        }
        match this.batch(cx).finish() {
            Some(bytes) => Poll::Ready(Some(Ok(bytes))),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
