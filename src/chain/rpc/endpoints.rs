//! Which of two nodes is asked: the first one, and a second one while the first does not answer.
//!
//! Owns the choice, which all clients of a process share, and what it is made from: how calls ended, and what the lookout
//! ([`Endpoints::looked`]) saw of each node. Never asks anybody, and knows no cursor. The rules:
//!
//! - The first is left when it has failed [`DOWN_FAILURES`] times in a row over [`DOWN_AFTER`]: slow once is not away.
//! - The second is used only if it answers, is of the same chain (its genesis hash), and is not more than [`LAG_MAX`] slots
//!   behind the newest slot that was ever seen: what is known here already, it must know too.
//! - The first is used again when it has answered for [`WELL_FOR`] and is no further behind either, or when the second fails.
//! - Whoever decides something that can't be taken back (what vanished, what is lost for good, what can't land any more)
//!   needs the first one's word ([`ChainRpc::decides`](super::ChainRpc::decides)). The second is there so that things go on.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::ids::Slot;

/// Failures in a row before a node counts as away.
const DOWN_FAILURES: u32 = 3;
/// And for how long they last, at least.
const DOWN_AFTER: Duration = Duration::from_secs(3);
/// How long the first node answers before it is used again.
const WELL_FOR: Duration = Duration::from_secs(5);
/// How far a node may be behind the newest slot that was seen. A confirmed slot is final 31 slots later: so what is known
/// here of final slots, such a node has too.
const LAG_MAX: u64 = 25;
/// Looks of which one asks a node that is well which chain it is of.
const CHAIN_SEEN_EVERY: u32 = 30;
/// After the second node was left, what it told is still on its way here for so long.
const AFTERGLOW: Duration = Duration::from_secs(10);

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Endpoint {
    /// `SOLANA_RPC_URL`.
    #[default]
    First,
    /// `SOLANA_RPC_URL_FALLBACK`.
    Second,
}

impl Endpoint {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "the first node",
            Self::Second => "the second node",
        })
    }
}

/// What a look at a node showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It answers; its newest confirmed slot.
    Answers(Slot),
    /// It is of another chain.
    OtherChain,
    /// It does not answer, and what was seen.
    Away(String),
}

/// The choice, as people are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// There is no second node.
    Alone,
    /// The first is used, the second could be.
    Ready,
    /// The first is used, the second could not be: why.
    Unfit(String),
    /// The second is used: why.
    InUse(String),
}

/// See the module; clones share the choice.
#[derive(Clone, Default)]
pub struct Endpoints {
    second: Option<Arc<str>>,
    choice: Arc<Mutex<Choice>>,
}

impl fmt::Debug for Endpoints {
    // An address may carry a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").field("has_second", &self.second.is_some()).finish_non_exhaustive()
    }
}

impl Endpoints {
    /// Two nodes; the address of the second may carry a key. Nothing is known of it before it was looked at.
    pub fn with_second(url: &str) -> Self {
        Self { second: Some(url.into()), ..Self::default() }
    }

    /// Where the second one is.
    pub(super) fn second_url(&self) -> Option<&str> {
        self.second.as_deref()
    }

    /// True if there are two.
    pub fn are_two(&self) -> bool {
        self.second.is_some()
    }

    /// The chain that a node has to be of (its genesis hash). Before it is known, no second node is used.
    pub fn bind(&self, genesis_hash: &str) {
        self.choice().genesis = Some(genesis_hash.to_owned());
    }

    /// The chain that this node has to be of, if it is to be asked for that now: not at every look.
    pub(super) fn genesis_to_see(&self, endpoint: Endpoint) -> Option<String> {
        let mut choice = self.choice();
        let of = choice.of(endpoint);
        let is_due = of.well_since.is_none() || of.looks.is_multiple_of(CHAIN_SEEN_EVERY);
        choice.genesis.clone().filter(|_| is_due)
    }

    /// The one that is asked now.
    pub fn in_use(&self) -> Endpoint {
        if self.are_two() { self.choice().in_use } else { Endpoint::First }
    }

