//! Buckets in this process: what limits are when no other node shares them, and what they fall back to.
//!
//! Bounded however many addresses there are: when a class has no room, the buckets that are full again are forgotten, and
//! where that is not enough, all of them are. Somebody with so many addresses is not held by a limit per address anyway;
//! memory is what must not grow.

use std::sync::{
    RwLock,
    atomic::{AtomicU32, Ordering},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use super::{
    Standing,
    class::{Class, Rates},
    client::Subject,
    rate::{Rate, seconds},
};

/// Most buckets of a class (about 100 bytes each).
pub const MAX_BUCKETS: usize = 65_536;
/// Buckets are counted once in so many requests: counting locks each part of the map.
const COUNT_EVERY: u32 = 256;

type Buckets = RateLimiter<Subject, DefaultKeyedStateStore<Subject>, DefaultClock, StateInformationMiddleware>;

/// The buckets of every class.
#[derive(Debug)]
pub struct Memory(Vec<ClassBuckets>);

#[derive(Debug)]
struct ClassBuckets {
    rate: Rate,
    max: usize,
    clock: DefaultClock,
    buckets: RwLock<Buckets>,
    since_counted: AtomicU32,
}

impl Memory {
    /// All full.
    pub fn new(rates: &Rates) -> Self {
        Self(Class::ALL.iter().map(|class| ClassBuckets::new(rates.of(*class), MAX_BUCKETS)).collect())
    }

    /// Takes one out of a bucket, if there is one.
    pub fn charge(&self, subject: Subject, class: Class) -> Standing {
        self.0[class as usize].charge(subject)
    }
}

impl ClassBuckets {
    fn new(rate: Rate, max: usize) -> Self {
        let buckets = RwLock::new(Self::empty(rate));
        Self { rate, max, clock: DefaultClock::default(), buckets, since_counted: AtomicU32::new(0) }
    }

    fn empty(rate: Rate) -> Buckets {
        // `None` only for an interval of 0, which a rate never has.
        let quota = Quota::with_period(rate.interval()).unwrap_or_else(|| Quota::per_second(rate.count));
        RateLimiter::keyed(quota.allow_burst(rate.count)).with_middleware()
    }

    fn charge(&self, subject: Subject) -> Standing {
        let rate = self.rate;
        if self.since_counted.fetch_add(1, Ordering::Relaxed) % COUNT_EVERY == COUNT_EVERY - 1 {
            self.make_room();
        }
        let buckets = self.buckets.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        match buckets.check_key(&subject) {
            Ok(state) => Standing::allowed(rate, state.remaining_burst_capacity()),
            Err(not_yet) => Standing::refused(rate, seconds(not_yet.wait_time_from(self.clock.now()))),
        }
    }

    fn make_room(&self) {
        let count = |buckets: &Buckets| buckets.len();
        let limit = self.max.saturating_sub(COUNT_EVERY as usize);
        {
            let buckets = self.buckets.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            if count(&buckets) < limit {
                return;
            }
            buckets.retain_recent();
            // A quarter free, so that this is rare.
            if count(&buckets) < self.max / 4 * 3 {
                return;
            }
        }
        log::warn!("more than {} addresses or wallets at once: rate limits begin anew", self.max);
        *self.buckets.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Self::empty(self.rate);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.buckets.read().unwrap().len()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn address(n: u32) -> Subject {
        Subject::Address(IpAddr::V4(Ipv4Addr::from_bits(n)))
    }

    #[test]
    fn so_many_are_allowed_and_the_next_is_told_when_to_come_again() {
        let buckets = ClassBuckets::new("3/h".parse().unwrap(), MAX_BUCKETS);
        for remaining in [2, 1, 0] {
            let standing = buckets.charge(address(1));
            assert_eq!((standing.limit, standing.remaining, standing.retry_after_seconds), (3, remaining, None));
        }
        let standing = buckets.charge(address(1));
        assert_eq!(standing.remaining, 0);
        assert!((1_100..=1_200).contains(&standing.retry_after_seconds.unwrap()), "{standing:?}");
        assert!((3_500..=3_600).contains(&standing.reset_seconds), "{standing:?}");
        assert_eq!(buckets.charge(address(2)).remaining, 2, "another one's bucket is full");
    }

    #[test]
    fn many_addresses_do_not_grow_memory_and_those_who_come_meanwhile_are_still_limited() {
        let max = 2_048;
        let buckets = ClassBuckets::new("2/h".parse().unwrap(), max);
        for n in 0..20_000 {
            buckets.charge(address(n));
            assert!(buckets.len() <= max, "{n}");
        }
        let told: Vec<_> = (0..3).map(|_| buckets.charge(address(7)).retry_after_seconds.is_some()).collect();
        assert_eq!(told, [false, false, true]);
    }

    #[test]
    fn buckets_that_are_full_again_are_forgotten_first() {
        let max = 2_048;
        let buckets = ClassBuckets::new("1000/s".parse().unwrap(), max);
        let held = ClassBuckets::new("2/h".parse().unwrap(), max);
        for n in 0..1_000 {
            held.charge(address(n));
        }
        held.make_room();
        assert_eq!(held.len(), 1_000, "there is room");
        for n in 0..10_000 {
            buckets.charge(address(n));
        }
        assert!(buckets.len() <= max);
    }
}
