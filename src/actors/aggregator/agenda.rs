//! What the aggregator is to look at, and when.
//!
//! Owns the list of markets that something was heard of, the moments of the chain that are waited for, and what is tried
//! again. All of it is a hint: a list that overflows, or dies with its actor, becomes one look at everything. Pure: time is
//! an argument.
//!
//! - At most [`MARKETS_MAX`] markets, and as many moments and retries; beyond, everything is looked at.
//! - A piece of work takes [`WORK_MAX`] of them; between two of them a step of the look at everything has its turn, so
//!   neither waits for the other for ever.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Instant,
};

use crate::{
    actors::committed::Committed,
    domain::{
        amount::UnixSeconds,
        deadline::Deadline,
        ids::{AccountAddress, MarketAddress, Seq},
    },
};

/// See the module.
pub const MARKETS_MAX: usize = 4_096;
/// See the module.
pub const WORK_MAX: usize = 256;
/// Streams whose finalized entry is remembered, so that only a move of it is news.
const HEARD_MAX: usize = 65_536;

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Look at these markets.
    Markets(Vec<MarketAddress>),
    /// Look at everything, or go on with it: one step.
    Sweep,
    /// See what time it is on the chain.
    Time,
}

/// See the module.
#[derive(Debug)]
pub struct Agenda {
    /// The stream of the program's config: what is in force decides about everything.
    config: AccountAddress,
    markets: BTreeSet<MarketAddress>,
    /// A look at everything is wanted, or goes on.
    sweep: bool,
    /// It goes on: what is wanted meanwhile is wanted again after it.
    sweeping: bool,
    /// The last piece of work was of markets.
    markets_had_their_turn: bool,
    time: bool,
    dues: BTreeSet<(Deadline, MarketAddress)>,
    retries: BTreeMap<MarketAddress, Instant>,
    heard: HashMap<AccountAddress, Seq>,
}

impl Agenda {
    /// An empty one; of a program with that config account.
    pub fn new(config: AccountAddress) -> Self {
        Self {
            config,
            markets: BTreeSet::new(),
            sweep: false,
            sweeping: false,
            markets_had_their_turn: false,
            time: false,
            dues: BTreeSet::new(),
            retries: BTreeMap::new(),
            heard: HashMap::new(),
        }
    }

    /// Something was heard of a market.
    pub fn market(&mut self, market: MarketAddress) {
        if self.markets.len() >= MARKETS_MAX && !self.markets.contains(&market) {
            self.markets.clear();
            return self.everything();
        }
        self.markets.insert(market);
    }

    /// Nobody knows of what something was missed.
    pub fn everything(&mut self) {
        self.sweep = true;
    }

    /// Batches that were committed: what has become final in them may be decided about. Votes that are not final are none
    /// of it; that they become final is told as well.
    pub fn hear(&mut self, committed: &Committed) {
        for (stream, seq) in &committed.finalized {
            if self.heard.get(stream).is_some_and(|known| known >= seq) {
                continue;
            }
            if self.heard.len() >= HEARD_MAX {
                // Forgetting only means to look once more than one had to.
                self.heard.clear();
            }
            self.heard.insert(*stream, *seq);
            if *stream == self.config {
                self.everything();
            } else {
                self.market(MarketAddress(stream.0));
            }
        }
    }

    /// The chain's time may have come to something.
    pub fn time(&mut self) {
        self.time = !self.dues.is_empty();
    }

    /// Nothing comes of a market before that moment.
    pub fn due(&mut self, market: MarketAddress, at: Deadline) {
        self.dues.insert((at, market));
        if self.dues.len() > MARKETS_MAX {
            // The last one: the next look at everything finds it again.
            self.dues.pop_last();
        }
    }

    /// What waited for this moment of the chain is looked at.
    pub fn passes(&mut self, now: UnixSeconds) {
        while let Some((_, market)) = self.dues.first().copied().filter(|(at, _)| at.is_reached(now)) {
            self.dues.pop_first();
            self.market(market);
        }
    }

