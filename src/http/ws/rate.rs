//! How many messages a client may send: a bucket that fills at a steady rate. Time is an argument.

use std::time::{Duration, Instant};

/// How many.
#[derive(Debug, Clone, Copy)]
pub struct MessageRate {
    interval: Duration,
    depth: Duration,
}

impl MessageRate {
    /// So many a second in the long run, and so many at once.
    pub fn new(per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self { interval, depth: interval * burst.max(1) }
    }
}

/// The bucket of one connection.
#[derive(Debug)]
pub struct MessageBucket {
    /// When it will be full again; a message moves this one interval on.
    full_at: Instant,
}

impl MessageBucket {
    /// A full bucket.
    pub fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Take a message's worth; false if there is none.
    pub fn take(&mut self, rate: MessageRate, now: Instant) -> bool {
        let full_at = self.full_at.max(now) + rate.interval;
        let fits = full_at.duration_since(now) <= rate.depth;
        if fits {
            self.full_at = full_at;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_the_steady_rate() {
        let start = Instant::now();
        let (rate, mut bucket) = (MessageRate::new(100, 200), MessageBucket::new(start));
        assert_eq!((0..300).filter(|_| bucket.take(rate, start)).count(), 200);
        let later = start + Duration::from_millis(500);
        assert_eq!((0..300).filter(|_| bucket.take(rate, later)).count(), 50);
        let much_later = start + Duration::from_secs(60);
        assert_eq!((0..300).filter(|_| bucket.take(rate, much_later)).count(), 200);
    }
}
