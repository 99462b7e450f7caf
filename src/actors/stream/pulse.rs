//! Pulse: what a stream's actor shows without being asked, so that a tick over very many streams wakes only those that
//! have something to do.
//!
//! The actor writes, the registry reads; plain values, no lock. Whoever holds a handle of the stream holds its pulse: so
//! the registry sees from the count alone that somebody may still ask, and lets no stream go under him.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const FINALITY: u8 = 1;
const TICKS: u8 = 2;

/// See the module.
#[derive(Debug)]
pub struct Pulse {
    began: Instant,
    /// Milliseconds after `began`.
    needed_ms: AtomicU64,
    wants: AtomicU8,
    version: AtomicU64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            needed_ms: AtomicU64::new(0),
            wants: AtomicU8::new(FINALITY | TICKS),
            version: AtomicU64::new(0),
        }
    }
}

impl Pulse {
    /// Somebody needs the stream now.
    pub fn needed(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.needed_ms.fetch_max(now, Ordering::Relaxed);
    }

    /// Nobody has needed it for so long.
    pub fn idle_for(&self) -> Duration {
        self.began.elapsed().saturating_sub(Duration::from_millis(self.needed_ms.load(Ordering::Relaxed)))
    }

    /// The actor's: has it entries that are not finalized, and anything that is due by the clock?
    pub fn show(&self, finality: bool, ticks: bool) {
        let wants = if finality { FINALITY } else { 0 } | if ticks { TICKS } else { 0 };
        self.wants.store(wants, Ordering::Relaxed);
    }

    /// The actor's, before it shows anything else than until now: another state, or that it is stale or is not any more.
    pub fn changes(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// As long as it is the same, the stream shows the same: what was read after it was asked for need not be read again.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// It is to be told what is finalized.
    pub fn wants_finality(&self) -> bool {
        self.wants.load(Ordering::Relaxed) & FINALITY != 0
    }

    /// It is to be told the time.
    pub fn wants_ticks(&self) -> bool {
        self.wants.load(Ordering::Relaxed) & TICKS != 0
    }

    /// Somebody besides its actor and the registry holds it.
    pub fn is_held(pulse: &Arc<Self>) -> bool {
        Arc::strong_count(pulse) > 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_told_only_what_it_wants_to_hear() {
        let pulse = Pulse::default();
        assert!(pulse.wants_finality() && pulse.wants_ticks(), "until its actor has said otherwise");
        pulse.show(true, false);
        assert!(pulse.wants_finality() && !pulse.wants_ticks());
        pulse.show(false, true);
        assert!(!pulse.wants_finality() && pulse.wants_ticks());
    }

    #[test]
    fn a_handle_holds_its_stream() {
        let (actors, registrys) = {
            let one = Arc::new(Pulse::default());
            (Arc::clone(&one), one)
        };
        assert!(!Pulse::is_held(&registrys));
        let handles = Arc::clone(&actors);
        assert!(Pulse::is_held(&registrys));
        drop(handles);
        assert!(!Pulse::is_held(&registrys));
    }
}
