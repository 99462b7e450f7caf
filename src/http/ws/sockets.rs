//! The sockets of a worker: all of them in one table, watched by one poll, on the hub's thread.
//!
//! No task and no buffer for each: a connection is its descriptor, its outbox and a few numbers, and what is idle costs
//! only these. Owns registering, reading into one shared buffer, writing, and how a connection is left: with a close
//! frame and time for the peer to answer it, or reset. Knows no channel and no message; what is heard and what is to be
//! said is the hub's.
//!
//! The poll itself is a descriptor, too: it stands in the worker's runtime like any other ([`readiness`]), so the hub
//! sleeps where all the worker sleeps.

use std::{
    io::{self, Read},
    net::Shutdown,
    rc::Rc,
    task::{Poll as TaskPoll, ready},
    time::{Duration, Instant},
};

use futures_util::{Stream, stream::poll_fn};
use mio::{Events, Interest, Poll, Registry, Token, net::TcpStream};
use slab::Slab;
use tokio::io::unix::AsyncFd;

use super::{
    WsLimits,
    admission::Permit,
    codes::Close,
    frames::Frames,
    hub::SessionId,
    outbox::{Marks, Outbox, Written},
    rate::MessageBucket,
};

/// What is read at once.
const READ_BYTES: usize = 64 * 1024;
/// Events that are taken at once.
const EVENTS: usize = 1_024;
/// After our close frame the peer has so long to end the connection.
const CLOSE_WAIT: Duration = Duration::from_secs(3);
/// From when its end is decided, a connection has so long to take what waits for it.
const END_WAIT: Duration = Duration::from_secs(30);
/// A socket that takes nothing of what waits for so long is reset.
pub const STUCK: Duration = Duration::from_secs(30);

/// Something happened to a socket.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    /// Whose.
    pub place: usize,
    /// There is something to read, or the end.
    pub readable: bool,
    /// The peer has ended its side: everything up to that is to be read.
    pub ended: bool,
    /// It takes something again.
    pub writable: bool,
}

/// What a poll tells, for an actor to take. Must be called where the worker's runtime is.
///
/// # Errors
/// The runtime does not take the descriptor.
pub fn readiness(poll: Poll) -> io::Result<impl Stream<Item = Vec<Ready>>> {
    #[expect(
        deprecated,
        reason = "what replaces it is unsafe, for types that may change their descriptor: a Poll never does"
    )]
    let mut poll = AsyncFd::with_interest(poll, tokio::io::Interest::READABLE)?;
    let mut events = Events::with_capacity(EVENTS);
    Ok(poll_fn(move |cx| {
        loop {
            let mut guard = match ready!(poll.poll_read_ready_mut(cx)) {
                Ok(guard) => guard,
                Err(error) => {
                    log::error!("sockets can't be watched any more: {error}");
                    return TaskPoll::Ready(None);
                }
            };
            match guard.get_inner_mut().poll(&mut events, Some(Duration::ZERO)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    log::error!("sockets can't be watched any more: {error}");
                    return TaskPoll::Ready(None);
                }
                Ok(()) => {}
            }
            let ready: Vec<Ready> = events
                .iter()
                .map(|event| {
                    let ended = event.is_read_closed() || event.is_error();
                    let readable = event.is_readable() || ended;
                    Ready { place: event.token().0, readable, ended, writable: event.is_writable() }
                })
                .collect();
            // Fewer than fit: nothing is left, and what comes next is told anew.
            if ready.len() < EVENTS {
                guard.clear_ready();
            }
            if !ready.is_empty() {
                return TaskPoll::Ready(Some(ready));
            }
        }
    }))
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// Its number in the process.
    pub session: SessionId,
    /// What it is to be sent.
    pub outbox: Rc<Outbox>,
    /// What it says.
    pub frames: Frames,
    /// How many messages it may send.
    pub bucket: MessageBucket,
    /// When its last message or control frame came.
    last_heard: Instant,
    pinged_at: Option<Instant>,
    /// Its close frame was written; it stays until then at most.
    lingers_until: Option<Instant>,
    /// Its end is decided; it has until then at most, however little it takes at a time.
    ends_by: Option<Instant>,
    /// Given back with it.
    _permit: Permit,
}

/// What a look at the clock says of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Nothing.
    Fine,
    /// It has been silent: ask.
    Silent,
    /// It was asked and said nothing.
    NoPong,
    /// Too much waits for it, for too long.
    Slow,
    /// It had time to answer our close.
    Over,
    /// It takes nothing: reset it.
    Stuck,
}

