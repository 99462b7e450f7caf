//! Votes on a proposal or a dispute, counted, and whether they are enough.
//!
//! Owns two rules: a wallet counts once, by its vote on the chain if there is one, else by the one cast here; and what
//! counts decide, in whole basis points as the program rounds them. Every vote can be taken back (one on the chain
//! vanishes with a roll-back), and then the other one of that wallet counts again. Knows neither who may vote nor when
//! (`deadline`), and sends nothing: the program believes any counts that the backend's key reports.
//!
//! Bounded: a tally takes votes of so many wallets as it is told, and refuses more.

use std::collections::{BTreeMap, btree_map::Entry};

use serde::{Deserialize, Serialize};

use super::{amount::Bps, event::ProgramEvent, ids::Wallet};

/// All of them, in basis points.
const ALL_BPS: u64 = 10_000;

/// What is voted on. The numbers are the program's: the last seed of a vote record's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum VoteKind {
    /// Whether a proposed market is approved.
    Proposal = 0,
    /// Whether a proposed outcome is wrong.
    Dispute = 1,
}

impl VoteKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Proposal, Self::Dispute];

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposal => "proposal",
            Self::Dispute => "dispute",
        }
    }

    /// The event that a vote on the chain is.
    pub fn event(self) -> &'static str {
        match self {
            Self::Proposal => "ProposalVoteSubmitted",
            Self::Dispute => "DisputeVoteSubmitted",
        }
    }

    /// What an event votes on, who voted, and which way; `None` if it is no vote.
    pub fn of(event: &ProgramEvent) -> Option<(Self, Wallet, bool)> {
        match event {
            ProgramEvent::ProposalVoteSubmitted(e) => Some((Self::Proposal, e.user, e.vote)),
            ProgramEvent::DisputeVoteSubmitted(e) => Some((Self::Dispute, e.user, e.vote)),
            _ => None,
        }
    }
}

/// Where a vote was cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VoteSource {
    /// By a transaction: a vote record of the program. It wins.
    Chain,
    /// Here, by a signed message or a session.
    OffChain,
}

/// How many voted which way. The sum fits 32 bits, as the program demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "StoredCounts")]
pub struct Counts {
    in_favour: u32,
    against: u32,
}

/// As a row holds them.
#[derive(Deserialize)]
struct StoredCounts {
    in_favour: u32,
    against: u32,
}

impl TryFrom<StoredCounts> for Counts {
    type Error = &'static str;
    fn try_from(stored: StoredCounts) -> Result<Self, Self::Error> {
        Self::new(stored.in_favour, stored.against).ok_or("the sum of votes does not fit 32 bits")
    }
}

/// What is counted in a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MarketCounts {
    /// On its proposal.
    #[serde(default)]
    pub proposal: Counts,
    /// On its dispute.
    #[serde(default)]
    pub dispute: Counts,
}

impl MarketCounts {
    /// On one of them.
    pub fn of(&self, kind: VoteKind) -> Counts {
        match kind {
            VoteKind::Proposal => self.proposal,
            VoteKind::Dispute => self.dispute,
        }
    }

    /// One of them changes.
    pub fn set(&mut self, kind: VoteKind, counts: Counts) {
        match kind {
            VoteKind::Proposal => self.proposal = counts,
            VoteKind::Dispute => self.dispute = counts,
        }
    }
}

impl Counts {
    /// `None` if the sum does not fit 32 bits: no instruction can report it.
    pub fn new(in_favour: u32, against: u32) -> Option<Self> {
        in_favour.checked_add(against).map(|_| Self { in_favour, against })
    }

    /// Likes of a proposal; of a dispute those who say that the proposed outcome is wrong.
    pub fn in_favour(self) -> u32 {
        self.in_favour
    }

    /// The others.
    pub fn against(self) -> u32 {
        self.against
    }

    /// All of them.
    pub fn total(self) -> u32 {
        self.in_favour + self.against
    }

    /// floor(in favour · 10,000 / total), as the program computes it; `None` without votes.
    pub fn approval(self) -> Option<Bps> {
        let bps = (u64::from(self.in_favour) * ALL_BPS).checked_div(u64::from(self.total()))?;
        // At most all of them.
        Some(Bps(bps as u16))
    }

    /// What the counts decide. The threshold is the config's on the chain; `minimum` is ours, the program knows none.
    pub fn decide(self, minimum: u32, threshold: Bps) -> Decision {
        let total = self.total();
        match self.approval() {
            None => Decision::NoVotes,
            Some(_) if total < minimum => Decision::TooFew { total, minimum },
            Some(approval) if approval < threshold => Decision::BelowThreshold { approval, threshold },
            Some(approval) => Decision::Crossed { approval },
        }
    }

    fn side(&mut self, in_favour: bool) -> &mut u32 {
        if in_favour { &mut self.in_favour } else { &mut self.against }
    }
}

