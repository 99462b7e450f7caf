//! A transaction that a user signed, on its way to the chain.
//!
//! Owns its statuses and the one table by which what the chain says moves them ([`next`]), also back again: what a roll-back
//! takes away is on its way once more, until it lands again or can't any more. Never decides whether a node's silence
//! means anything: that it can't land any more is told to it.

use serde::{Deserialize, Serialize};

/// Where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubmissionStatus {
    /// Durable here, and being sent.
    Received,
    /// Executed by a node; may vanish at any time.
    Processed,
    /// Voted for by a supermajority.
    Confirmed,
    /// For good.
    Finalized,
    /// It had no effect, or would have none; the reason says why.
    Failed,
    /// It did not land in its time, and can't any more.
    Expired,
}

impl SubmissionStatus {
    /// As wire text and as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Processed => "processed",
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        const ALL: [SubmissionStatus; 6] = [
            SubmissionStatus::Received,
            SubmissionStatus::Processed,
            SubmissionStatus::Confirmed,
            SubmissionStatus::Finalized,
            SubmissionStatus::Failed,
            SubmissionStatus::Expired,
        ];
        ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// How sure the cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // the names are the cluster's own
pub enum Landed {
    Processed,
    Confirmed,
    Finalized,
}

/// What the chain says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It is there.
    There {
        /// How sure that is.
        how: Landed,
        /// It had no effect.
        failed: bool,
    },
    /// It is not there, and may still land.
    Missing,
    /// It is not there, and can't land any more.
    TooLate,
    /// It is not there, and a node's rehearsal says that it would fail. It may land all the same.
    WouldFail,
}

/// A status, and whether it is the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The status.
    pub status: SubmissionStatus,
    /// Nothing changes it any more.
    pub settled: bool,
}

/// The table.
pub fn next(now: SubmissionStatus, seen: Seen) -> Standing {
    use SubmissionStatus as S;
    let (status, settled) = match (now, seen) {
        (_, Seen::There { how: Landed::Finalized, failed: true }) => (S::Failed, true),
        (_, Seen::There { how: Landed::Finalized, failed: false }) => (S::Finalized, true),
        (_, Seen::There { how: Landed::Confirmed, failed: true }) => (S::Failed, false),
        (_, Seen::There { how: Landed::Confirmed, failed: false }) => (S::Confirmed, false),
        // A failure that is not voted for may yet become a success in another fork.
        (S::Failed, Seen::There { how: Landed::Processed, failed: true }) => (S::Failed, false),
        (_, Seen::There { how: Landed::Processed, failed: true }) => (S::Received, false),
        (_, Seen::There { how: Landed::Processed, failed: false }) => (S::Processed, false),
        // What was said to fail stays so while it is not seen, and is freed when it can't land any more.
        (S::Failed, Seen::Missing) | (_, Seen::WouldFail) => (S::Failed, false),
        (_, Seen::Missing) => (S::Received, false),
        (S::Failed, Seen::TooLate) => (S::Failed, true),
        (_, Seen::TooLate) => (S::Expired, true),
    };
    Standing { status, settled }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_follow_the_chain_also_back_again() {
        use SubmissionStatus::*;
        let there = |how, failed| Seen::There { how, failed };
        let rows = [
            (Received, Seen::Missing, Received, false),
            (Received, there(Landed::Processed, false), Processed, false),
            (Processed, there(Landed::Confirmed, false), Confirmed, false),
            (Confirmed, there(Landed::Finalized, false), Finalized, true),
            // A roll-back, and what may follow.
            (Confirmed, Seen::Missing, Received, false),
            (Confirmed, there(Landed::Processed, false), Processed, false),
            (Confirmed, Seen::TooLate, Expired, true),
            (Received, Seen::TooLate, Expired, true),
            // Failures.
            (Received, there(Landed::Processed, true), Received, false),
            (Received, there(Landed::Confirmed, true), Failed, false),
            (Failed, there(Landed::Finalized, true), Failed, true),
            (Failed, Seen::Missing, Failed, false),
            (Failed, there(Landed::Confirmed, false), Confirmed, false),
            (Received, Seen::WouldFail, Failed, false),
            (Failed, Seen::TooLate, Failed, true),
        ];
        for (now, seen, status, settled) in rows {
            assert_eq!(next(now, seen), Standing { status, settled }, "{now:?}, {seen:?}");
        }
    }

    #[test]
    fn texts_round_trip() {
        for text in ["received", "processed", "confirmed", "finalized", "failed", "expired"] {
            assert_eq!(SubmissionStatus::parse(text).map(SubmissionStatus::as_str), Some(text));
        }
        assert_eq!(SubmissionStatus::parse("lost"), None);
    }
}
