//! Intake: whether new input of users is taken. By an operator's word, of this process, until the word or the process ends.
//!
//! Owns the word only: each place where something new is taken asks before it begins. What was taken before goes on, reads go
//! on, and what the chain tells is no input of ours: it can't be paused, only be missed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// See the module; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Intake(Arc<AtomicBool>);

impl Intake {
    /// Nothing new is taken now.
    pub fn is_paused(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// From now on. Said once, where it changes anything.
    pub fn pause(&self, paused: bool) {
        if self.0.swap(paused, Ordering::Relaxed) != paused {
            log::warn!(
                "new votes, comments, trades and uploads are {}",
                if paused { "refused" } else { "taken again" }
            );
        }
    }
}
