//! An attempt to bring a decision of governance to the chain: how it stands, why it failed, and when the next may follow.
//!
//! Owns three tables: how what the chain says moves an attempt ([`next`], which is the table of users' transactions with one
//! more condition: done is what the journal has too), what the program's refusals mean ([`Why`]), and how long to wait after
//! them ([`pause`]). Whether a decision is right is not asked here; whether it is still to be carried out is ([`stand`]).

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    governance::Purpose,
    phase::Phase,
    submission::{self, Seen, SubmissionStatus},
    tally::Counts,
};

/// An attempt's number: its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubmissionId(pub i64);

impl fmt::Display for SubmissionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whose signature governance needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The config's `backend_authority`: reports tallies, finalizes, and pays.
    Backend,
    /// The config's `admin`: approves.
    Admin,
}

impl Authority {
    /// As wire text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Admin => "admin",
        }
    }

    /// Those that have to sign, the payer first.
    pub const fn signers(purpose: Purpose) -> &'static [Self] {
        match purpose {
            Purpose::ApproveProposal => &[Self::Backend, Self::Admin],
            Purpose::AggregateProposal | Purpose::FinalizeDispute | Purpose::FinalizeUndisputed => &[Self::Backend],
        }
    }
}

/// The event by which the chain says that it is done: the last one of the transaction.
pub const fn event_of(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::AggregateProposal => "ProposalAggregated",
        Purpose::ApproveProposal => "ProposalApproved",
        Purpose::FinalizeDispute | Purpose::FinalizeUndisputed => "MarketFinalized",
    }
}

/// Where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    /// Durable here, and perhaps not sent yet.
    Signed,
    /// A node has it, as far as one knows.
    Sent,
    /// Executed by a node; may vanish at any time.
    Processed,
    /// Voted for by a supermajority, or final without the journal having its event yet.
    Confirmed,
    /// For good, and the journal has its event.
    Finalized,
    /// It had no effect, or would have none; the reason says why.
    Failed,
    /// It did not land in its time, and can't any more.
    Expired,
}

impl AttemptStatus {
    const ALL: [Self; 7] =
        [Self::Signed, Self::Sent, Self::Processed, Self::Confirmed, Self::Finalized, Self::Failed, Self::Expired];

    /// As wire text and as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Sent => "sent",
            Self::Processed => "processed",
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// What a user's transaction in that place is called.
    const fn of_a_user(self) -> SubmissionStatus {
        match self {
            Self::Signed | Self::Sent => SubmissionStatus::Received,
            Self::Processed => SubmissionStatus::Processed,
            Self::Confirmed => SubmissionStatus::Confirmed,
            Self::Finalized => SubmissionStatus::Finalized,
            Self::Failed => SubmissionStatus::Failed,
            Self::Expired => SubmissionStatus::Expired,
        }
    }
}

/// A status, and whether it is the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptStanding {
    /// The status.
    pub status: AttemptStatus,
    /// Nothing changes it any more.
    pub settled: bool,
}

/// The table. `is_journaled`: the journal has its event, in an entry that is final too.
pub fn next(now: AttemptStatus, seen: Seen, is_journaled: bool) -> AttemptStanding {
    let submission::Standing { status, settled } = submission::next(now.of_a_user(), seen);
    let status = match status {
        SubmissionStatus::Received if now == AttemptStatus::Signed => AttemptStatus::Signed,
        SubmissionStatus::Received => AttemptStatus::Sent,
        SubmissionStatus::Processed => AttemptStatus::Processed,
        SubmissionStatus::Confirmed => AttemptStatus::Confirmed,
        // The chain's word alone is half of it: what comes next is decided from the journal.
        SubmissionStatus::Finalized if !is_journaled => {
            return AttemptStanding { status: AttemptStatus::Confirmed, settled: false };
        }
        SubmissionStatus::Finalized => AttemptStatus::Finalized,
        SubmissionStatus::Failed => AttemptStatus::Failed,
        SubmissionStatus::Expired => AttemptStatus::Expired,
    };
    AttemptStanding { status, settled }
}

