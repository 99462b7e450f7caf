//! A stream's state made anew from all of its entries: what memory and the row have to be.

use std::sync::Arc;

use super::{Life, Subject};
use crate::domain::{ids::Seq, misfit::Misfit, replay::Replay};

impl<S: Subject> Life<S> {
    /// The finalized state does not lead to the entries after it, and it was not tried yet to make it anew.
    pub fn wants_to_be_made_anew(&self) -> bool {
        self.finalized_is_stuck && !self.was_made_anew
    }

    /// From now on the finalized point stands still, so that what is made of it is of it: until [`Life::made_anew`],
    /// [`Life::rewrite`] or [`Life::let_finality_go`]. What becomes final meanwhile is made up for then.
    pub fn hold_finality(&mut self) -> Seq {
        self.held_finality.get_or_insert(self.finalized_slot);
        self.finalized_seq
    }

    /// Takes what the entries up to the released one make, and has the row written anew. True if memory held something else: it
    /// was read from a row that another hand had changed. Nothing is planned, nothing in flight, and finality held.
    pub fn made_anew(&mut self, replay: &Replay<S>) -> bool {
        let head = replay.head();
        let is_bent = self.applied.state.as_deref() != head;
        let state = head.cloned().map(Arc::new);
        for point in [&mut self.applied, &mut self.released] {
            point.state = state.clone();
            point.beside.counts = replay.told();
            point.beside.document = replay.document().cloned().map(Arc::new);
        }
        self.finalized = replay.finalized().cloned();
        self.finalized_is_stuck = false;
        self.forget_ballots();
        self.rewrite();
        is_bent
    }

    /// The row is written once more by the next append, also without an entry; the finalized point goes on.
    pub fn rewrite(&mut self) {
        self.rewrites = self.applied.state.is_some();
        self.was_made_anew = true;
        self.let_finality_go();
    }

    /// The finalized point goes on, to where it would be if it had not been held.
    pub fn let_finality_go(&mut self) {
        if let Some(slot) = self.held_finality.take() {
            self.finalize(slot);
        }
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
