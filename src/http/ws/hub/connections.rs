//! Connections, as the hub serves them: how they come, what they say, how they are written to, how they end.
//!
//! What a client says is acted on in the hub's own turn, message by message: what it says next is read after that. What is
//! said to clients during a turn is written at its end, once for each connection. A session is forgotten as soon as its
//! end is decided; its connection stays in the table of sockets until the close frame was written and answered.

use std::{
    io,
    net::TcpStream,
    ops::ControlFlow,
    pin::Pin,
    task::{Context as TaskContext, Poll},
    time::{Duration, Instant},
};

use actix::prelude::*;
use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use super::{Hub, Session, SessionId};
use crate::{
    http::ws::{
        admission::Permit,
        codes::Close,
        frames::Heard,
        identity::Visitor,
        messages,
        outbox::{Outgoing, Verdict},
        protocol::{self, Action, ClientMessage},
        sockets::{Life, Ready},
    },
    view::wire,
};

/// Reads of one connection in a turn; the others have theirs before it goes on.
const READS_A_TURN: usize = 4;
/// Rounds of writing in a turn: a page that was written brings the next.
const ROUNDS_A_TURN: usize = 4;

/// A connection was made, and speaks WebSocket from here on.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Connect {
    /// Who.
    pub session: SessionId,
    /// Its socket, which does not block.
    pub stream: TcpStream,
    /// What is to be written first: the answer to its handshake.
    pub head: Bytes,
    /// What it has said already.
    pub rest: BytesMut,
    /// Its right to be here, or why it is to be closed at once.
    pub permit: Permit,
    /// Who it is, as far as the handshake told.
    pub visitor: Visitor,
    /// Why it is told to leave at once, if it is.
    pub refused: Option<Close>,
}

impl Handler<Connect> for Hub {
    type Result = ();

    fn handle(&mut self, connect: Connect, ctx: &mut Context<Self>) {
        let Connect { session, stream, head, mut rest, permit, visitor, refused } = connect;
        let now = Instant::now();
        let (place, outbox) = match self.sockets.add(stream, session, &self.limits, permit, now) {
            Ok(added) => added,
            Err(error) => return log::warn!("a connection can't be taken: {error}"),
        };
        self.told.opened();
        let refused = refused.or(self.is_closing.then_some(Close::ShuttingDown));
        let greeted = outbox.push(Outgoing::Frames(head, 0)).and_then(|()| match refused {
            Some(_) => Ok(()),
            None => {
                let welcome = messages::welcome(Uuid::new_v4(), &self.limits);
                outbox.push(Outgoing::Message(welcome, Verdict::Neutral))
            }
        });
        if let Some(close) = refused.or(greeted.is_err().then_some(Close::Slow)) {
            return outbox.finish(close);
        }
        // Those who came together are not all told in one turn: everybody else would wait for it.
        let first_beat = now + self.limits.heartbeat * rand::random_range(512..=1_024) / 1_024;
        self.beats.insert((first_beat, session));
        self.sessions.insert(session, Box::new(Session::new(outbox, visitor, first_beat)));
        if !rest.is_empty() {
            self.take(place, &mut rest, now, ctx);
        }
    }
}

impl StreamHandler<Vec<Ready>> for Hub {
    fn handle(&mut self, ready: Vec<Ready>, ctx: &mut Context<Self>) {
        let now = Instant::now();
        for Ready { place, readable, ended, writable } in ready {
            if readable {
                self.read(place, ended, now, ctx);
            }
            if writable {
                self.write(place, now, ctx);
            }
        }
        self.flush(ctx);
    }
}

/// Writes whatever was said outside of the turns that write it themselves, whoever said it; never ends.
pub(super) struct Flushing;

impl ActorFuture<Hub> for Flushing {
    type Output = ();

    fn poll(self: Pin<&mut Self>, hub: &mut Hub, ctx: &mut Context<Hub>, task: &mut TaskContext<'_>) -> Poll<()> {
        hub.sockets.marks.wake_with(task.waker());
        hub.flush(ctx);
        Poll::Pending
    }
}

impl Hub {
    /// Write every connection that has something to write, and go on reading those that have more.
    pub(super) fn flush(&mut self, ctx: &mut Context<Self>) {
        if self.sockets.marks.is_empty() && self.sockets.unread.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut marked = std::mem::take(&mut self.marked);
        for _ in 0..ROUNDS_A_TURN {
            self.sockets.marks.take(&mut marked);
            if marked.is_empty() {
                break;
            }
            marked.iter().for_each(|place| self.write(*place, now, ctx));
        }
        self.marked = marked;
        for (place, ended) in std::mem::take(&mut self.sockets.unread) {
            self.read(place, ended, now, ctx);
        }
        if !self.sockets.marks.is_empty() || !self.sockets.unread.is_empty() {
            self.sockets.marks.wake();
        }
    }

    fn write(&mut self, place: usize, now: Instant, ctx: &mut Context<Self>) {
        let Some(connection) = self.sockets.get_mut(place) else { return };
        let session = connection.session;
        let written = connection.write(now);
        self.told.wrote(connection.outbox.take_sent());
        match written {
            Ok(written) => {
                if written.is_over {
                    self.forget(session);
                } else if written.page {
                    self.page_written(session, ctx);
                }
            }
            Err(_) => self.lose(place, false),
        }
    }

