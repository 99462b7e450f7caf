//! The chain's time, as far as the journal has come.
//!
//! A reading of the finalized clock is of a slot; that a window is over by it says nothing about votes that landed in the
//! window and are not recorded here yet. So a reading counts once everything up to its slot is known and marked as final:
//! whoever decides by it has seen all that had happened by then. Pure.

use crate::{chain::rpc::ChainClock, domain::ids::Slot};

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChainTime {
    known: Option<ChainClock>,
    /// The lowest that does not count yet: newer ones would be waited for for ever.
    waiting: Option<ChainClock>,
}

impl ChainTime {
    /// The clock shows this. A node that is behind is not believed; nor does one reading that is far ahead (of another chain,
    /// of a broken node) keep out all that follow: the lower one is waited for.
    pub fn read(&mut self, reading: ChainClock) {
        if self.waiting.is_none_or(|waiting| reading.slot < waiting.slot)
            && self.known.is_none_or(|known| known.slot < reading.slot)
        {
            self.waiting = Some(reading);
        }
    }

    /// Everything up to this slot is known, and final.
    pub fn covered(&mut self, up_to: Slot) {
        if let Some(reading) = self.waiting.take_if(|reading| reading.slot <= up_to) {
            self.known = Some(reading);
        }
    }

    /// The newest reading that counts.
    pub fn now(&self) -> Option<ChainClock> {
        self.known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::amount::UnixSeconds;

    fn reading(slot: u64) -> ChainClock {
        ChainClock { slot: Slot(slot), unix_timestamp: UnixSeconds(slot as i64 * 10) }
    }

    #[test]
    fn a_reading_counts_when_all_that_happened_before_it_is_known() {
        let mut time = ChainTime::default();
        time.covered(Slot(50));
        assert_eq!((time.now(), time.waiting.is_some()), (None, false));
        time.read(reading(60));
        time.covered(Slot(59));
        assert_eq!((time.now(), time.waiting.is_some()), (None, true));
        // One that waits is not given up for a newer one, or none would ever count.
        time.read(reading(64));
        time.covered(Slot(62));
        assert_eq!(time.now(), Some(reading(60)));
        time.read(reading(64));
        time.covered(Slot(64));
        assert_eq!((time.now(), time.waiting.is_some()), (Some(reading(64)), false));
    }

    #[test]
    fn a_reading_that_is_far_ahead_keeps_out_none_that_follows() {
        let mut time = ChainTime::default();
        time.read(reading(60));
        time.covered(Slot(60));
        time.read(reading(9_000_000));
        time.read(reading(64));
        time.covered(Slot(64));
        assert_eq!((time.now(), time.waiting.is_some()), (Some(reading(64)), false));
        time.read(reading(9_000_000));
        time.read(reading(63));
        assert!(time.waiting.is_some(), "what is known already is no reading to wait for");
    }

    #[test]
    fn it_never_goes_back() {
        let mut time = ChainTime::default();
        time.read(reading(60));
        time.covered(Slot(100));
        time.read(reading(59));
        time.covered(Slot(100));
        assert_eq!(time.now(), Some(reading(60)));
    }
}
