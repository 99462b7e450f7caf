//! The outbox between the hub and a connection: bounded in frames and bytes, in order.
//!
//! A response body is not polled while its client does not read, so it can't bound anything itself: what waits for it is
//! counted here, by who sends. Past the bound nothing more is taken ([`Overflow`]) and the hub ends the connection. A page of a replay is not counted, but there is at most one of it: the next is asked for when it was taken
//! out, that is, as the socket drains.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytestring::ByteString;
use futures_util::Stream;

use super::{codes::Close, messages::WsErrorCode};
use crate::view::frame::FramePack;

/// An empty queue keeps room for so many items; what a burst took is given back.
const IDLE_CAPACITY: usize = 8;

/// What an answer says of the action it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The action was a good one.
    Good,
    /// It was a mistake of the client.
    Strike,
    /// Neither, or not an answer at all.
    Neutral,
}

impl Verdict {
    /// Of a refusal.
    pub fn of(code: WsErrorCode) -> Self {
        if code.is_strike() { Self::Strike } else { Self::Neutral }
    }
}

/// What a session is to write.
#[derive(Debug)]
pub enum Outgoing {
    /// The frames of an entry.
    Pack(Arc<FramePack>),
    /// A page of a replay; ask for more after it.
    Page(Vec<Arc<FramePack>>),
    /// An answer, or a message of the hub's own.
    Message(ByteString, Verdict),
    /// Close the connection; nothing follows.
    Close(Close),
}

/// Too much waits already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the outbox is full")]
pub struct Overflow;

#[derive(Debug)]
struct Inner {
    queue: VecDeque<Outgoing>,
    frames: usize,
    bytes: usize,
    end: Option<Close>,
    session_gone: bool,
    waker: Option<Waker>,
}

/// The hub's end.
#[derive(Debug)]
pub struct Outbox {
    inner: Mutex<Inner>,
    max_frames: usize,
    max_bytes: usize,
}

/// What an item costs: frames and bytes.
fn cost(item: &Outgoing) -> (usize, usize) {
    match item {
        Outgoing::Pack(pack) => (pack.count(), pack.wire().len()),
        Outgoing::Message(text, _) => (1, text.len()),
        Outgoing::Page(_) | Outgoing::Close(_) => (0, 0),
    }
}

