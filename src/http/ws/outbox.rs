//! The outbox between the hub and a connection: bounded in frames and bytes, in order, and written as the socket takes it.
//!
//! Hub and sockets live on one thread, so this is plain state: no lock, no waker of its own. Whoever puts something in
//! marks the connection ([`Marks`]), and the hub writes every marked one at the end of its turn, all that waits in one
//! call. What is put in is laid out already, mostly a buffer that many connections share; an outbox with nothing or one
//! thing in it allocates nothing. Past the bound nothing more is taken ([`Overflow`]): live frames are then read again by
//! pages, and who does not take what waits is closed as slow ([`Outbox::is_slow`]). A page of a replay is not counted, but there is at most one of it: the next is asked for when it was written.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    io::{self, IoSlice, Write},
    rc::Rc,
    sync::Arc,
    task::Waker,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::{codes::Close, messages::WsErrorCode};
use crate::view::{frame::FramePack, wire};

/// Buffers that go into one call.
const SLICES: usize = 64;
/// Bad messages in a row that close a connection.
const MAX_STRIKES: u8 = 10;
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
    /// Frames that are laid out already, and how many they are.
    Frames(Bytes, usize),
    /// A page of a replay; ask for more after it.
    Page(Vec<Arc<FramePack>>),
    /// An answer, or a message of the hub's own.
    Message(ByteString, Verdict),
}

/// Too much waits already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the outbox is full")]
pub struct Overflow;

/// Which connections have something to write, and who is to be woken for them.
#[derive(Debug, Default)]
pub struct Marks {
    places: RefCell<Vec<usize>>,
    waker: RefCell<Option<Waker>>,
}

impl Marks {
    /// A connection has something to write.
    pub fn add(&self, place: usize) {
        let is_first = {
            let mut places = self.places.borrow_mut();
            places.push(place);
            places.len() == 1
        };
        if is_first {
            self.wake();
        }
    }

    /// Whoever writes is to come again.
    pub fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Who is woken.
    pub fn wake_with(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    /// Those that are marked, for `taken`, which is emptied first.
    pub fn take(&self, taken: &mut Vec<usize>) {
        taken.clear();
        std::mem::swap(&mut *self.places.borrow_mut(), taken);
    }

    /// Nobody is marked.
    pub fn is_empty(&self) -> bool {
        self.places.borrow().is_empty()
    }
}

/// Something that waits.
#[derive(Debug)]
struct Item {
    wire: Bytes,
    /// What it counts against the bound.
    frames: u32,
    bytes: u32,
    ends_page: bool,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Its close frame waits for what is before it.
    After(Option<u16>, &'static str),
    /// Its close frame is the last that waits, or was written.
    Laid,
}

/// A socket that takes nothing now.
#[derive(Debug, Clone, Copy)]
struct Blocked {
    /// It has not taken all that waited since then.
    since: Instant,
    /// When it last took anything.
    progress_at: Instant,
}

#[derive(Debug, Default)]
struct Inner {
    /// Mostly at most one waits: a queue would be an allocation for each.
    first: Option<Item>,
    rest: VecDeque<Item>,
    /// Bytes of the first that are written.
    offset: usize,
    frames: usize,
    bytes: usize,
    /// Live frames that were left out because it was behind; counted as if they waited.
    deferred_frames: usize,
    deferred_bytes: usize,
    blocked: Option<Blocked>,
    end: Option<End>,
    /// What the client is told of its end, where it is ended from here.
    told: Option<Close>,
    /// Frames and bytes that the socket took, since somebody asked.
    sent: (u32, u64),
    strikes: u8,
}

/// What came of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// A page of a replay is among what was written: there is room for the next.
    pub page: bool,
    /// The close frame was written: nothing follows.
    pub is_over: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Outbox {
    inner: RefCell<Inner>,
    max_frames: u32,
    max_bytes: u32,
    is_gone: Cell<bool>,
    is_marked: Cell<bool>,
    marks: Rc<Marks>,
    place: usize,
}

impl Inner {
    fn put(&mut self, item: Item) {
        self.frames += item.frames as usize;
        self.bytes += item.bytes as usize;
        if self.first.is_none() {
            self.first = Some(item);
        } else {
            self.rest.push_back(item);
        }
    }

    /// So many bytes were written. Returns whether a page ended in them.
    fn consume(&mut self, mut count: usize) -> bool {
        let mut page = false;
        while let Some(first) = &self.first {
            let left = first.wire.len() - self.offset;
            if count < left {
                self.offset += count;
                break;
            }
            count -= left;
            self.offset = 0;
            self.frames -= first.frames as usize;
            self.sent.0 += first.frames;
            self.bytes -= first.bytes as usize;
            page |= first.ends_page;
            self.first = self.rest.pop_front();
        }
        if self.rest.is_empty() {
            // What a burst took is given back.
            self.rest = VecDeque::new();
        }
        page
    }

