//! The phases of a market's life and the table of moves between them (program facts, section 8).

use serde::{Deserialize, Serialize};

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
    /// The phase of an account's state byte.
    pub fn from_code(code: u8) -> Option<Self> {
        use Phase::{Active, Approved, Cancelled, Disputed, Finalized, Proposed, Resolving};
        [Proposed, Approved, Active, Resolving, Disputed, Finalized, Cancelled].get(usize::from(code)).copied()
    }
}