/// What a refusal means to whoever would try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Somebody else's transaction has done it, or the market is past it: nothing is left to do.
    AlreadyDone,
    /// The program counts them differently now: its threshold was changed, or nobody voted.
    TooFewVotes,
    /// Its clock or its period says so. (Ten years after its creation a market is refused in the same way.)
    TooEarly,
    /// The market's phase does not allow it, or there is no such market.
    OtherPhase,
    /// Our key is not the one that the config names.
    Unauthorized,
    /// The program is paused.
    Paused,
    /// The payer can't pay the fee.
    Poor,
    /// Anything else.
    Other,
}

impl Why {
    const ALL: [Self; 8] = [
        Self::AlreadyDone,
        Self::TooFewVotes,
        Self::TooEarly,
        Self::OtherPhase,
        Self::Unauthorized,
        Self::Paused,
        Self::Poor,
        Self::Other,
    ];

    /// As wire text and as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyDone => "already_done",
            Self::TooFewVotes => "too_few_votes",
            Self::TooEarly => "too_early",
            Self::OtherPhase => "other_phase",
            Self::Unauthorized => "unauthorized",
            Self::Paused => "paused",
            Self::Poor => "poor",
            Self::Other => "other",
        }
    }

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == text)
    }

    /// By the name of a failure, as `chain::tx::failure` names it.
    pub fn of_name(name: &str) -> Self {
        match name {
            "InsufficientVotes" | "NoVotesRecorded" => Self::TooFewVotes,
            "DisputePeriodNotEnded" | "InvalidTimestamp" => Self::TooEarly,
            "InvalidStateTransition" | "InvalidMarketState" | "InvalidStateForVoting" | "AccountNotInitialized" => {
                Self::OtherPhase
            }
            "Unauthorized" => Self::Unauthorized,
            "ProtocolPaused" | "MarketPaused" => Self::Paused,
            "InsufficientFundsForFee"
            | "ResultWithNegativeLamports"
            | "InsufficientFundsForRent"
            | "AccountNotFound" => Self::Poor,
            _ => Self::Other,
        }
    }

    /// The first pause after it, and the longest.
    const fn pace(self) -> Pace {
        let (first, longest) = match self {
            // It counts as done (see `journal::chain_submissions::past`): nothing is waited for.
            Self::AlreadyDone => (0, 0),
            // Cured by new votes, by time, or by another's transaction: soon.
            Self::TooFewVotes | Self::TooEarly | Self::OtherPhase => (10, 5 * 60),
            // Cured by people.
            Self::Paused | Self::Poor => (30, 10 * 60),
            Self::Unauthorized => (5 * 60, 3_600),
            Self::Other => (30, 3_600),
        };
        Pace { first, longest }
    }
}

/// A refusal, by the program or by the runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRefusal {
    /// What it means.
    pub why: Why,
    /// The number, where a program gave one.
    pub code: Option<u32>,
    /// The name: the program's, the runtime's, or ours where it was not asked.
    pub name: String,
}

impl ProgramRefusal {
    /// Seen here, without asking the program.
    pub fn ours(why: Why, name: &str) -> Self {
        Self { why, code: None, name: name.to_owned() }
    }
}

impl fmt::Display for ProgramRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{} ({code})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// What of a market's account a decision may meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketNow {
    /// Its phase.
    pub phase: Phase,
    /// The proposal's votes, as last reported to the program.
    pub proposal: Counts,
}

/// Whether a decision is still to be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Yes.
    Open,
    /// It is done, or the market is past it.
    Done,
    /// It can't be done in this phase; what the program would make of it is not what was decided.
    OtherPhase,
}

/// How a decision stands to the account. That a dispute's verdict is refused outside of a dispute is ours to see: the
/// program would ignore its votes and let the proposed outcome stand.
pub fn stand(purpose: Purpose, counts: Option<Counts>, now: MarketNow) -> Stand {
    match (purpose, now.phase) {
        (Purpose::AggregateProposal, Phase::Proposed) if counts == Some(now.proposal) => Stand::Done,
        (Purpose::AggregateProposal | Purpose::ApproveProposal, Phase::Proposed) => Stand::Open,
        (Purpose::AggregateProposal | Purpose::ApproveProposal, _) => Stand::Done,
        (Purpose::FinalizeDispute, Phase::Disputed) | (Purpose::FinalizeUndisputed, Phase::Resolving) => Stand::Open,
        (Purpose::FinalizeDispute | Purpose::FinalizeUndisputed, Phase::Finalized) => Stand::Done,
        (Purpose::FinalizeDispute | Purpose::FinalizeUndisputed, _) => Stand::OtherPhase,
    }
}