    /// The second answers, is of this chain and up to date.
    pub fn second_is_fit(&self) -> bool {
        self.are_two() && self.choice().second_is_fit()
    }

    /// The second answers, and is of this chain; how far it is does not matter.
    pub fn second_answers(&self) -> bool {
        self.are_two() && self.choice().second_answers()
    }

    /// The first answers, and is the one that is used.
    pub fn first_is_well(&self) -> bool {
        let choice = self.choice();
        choice.in_use == Endpoint::First && choice.first.failures == 0
    }

    /// Everything up to this slot is known here: a node that is far behind it is not used.
    pub fn covered(&self, slot: Slot) {
        let mut choice = self.choice();
        choice.covered = choice.covered.max(slot);
        choice.newest = choice.newest.max(slot);
    }

    /// Transactions at or below this slot may be known from the second node.
    pub fn second_served_up_to(&self) -> Slot {
        self.choice().served_up_to
    }

    /// So may these, whoever told of them: nobody remembers.
    pub fn second_may_have_served(&self, slot: Slot) {
        let mut choice = self.choice();
        choice.served_up_to = choice.served_up_to.max(slot);
    }

    /// Notifications come from the second node.
    pub fn second_notifies(&self) {
        self.choice().served_at = Some(Instant::now());
    }

    /// What a look showed; answers with the new choice if it is another.
    pub fn looked(&self, endpoint: Endpoint, look: &Look) -> Option<Endpoint> {
        self.change(|choice, now| choice.looked(endpoint, look, now))
    }

    /// A call was answered, in whatever way.
    pub(super) fn answered(&self, endpoint: Endpoint) {
        self.change(|choice, _| choice.of(endpoint).answers());
    }

    /// A call was not answered.
    pub(super) fn failed(&self, endpoint: Endpoint, detail: &str) {
        self.change(|choice, now| choice.of(endpoint).fails(detail, now));
    }

    /// For people.
    pub fn standing(&self) -> Standing {
        if self.are_two() { self.choice().standing() } else { Standing::Alone }
    }

    fn change(&self, change: impl FnOnce(&mut Choice, Instant)) -> Option<Endpoint> {
        if !self.are_two() {
            return None;
        }
        let now = Instant::now();
        let mut choice = self.choice();
        change(&mut choice, now);
        let next = choice.decide(now);
        drop(choice);
        match &next {
            Some(Endpoint::Second) => {
                log::warn!("the first node does not answer as it should: the second one is asked")
            }
            Some(Endpoint::First) => log::info!("the first node is asked again"),
            None => {}
        }
        next
    }

    fn choice(&self) -> MutexGuard<'_, Choice> {
        // Plain values, which no panic can leave half-written.
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a node has answered lately.
#[derive(Debug, Default)]
struct Answers {
    looks: u32,
    /// In a row.
    failures: u32,
    failing_since: Option<Instant>,
    detail: String,
    /// Looks answered in a row, since when.
    well_since: Option<Instant>,
    /// As last looked at.
    slot: Slot,
    is_other_chain: bool,
}

impl Answers {
    fn answers(&mut self) {
        self.failures = 0;
        self.failing_since = None;
    }

    fn fails(&mut self, detail: &str, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
        self.well_since = None;
        detail.clone_into(&mut self.detail);
    }

    fn is_away(&self, now: Instant) -> bool {
        let lasts = self.failing_since.map(|since| now.saturating_duration_since(since));
        self.failures >= DOWN_FAILURES && lasts.is_some_and(|lasts| lasts >= DOWN_AFTER)
    }
}

/// Pure: it is told what happened and when.
#[derive(Debug, Default)]
struct Choice {
    in_use: Endpoint,
    first: Answers,
    second: Answers,
    genesis: Option<String>,
    /// That was told, or covered.
    newest: Slot,
    covered: Slot,
    served_up_to: Slot,
    served_at: Option<Instant>,
}

impl Choice {
    fn of(&mut self, endpoint: Endpoint) -> &mut Answers {
        match endpoint {
            Endpoint::First => &mut self.first,
            Endpoint::Second => &mut self.second,
        }
    }

