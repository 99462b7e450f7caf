//! The window: transactions that the listener has given away and whose effect is not durable yet.
//!
//! A transaction enters once and stays until every stream that it moves has said durable, duplicate or dead. Each stream
//! has a lane of its own, in the order of arrival, with one batch out at a time; so one stream that is slow stalls no
//! other. Pure: it is told what happened, and tells what to send next.

use std::collections::{HashMap, VecDeque};

use crate::{
    actors::stream::Delivery,
    domain::ids::{MarketAddress, Slot, TxSignature},
};

/// Transactions in the window.
pub const WINDOW_MAX: usize = 4_096;
/// Transactions in one lane.
pub const LANE_MAX: usize = 256;
/// Transactions in one batch of a lane.
const BATCH_MAX: usize = 64;
/// Staged transactions that are fetched in one go.
const FETCH: usize = 256;
/// Settled signatures that are remembered, so that coverage need not read them again.
const SETTLED_KEPT: usize = 65_536;

/// How much may be on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Transactions in the window.
    pub window: usize,
    /// Transactions in one lane.
    pub lane: usize,
    /// Transactions in one batch of a lane.
    pub batch: usize,
    /// Staged transactions that are fetched in one go.
    pub fetch: usize,
}

impl Limits {
    /// Where nobody listens and all is history: the journal's writer gets its buffer full at each commit, and a stream
    /// takes as much at once as may wait in it.
    pub const BACKFILL: Self = Self { window: 16_384, lane: 1_024, batch: 512, fetch: 1_024 };
}

impl Default for Limits {
    fn default() -> Self {
        Self { window: WINDOW_MAX, lane: LANE_MAX, batch: BATCH_MAX, fetch: FETCH }
    }
}

/// A stream, as the listener knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// The config.
    Config,
    /// A market.
    Market(MarketAddress),
}

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is in the window now.
    Taken,
    /// It is in the window, or settled, already.
    Known,
    /// This lane of it is full.
    LaneFull(Lane),
    /// The window is full.
    WindowFull,
}

/// What a transaction wants of one stream.
#[derive(Debug, Clone)]
pub struct Part {
    /// The transaction.
    pub signature: TxSignature,
    /// Its events for this stream; `None` while its instructions are being read.
    pub deliveries: Option<Vec<Delivery>>,
}

#[derive(Debug)]
struct Tracked {
    slot: Slot,
    /// Parts (or other reasons) that keep it here.
    missing: usize,
}