    /// Only what is half written is left.
    fn drop_waiting(&mut self) {
        self.rest = VecDeque::new();
        if self.offset == 0 {
            self.first = None;
        }
        let left = self.first.as_ref();
        (self.frames, self.bytes) = left.map_or((0, 0), |item| (item.frames as usize, item.bytes as usize));
    }

    fn write_once(&self, out: &mut impl Write) -> io::Result<usize> {
        let Some(first) = &self.first else { return Ok(0) };
        let head = first.wire.get(self.offset..).unwrap_or_default();
        if self.rest.is_empty() {
            return out.write(head);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let waiting = std::iter::once(head).chain(self.rest.iter().map(|item| &item.wire[..]));
        let count = slices.iter_mut().zip(waiting).map(|(slice, wire)| *slice = IoSlice::new(wire)).count();
        out.write_vectored(slices.get(..count).unwrap_or_default())
    }
}

impl Outbox {
    /// An empty outbox of the connection at `place`.
    pub fn new(max_frames: usize, max_bytes: usize, marks: Rc<Marks>, place: usize) -> Rc<Self> {
        let bound = |max: usize| u32::try_from(max).unwrap_or(u32::MAX);
        Rc::new(Self {
            inner: RefCell::default(),
            max_frames: bound(max_frames),
            max_bytes: bound(max_bytes),
            is_gone: Cell::new(false),
            is_marked: Cell::new(false),
            marks,
            place,
        })
    }

    fn mark(&self) {
        if !self.is_marked.replace(true) {
            self.marks.add(self.place);
        }
    }

    /// Put something at the end. What comes after an end is dropped. The tenth mistake in a row is an end.
    ///
    /// # Errors
    /// [`Overflow`] if it does not fit: nothing was taken.
    pub fn push(&self, item: Outgoing) -> Result<(), Overflow> {
        match item {
            Outgoing::Pack(pack) => self.put(pack.wire().clone(), pack.count()),
            Outgoing::Frames(wire, frames) => self.put(wire, frames),
            Outgoing::Message(text, verdict) => {
                let mut wire = BytesMut::new();
                wire::put_text(&mut wire, &text);
                self.put(wire.freeze(), 1)?;
                if self.is_one_too_many(verdict) {
                    self.finish(Close::TooManyBad);
                }
                Ok(())
            }
            Outgoing::Page(page) => {
                if !self.is_ending() && !self.is_gone.get() {
                    let last = page.len().saturating_sub(1);
                    let mut inner = self.inner.borrow_mut();
                    for (at, pack) in page.iter().enumerate() {
                        let wire = pack.wire().clone();
                        inner.put(Item { wire, frames: 0, bytes: 0, ends_page: at == last });
                    }
                    drop(inner);
                    self.mark();
                }
                Ok(())
            }
        }
    }

    fn put(&self, wire: Bytes, frames: usize) -> Result<(), Overflow> {
        let mut inner = self.inner.borrow_mut();
        if inner.end.is_some() || self.is_gone.get() {
            return Ok(());
        }
        let bytes = wire.len();
        if inner.frames + frames > self.max_frames as usize || inner.bytes + bytes > self.max_bytes as usize {
            return Err(Overflow);
        }
        // Both are below their bounds, which are of 32 bits.
        inner.put(Item { wire, frames: frames as u32, bytes: bytes as u32, ends_page: false });
        drop(inner);
        self.mark();
        Ok(())
    }

    fn is_one_too_many(&self, verdict: Verdict) -> bool {
        let mut inner = self.inner.borrow_mut();
        match verdict {
            Verdict::Good => inner.strikes = 0,
            Verdict::Strike => inner.strikes = inner.strikes.saturating_add(1),
            Verdict::Neutral => {}
        }
        inner.strikes >= MAX_STRIKES
    }

    /// An answer without a message of its own was a good one, or a mistake.
    pub fn judge(&self, verdict: Verdict) {
        if self.is_one_too_many(verdict) {
            self.finish(Close::TooManyBad);
        }
    }

    /// Frames that wait, and their bytes.
    pub fn waiting(&self) -> (usize, usize) {
        let inner = self.inner.borrow();
        (inner.frames, inner.bytes)
    }

    /// True while most of the bound is free: there is room for more than the next frame.
    pub fn is_roomy(&self) -> bool {
        let inner = self.inner.borrow();
        inner.frames <= self.max_frames as usize / 4 && inner.bytes <= self.max_bytes as usize / 4
    }

    /// So much more would fit.
    pub fn has_room(&self, frames: usize, bytes: usize) -> bool {
        let inner = self.inner.borrow();
        inner.frames + frames <= self.max_frames as usize && inner.bytes + bytes <= self.max_bytes as usize
    }

