//! Roll-back: what is left of a stream when entries of it are not what the chain holds.
//!
//! Owns the one rule by which entries fall: those that are condemned (the chain does not have them, or not so), and
//! with them every later one that does not fit what is left, since it was made upon a state that never came to be. What
//! the chain still has of the fallen comes again, as new entries. Never decides what the chain has: that is asked by
//! others, and given as an argument.

use std::collections::BTreeSet;

use super::{
    entry::{Entry, EntryBody},
    ids::Seq,
    misfit::Misfit,
};

/// How a stream's state moves by an entry.
pub type Advance<S> = fn(Option<S>, &EntryBody) -> Result<S, Misfit>;

/// The state after an entry, or none where there is none yet: what fits any state moves not even nothing.
///
/// # Errors
/// Those of `advance`.
pub fn step<S>(advance: Advance<S>, state: Option<S>, body: &EntryBody) -> Result<Option<S>, Misfit> {
    if body.fits_always() { Ok(state) } else { advance(state, body).map(Some) }
}

/// A stream that is being rebuilt from its finalized point, entry by entry.
#[derive(Debug, Clone)]
pub struct Standing<S> {
    advance: Advance<S>,
    state: Option<S>,
    fallen_before: BTreeSet<Seq>,
    reverted: Vec<Seq>,
}

impl<S: Clone> Standing<S> {
    /// Begins at the finalized state; `fallen_before` are those that earlier roll-backs took back.
    pub fn from_finalized(finalized: Option<S>, fallen_before: BTreeSet<Seq>, advance: Advance<S>) -> Self {
        Self { advance, state: finalized, fallen_before, reverted: Vec::new() }
    }

    /// The next entry after the finalized point. True if it stands.
    pub fn next(&mut self, entry: &Entry, is_condemned: bool) -> bool {
        // What an earlier roll-back took back is gone, and its own state is made of what is folded here anyway.
        if entry.body.is_rollback() || self.fallen_before.contains(&entry.seq) {
            return false;
        }
        let next = if is_condemned { None } else { step(self.advance, self.state.clone(), &entry.body).ok() };
        let stands = next.is_some();
        match next {
            Some(state) => self.state = state,
            None => self.reverted.push(entry.seq),
        }
        stands
    }

    /// The state that the standing entries make (`None` if there is none), and those that fell, ascending.
    pub fn finish(self) -> (Option<S>, Vec<Seq>) {
        (self.state, self.reverted)
    }
}

/// The numbers that these entries' roll-backs take back.
pub fn reverted_by<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BTreeSet<Seq> {
    entries.into_iter().flat_map(|entry| entry.body.reverted()).copied().collect()
}
