//! What the engine does to a market by itself: what it may ask for, and on what grounds.
//!
//! Owns the words in which a decision is handed to whoever carries it out and kept for whoever checks it later: the purpose,
//! the counts, and everything that was known when it was made. A decision can be made again from its grounds alone: votes up
//! to an entry, the chain's time, the threshold in force. Never reads a clock, a chain or a table, and sends nothing.

pub mod decision;
pub mod dispute;
pub mod proposal;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    amount::{Bps, UnixSeconds},
    ids::{Epoch, MarketAddress, Seq, Slot},
    tally::Counts,
};

/// What a transaction of the engine is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Purpose {
    /// The counts on the chain are brought up to date: `aggregate_proposal_votes` alone. Also all that can be done about a
    /// proposal that has crossed where the admin's key is not ours.
    AggregateProposal = 0,
    /// A proposal has crossed: `aggregate_proposal_votes` and `approve_proposal` in one transaction.
    ApproveProposal = 1,
    /// The window for votes on a dispute is over: `finalize_market(agree, disagree)`.
    FinalizeDispute = 2,
    /// Nobody disputed the outcome in time: `finalize_market(None, None)`.
    FinalizeUndisputed = 3,
}

impl Purpose {
    /// All of them, by number.
    pub const ALL: [Self; 4] =
        [Self::AggregateProposal, Self::ApproveProposal, Self::FinalizeDispute, Self::FinalizeUndisputed];

    /// As wire text and as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AggregateProposal => "aggregate_proposal",
            Self::ApproveProposal => "approve_proposal",
            Self::FinalizeDispute => "finalize_dispute",
            Self::FinalizeUndisputed => "finalize_undisputed",
        }
    }

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// What a decision rests on: enough to make it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grounds {
    /// The life of the journal that `seq` belongs to.
    pub epoch: Epoch,
    /// The finalized entry of the market's stream up to which votes were counted, and whose state was looked at.
    pub seq: Seq,
    /// The finalized slot whose clock was read.
    pub slot: Slot,
    /// The chain's time in it.
    pub chain_time: UnixSeconds,
    /// The threshold in force. Of a finalization without votes: that of disputes, which decides nothing there.
    pub threshold: Bps,
    /// So many votes were asked for; 0 where there is no minimum.
    pub minimum: u32,
    /// Since then it could be done; `None` if no time was waited for. Of a dispute it is the end of the window: votes on the chain
    /// were counted from before it.
    pub due_at: Option<UnixSeconds>,
    /// The config was read from the chain. If not, threshold and periods are those of the environment.
    pub config_read: bool,
}

/// What is to be done to a market, and on what grounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// To which one.
    pub market: MarketAddress,
    /// What.
    pub purpose: Purpose,
    /// With these counts; `None` where the instruction takes none.
    pub counts: Option<Counts>,
    /// Because of this.
    pub grounds: Grounds,
}

#[cfg(test)]
impl Grounds {
    /// Of tests that do not care.
    pub(crate) fn any() -> Self {
        Self {
            epoch: Epoch(1),
            seq: Seq(3),
            slot: Slot(9),
            chain_time: UnixSeconds(1_760_000_000),
            threshold: Bps(7_000),
            minimum: 10,
            due_at: None,
            config_read: true,
        }
    }
}

impl Intent {
    /// Names the decision: the same market, purpose, counts and last counted entry give the same hash, however often and
    /// whenever the decision is made.
    ///
    /// sha256 over 50 bytes, integers little endian: the purpose's number (1), the market's address (32), 1 if there are
    /// counts or else 0 (1), votes in favour and against (4 each; 0 if there are none), the last counted entry's number (8).
    pub fn hash(&self) -> [u8; 32] {
        let (in_favour, against) = self.counts.map_or((0, 0), |counts| (counts.in_favour(), counts.against()));
        Sha256::new()
            .chain_update([self.purpose as u8])
            .chain_update(self.market.0)
            .chain_update([u8::from(self.counts.is_some())])
            .chain_update(in_favour.to_le_bytes())
            .chain_update(against.to_le_bytes())
            .chain_update(self.grounds.seq.0.to_le_bytes())
            .finalize()
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent() -> Intent {
        Intent {
            market: MarketAddress([7; 32]),
            purpose: Purpose::ApproveProposal,
            counts: Counts::new(70, 30),
            grounds: Grounds {
                epoch: Epoch(1),
                seq: Seq(258),
                slot: Slot(99),
                chain_time: UnixSeconds(1_760_000_000),
                threshold: Bps(7_000),
                minimum: 10,
                due_at: None,
                config_read: true,
            },
        }
    }

    #[test]
    fn texts_round_trip_and_are_those_of_json() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.as_str()), Some(purpose));
            assert_eq!(serde_json::to_value(purpose).unwrap(), purpose.as_str());
        }
        assert_eq!(Purpose::parse("approve"), None);
    }

    #[test]
    fn a_stored_intent_is_the_intent() {
        let mut intent = intent();
        let json = serde_json::to_value(intent).unwrap();
        assert_eq!(json["grounds"]["chain_time"], "2025-10-09T08:53:20.000Z");
        assert_eq!(serde_json::from_value::<Intent>(json).unwrap(), intent);
        (intent.counts, intent.grounds.due_at) = (None, Some(UnixSeconds(i64::MAX)));
        assert_eq!(serde_json::from_value::<Intent>(serde_json::to_value(intent).unwrap()).unwrap(), intent);
    }

    /// Against the layout as it is written down: whoever recomputes a hash has only that.
    #[test]
    fn the_hash_is_that_of_the_documented_bytes() {
        let mut bytes = vec![1u8];
        bytes.extend([7; 32]);
        bytes.extend([1, 70, 0, 0, 0, 30, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes.len(), 50);
        assert_eq!(intent().hash(), <[u8; 32]>::from(Sha256::digest(&bytes)));
    }

    #[test]
    fn the_hash_names_the_decision_and_not_the_moment() {
        let first = intent();
        let mut later = first;
        later.grounds.slot = Slot(100);
        later.grounds.chain_time = UnixSeconds(1_760_000_001);
        later.grounds.config_read = false;
        assert_eq!(later.hash(), first.hash());
        let others = [
            Intent { market: MarketAddress([8; 32]), ..first },
            Intent { purpose: Purpose::AggregateProposal, ..first },
            Intent { counts: Counts::new(30, 70), ..first },
            Intent { counts: Counts::new(0, 0), ..first },
            Intent { counts: None, ..first },
            Intent { grounds: Grounds { seq: Seq(259), ..first.grounds }, ..first },
        ];
        let mut hashes: Vec<_> = others.iter().chain([&first]).map(Intent::hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), others.len() + 1);
    }
}
