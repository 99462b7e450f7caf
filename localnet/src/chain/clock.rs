//! The chain's clock: closes a block a slot, on time.
//!
//! Owns: when a block ends, and which time it has. Never: what is in it. Surfpool can close blocks by itself, but adds
//! the nominal slot to its clock each time and so falls behind under load; here the clock follows the wall, moved by
//! `clock_start` and by time travel.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use surfpool_core::surfnet::locker::SurfnetSvmLocker;
use surfpool_core::surfnet::svm::SurfnetSvm;

use super::Pace;
use super::history::History;
use super::logs::Corrections;

/// The clock thread's state.
pub(super) struct Clock {
    locker: SurfnetSvmLocker,
    pace: Arc<Pace>,
    stopping: Arc<AtomicBool>,
    time: ChainTime,
    history: History,
    corrections: Corrections,
}

impl Clock {
    pub(super) fn new(locker: SurfnetSvmLocker, pace: Arc<Pace>, stopping: Arc<AtomicBool>, history: usize) -> Self {
        let time = ChainTime::starting_at(locker.0.blocking_read().updated_at, wall());
        let history = History::new(history);
        Self { locker, pace, stopping, time, history, corrections: Corrections::default() }
    }

    /// Closes the first blocks at once: `confirmed` is a slot behind, and there is nothing before the first.
    pub(super) fn begin(&mut self) {
        let locker = self.locker.clone();
        for _ in 0..2 {
            self.close_block(&mut locker.0.blocking_write());
        }
    }

    /// Runs until the chain stops. A slot that came too late does not make the following ones shorter than a
    /// quarter of a slot, so a loaded machine is not driven harder.
    pub(super) fn run(mut self) {
        let mut next = Instant::now();
        while !self.stopping.load(Ordering::Relaxed) {
            let slot = Duration::from_millis(self.pace.slot_ms.load(Ordering::Relaxed).max(1));
            next = (next + slot).max(Instant::now() + slot / 4);
            thread::sleep(next.saturating_duration_since(Instant::now()));
            if self.pace.paused.load(Ordering::Relaxed) {
                continue;
            }
            let locker = self.locker.clone();
            self.close_block(&mut locker.0.blocking_write());
        }
    }

    fn close_block(&mut self, svm: &mut SurfnetSvm) {
        self.corrections.take_in(svm);
        // Closing the block adds a slot to this.
        svm.updated_at = self.time.at(svm.updated_at, wall()).saturating_sub(svm.slot_time);
        let slot = svm.get_latest_absolute_slot();
        if let Err(error) = svm.confirm_current_block() {
            log::error!("block {slot} was not closed: {error}");
        }
        self.time.closed(svm.updated_at);
        svm.bump_revision();
        self.corrections.deliver(svm);
        self.history.closed(svm, slot);
    }
}

/// A change of the machine's state that surfpool has to know of.
trait Revision {
    fn bump_revision(&mut self);
}

impl Revision for SurfnetSvm {
    fn bump_revision(&mut self) {
        self.state_revision = self.state_revision.wrapping_add(1);
    }
}

/// Milliseconds since 1970.
fn wall() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Chain time as wall time plus an offset; all in milliseconds.
#[derive(Debug, Clone, Copy)]
struct ChainTime {
    offset: i128,
    last: u64,
}

impl ChainTime {
    fn starting_at(chain: u64, wall: u64) -> Self {
        Self { offset: i128::from(chain) - i128::from(wall), last: chain }
    }

    /// The chain's time at `wall`. `current` is what the chain says: if that is not what the last block left, somebody
    /// travelled in time, and the offset moves along. Never less than `current`.
    fn at(&mut self, current: u64, wall: u64) -> u64 {
        self.offset += i128::from(current) - i128::from(self.last);
        self.last = current;
        let now = u64::try_from(i128::from(wall) + self.offset).unwrap_or(0);
        now.max(current)
    }

    fn closed(&mut self, chain: u64) {
        self.last = chain;
    }
}

#[cfg(test)]
mod tests {
    use super::ChainTime;

    #[test]
    fn time_follows_the_wall_with_the_offset_of_the_start() {
        let mut time = ChainTime::starting_at(5_000, 1_000_000);
        assert_eq!(time.at(5_000, 1_000_400), 5_400);
        time.closed(5_400);
        assert_eq!(time.at(5_400, 1_003_000), 8_000);
    }

    #[test]
    fn a_jump_of_the_chain_stays() {
        let mut time = ChainTime::starting_at(5_000, 1_000_000);
        assert_eq!(time.at(5_000, 1_000_400), 5_400);
        time.closed(5_400);
        assert_eq!(time.at(65_400, 1_000_800), 65_800);
    }

    #[test]
    fn time_never_goes_back_when_the_wall_does() {
        let mut time = ChainTime::starting_at(5_000, 1_000_000);
        assert_eq!(time.at(5_000, 999_000), 5_000);
    }
}