/// What a tally decides, and why not more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nobody voted; the program refuses to decide then.
    NoVotes,
    /// Fewer than are asked for.
    TooFew {
        /// So many voted.
        total: u32,
        /// So many are needed.
        minimum: u32,
    },
    /// Enough voted, too few of them in favour.
    BelowThreshold {
        /// Rounded down.
        approval: Bps,
        /// What it takes.
        threshold: Bps,
    },
    /// Enough are in favour.
    Crossed {
        /// Rounded down, at least the threshold.
        approval: Bps,
    },
}

/// The tally holds as many wallets as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{limit} wallets have voted: no more are counted")]
pub struct TallyFull {
    /// The limit.
    pub limit: u32,
}

/// The votes of one wallet, by source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Ballot {
    chain: Option<bool>,
    off_chain: Option<bool>,
}

impl Ballot {
    fn counted(self) -> Option<bool> {
        self.chain.or(self.off_chain)
    }

    fn of(&mut self, source: VoteSource) -> &mut Option<bool> {
        match source {
            VoteSource::Chain => &mut self.chain,
            VoteSource::OffChain => &mut self.off_chain,
        }
    }
}

/// The votes on one proposal or one dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    ballots: BTreeMap<Wallet, Ballot>,
    counts: Counts,
    limit: u32,
}

impl Tally {
    /// Without votes; takes those of at most `limit` wallets.
    pub fn new(limit: u32) -> Self {
        Self { ballots: BTreeMap::new(), counts: Counts::default(), limit }
    }

    /// How many voted which way.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Which way a wallet counts; `None` if it does not.
    pub fn vote_of(&self, wallet: &Wallet) -> Option<bool> {
        self.ballots.get(wallet).and_then(|ballot| ballot.counted())
    }

    /// Counts a vote; an earlier one of the same wallet and source is replaced. Says whether the counts changed.
    ///
    /// # Errors
    /// It is the first vote of a wallet too many. Nothing has changed.
    pub fn cast(&mut self, wallet: Wallet, source: VoteSource, in_favour: bool) -> Result<bool, TallyFull> {
        let is_full = self.ballots.len() >= self.limit as usize;
        match self.ballots.entry(wallet) {
            Entry::Vacant(_) if is_full => Err(TallyFull { limit: self.limit }),
            entry => {
                let ballot = entry.or_default();
                let before = ballot.counted();
                *ballot.of(source) = Some(in_favour);
                let after = ballot.counted();
                Ok(self.recount(before, after))
            }
        }
    }

    /// Takes a vote back, as when its transaction is rolled back; one that is not there is no matter. Says whether the
    /// counts changed.
    pub fn take_back(&mut self, wallet: Wallet, source: VoteSource) -> bool {
        let Entry::Occupied(mut entry) = self.ballots.entry(wallet) else { return false };
        let before = entry.get().counted();
        *entry.get_mut().of(source) = None;
        let after = entry.get().counted();
        if after.is_none() {
            entry.remove();
        }
        self.recount(before, after)
    }