    /// Look at a market again then.
    pub fn retry(&mut self, market: MarketAddress, at: Instant) {
        if self.retries.len() < MARKETS_MAX || self.retries.contains_key(&market) {
            self.retries.insert(market, at);
        }
    }

    /// What was to be tried again by now is looked at.
    pub fn wake(&mut self, now: Instant) {
        let ripe: Vec<_> = self.retries.iter().filter(|(_, at)| **at <= now).map(|(market, _)| *market).collect();
        for market in ripe {
            self.retries.remove(&market);
            self.market(market);
        }
    }

    /// When something is tried again next.
    pub fn next_retry(&self) -> Option<Instant> {
        self.retries.values().min().copied()
    }

    /// There is something to do.
    pub fn has_work(&self) -> bool {
        self.sweep || self.sweeping || self.time || !self.markets.is_empty()
    }

    /// The next piece of work.
    pub fn take(&mut self) -> Option<Work> {
        let sweep = self.sweep || self.sweeping;
        self.time &= self.markets.is_empty() && !sweep;
        let is_sweeps_turn = sweep && self.markets_had_their_turn;
        if !self.markets.is_empty() && !is_sweeps_turn {
            self.markets_had_their_turn = true;
            let rest = self.markets.iter().nth(WORK_MAX).copied();
            let rest = rest.map_or_else(BTreeSet::new, |first| self.markets.split_off(&first));
            let taken = std::mem::replace(&mut self.markets, rest);
            return Some(Work::Markets(taken.into_iter().collect()));
        }
        self.markets_had_their_turn = false;
        if sweep {
            if !std::mem::replace(&mut self.sweeping, true) {
                self.sweep = false;
            }
            return Some(Work::Sweep);
        }
        std::mem::take(&mut self.time).then_some(Work::Time)
    }

    /// Everything was looked at.
    pub fn swept(&mut self) {
        self.sweeping = false;
    }

