//! Entries that another node has written: released as they come, never planned.

use std::sync::Arc;

use super::{Life, Point, Subject};
use crate::{
    domain::{entry::Entry, ids::Slot, misfit::Misfit},
    journal::open::TAIL_ENTRIES_MAX,
    view::frame::FramePack,
};

impl<S: Subject> Life<S> {
    /// The next durable entry: its frames, if somebody hears them, may leave. It must follow the newest; nothing is planned or in flight.
    ///
    /// # Errors
    /// [`Misfit`]: the state does not lead to it; nothing was changed.
    pub fn follow(&mut self, entry: &Entry) -> Result<Option<Arc<FramePack>>, Misfit> {
        let state = if entry.body.fits_always() {
            self.released.state.clone()
        } else {
            Some(Arc::new(S::advance(self.released.state.as_deref().cloned(), &entry.body)?))
        };
        let slot = entry.body.slot();
        let mut beside = std::mem::take(&mut self.released.beside);
        beside.follow(&entry.body);
        self.forget(entry.body.reverted());
        self.released = Point { seq: entry.seq, slot, recorded_at_ms: entry.recorded_at_ms, state, beside };
        self.applied = self.released.clone();
        self.slot_high = Slot::max(self.slot_high, slot);
        self.tail_is_cut |= self.tail.len() >= TAIL_ENTRIES_MAX as usize;
        if !self.tail_is_cut {
            self.tail.push_back((entry.seq, slot, entry.body.clone()));
        }
        Ok(self.keep(entry, true))
    }
}