    fn recount(&mut self, before: Option<bool>, after: Option<bool>) -> bool {
        // One wallet, one vote: the sum is at most the number of ballots, which fits.
        if let Some(vote) = before {
            *self.counts.side(vote) -= 1;
        }
        if let Some(vote) = after {
            *self.counts.side(vote) += 1;
        }
        before != after
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{VoteSource::*, *};

    fn wallet(number: u8) -> Wallet {
        Wallet([number; 32])
    }

    fn counts(in_favour: u32, against: u32) -> Counts {
        Counts::new(in_favour, against).unwrap()
    }

    #[test]
    fn a_decision_is_made_in_whole_basis_points() {
        use Decision::*;
        let seventy = Bps(7_000);
        let rows: &[(u32, u32, u32, Bps, Decision)] = &[
            (0, 0, 10, seventy, NoVotes),
            (0, 0, 0, Bps(0), NoVotes),
            (9, 0, 10, seventy, TooFew { total: 9, minimum: 10 }),
            (10, 0, 10, seventy, Crossed { approval: Bps(10_000) }),
            (7, 3, 10, seventy, Crossed { approval: seventy }),
            // 69.99 % is not 70 %, and neither is 69.999 %.
            (6_999, 3_001, 10, seventy, BelowThreshold { approval: Bps(6_999), threshold: seventy }),
            (69_999, 30_001, 10, seventy, BelowThreshold { approval: Bps(6_999), threshold: seventy }),
            (0, 10, 10, seventy, BelowThreshold { approval: Bps(0), threshold: seventy }),
            (0, 10, 10, Bps(0), Crossed { approval: Bps(0) }),
            // A threshold above everything is never crossed.
            (10, 0, 10, Bps(10_001), BelowThreshold { approval: Bps(10_000), threshold: Bps(10_001) }),
            // Counts whose products do not fit 32 bits.
            (3_006_477_107, 1_288_490_188, 10, seventy, Crossed { approval: seventy }),
            (3_006_477_106, 1_288_490_189, 10, seventy, BelowThreshold { approval: Bps(6_999), threshold: seventy }),
            (u32::MAX, 0, u32::MAX, Bps(10_000), Crossed { approval: Bps(10_000) }),
        ];
        for &(in_favour, against, minimum, threshold, decision) in rows {
            assert_eq!(counts(in_favour, against).decide(minimum, threshold), decision, "{in_favour} {against}");
        }
        assert_eq!(Counts::new(u32::MAX, 1), None);
    }

    #[test]
    fn the_vote_on_the_chain_wins_in_any_order() {
        for chain_first in [true, false] {
            let mut tally = Tally::new(10);
            let mut votes = [(Chain, true), (OffChain, false)];
            if !chain_first {
                votes.reverse();
            }
            for (source, vote) in votes {
                tally.cast(wallet(1), source, vote).unwrap();
            }
            assert_eq!((tally.counts(), tally.vote_of(&wallet(1))), (counts(1, 0), Some(true)));
        }
    }

    #[test]
    fn a_rolled_back_vote_uncovers_the_one_cast_here() {
        let mut tally = Tally::new(10);
        assert_eq!(tally.cast(wallet(1), OffChain, false), Ok(true));
        assert_eq!(tally.cast(wallet(1), Chain, true), Ok(true));
        assert_eq!(tally.counts(), counts(1, 0));
        assert!(tally.take_back(wallet(1), Chain));
        assert_eq!(tally.counts(), counts(0, 1));
        // Twice, or of somebody who never voted: nothing happens.
        assert!(!tally.take_back(wallet(1), Chain) && !tally.take_back(wallet(2), Chain));
        // It lands again, the other way round.
        assert_eq!(tally.cast(wallet(1), Chain, false), Ok(false));
        assert!(!tally.take_back(wallet(1), OffChain));
        assert!(tally.take_back(wallet(1), Chain));
        assert_eq!(tally, Tally::new(10));
    }

    #[test]
    fn a_full_tally_takes_no_other_wallet() {
        let mut tally = Tally::new(2);
        for number in [1, 2] {
            tally.cast(wallet(number), OffChain, true).unwrap();
        }
        let before = tally.clone();
        assert_eq!(tally.cast(wallet(3), Chain, true), Err(TallyFull { limit: 2 }));
        assert_eq!(tally, before);
        assert_eq!(tally.cast(wallet(2), Chain, false), Ok(true));
        assert!(tally.take_back(wallet(1), OffChain));
        assert_eq!(tally.cast(wallet(3), Chain, true), Ok(true));
        assert_eq!(tally.counts(), counts(1, 1));
    }

    proptest! {
        /// The counts kept along the way are those of a count from scratch, whatever came in whatever order.
        #[test]
        fn a_wallet_counts_once(
            steps in prop::collection::vec((0u8..6, any::<bool>(), prop::option::of(any::<bool>())), 0..80), limit in 1u32..8,
        ) {
            let mut tally = Tally::new(limit);
            let mut votes: Vec<(u8, VoteSource, bool)> = Vec::new();
            for (number, on_chain, vote) in steps {
                let source = if on_chain { Chain } else { OffChain };
                let counts_before = tally.counts();
                let changed = match vote {
                    Some(vote) => match tally.cast(wallet(number), source, vote) {
                        Ok(changed) => {
                            votes.retain(|(who, how, _)| (*who, *how) != (number, source));
                            votes.push((number, source, vote));
                            changed
                        }
                        Err(_) => {
                            prop_assert!(votes.iter().all(|(who, ..)| *who != number));
                            false
                        }
                    },
                    None => {
                        votes.retain(|(who, how, _)| (*who, *how) != (number, source));
                        tally.take_back(wallet(number), source)
                    }
                };
                prop_assert_eq!(changed, tally.counts() != counts_before);
                let counted = |number: u8| {
                    let by = |source| votes.iter().find(|(who, how, _)| (*who, *how) == (number, source));
                    by(Chain).or(by(OffChain)).map(|(_, _, vote)| *vote)
                };
                let sides: Vec<bool> = (0..6).filter_map(counted).collect();
                let in_favour = sides.iter().filter(|vote| **vote).count() as u32;
                prop_assert_eq!(tally.counts(), counts(in_favour, sides.len() as u32 - in_favour));
                prop_assert!((0..6).all(|number| tally.vote_of(&wallet(number)) == counted(number)));
            }
        }

        #[test]
        fn approval_is_the_floored_ratio(in_favour in any::<u32>(), against in any::<u32>(), shift in 0u32..32, threshold in any::<u16>()) {
            let Some(counts) = Counts::new(in_favour >> shift, against >> shift) else { return Ok(()) };
            let (likes, total) = (u128::from(counts.in_favour()), u128::from(counts.total()));
            match counts.decide(0, Bps(threshold)) {
                Decision::NoVotes => prop_assert_eq!(total, 0),
                Decision::TooFew { .. } => prop_assert!(false),
                // Whole basis points: the floored ratio reaches a threshold exactly if the ratio does.
                Decision::BelowThreshold { .. } => prop_assert!(likes * 10_000 < u128::from(threshold) * total),
                Decision::Crossed { approval } => {
                    prop_assert!(likes * 10_000 >= u128::from(threshold) * total);
                    prop_assert_eq!(u128::from(approval.0), likes * 10_000 / total);
                }
            }
        }
    }
}
