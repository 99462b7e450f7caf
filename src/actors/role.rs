//! What this node is among those of its database: the one that writes, or one that follows it.

use crate::journal::lease::Term;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It holds the lease: it listens to the chain, writes the journal, and does all else that one node does.
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
    /// While this node surely leads.
    Leading,
    /// While it leads, also where it could not renew its lease in time and nobody is known to have taken it.
    Holding,
    /// While it follows.
    Following,
    /// In each role, but not over its end: a new life begins with it.
    InEach,
}

impl Runs {
    /// Does it run in this role? `lapsed`: the lease could not be renewed in time. Before a role is known only what always
    /// runs does.
    pub fn within(self, role: Option<Role>, lapsed: bool) -> bool {
        match (self, role) {
            (Self::Always, _) | (Self::InEach, Some(_)) => true,
            (Self::Leading, Some(Role::Leading(_))) => !lapsed,
            (Self::Holding, Some(Role::Leading(_))) | (Self::Following, Some(Role::Following)) => true,
            (Self::Leading | Self::Holding | Self::Following | Self::InEach, _) => false,
        }
    }
}