impl Outbox {
    /// An empty outbox and its session's end.
    pub fn new(max_frames: usize, max_bytes: usize) -> (Arc<Self>, OutboxReader) {
        let inner = Inner { queue: VecDeque::new(), frames: 0, bytes: 0, end: None, session_gone: false, waker: None };
        let outbox = Arc::new(Self { inner: Mutex::new(inner), max_frames, max_bytes });
        (outbox.clone(), OutboxReader(outbox))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Put something at the end. What comes after an end is dropped.
    ///
    /// # Errors
    /// [`Overflow`] if it does not fit: nothing was taken.
    pub fn push(&self, item: Outgoing) -> Result<(), Overflow> {
        let mut inner = self.lock();
        if inner.end.is_some() || inner.session_gone {
            return Ok(());
        }
        let (frames, bytes) = cost(&item);
        if inner.frames + frames > self.max_frames || inner.bytes + bytes > self.max_bytes {
            return Err(Overflow);
        }
        inner.frames += frames;
        inner.bytes += bytes;
        inner.queue.push_back(item);
        wake(inner);
        Ok(())
    }

    /// True while most of the bound is free: there is room for more than the next frame.
    pub fn is_roomy(&self) -> bool {
        let inner = self.lock();
        inner.frames <= self.max_frames / 4 && inner.bytes <= self.max_bytes / 4
    }

    /// End the connection now: what waits is dropped.
    pub fn close(&self, close: Close) {
        let mut inner = self.lock();
        inner.queue.clear();
        (inner.frames, inner.bytes) = (0, 0);
        inner.end.get_or_insert(close);
        wake(inner);
    }

    /// End the connection after what waits.
    pub fn finish(&self, close: Close) {
        let mut inner = self.lock();
        inner.end.get_or_insert(close);
        wake(inner);
    }

    /// The session is gone: nobody will read this.
    pub fn is_abandoned(&self) -> bool {
        self.lock().session_gone
    }
}

/// Wake after the lock is let go: the woken task takes it at once.
fn wake(mut inner: MutexGuard<'_, Inner>) {
    let waker = inner.waker.take();
    drop(inner);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The session's end; dropped with it.
#[derive(Debug)]
pub struct OutboxReader(Arc<Outbox>);

impl Stream for OutboxReader {
    type Item = Outgoing;

    fn poll_next(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        let mut inner = self.0.lock();
        if let Some(item) = inner.queue.pop_front() {
            let (frames, bytes) = cost(&item);
            inner.frames -= frames;
            inner.bytes -= bytes;
            if inner.queue.is_empty() && inner.queue.capacity() > IDLE_CAPACITY {
                inner.queue = VecDeque::new();
            }
            return Poll::Ready(Some(item));
        }
        if let Some(close) = inner.end {
            return Poll::Ready(Some(Outgoing::Close(close)));
        }
        inner.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for OutboxReader {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.session_gone = true;
        inner.queue.clear();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    fn message(bytes: usize) -> Outgoing {
        Outgoing::Message("x".repeat(bytes).into(), Verdict::Neutral)
    }

    #[test]
    fn frames_and_bytes_are_bounded_until_they_are_taken_out() {
        let (outbox, mut reader) = Outbox::new(3, 100);
        assert_eq!(outbox.push(message(50)), Ok(()));
        assert_eq!(outbox.push(message(51)), Err(Overflow));
        assert_eq!(outbox.push(message(50)), Ok(()));
        assert_eq!(outbox.push(message(0)), Ok(()));
        assert_eq!(outbox.push(message(0)), Err(Overflow));
        assert!(reader.next().now_or_never().is_some());
        assert_eq!(outbox.push(message(50)), Ok(()));
    }

    #[test]
    fn a_close_drops_what_waits_and_a_finish_does_not() {
        let (outbox, mut reader) = Outbox::new(3, 100);
        outbox.push(message(1)).unwrap();
        outbox.finish(Close::ShuttingDown);
        outbox.push(message(1)).unwrap();
        assert!(matches!(reader.next().now_or_never(), Some(Some(Outgoing::Message(..)))));
        assert!(matches!(reader.next().now_or_never(), Some(Some(Outgoing::Close(Close::ShuttingDown)))));

        let (outbox, mut reader) = Outbox::new(3, 100);
        outbox.push(message(1)).unwrap();
        outbox.close(Close::Slow);
        assert!(matches!(reader.next().now_or_never(), Some(Some(Outgoing::Close(Close::Slow)))));
    }

    #[test]
    fn a_reader_that_waits_is_woken_and_one_that_is_gone_is_seen() {
        let (outbox, mut reader) = Outbox::new(3, 100);
        let mut next = tokio_test_task(&mut reader);
        assert!(next().is_pending());
        outbox.push(message(1)).unwrap();
        assert!(next().is_ready());
        assert!(!outbox.is_abandoned());
        drop(next);
        drop(reader);
        assert!(outbox.is_abandoned());
    }

    /// Polls only after a wake, as a runtime does.
    fn tokio_test_task(reader: &mut OutboxReader) -> impl FnMut() -> Poll<Option<Outgoing>> + '_ {
        use std::sync::atomic::{AtomicBool, Ordering};
        struct Flag(AtomicBool);
        impl futures_util::task::ArcWake for Flag {
            fn wake_by_ref(flag: &Arc<Self>) {
                flag.0.store(true, Ordering::SeqCst);
            }
        }
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = futures_util::task::waker(flag.clone());
        move || {
            assert!(flag.0.swap(false, Ordering::SeqCst), "not woken");
            reader.poll_next_unpin(&mut Context::from_waker(&waker))
        }
    }
}
