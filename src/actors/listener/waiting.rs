//! Staged transactions that were read and found no room: in their lane, since its market is slow, or in the window.
//!
//! Owns their order. What waits for a lane holds up that lane only: younger transactions of it wait behind, those of other
//! markets pass. Of a lane some are kept as they were read; the rest is *deferred*: it stays staged in PostgreSQL, only its
//! signatures are kept here, and it is read once more when the lane has taken what waits before it. Pure: never asks the
//! node, never touches the window.

use std::collections::{HashMap, HashSet, VecDeque};

use super::window::Lane;
use crate::{
    chain::model::RawTransaction,
    domain::ids::{Slot, TxSignature},
    journal::staging::Staged,
};

/// Transactions of one lane that are kept as they were read; past it they are deferred.
const READ_OF_A_LANE_MAX: usize = 64;
/// Transactions of all lanes that are kept as they were read; past it they are deferred.
const READ_MAX: usize = 1_024;
/// Deferred transactions; past it nothing more is fetched until some have found room.
const DEFERRED_MAX: usize = 65_536;

/// A staged transaction that was read and did not find room.
#[derive(Debug)]
pub(super) struct NoRoom {
    pub(super) staged: Staged,
    pub(super) transaction: RawTransaction,
    /// The lane that was full; `None`: the window was.
    pub(super) lane: Option<Lane>,
}

/// Where a transaction comes from: who has to stand behind what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// It has waited, and is the oldest of its lane here.
    Line,
    /// Fetched just now, in the order of the chain.
    Fetched,
    /// Notified just now: newer than all that waits.
    Live,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    read: VecDeque<NoRoom>,
    deferred: HashMap<Lane, HashSet<TxSignature>>,
    /// Lanes that live transactions must not enter: older ones of theirs wait, or are to be read once more.
    closed: HashSet<Lane>,
}

impl Waiting {
    /// Nothing that was read waits here.
    pub(super) fn is_empty(&self) -> bool {
        self.read.is_empty()
    }

    /// Something waits for the window itself: nobody passes it.
    pub(super) fn for_the_window(&self) -> bool {
        self.read.iter().any(|one| one.lane.is_none())
    }

    /// The slot of the oldest that waits; the lowest there is where some were deferred.
    pub(super) fn oldest_slot(&self) -> Option<Slot> {
        if self.deferred.is_empty() { self.read.iter().map(|one| one.staged.slot).min() } else { Some(Slot(0)) }
    }

    /// Nothing more may be fetched.
    pub(super) fn is_full(&self) -> bool {
        self.for_the_window() || self.deferred.values().map(HashSet::len).sum::<usize>() >= DEFERRED_MAX
    }

    /// Does an older transaction of this lane wait before one from there?
    pub(super) fn is_before(&self, lane: &Lane, source: Source) -> bool {
        match source {
            // What is deferred is younger than all that was read.
            Source::Line => self.has_read(lane),
            Source::Fetched => self.waits(lane),
            Source::Live => self.closed.contains(lane),
        }
    }

    fn waits(&self, lane: &Lane) -> bool {
        self.deferred.contains_key(lane) || self.read.iter().any(|one| one.lane.as_ref() == Some(lane))
    }

    /// Lets one wait: behind all that waits for its lane, or, if it has waited before, before what was deferred.
    pub(super) fn push(&mut self, one: NoRoom, source: Source) {
        self.closed.extend(one.lane);
        if let Some(lane) = one.lane.filter(|_| source != Source::Line) {
            let of_lane = self.read.iter().filter(|other| other.lane == Some(lane)).count();
            let is_full = of_lane >= READ_OF_A_LANE_MAX || self.read.len() >= READ_MAX;
            if is_full || self.deferred.contains_key(&lane) {
                self.deferred.entry(lane).or_default().insert(one.staged.signature);
                return;
            }
        }
        self.read.push_back(one);
    }

    /// All that was read, oldest first, to be offered once more.
    pub(super) fn take(&mut self) -> VecDeque<NoRoom> {
        std::mem::take(&mut self.read)
    }