    /// Read what came, up to a share of the turn; up to the very end, if the peer has ended.
    fn read(&mut self, place: usize, ended: bool, now: Instant, ctx: &mut Context<Self>) {
        let mut buffer = self.sockets.lend_buffer();
        let mut has_more = true;
        for _ in 0..READS_A_TURN {
            let Some(connection) = self.sockets.get_mut(place) else { break };
            match connection.read(&mut buffer) {
                Ok(0) => self.lose(place, false),
                Ok(count) => {
                    has_more = ended || count == buffer.len();
                    if let Some(came) = buffer.get_mut(..count) {
                        self.take(place, came, now, ctx);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => has_more = false,
                Err(_) => self.lose(place, false),
            }
            if !has_more {
                break;
            }
        }
        self.sockets.return_buffer(buffer);
        if has_more && self.sockets.get_mut(place).is_some() {
            self.sockets.unread.push((place, ended));
        }
    }

    /// Bytes came. After an end they are thrown away.
    fn take(&mut self, place: usize, came: &mut [u8], now: Instant, ctx: &mut Context<Self>) {
        let Some(connection) = self.sockets.get_mut(place) else { return };
        if connection.outbox.is_ending() {
            return;
        }
        let session = connection.session;
        let mut frames = std::mem::take(&mut connection.frames);
        let read = frames.read(came, self.limits.message_bytes, |heard| self.hear(place, session, heard, now, ctx));
        let Some(connection) = self.sockets.get_mut(place) else { return };
        match read {
            _ if connection.outbox.is_ending() => {}
            Ok(()) => connection.frames = frames,
            // What came before a violation is still answered.
            Err(close) => self.end(place, close),
        }
    }

    fn hear(
        &mut self,
        place: usize,
        session: SessionId,
        heard: Heard<'_>,
        now: Instant,
        ctx: &mut Context<Self>,
    ) -> ControlFlow<()> {
        let Some(connection) = self.sockets.get_mut(place) else { return ControlFlow::Break(()) };
        connection.heard(now);
        self.told.heard();
        let is_within = connection.bucket.take(self.message_rate, now);
        match heard {
            Heard::Close(code) => {
                connection.outbox.echo(code);
                self.forget(session);
            }
            _ if !is_within => self.end(place, Close::RateLimited),
            Heard::Text(text) => self.act(session, text, ctx),
            Heard::Ping(said) => {
                let mut pong = BytesMut::new();
                wire::put_pong(&mut pong, said);
                self.send(session, Outgoing::Frames(pong.freeze(), 1));
            }
            Heard::Pong => {}
        }
        match self.sockets.get_mut(place) {
            Some(connection) if !connection.outbox.is_ending() => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }

    /// A message of a client.
    fn act(&mut self, session: SessionId, text: &str, ctx: &mut Context<Self>) {
        let ClientMessage { id, action } = match protocol::parse(text, self.limits.channels) {
            Ok(message) => message,
            Err(refusal) => {
                return self.refuse(session, &refusal.id, None, refusal.code, &refusal.message);
            }
        };
        match action {
            // Whether it was a good one is known when it is answered.
            Action::Subscribe(wants) => self.subscribe(session, id, wants, ctx),
            Action::Unsubscribe(channels) => self.unsubscribe(session, &id, &channels),
            Action::List => self.list(session, &id),
            Action::Unquote(quote) => self.unquote(session, &id, quote),
            Action::Perform(command) => self.perform(session, id, command),
            Action::Ping => self.send(session, Outgoing::Message(messages::pong(id.as_ref()), Verdict::Good)),
            Action::Pong => {
                if let Some(known) = self.sessions.get(&session) {
                    known.outbox.judge(Verdict::Good);
                }
            }
        }
    }

    /// Close a connection, after what waits.
    fn end(&mut self, place: usize, close: Close) {
        let Some(connection) = self.sockets.get_mut(place) else { return };
        connection.outbox.finish(close);
        let session = connection.session;
        self.forget(session);
    }

    /// A connection is gone.
    fn lose(&mut self, place: usize, resets: bool) {
        let close = self.sockets.get_mut(place).and_then(|connection| connection.outbox.told());
        if let Some(session) = self.sockets.remove(place, resets) {
            self.told.closed(close);
            self.forget(session);
        }
    }

    /// How often the clock is looked at for every connection.
    pub(super) fn life_interval(&self) -> Duration {
        let shortest = self.limits.silence.min(self.limits.pong_wait);
        (shortest / 4).clamp(Duration::from_millis(20), Duration::from_secs(1))
    }

    /// Look at the clock for every connection.
    pub(super) fn check_lives(&mut self, now: Instant) {
        for place in self.sockets.places() {
            let Some(connection) = self.sockets.get_mut(place) else { continue };
            match connection.check(&self.limits, now) {
                Life::Fine => {}
                Life::Silent => {
                    let mut ping = BytesMut::new();
                    wire::put_ping(&mut ping);
                    let session = connection.session;
                    self.send(session, Outgoing::Frames(ping.freeze(), 1));
                }
                Life::NoPong => {
                    connection.outbox.close(Close::NoPong);
                    let session = connection.session;
                    self.forget(session);
                }
                Life::Slow => {
                    let session = connection.session;
                    self.drop_slow(session);
                }
                Life::Over => self.lose(place, false),
                Life::Stuck => self.lose(place, true),
            }
        }
    }
}
