//! What this node is among those of its database, in each office: the one that holds it, or one that does not.

use crate::journal::lease::{Office, Term};

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It holds the office's lease. Of the engine's: it listens to the chain, writes the journal, and does all else that the
    /// leader does.
    Leading(Term),
    /// Another does, or nobody: it serves what is in the journal.
    Following,
}

impl Role {
    /// The term in which it may write; nobody's where it follows.
    pub fn term(self) -> Term {
        match self {
            Self::Leading(term) => term,
            Self::Following => Term::NONE,
        }
    }
}

/// When a kind of actor runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// As long as the process does.
    Always,
    /// As long as the process does, but not over the end of a life of the journal: a new one begins with it.
    InEachLife,
    /// While this node surely leads.
    Leading,
    /// While it leads, also where it could not renew its lease in time and nobody is known to have taken it.
    Holding,
    /// While it follows.
    Following,
    /// In each role, but not over its end: a new life begins with it.
    InEach,
    /// While this node surely holds the office of governance, whoever leads.
    Governing,
    /// While this node surely holds the office of snapshots, whoever leads.
    Snapshotting,
}

impl Runs {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::InEachLife => "in_each_life",
            Self::Leading => "leading",
            Self::Holding => "holding",
            Self::Following => "following",
            Self::InEach => "in_each_role",
            Self::Governing => "governing",
            Self::Snapshotting => "snapshotting",
        }
    }

    /// The office whose roles it belongs to.
    pub fn office(self) -> Option<Office> {
        match self {
            Self::Always | Self::InEachLife => None,
            Self::Leading | Self::Holding | Self::Following | Self::InEach => Some(Office::Engine),
            Self::Governing => Some(Office::Governance),
            Self::Snapshotting => Some(Office::Snapshots),
        }
    }

    /// It ends when the lease of its office can't be renewed in time.
    pub fn ends_with_a_lapse(self) -> bool {
        matches!(self, Self::Leading | Self::Governing | Self::Snapshotting)
    }

    /// Does it run in this role of its office? `lapsed`: the lease could not be renewed in time. Before a role is known only
    /// what always runs does.
    pub fn within(self, role: Option<Role>, lapsed: bool) -> bool {
        match (self, role) {
            (Self::Always | Self::InEachLife, _) | (Self::InEach, Some(_)) => true,
            (Self::Leading | Self::Governing | Self::Snapshotting, Some(Role::Leading(_))) => !lapsed,
            (Self::Holding, Some(Role::Leading(_))) | (Self::Following, Some(Role::Following)) => true,
            (_, _) => false,
        }
    }
}