/// Seconds.
struct Pace {
    first: u64,
    longest: u64,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It did what it was for.
    Done,
    /// It did not land.
    Expired,
    /// It was refused, or failed on the chain.
    Failed(Why),
}

/// Attempts that are looked back on: more failures in a row than these make no pause longer.
pub const LOOKED_BACK: usize = 16;

/// So many of these, the newest first, failed since the last that did not.
pub fn failures_in_a_row(newest_first: &[Ended]) -> usize {
    newest_first.iter().take_while(|ended| **ended != Ended::Done).count()
}

/// How long to wait after these attempts of one purpose and market, the newest first: twice as long after each failure in a
/// row, up to a longest that its reason has, and up to a quarter more, which `seed` decides (so that a restart finds the
/// same pause, and many markets do not try again in one moment).
pub fn pause(newest_first: &[Ended], seed: u64) -> Duration {
    let pace = match newest_first.first() {
        None | Some(Ended::Done) => return Duration::ZERO,
        Some(Ended::Expired) => Pace { first: 2, longest: 5 * 60 },
        Some(Ended::Failed(why)) => why.pace(),
    };
    let doublings = u32::try_from(failures_in_a_row(newest_first).saturating_sub(1)).unwrap_or(u32::MAX).min(20);
    let millis = (pace.first << doublings).min(pace.longest) * 1_000;
    // Fibonacci hashing: neighbouring seeds are far apart.
    let spread = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
    Duration::from_millis(millis + millis * spread / (4 << 16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{error::ProgramError, submission::Landed};

    #[test]
    fn an_attempt_is_done_when_the_chain_says_so_for_good_and_the_journal_has_its_event() {
        use AttemptStatus::*;
        let there = |how, failed| Seen::There { how, failed };
        let rows = [
            (Signed, Seen::Missing, false, Signed, false),
            (Sent, Seen::Missing, false, Sent, false),
            (Signed, there(Landed::Processed, false), false, Processed, false),
            (Sent, there(Landed::Confirmed, false), true, Confirmed, false),
            (Sent, there(Landed::Finalized, false), false, Confirmed, false),
            (Confirmed, there(Landed::Finalized, false), false, Confirmed, false),
            (Confirmed, there(Landed::Finalized, false), true, Finalized, true),
            // Rolled back: on its way again, until it can't land any more.
            (Confirmed, Seen::Missing, false, Sent, false),
            (Confirmed, Seen::TooLate, false, Expired, true),
            (Signed, Seen::TooLate, false, Expired, true),
            // What a rehearsal refuses may land all the same.
            (Sent, Seen::WouldFail, false, Failed, false),
            (Failed, Seen::Missing, false, Failed, false),
            (Failed, there(Landed::Finalized, false), true, Finalized, true),
            (Failed, Seen::TooLate, false, Failed, true),
            (Sent, there(Landed::Confirmed, true), false, Failed, false),
            (Sent, there(Landed::Finalized, true), false, Failed, true),
        ];
        for (now, seen, is_journaled, status, settled) in rows {
            assert_eq!(next(now, seen, is_journaled), AttemptStanding { status, settled }, "{now:?}, {seen:?}");
        }
        for status in AttemptStatus::ALL {
            assert_eq!(AttemptStatus::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn refusals_mean_what_follows_from_them() {
        let meant = |error: ProgramError| Why::of_name(error.name());
        for (error, why) in [
            (ProgramError::InsufficientVotes, Why::TooFewVotes),
            (ProgramError::NoVotesRecorded, Why::TooFewVotes),
            (ProgramError::DisputePeriodNotEnded, Why::TooEarly),
            (ProgramError::InvalidTimestamp, Why::TooEarly),
            (ProgramError::InvalidStateTransition, Why::OtherPhase),
            (ProgramError::InvalidMarketState, Why::OtherPhase),
            (ProgramError::InvalidStateForVoting, Why::OtherPhase),
            (ProgramError::Unauthorized, Why::Unauthorized),
            (ProgramError::ProtocolPaused, Why::Paused),
            (ProgramError::OverflowError, Why::Other),
        ] {
            assert_eq!(meant(error), why, "{error:?}");
        }
        assert_eq!(Why::of_name("InsufficientFundsForFee"), Why::Poor);
        assert_eq!(Why::of_name("ResultWithNegativeLamports"), Why::Poor);
        assert_eq!(Why::of_name("PrivilegeEscalation"), Why::Other);
        for why in Why::ALL {
            assert_eq!(Why::parse(why.as_str()), Some(why));
            assert_eq!(serde_json::to_value(why).unwrap(), why.as_str());
        }
        // No error of the program says by itself that something is done: the account does.
        assert!(ProgramError::ALL.iter().all(|error| meant(*error) != Why::AlreadyDone));
    }

    #[test]
    fn a_decision_is_carried_out_only_where_it_means_what_was_decided() {
        use Stand::*;
        let phases = Phase::ALL;
        let rows = [
            (Purpose::AggregateProposal, [Open, Done, Done, Done, Done, Done, Done]),
            (Purpose::ApproveProposal, [Open, Done, Done, Done, Done, Done, Done]),
            (Purpose::FinalizeDispute, [OtherPhase, OtherPhase, OtherPhase, OtherPhase, Open, Done, OtherPhase]),
            (Purpose::FinalizeUndisputed, [OtherPhase, OtherPhase, OtherPhase, Open, OtherPhase, Done, OtherPhase]),
        ];
        for (purpose, stands) in rows {
            for (phase, expected) in phases.into_iter().zip(stands) {
                let now = MarketNow { phase, proposal: Counts::default() };
                assert_eq!(stand(purpose, Counts::new(8, 2), now), expected, "{purpose:?}, {phase:?}");
            }
        }
        let counted = MarketNow { phase: Phase::Proposed, proposal: Counts::new(8, 2).unwrap() };
        assert_eq!(
            stand(Purpose::AggregateProposal, Counts::new(8, 2), counted),
            Done,
            "the chain has these very counts"
        );
        assert_eq!(stand(Purpose::ApproveProposal, Counts::new(8, 2), counted), Open);
    }

    #[test]
    fn pauses_double_up_to_the_longest_of_their_reason_and_end_with_success() {
        let failed = Ended::Failed;
        let seconds = |ended: &[Ended]| pause(ended, 0).as_secs();
        assert_eq!(seconds(&[]), 0);
        assert_eq!(seconds(&[Ended::Done, failed(Why::Other)]), 0);
        assert_eq!(seconds(&[Ended::Expired]), 2);
        assert_eq!(seconds(&[Ended::Expired, Ended::Expired, Ended::Done, Ended::Expired]), 4);
        assert_eq!(seconds(&[failed(Why::Other)]), 30);
        assert_eq!(seconds(&[failed(Why::Other), Ended::Expired, failed(Why::Poor)]), 120);
        assert_eq!(seconds(&[failed(Why::Unauthorized)]), 300);
        assert_eq!(seconds(&[failed(Why::Unauthorized); LOOKED_BACK]), 3_600);
        assert_eq!(seconds(&[failed(Why::TooFewVotes); LOOKED_BACK]), 300);
        // Thousands of failures: nothing overflows.
        assert_eq!(seconds(&[Ended::Expired; 5_000]), 300);
    }

    proptest::proptest! {
        #[test]
        fn a_pause_is_at_most_a_quarter_longer_and_the_same_after_a_restart(failures in 1usize..40, seed: u64) {
            let ended = vec![Ended::Expired; failures];
            let (least, found) = (pause(&ended, 0), pause(&ended, seed));
            proptest::prop_assert!(found >= least && found <= least + least / 4);
            proptest::prop_assert_eq!(found, pause(&ended, seed));
        }
    }
}