#[derive(Debug, Default)]
struct LaneState {
    waiting: VecDeque<Part>,
    out: Vec<Part>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Window {
    limits: Limits,
    transactions: HashMap<TxSignature, Tracked>,
    lanes: HashMap<Lane, LaneState>,
    /// And the slots that they were settled in: in another one a transaction is another event.
    settled: HashMap<TxSignature, Slot>,
    settled_order: VecDeque<TxSignature>,
}

impl Window {
    /// An empty one.
    pub fn within(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How much may be on its way.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Is nothing more to be done for it here, in this slot? After a roll-back it may land in another one, and may have
    /// an effect where it had none.
    pub fn knows(&self, signature: &TxSignature, slot: Slot) -> bool {
        self.settled.get(signature) == Some(&slot) || self.transactions.contains_key(signature)
    }

    /// Has it been settled?
    pub fn is_settled(&self, signature: &TxSignature) -> bool {
        self.settled.contains_key(signature)
    }

    /// Does it wait for its streams?
    pub fn is_under_way(&self, signature: &TxSignature) -> bool {
        self.transactions.contains_key(signature)
    }

    /// Transactions that are not settled.
    pub fn unsettled(&self) -> usize {
        self.transactions.len()
    }

    /// The slot of the oldest transaction that is not settled.
    pub fn oldest_slot(&self) -> Option<Slot> {
        self.transactions.values().map(|tracked| tracked.slot).min()
    }

    /// The newest transaction that is not settled.
    pub fn newest(&self) -> Option<(TxSignature, Slot)> {
        let slots = self.transactions.iter().map(|(signature, tracked)| (*signature, tracked.slot));
        slots.max_by_key(|(signature, slot)| (*slot, *signature))
    }

    /// Takes a transaction with its parts. One without parts stays until it is [`Window::released`].
    pub fn admit(
        &mut self,
        signature: TxSignature,
        slot: Slot,
        parts: Vec<(Lane, Option<Vec<Delivery>>)>,
    ) -> Admission {
        if self.knows(&signature, slot) {
            return Admission::Known;
        }
        if self.transactions.len() >= self.limits.window {
            return Admission::WindowFull;
        }
        let full = |lane: &Lane| {
            self.lanes.get(lane).is_some_and(|state| state.waiting.len() + state.out.len() >= self.limits.lane)
        };
        if let Some((lane, _)) = parts.iter().find(|(lane, _)| full(lane)) {
            return Admission::LaneFull(*lane);
        }
        self.transactions.insert(signature, Tracked { slot, missing: parts.len().max(1) });
        for (lane, deliveries) in parts {
            self.lanes.entry(lane).or_default().waiting.push_back(Part { signature, deliveries });
        }
        Admission::Taken
    }

    /// The instructions of a transaction have been read: its parts can go.
    pub fn fill(&mut self, signature: TxSignature, mut parts: HashMap<Lane, Vec<Delivery>>) {
        for (lane, state) in &mut self.lanes {
            for part in state.waiting.iter_mut().filter(|part| part.signature == signature) {
                part.deliveries = Some(parts.remove(lane).unwrap_or_default());
            }
        }
    }

    /// A transaction can't be read now: it leaves, unsettled, and coverage will find it again.
    pub fn give_up(&mut self, signature: TxSignature) {
        self.transactions.remove(&signature);
        for state in self.lanes.values_mut() {
            state.waiting.retain(|part| part.signature != signature);
        }
    }

    /// Batches that can go now, each lane's next.
    pub fn next_batches(&mut self) -> Vec<(Lane, Vec<Part>)> {
        let mut batches = Vec::new();
        let batch_max = self.limits.batch;
        for (lane, state) in self.lanes.iter_mut().filter(|(_, state)| state.out.is_empty()) {
            let ready = state.waiting.iter().take(batch_max).take_while(|part| part.deliveries.is_some()).count();
            if ready > 0 {
                state.out = state.waiting.drain(..ready).collect();
                batches.push((*lane, state.out.clone()));
            }
        }
        batches
    }

    /// The batch of a lane has been answered; answers with the transactions that are settled by it.
    pub fn lane_done(&mut self, lane: Lane) -> Vec<TxSignature> {
        let Some(state) = self.lanes.get_mut(&lane) else { return Vec::new() };
        let done = std::mem::take(&mut state.out);
        if state.waiting.is_empty() {
            self.lanes.remove(&lane);
        }
        done.into_iter().filter(|part| self.released(part.signature)).map(|part| part.signature).collect()
    }

    /// One reason less for a transaction to stay; true if that settled it.
    pub fn released(&mut self, signature: TxSignature) -> bool {
        let Some(tracked) = self.transactions.get_mut(&signature) else { return false };
        tracked.missing -= 1;
        if tracked.missing > 0 {
            return false;
        }
        let slot = tracked.slot;
        self.transactions.remove(&signature);
        self.settle(signature, slot);
        true
    }

    /// A settled transaction was taken back, or is to be read anew: it is taken again if it comes again.
    pub fn forget(&mut self, signature: &TxSignature) {
        self.settled.remove(signature);
    }

    /// Nothing is to be done for a transaction (any more).
    pub fn settle(&mut self, signature: TxSignature, slot: Slot) {
        if self.settled.insert(signature, slot).is_none() {
            self.settled_order.push_back(signature);
            if self.settled_order.len() > SETTLED_KEPT
                && let Some(oldest) = self.settled_order.pop_front()
            {
                self.settled.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(n: u8) -> TxSignature {
        TxSignature([n; 64])
    }

    fn lane(n: u8) -> Lane {
        Lane::Market(MarketAddress([n; 32]))
    }

    fn ready() -> Option<Vec<Delivery>> {
        Some(Vec::new())
    }

    #[test]
    fn a_transaction_stays_until_each_of_its_streams_has_answered() {
        let mut window = Window::default();
        let parts = vec![(lane(1), ready()), (lane(2), ready())];
        assert_eq!(window.admit(signature(1), Slot(7), parts.clone()), Admission::Taken);
        assert_eq!(window.admit(signature(1), Slot(7), parts), Admission::Known);
        assert_eq!(window.next_batches().len(), 2);
        assert_eq!(window.lane_done(lane(1)), []);
        assert_eq!(window.oldest_slot(), Some(Slot(7)));
        assert_eq!(window.lane_done(lane(2)), [signature(1)]);
        assert!(window.is_settled(&signature(1)) && window.unsettled() == 0);
        assert_eq!(window.admit(signature(1), Slot(7), vec![]), Admission::Known, "settled is known too");
    }

    #[test]
    fn what_was_settled_is_taken_again_in_another_slot_or_when_it_was_forgotten() {
        let mut window = Window::default();
        let parts = vec![(lane(1), ready())];
        window.settle(signature(1), Slot(7));
        assert_eq!(window.admit(signature(1), Slot(7), parts.clone()), Admission::Known);
        assert_eq!(window.admit(signature(1), Slot(9), parts.clone()), Admission::Taken, "it landed again");
        assert_eq!(window.admit(signature(1), Slot(7), parts.clone()), Admission::Known, "one at a time");
        window.next_batches();
        assert_eq!(window.lane_done(lane(1)), [signature(1)]);
        assert!(window.knows(&signature(1), Slot(9)) && !window.knows(&signature(1), Slot(7)));
        window.forget(&signature(1));
        assert_eq!(window.admit(signature(1), Slot(9), parts), Admission::Taken);
    }

    #[test]
    fn a_lane_has_one_batch_out_and_keeps_its_order() {
        let mut window = Window::default();
        for n in 1..=3 {
            window.admit(signature(n), Slot(1), vec![(lane(1), if n == 2 { None } else { ready() })]);
        }
        let batch = |window: &mut Window| -> Vec<TxSignature> {
            window.next_batches().into_iter().flat_map(|(_, parts)| parts).map(|part| part.signature).collect()
        };
        assert_eq!(batch(&mut window), [signature(1)]);
        assert_eq!(batch(&mut window), [], "one batch at a time");
        window.lane_done(lane(1));
        assert_eq!(batch(&mut window), [], "the next one's instructions are still being read");
        window.fill(signature(2), HashMap::from([(lane(1), Vec::new())]));
        assert_eq!(batch(&mut window), [signature(2), signature(3)]);
    }

    #[test]
    fn of_settled_transactions_the_newest_are_remembered() {
        let numbered = |n: usize| {
            let mut bytes = [9; 64];
            bytes[..8].copy_from_slice(&n.to_le_bytes());
            TxSignature(bytes)
        };
        let mut window = Window::default();
        (0..=SETTLED_KEPT).for_each(|n| window.settle(numbered(n), Slot(1)));
        assert!(!window.knows(&numbered(0), Slot(1)), "coverage reads it again, and its stream knows it");
        assert!(window.knows(&numbered(1), Slot(1)) && window.knows(&numbered(SETTLED_KEPT), Slot(1)));
        assert_eq!((window.settled.len(), window.settled_order.len()), (SETTLED_KEPT, SETTLED_KEPT));
    }

    #[test]
    fn a_full_lane_stalls_no_other_and_a_full_window_takes_nothing() {
        let mut window = Window::default();
        let numbered = |n: usize| {
            let mut bytes = [0; 64];
            bytes[..8].copy_from_slice(&n.to_le_bytes());
            TxSignature(bytes)
        };
        for n in 0..LANE_MAX {
            assert_eq!(window.admit(numbered(n), Slot(1), vec![(lane(1), ready())]), Admission::Taken);
        }
        assert_eq!(window.admit(numbered(9_999), Slot(1), vec![(lane(1), ready())]), Admission::LaneFull(lane(1)));
        for n in LANE_MAX..WINDOW_MAX {
            let other = lane((2 + n / LANE_MAX) as u8);
            assert_eq!(window.admit(numbered(n), Slot(1), vec![(other, ready())]), Admission::Taken, "{n}");
        }
        assert_eq!(window.admit(numbered(9_999), Slot(1), vec![(lane(200), ready())]), Admission::WindowFull);
        window.give_up(numbered(0));
        assert_eq!(window.admit(numbered(9_999), Slot(1), vec![(lane(1), ready())]), Admission::Taken);
    }
}