    fn looked(&mut self, endpoint: Endpoint, look: &Look, now: Instant) {
        let is_in_use = self.in_use == endpoint;
        let of = self.of(endpoint);
        of.looks = of.looks.wrapping_add(1);
        match look {
            Look::Answers(slot) => {
                of.answers();
                of.well_since.get_or_insert(now);
                (of.slot, of.is_other_chain) = (*slot, false);
                // Only one that is believed says where the chain is.
                if is_in_use {
                    self.newest = self.newest.max(*slot);
                }
            }
            Look::OtherChain => {
                (of.well_since, of.is_other_chain) = (None, true);
                "it is of another chain".clone_into(&mut of.detail);
                // It may have been for some looks: the slots that it told are no measure for the other one.
                if is_in_use {
                    self.newest = self.covered;
                }
            }
            Look::Away(detail) => of.fails(detail, now),
        }
        if self.in_use == Endpoint::Second {
            self.served_at = Some(now);
        }
        if self.served_at.is_some_and(|at| now.saturating_duration_since(at) < AFTERGLOW) {
            self.served_up_to = self.served_up_to.max(self.newest);
        }
    }

    fn is_behind(&self, of: &Answers) -> bool {
        of.slot.0.saturating_add(LAG_MAX) < self.newest.0
    }

    fn first_is_lost(&self, now: Instant) -> bool {
        self.first.is_away(now) || self.first.is_other_chain
    }

    fn second_answers(&self) -> bool {
        self.genesis.is_some() && self.second.well_since.is_some()
    }

    fn second_is_fit(&self) -> bool {
        self.second_answers() && !self.is_behind(&self.second)
    }

    fn decide(&mut self, now: Instant) -> Option<Endpoint> {
        let next = match self.in_use {
            Endpoint::First if self.first_is_lost(now) && self.second_is_fit() => Endpoint::Second,
            Endpoint::Second if self.second.is_away(now) || self.second.is_other_chain => Endpoint::First,
            Endpoint::Second if !self.is_behind(&self.first) => {
                let well = self.first.well_since.map(|since| now.saturating_duration_since(since));
                if well.is_some_and(|well| well >= WELL_FOR) { Endpoint::First } else { Endpoint::Second }
            }
            same => same,
        };
        let is_other = next != self.in_use;
        self.in_use = next;
        if is_other && next == Endpoint::Second {
            self.served_at = Some(now);
        }
        is_other.then_some(next)
    }