    /// A piece of work came to nothing: it is done again.
    pub fn give_back(&mut self, work: Work) {
        match work {
            Work::Markets(markets) => markets.into_iter().for_each(|market| self.market(market)),
            // It goes on where it was.
            Work::Sweep => {}
            Work::Time => self.time = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::ids::Epoch;

    fn market(n: u16) -> MarketAddress {
        let mut address = [0; 32];
        address[..2].copy_from_slice(&n.to_be_bytes());
        MarketAddress(address)
    }

    fn agenda() -> Agenda {
        Agenda::new(market(u16::MAX).account())
    }

    fn finalized(market: MarketAddress, seq: u64) -> Committed {
        Committed { epoch: Epoch(1), entries: Vec::new(), finalized: vec![(market.account(), Seq(seq))] }
    }

    #[test]
    fn a_market_is_looked_at_when_more_of_it_is_final_and_once_for_much_that_is_heard() {
        let mut agenda = agenda();
        assert!(!agenda.has_work() && agenda.take().is_none());
        for seq in [3, 3, 4] {
            agenda.hear(&finalized(market(1), seq));
        }
        agenda.market(market(2));
        assert_eq!(agenda.take(), Some(Work::Markets(vec![market(1), market(2)])));
        // Nothing more of it is final.
        agenda.hear(&finalized(market(1), 4));
        assert_eq!(agenda.take(), None);
        agenda.hear(&finalized(market(1), 5));
        assert_eq!(agenda.take(), Some(Work::Markets(vec![market(1)])));
    }

    #[test]
    fn another_config_is_looked_at_with_everything() {
        let mut agenda = agenda();
        agenda.hear(&finalized(market(u16::MAX), 2));
        assert_eq!(agenda.take(), Some(Work::Sweep));
        agenda.swept();
        agenda.hear(&finalized(market(u16::MAX), 2));
        assert_eq!(agenda.take(), None);
    }

    #[test]
    fn too_many_markets_are_everything() {
        let mut agenda = agenda();
        (0..MARKETS_MAX as u16).for_each(|n| agenda.market(market(n)));
        agenda.market(market(7));
        assert_eq!(agenda.markets.len(), MARKETS_MAX);
        agenda.market(market(MARKETS_MAX as u16));
        assert_eq!(agenda.take(), Some(Work::Sweep));
        agenda.swept();
        assert_eq!(agenda.take(), None);
    }

    #[test]
    fn a_piece_of_work_is_bounded_and_nothing_of_the_rest_is_lost() {
        let mut agenda = agenda();
        (0..600).for_each(|n| agenda.market(market(n)));
        let mut seen = Vec::new();
        while let Some(Work::Markets(markets)) = agenda.take() {
            assert!(markets.len() <= WORK_MAX);
            seen.extend(markets);
        }
        assert_eq!(seen, (0..600).map(market).collect::<Vec<_>>());
        // What came to nothing is done again.
        agenda.give_back(Work::Markets(vec![market(9)]));
        assert_eq!(agenda.take(), Some(Work::Markets(vec![market(9)])));
    }

    #[test]
    fn neither_markets_nor_everything_wait_for_each_other_for_ever() {
        let mut agenda = agenda();
        agenda.everything();
        let mut sweeps = 0;
        for n in 0..10 {
            agenda.market(market(n));
            sweeps += usize::from(agenda.take() == Some(Work::Sweep));
        }
        assert_eq!(sweeps, 5);
    }

    #[test]
    fn what_is_wanted_during_a_look_at_everything_is_looked_at_after_it() {
        let mut agenda = agenda();
        agenda.everything();
        agenda.everything();
        assert_eq!(agenda.take(), Some(Work::Sweep));
        agenda.everything();
        // It goes on, step by step.
        assert_eq!(agenda.take(), Some(Work::Sweep));
        agenda.swept();
        assert_eq!(agenda.take(), Some(Work::Sweep));
        agenda.swept();
        assert_eq!(agenda.take(), None);
    }

    #[test]
    fn a_moment_of_the_chain_is_waited_for_and_the_hosts_clock_plays_no_part() {
        let mut agenda = agenda();
        agenda.time();
        assert_eq!(agenda.take(), None, "nobody waits for anything");
        let at = |seconds| Deadline::after(UnixSeconds(1_000), seconds);
        agenda.due(market(1), at(5));
        agenda.due(market(2), at(6));
        agenda.time();
        assert_eq!(agenda.take(), Some(Work::Time));
        agenda.passes(UnixSeconds(1_004));
        assert_eq!(agenda.take(), None);
        agenda.passes(UnixSeconds(1_005));
        assert_eq!(agenda.take(), Some(Work::Markets(vec![market(1)])));
        agenda.passes(UnixSeconds(9_000));
        assert_eq!(agenda.take(), Some(Work::Markets(vec![market(2)])));
        for n in 0..=MARKETS_MAX as u16 {
            agenda.due(market(n), at(i64::from(n)));
        }
        assert_eq!(agenda.dues.len(), MARKETS_MAX);
        assert_eq!(agenda.dues.last(), Some(&(at(MARKETS_MAX as i64 - 1), market(MARKETS_MAX as u16 - 1))));
    }

    #[test]
    fn what_is_tried_again_waits_for_its_time() {
        let (mut agenda, now) = (agenda(), Instant::now());
        let later = now + Duration::from_secs(5);
        agenda.retry(market(1), later);
        assert_eq!(agenda.next_retry(), Some(later));
        agenda.wake(now);
        assert_eq!(agenda.take(), None);
        agenda.wake(later);
        assert_eq!(agenda.take(), Some(Work::Markets(vec![market(1)])));
        assert_eq!(agenda.next_retry(), None);
    }
}
