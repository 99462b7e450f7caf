//! The phases of a market's life and the table of moves between them (program facts, section 8).
//!
//! Owns the one table that says which event may happen in which phase and where it leads. Time windows and who may do
//! it are the chain's to check: an event that is on the chain has passed them.

use serde::{Deserialize, Serialize};

use super::event::ProgramEvent;

/// Where a market is in its life. The number is the account's state byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum Phase {
    /// Proposed; collects proposal votes.
    Proposed = 0,
    /// Approved by the admin.
    Approved = 1,
    /// Traded.
    Active = 2,
    /// An outcome is proposed.
    Resolving = 3,
    /// The outcome is disputed.
    Disputed = 4,
    /// Paid out.
    Finalized = 5,
    /// Cancelled before it was ever traded.
    Cancelled = 6,
}

impl Phase {
    /// All phases, by number.
    pub const ALL: [Self; 7] = [
        Self::Proposed,
        Self::Approved,
        Self::Active,
        Self::Resolving,
        Self::Disputed,
        Self::Finalized,
        Self::Cancelled,
    ];

    /// The phase of an account's state byte; `None` above 6.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The account's state byte.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// As wire text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "PROPOSED",
            Self::Approved => "APPROVED",
            Self::Active => "ACTIVE",
            Self::Resolving => "RESOLVING",
            Self::Disputed => "DISPUTED",
            Self::Finalized => "FINALIZED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// What an event does to a phase: its kind, and for the two that can end in two ways, which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// MarketCreated.
    Creation,
    /// ProposalVoteSubmitted.
    ProposalVote,
    /// ProposalAggregated.
    ProposalTally,
    /// ProposalApproved.
    Approval,
    /// MarketCancelled.
    Cancellation,
    /// MarketActivated.
    Activation,
    /// SharesBought, SharesSold.
    Trade,
    /// MarketResolved.
    Resolution,
    /// DisputeInitiated.
    Dispute,
    /// DisputeVoteSubmitted.
    DisputeVote,
    /// DisputeAggregated, succeeded.
    DisputeWon,
    /// DisputeAggregated, failed.
    DisputeLost,
    /// MarketFinalized without a dispute.
    Finalization,
    /// MarketFinalized out of a dispute.
    DisputeVerdict,
    /// WinningsClaimed.
    Claim,
    /// LiquidityWithdrawn.
    Withdrawal,
}

impl Step {
    /// The step that an event is; `None` for an event of the config.
    pub fn of(event: &ProgramEvent) -> Option<Self> {
        Some(match event {
            ProgramEvent::GlobalConfigInitialized(_)
            | ProgramEvent::ConfigUpdated(_)
            | ProgramEvent::ProtocolPauseStatusChanged(_) => return None,
            ProgramEvent::MarketCreated(_) => Self::Creation,
            ProgramEvent::ProposalVoteSubmitted(_) => Self::ProposalVote,
            ProgramEvent::ProposalAggregated(_) => Self::ProposalTally,
            ProgramEvent::ProposalApproved(_) => Self::Approval,
            ProgramEvent::MarketActivated(_) => Self::Activation,
            ProgramEvent::SharesBought(_) | ProgramEvent::SharesSold(_) => Self::Trade,
            ProgramEvent::MarketResolved(_) => Self::Resolution,
            ProgramEvent::DisputeInitiated(_) => Self::Dispute,
            ProgramEvent::DisputeVoteSubmitted(_) => Self::DisputeVote,
            ProgramEvent::DisputeAggregated(e) if e.dispute_succeeded => Self::DisputeWon,
            ProgramEvent::DisputeAggregated(_) => Self::DisputeLost,
            ProgramEvent::MarketFinalized(e) if e.was_disputed => Self::DisputeVerdict,
            ProgramEvent::MarketFinalized(_) => Self::Finalization,
            ProgramEvent::WinningsClaimed(_) => Self::Claim,
            ProgramEvent::LiquidityWithdrawn(_) => Self::Withdrawal,
            ProgramEvent::MarketCancelled(_) => Self::Cancellation,
        })
    }
}

/// Every move there is: from where (`None`: from nothing), by what, to where. What is not here cannot happen.
pub const MOVES: &[(Option<Phase>, Step, Phase)] = {
    use Phase::*;
    &[
        (None, Step::Creation, Proposed),
        (Some(Proposed), Step::ProposalVote, Proposed),
        // A tally approves nothing, even when it says "approved": the admin does, with the next row.
        (Some(Proposed), Step::ProposalTally, Proposed),
        (Some(Proposed), Step::Approval, Approved),
        // The program's own table of moves lacks both cancellations: it assigns the state directly.
        (Some(Proposed), Step::Cancellation, Cancelled),
        (Some(Approved), Step::Cancellation, Cancelled),
        (Some(Approved), Step::Activation, Active),
        (Some(Active), Step::Trade, Active),
        (Some(Active), Step::Resolution, Resolving),
        (Some(Resolving), Step::Dispute, Disputed),
        (Some(Disputed), Step::DisputeVote, Disputed),
        // Back again, with the old outcome: a dispute that was won by a tally has no effect.
        (Some(Disputed), Step::DisputeWon, Resolving),
        // The end without an outcome (a refund market), and no MarketFinalized follows.
        (Some(Disputed), Step::DisputeLost, Finalized),
        (Some(Disputed), Step::DisputeVerdict, Finalized),
        (Some(Resolving), Step::Finalization, Finalized),
        (Some(Finalized), Step::Claim, Finalized),
        // Can be repeated, and waits for nobody's claim.
        (Some(Finalized), Step::Withdrawal, Finalized),
    ]
};

/// Where a step leads; `None` if it cannot happen there.
pub fn after(from: Option<Phase>, step: Step) -> Option<Phase> {
    MOVES.iter().find(|(start, by, _)| *start == from && *by == step).map(|(_, _, to)| *to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_go_both_ways() {
        for (code, phase) in (0u8..).zip(Phase::ALL) {
            assert_eq!((Phase::from_code(code), phase.code()), (Some(phase), code));
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.as_str());
        }
        assert_eq!(Phase::from_code(7), None);
        assert_eq!(Phase::from_code(u8::MAX), None);
    }

    #[test]
    fn no_move_is_there_twice_and_cancelled_is_the_end() {
        for (index, (from, by, _)) in MOVES.iter().enumerate() {
            let same = MOVES.iter().filter(|(start, step, _)| start == from && step == by);
            assert_eq!(same.count(), 1, "row {index}");
            assert_ne!(*from, Some(Phase::Cancelled), "row {index}");
        }
    }

    /// The state changes of the page, section 8, as (from, to) numbers.
    #[test]
    fn the_table_has_the_changes_of_the_program_and_no_other() {
        let mut changes: Vec<_> = MOVES
            .iter()
            .filter_map(|(from, _, to)| from.map(|from| (from.code(), to.code())))
            .filter(|(from, to)| from != to)
            .collect();
        changes.sort_unstable();
        changes.dedup();
        assert_eq!(changes, [(0, 1), (0, 6), (1, 2), (1, 6), (2, 3), (3, 4), (3, 5), (4, 3), (4, 5)]);
    }
}