    fn standing(&self) -> Standing {
        if self.in_use == Endpoint::Second {
            return Standing::InUse(format!("the first node does not answer as it should: {}", self.first.detail));
        }
        if self.second.is_other_chain {
            return Standing::Unfit("it is of another chain".to_owned());
        }
        if self.second.well_since.is_none() {
            let seen = if self.second.detail.is_empty() { "not looked at yet" } else { &self.second.detail };
            return Standing::Unfit(format!("it does not answer: {seen}"));
        }
        if self.is_behind(&self.second) {
            return Standing::Unfit(format!("it is at slot {}, {} is known here", self.second.slot, self.newest));
        }
        Standing::Ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A choice at a moment.
    struct Told(Choice, Instant);

    impl Told {
        fn new() -> Self {
            let choice = Choice { genesis: Some("g".into()), ..Choice::default() };
            Self(choice, Instant::now())
        }

        /// Every second for so long.
        fn look(&mut self, seconds: u64, first: &Look, second: &Look) -> Endpoint {
            for _ in 0..seconds {
                self.1 += Duration::from_secs(1);
                self.0.looked(Endpoint::First, first, self.1);
                self.0.looked(Endpoint::Second, second, self.1);
                self.0.decide(self.1);
            }
            self.0.in_use
        }
    }

    fn at(slot: u64) -> Look {
        Look::Answers(Slot(slot))
    }

    fn away() -> Look {
        Look::Away("refused".into())
    }

    #[test]
    fn the_second_is_used_when_the_first_is_away_and_the_first_again_when_it_has_been_well_for_a_while() {
        let mut told = Told::new();
        assert_eq!(told.look(2, &at(100), &at(99)), Endpoint::First);
        assert_eq!(told.look(2, &away(), &at(101)), Endpoint::First, "two failures are none");
        assert_eq!(told.look(1, &at(102), &at(102)), Endpoint::First);
        assert_eq!(told.look(4, &away(), &at(103)), Endpoint::Second);
        assert!(matches!(told.0.standing(), Standing::InUse(_)));
        assert_eq!(told.look(4, &at(104), &at(104)), Endpoint::Second, "not at its first answer");
        assert_eq!(told.look(2, &at(110), &at(110)), Endpoint::First);
        assert_eq!(told.0.standing(), Standing::Ready);
    }

    #[test]
    fn one_that_is_behind_or_of_another_chain_or_unknown_is_not_used() {
        for second in [at(100 - LAG_MAX - 1), Look::OtherChain, away()] {
            let mut told = Told::new();
            told.look(2, &at(100), &second);
            assert_eq!(told.look(20, &away(), &second), Endpoint::First, "{second:?}");
            assert!(matches!(told.0.standing(), Standing::Unfit(_)));
            assert_eq!(told.look(1, &away(), &at(100)), Endpoint::Second, "it has caught up");
        }
        let mut told = Told::new();
        told.0.genesis = None;
        assert_eq!(told.look(20, &away(), &at(100)), Endpoint::First, "nobody knows which chain it has to be of");
    }

    #[test]
    fn a_first_that_is_of_another_chain_all_at_once_is_left() {
        let mut told = Told::new();
        told.look(2, &at(100), &at(100));
        assert_eq!(told.look(1, &Look::OtherChain, &at(100)), Endpoint::Second);
        assert_eq!(told.look(20, &Look::OtherChain, &at(120)), Endpoint::Second);
        assert_eq!(told.look(7, &at(130), &at(130)), Endpoint::First);
    }

    #[test]
    fn what_another_chain_says_of_its_slots_keeps_nobody_from_being_used() {
        let mut told = Told::new();
        told.look(2, &at(100), &at(1_000_000));
        assert_eq!(told.0.newest, Slot(100));

        // The one in use is believed, until it is seen of which chain it is.
        told.0.covered = Slot(100);
        assert_eq!(told.look(10, &at(1_000_000), &at(110)), Endpoint::First);
        assert_eq!(told.look(1, &Look::OtherChain, &at(111)), Endpoint::Second);
        assert_eq!(told.look(2, &Look::OtherChain, &at(112)), Endpoint::Second);
        assert_eq!(told.0.newest, Slot(112));
    }

    #[test]
    fn a_first_that_comes_back_behind_is_waited_for_and_one_of_two_that_fail_is_the_first() {
        let mut told = Told::new();
        told.look(2, &at(100), &at(100));
        assert_eq!(told.look(4, &away(), &at(200)), Endpoint::Second);
        assert_eq!(told.look(60, &at(150), &at(201)), Endpoint::Second);
        assert_eq!(told.look(1, &at(190), &at(202)), Endpoint::First);
        assert_eq!(told.look(4, &away(), &at(203)), Endpoint::Second);
        assert_eq!(told.look(8, &away(), &away()), Endpoint::First);
    }

    #[test]
    fn what_may_be_known_from_the_second_is_remembered() {
        let mut told = Told::new();
        told.look(2, &at(100), &at(100));
        assert_eq!(told.0.served_up_to, Slot(0));
        told.look(5, &away(), &at(120));
        told.look(8, &at(130), &at(130));
        assert_eq!((told.0.in_use, told.0.served_up_to), (Endpoint::First, Slot(130)));
        told.look(20, &at(500), &at(500));
        told.look(1, &at(900), &at(900));
        assert_eq!(told.0.served_up_to, Slot(500), "it told nothing after that");
    }
}
