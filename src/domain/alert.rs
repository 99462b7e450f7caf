//! What an operator is told of: the kinds of conditions that a person should know, how bad each is, and what it means.
//!
//! Owns names only. An alert is a condition, not an event: it is open as long as the condition holds, once for each kind
//! and subject, and whoever sees that the condition is gone resolves it. Never decides when one is raised: that is the
//! business of whoever can see it.

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody should look at it in working hours.
    Warning,
    /// Markets don't go on, or money stays where it is, until somebody does something.
    Critical,
}

impl Severity {
    /// As stored and told.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// The subject of an alert that stands for more subjects than have one of their own.
pub const MORE: &str = "*";

/// Subjects of a kind that have an alert of their own, of what the monitor or the submitter sees; beyond, one alert says that
/// there are more.
pub const SUBJECTS_MAX: usize = 200;

/// A kind of condition. Its subject is said with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A market: proposed for too long.
    ProposalStuck,
    /// A market: approved for too long without an activation.
    ApprovalStuck,
    /// A market: past the time of its question, and nobody proposed an outcome.
    Unresolved,
    /// A market: disputed, past the window for votes, and not finalized.
    DisputeStuck,
    /// A market: the window for votes on its dispute is over, and there are none.
    DisputeWithoutVotes,
    /// A market: its finalization is long due, and did not happen.
    FinalizationStuck,
    /// A market: older than the program lets a market be resolved or finalized.
    TooOld,
    /// A market: its votes are enough, and the admin's key is not here.
    AdminHasToApprove,
    /// A market: the tally takes no more wallets.
    TallyFull,
    /// A signature: a transaction of ours is not confirmed for too long.
    SubmissionUnconfirmed,
    /// A market, a slash, a purpose: what has to be done fails again and again, or can't even be attempted.
    SubmissionFailing,
    /// A signature: a transaction of ours is final on the chain, and its event does not come to the journal.
    EventMissing,
    /// `backend` or `admin`: a key is needed, and none is configured.
    AuthorityMissing,
    /// `backend` or `admin`: the configured key is not the one that the chain's config names.
    AuthorityMismatch,
    /// A wallet: an authority has too few lamports for what is to be sent.
    BalanceLow,
    /// `config`: the config can't be read from the chain; thresholds are those of the environment.
    ConfigUnread,
    /// `monitor`: the chain's time can't be read; nothing is finalized meanwhile.
    ChainUnread,
    /// `journal`: what it holds is not what the chain's accounts say.
    JournalDiffers,
    /// A market, or `snapshots` (the service): its discussion can't be pinned.
    SnapshotFailing,
}

impl AlertKind {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::ProposalStuck,
        Self::ApprovalStuck,
        Self::Unresolved,
        Self::DisputeStuck,
        Self::DisputeWithoutVotes,
        Self::FinalizationStuck,
        Self::TooOld,
        Self::AdminHasToApprove,
        Self::TallyFull,
        Self::SubmissionUnconfirmed,
        Self::SubmissionFailing,
        Self::EventMissing,
        Self::AuthorityMissing,
        Self::AuthorityMismatch,
        Self::BalanceLow,
        Self::ConfigUnread,
        Self::ChainUnread,
        Self::JournalDiffers,
        Self::SnapshotFailing,
    ];

    /// As stored and told.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProposalStuck => "proposal_stuck",
            Self::ApprovalStuck => "approval_stuck",
            Self::Unresolved => "unresolved",
            Self::DisputeStuck => "dispute_stuck",
            Self::DisputeWithoutVotes => "dispute_without_votes",
            Self::FinalizationStuck => "finalization_stuck",
            Self::TooOld => "too_old",
            Self::AdminHasToApprove => "admin_has_to_approve",
            Self::TallyFull => "tally_full",
            Self::SubmissionUnconfirmed => "submission_unconfirmed",
            Self::SubmissionFailing => "submission_failing",
            Self::EventMissing => "event_missing",
            Self::AuthorityMissing => "authority_missing",
            Self::AuthorityMismatch => "authority_mismatch",
            Self::BalanceLow => "balance_low",
            Self::ConfigUnread => "config_unread",
            Self::ChainUnread => "chain_unread",
            Self::JournalDiffers => "journal_differs",
            Self::SnapshotFailing => "snapshot_failing",
        }
    }

    /// From its text; `None` if there is no such kind (a newer engine's).
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// How bad it is.
    pub fn severity(self) -> Severity {
        match self {
            Self::ProposalStuck
            | Self::ApprovalStuck
            | Self::Unresolved
            | Self::TallyFull
            | Self::ConfigUnread
            | Self::SnapshotFailing => Severity::Warning,
            Self::DisputeStuck
            | Self::DisputeWithoutVotes
            | Self::FinalizationStuck
            | Self::TooOld
            | Self::AdminHasToApprove
            | Self::SubmissionUnconfirmed
            | Self::SubmissionFailing
            | Self::EventMissing
            | Self::AuthorityMissing
            | Self::AuthorityMismatch
            | Self::BalanceLow
            | Self::ChainUnread
            | Self::JournalDiffers => Severity::Critical,
        }
    }

    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::ProposalStuck => "proposed for too long, neither approved nor cancelled",
            Self::ApprovalStuck => "approved for too long, and its creator has not activated it",
            Self::Unresolved => "its question is past its time, and nobody proposed an outcome",
            Self::DisputeStuck => "the window for votes on its dispute is over, and it is not finalized",
            Self::DisputeWithoutVotes => "the window for votes on its dispute is over, and nobody voted",
            Self::FinalizationStuck => "its finalization is long due, and did not happen",
            Self::TooOld => "older than the program lets a market be resolved or finalized",
            Self::AdminHasToApprove => "its votes are enough, and the admin has to approve it",
            Self::TallyFull => "its tally takes no more wallets",
            Self::SubmissionUnconfirmed => "a transaction of ours is not confirmed for too long",
            Self::SubmissionFailing => "what has to be done to it fails again and again, or can't be attempted",
            Self::EventMissing => "final on the chain, and its event is not in the journal",
            Self::AuthorityMissing => "a key is needed that is not configured",
            Self::AuthorityMismatch => "the configured key is not the one that the chain's config names",
            Self::BalanceLow => "an authority has too few lamports",
            Self::ConfigUnread => "the chain's config can't be read",
            Self::ChainUnread => "the chain's time can't be read",
            Self::JournalDiffers => "what the journal holds is not what the chain's accounts say",
            Self::SnapshotFailing => "its discussion can't be pinned",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn kinds_have_texts_of_their_own_that_round_trip() {
        let texts: BTreeSet<_> = AlertKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(texts.len(), AlertKind::ALL.len());
        for kind in AlertKind::ALL {
            assert_eq!(AlertKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(serde_json::to_value(kind.severity()).unwrap(), kind.severity().as_str());
        }
        assert_eq!(AlertKind::parse("all_is_well"), None);
    }
}
