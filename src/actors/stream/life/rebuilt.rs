//! A stream's state made anew from all of its entries: what memory and the row have to be.

use std::sync::Arc;

use super::{Life, Subject};
use crate::domain::{misfit::Misfit, replay::Replay};

impl<S: Subject> Life<S> {
    /// Takes what the entries up to the released one make, and has the row written anew. True if memory held something else: it
    /// was read from a row that another hand had changed. Nothing is planned, and nothing in flight.
    pub fn rebuilt(&mut self, replay: &Replay<S>) -> bool {
        let head = replay.head();
        let is_bent = self.applied.state.as_deref() != head;
        let state = head.cloned().map(Arc::new);
        for point in [&mut self.applied, &mut self.released] {
            point.state = state.clone();
            point.beside.counts = replay.told();
            point.beside.document = replay.document().cloned().map(Arc::new);
        }
        self.finalized = replay.finalized().cloned();
        self.forget_ballots();
        self.rewrite();
        is_bent
    }

    /// The row is written once more by the next append, also without an entry.
    pub fn rewrite(&mut self) {
        self.rewrites = self.applied.state.is_some();
    }

    /// The world was shown something else than this: an entry tells it.
    ///
    /// # Errors
    /// [`Misfit`]: nothing was changed.
    pub fn tell_again(&mut self, reason: String, now_ms: i64) -> Result<(), Misfit> {
        let Some(state) = self.applied.state.clone() else { return Err(Misfit::Unknown) };
        self.take(state.plan_again(reason, self.slot_high), now_ms)
    }
}