    /// What was deferred of lanes that have taken all that waited before it: it is to be read once more. Not while a fetch
    /// is under way: it may bring younger ones.
    pub(super) fn due(&mut self) -> HashSet<TxSignature> {
        let free: Vec<Lane> = self.deferred.keys().filter(|lane| !self.has_read(lane)).copied().collect();
        free.iter().filter_map(|lane| self.deferred.remove(lane)).flatten().collect()
    }

    fn has_read(&self, lane: &Lane) -> bool {
        self.read.iter().any(|one| one.lane.as_ref() == Some(lane))
    }

    /// Nothing is staged that was not offered: lanes that nobody waits for are open again.
    pub(super) fn open_lanes(&mut self) {
        let mut closed = std::mem::take(&mut self.closed);
        closed.retain(|lane| self.waits(lane));
        self.closed = closed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::MarketAddress;

    fn lane(n: u8) -> Lane {
        Lane::Market(MarketAddress([n; 32]))
    }

    fn one(number: usize, lane: Option<Lane>) -> NoRoom {
        let mut bytes = [0; 64];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        let signature = TxSignature(bytes);
        let transaction = RawTransaction {
            signature,
            slot: 1,
            index_in_block: None,
            block_time: None,
            failed: false,
            logs: None,
            invocations: None,
        };
        NoRoom { staged: Staged { signature, slot: Slot(1), retried: false }, transaction, lane }
    }

    #[test]
    fn who_waits_for_a_lane_is_before_its_younger_ones_and_before_no_other_lane() {
        let mut waiting = Waiting::default();
        waiting.push(one(1, Some(lane(1))), Source::Fetched);
        for source in [Source::Fetched, Source::Live] {
            assert!(waiting.is_before(&lane(1), source) && !waiting.is_before(&lane(2), source));
        }
        assert!(waiting.is_before(&lane(1), Source::Line), "one that is offered after it");
        assert!(!waiting.is_full() && !waiting.for_the_window());
        // It has been placed; what comes live still may not pass what else is staged.
        assert_eq!(waiting.take().len(), 1);
        assert!(!waiting.is_before(&lane(1), Source::Line));
        assert!(!waiting.is_before(&lane(1), Source::Fetched) && waiting.is_before(&lane(1), Source::Live));
        waiting.open_lanes();
        assert!(!waiting.is_before(&lane(1), Source::Live));
    }

    #[test]
    fn of_a_slow_lane_the_rest_is_deferred_and_read_once_more_when_its_turn_has_come() {
        let mut waiting = Waiting::default();
        (0..READ_OF_A_LANE_MAX + 10).for_each(|n| waiting.push(one(n, Some(lane(1))), Source::Fetched));
        waiting.push(one(9_999, Some(lane(2))), Source::Fetched);
        assert_eq!(waiting.read.len(), READ_OF_A_LANE_MAX + 1, "another lane has its own room");
        assert!(waiting.due().is_empty(), "older ones wait");
        let mut taken = waiting.take();
        assert!(taken.iter().map(|one| one.staged.signature).is_sorted(), "in their order");
        // All but one have been placed.
        taken.drain(..READ_OF_A_LANE_MAX - 1);
        taken.into_iter().for_each(|one| waiting.push(one, Source::Line));
        assert!(waiting.due().is_empty());
        waiting.take();
        assert_eq!(waiting.due().len(), 10);
        assert!(waiting.is_before(&lane(1), Source::Live), "they are not read yet");
        waiting.open_lanes();
        assert!(!waiting.is_before(&lane(1), Source::Live));
    }

    #[test]
    fn past_the_bound_nothing_more_is_fetched() {
        let mut waiting = Waiting::default();
        (0..READ_OF_A_LANE_MAX + DEFERRED_MAX - 1).for_each(|n| waiting.push(one(n, Some(lane(1))), Source::Fetched));
        assert!(!waiting.is_full());
        waiting.push(one(1_000_000, Some(lane(1))), Source::Fetched);
        assert!(waiting.is_full());
        let mut waiting = Waiting::default();
        waiting.push(one(1, None), Source::Fetched);
        assert!(waiting.is_full() && waiting.for_the_window());
    }
}
