//! Pressure: the journal writer's word to the listener that its buffer is full.
//!
//! A plain flag, since it says how things are and not that something happened: the writer sets it when it refuses an
//! append and takes it back when there is room; the listener looks at it when a transaction comes and at each tick. While
//! it stands, the live subscription is ended; coverage finds what was missed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// See the module; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Pressure(Arc<AtomicBool>);

impl Pressure {
    /// The writer's buffer is full, or has room.
    pub fn set(&self, is_full: bool) {
        self.0.store(is_full, Ordering::Relaxed);
    }

    /// The writer's buffer is full.
    pub fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
