//! Each entry exactly once and in order, as pure state: what a stream sends a hub ([`Inlet`]), and where a session stands
//! in it ([`Reader`]).
//!
//! A stream drops what does not fit in a hub's inbox, and a hub asks again when it sees the hole; so entries may come
//! twice, late, or not at all. Both types decide by number alone, and know neither sockets nor actors, so that every
//! order of arrival can be tested.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::ids::Seq;

/// Entries that came before their turn are kept up to here, for when the hole is filled; more are dropped and asked for
/// again.
pub const MAX_EARLY: usize = 1_024;
/// Entries that a hub keeps of a channel, for sessions that are a little behind.
pub const MAX_RECENT: usize = 1_024;

/// What a hub has of a channel.
#[derive(Debug)]
pub struct Inlet<T> {
    /// Everything up to here came, once and in order; `None` before the start is known.
    head: Option<Seq>,
    /// The newest that is known to exist.
    target: Seq,
    early: BTreeMap<Seq, T>,
    /// The newest ones, without holes, the last of them at `head`.
    recent: VecDeque<T>,
}

impl<T> Default for Inlet<T> {
    fn default() -> Self {
        Self { head: None, target: Seq(0), early: BTreeMap::new(), recent: VecDeque::new() }
    }
}

impl<T: Clone> Inlet<T> {
    /// The newest that came in order.
    pub fn head(&self) -> Option<Seq> {
        self.head
    }

    /// True if something is known to exist that did not come.
    pub fn is_behind(&self) -> bool {
        self.head.is_some_and(|head| head < self.target)
    }

    /// True if something came before its turn: what is between was lost.
    pub fn has_hole(&self) -> bool {
        self.head.is_some() && !self.early.is_empty()
    }

    /// Begin after an entry (or begin anew there): what came before its turn follows, as far as there is no hole.
    pub fn start(&mut self, at: Seq) -> Vec<(Seq, T)> {
        self.head = Some(at);
        self.target = self.target.max(at);
        self.recent.clear();
        self.early = self.early.split_off(&at.next());
        self.drain()
    }

    /// Forget everything: the numbers have another meaning from here on.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// An entry exists.
    pub fn announce(&mut self, seq: Seq) {
        self.target = self.target.max(seq);
    }

    /// An entry came. Returns what is to be passed on because of it, in order.
    pub fn offer(&mut self, seq: Seq, item: T) -> Vec<(Seq, T)> {
        self.announce(seq);
        let Some(head) = self.head else {
            self.keep(seq, item);
            return Vec::new();
        };
        if seq <= head {
            return Vec::new();
        }
        if seq > head.next() {
            self.keep(seq, item);
            return Vec::new();
        }
        self.advance(seq, &item);
        let mut ready = vec![(seq, item)];
        if !self.early.is_empty() {
            ready.extend(self.drain());
        }
        ready
    }

    fn keep(&mut self, seq: Seq, item: T) {
        self.early.insert(seq, item);
        if self.early.len() > MAX_EARLY {
            // The furthest is the one that will be asked for last.
            self.early.pop_last();
        }
    }

    fn advance(&mut self, seq: Seq, item: &T) {
        self.head = Some(seq);
        self.recent.push_back(item.clone());
        if self.recent.len() > MAX_RECENT {
            self.recent.pop_front();
        }
    }

    fn drain(&mut self) -> Vec<(Seq, T)> {
        let mut ready = Vec::new();
        while let (Some(head), Some(entry)) = (self.head, self.early.first_entry()) {
            if *entry.key() > head.next() {
                break;
            }
            let (seq, item) = entry.remove_entry();
            if seq == head.next() {
                self.advance(seq, &item);
                ready.push((seq, item));
            }
        }
        ready
    }

    /// What follows an entry, if all of it up to the head is still kept; empty if nothing follows.
    pub fn recent_after(&self, after: Seq) -> Option<impl Iterator<Item = &T>> {
        let missing = self.head?.0.saturating_sub(after.0);
        let kept = self.recent.len();
        let missing = usize::try_from(missing).ok().filter(|missing| *missing <= kept)?;
        Some(self.recent.iter().skip(kept - missing))
    }
}

/// Where a session stands in a channel: it has everything up to `last`, on this connection or before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    last: Seq,
}

/// What to do with an entry for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// It is the next one: send it.
    Deliver,
    /// The session has it.
    Skip,
    /// Something before it is missing: it will be read again from where the session stands.
    Hole,
}

impl Reader {
    /// A session that has everything up to `last`.
    pub fn new(last: Seq) -> Self {
        Self { last }
    }

    /// The newest that was sent, or that the session came with.
    pub fn last(self) -> Seq {
        self.last
    }

    /// May this entry be sent now? On [`Offer::Deliver`] it counts as sent.
    pub fn offer(&mut self, seq: Seq) -> Offer {
        if seq <= self.last {
            return Offer::Skip;
        }
        if seq > self.last.next() {
            return Offer::Hole;
        }
        self.last = seq;
        Offer::Deliver
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