impl Connection {
    /// It said something.
    pub fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.pinged_at = None;
    }

    /// Look at the clock; a connection that is silent counts as asked from here on.
    pub fn check(&mut self, limits: &WsLimits, now: Instant) -> Life {
        if self.lingers_until.is_some_and(|until| until <= now) {
            return Life::Over;
        }
        if self.outbox.stuck_for(now).is_some_and(|stuck| stuck >= STUCK) {
            return Life::Stuck;
        }
        if self.outbox.is_ending() {
            let ends_by = *self.ends_by.get_or_insert(now + END_WAIT);
            return if ends_by <= now { Life::Stuck } else { Life::Fine };
        }
        if self.outbox.is_slow(limits.catch_up, now) {
            return Life::Slow;
        }
        match self.pinged_at {
            Some(pinged_at) if now.duration_since(pinged_at) >= limits.pong_wait => Life::NoPong,
            None if now.duration_since(self.last_heard) >= limits.silence => {
                self.pinged_at = Some(now);
                Life::Silent
            }
            _ => Life::Fine,
        }
    }

    /// Read once, into this.
    ///
    /// # Errors
    /// There is nothing now, or the connection is broken.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }

    /// Write what waits. After the close frame our side is ended: a peer that sees it ends its own.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn write(&mut self, now: Instant) -> io::Result<Written> {
        if self.lingers_until.is_some() {
            return Ok(Written { page: false, is_over: false });
        }
        let written = self.outbox.write_to(&mut self.stream, now)?;
        if written.is_over {
            self.stream.shutdown(Shutdown::Write)?;
            self.lingers_until = Some(now + CLOSE_WAIT);
            self.frames = Frames::default();
        }
        Ok(written)
    }

    /// What the kernel still holds for it is thrown away with it.
    fn reset(&self) {
        if let Err(error) = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)) {
            log::debug!("a connection could not be reset: {error}");
        }
    }
}

/// The table.
#[derive(Debug)]
pub struct Sockets {
    registry: Option<Registry>,
    table: Slab<Connection>,
    /// Who has something to write.
    pub marks: Rc<Marks>,
    /// Those that were read as much as one may be in a turn, and have more.
    pub unread: Vec<(usize, bool)>,
    /// What is read goes here; empty while it is out.
    buffer: Vec<u8>,
}

impl Default for Sockets {
    fn default() -> Self {
        let marks = Rc::default();
        Self { registry: None, table: Slab::new(), marks, unread: Vec::new(), buffer: vec![0; READ_BYTES] }
    }
}

impl Sockets {
    /// Begin to watch. Returns what tells of the sockets.
    ///
    /// # Errors
    /// The process has no descriptor left for the poll.
    pub fn open(&mut self) -> io::Result<impl Stream<Item = Vec<Ready>> + use<>> {
        let poll = Poll::new()?;
        self.registry = Some(poll.registry().try_clone()?);
        readiness(poll)
    }

    /// Take a socket, which must not block. Returns where it is.
    ///
    /// # Errors
    /// It can't be watched.
    pub fn add(
        &mut self,
        stream: std::net::TcpStream,
        session: SessionId,
        limits: &WsLimits,
        permit: Permit,
        now: Instant,
    ) -> io::Result<(usize, Rc<Outbox>)> {
        let registry = self.registry.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let mut stream = TcpStream::from_std(stream);
        let entry = self.table.vacant_entry();
        let place = entry.key();
        registry.register(&mut stream, Token(place), Interest::READABLE | Interest::WRITABLE)?;
        let outbox = Outbox::new(limits.outbox_frames, limits.outbox_bytes, Rc::clone(&self.marks), place);
        entry.insert(Connection {
            stream,
            session,
            outbox: Rc::clone(&outbox),
            frames: Frames::default(),
            bucket: MessageBucket::new(now),
            last_heard: now,
            pinged_at: None,
            lingers_until: None,
            ends_by: None,
            _permit: permit,
        });
        Ok((place, outbox))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.table.len()
    }

    /// A connection, while it is there.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut Connection> {
        self.table.get_mut(place)
    }

    /// Where the connections are.
    pub fn places(&self) -> Vec<usize> {
        self.table.iter().map(|(place, _)| place).collect()
    }

    /// Leave a connection; `resets` throws away what is still on its way. Returns whose it was.
    pub fn remove(&mut self, place: usize, resets: bool) -> Option<SessionId> {
        let connection = self.table.try_remove(place)?;
        connection.outbox.abandon();
        if resets {
            connection.reset();
        }
        Some(connection.session)
    }

    /// Lend the buffer that is read into.
    pub fn lend_buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Give it back.
    pub fn return_buffer(&mut self, buffer: Vec<u8>) {
        self.buffer = buffer;
    }
}

impl Drop for Sockets {
    /// The hub is gone, by a panic or with its worker: whoever is still here is told to come back, as far as its socket
    /// takes it at once.
    fn drop(&mut self) {
        let now = Instant::now();
        for (_, connection) in &mut self.table {
            connection.outbox.close(Close::Restarted);
            let _ = connection.write(now);
        }
    }
}

#[cfg(test)]
#[path = "sockets_tests.rs"]
mod tests;