    /// Most of the bound is free, and so much more would fit.
    pub fn takes(&self, frames: usize, bytes: usize) -> bool {
        self.is_roomy() && self.has_room(frames, bytes)
    }

    /// Live frames were left out, to be read again by pages. They count until everything that waits was written.
    ///
    /// # Errors
    /// [`Overflow`] as [`Outbox::is_slow`] has it.
    pub fn defer(&self, frames: usize, bytes: usize, patience: Duration, now: Instant) -> Result<(), Overflow> {
        let mut inner = self.inner.borrow_mut();
        if inner.end.is_some() {
            return Ok(());
        }
        inner.deferred_frames += frames;
        inner.deferred_bytes += bytes;
        drop(inner);
        if self.is_slow(patience, now) { Err(Overflow) } else { Ok(()) }
    }

    /// More than the bound is behind a reader that has not taken all that waited for as long as this.
    pub fn is_slow(&self, patience: Duration, now: Instant) -> bool {
        let inner = self.inner.borrow();
        let is_late = inner.blocked.is_some_and(|blocked| now.duration_since(blocked.since) >= patience);
        let is_past = inner.frames + inner.deferred_frames > self.max_frames as usize
            || inner.bytes + inner.deferred_bytes > self.max_bytes as usize;
        is_late && is_past
    }

    /// End the connection now: what waits is dropped, but for a frame that is half written.
    pub fn close(&self, close: Close) {
        let mut inner = self.inner.borrow_mut();
        if matches!(inner.end, None | Some(End::After(..))) {
            inner.drop_waiting();
            if inner.end.is_none() {
                inner.told = Some(close);
            }
            inner.end.get_or_insert(End::After(Some(close.code()), close.sentence()));
            drop(inner);
            self.mark();
        }
    }

    /// End the connection after what waits.
    pub fn finish(&self, close: Close) {
        if !self.is_ending() {
            self.inner.borrow_mut().told = Some(close);
        }
        self.end_with(Some(close.code()), close.sentence());
    }

    /// The client closed, with this code: say it back, after what waits.
    pub fn echo(&self, code: Option<u16>) {
        self.end_with(code, "");
    }

    fn end_with(&self, code: Option<u16>, reason: &'static str) {
        self.inner.borrow_mut().end.get_or_insert(End::After(code, reason));
        self.mark();
    }

    /// What the client was told of its end, if it was ended from here.
    pub fn told(&self) -> Option<Close> {
        self.inner.borrow().told
    }

    /// How many frames and bytes the socket took since this was asked last.
    pub fn take_sent(&self) -> (u32, u64) {
        std::mem::take(&mut self.inner.borrow_mut().sent)
    }

    /// It was closed or finished: nothing more is taken.
    pub fn is_ending(&self) -> bool {
        self.inner.borrow().end.is_some()
    }

    /// The connection is gone: nobody will read this.
    pub fn is_abandoned(&self) -> bool {
        self.is_gone.get()
    }

    /// The connection is gone: what waits is dropped, and nothing is taken any more.
    pub fn abandon(&self) {
        self.is_gone.set(true);
        let mut inner = self.inner.borrow_mut();
        (inner.first, inner.rest, inner.offset) = (None, VecDeque::new(), 0);
        (inner.frames, inner.bytes) = (0, 0);
    }

    /// For how long the socket has taken nothing of what waits.
    pub fn stuck_for(&self, now: Instant) -> Option<Duration> {
        self.inner.borrow().blocked.map(|blocked| now.duration_since(blocked.progress_at))
    }

    /// Write what waits, as much as is taken.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn write_to(&self, out: &mut impl Write, now: Instant) -> io::Result<Written> {
        self.is_marked.set(false);
        let mut inner = self.inner.borrow_mut();
        let mut written = Written { page: false, is_over: false };
        loop {
            if inner.first.is_none() {
                inner.blocked = None;
                (inner.deferred_frames, inner.deferred_bytes) = (0, 0);
                match inner.end {
                    None => return Ok(written),
                    Some(End::After(code, reason)) => {
                        let mut wire = BytesMut::new();
                        match code {
                            Some(code) => wire::put_close(&mut wire, code, reason),
                            None => wire::put_empty_close(&mut wire),
                        }
                        inner.end = Some(End::Laid);
                        inner.put(Item { wire: wire.freeze(), frames: 0, bytes: 0, ends_page: false });
                    }
                    Some(End::Laid) => {
                        written.is_over = true;
                        return Ok(written);
                    }
                }
            }
            match inner.write_once(out) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    inner.sent.1 += count as u64;
                    written.page |= inner.consume(count);
                    if let Some(blocked) = &mut inner.blocked {
                        blocked.progress_at = now;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    inner.blocked.get_or_insert(Blocked { since: now, progress_at: now });
                    return Ok(written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
