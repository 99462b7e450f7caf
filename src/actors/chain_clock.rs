//! What time it is on the chain, for who asks often: one reading serves all who ask within [`FRESH`].
//!
//! Owns the newest reading and when it was made. A reading only says what time it is at least: so an old one is better than
//! none, and nobody waits longer than [`PATIENCE`] for a newer one. The host's clock measures how old a reading is, and
//! never stands in for the chain's.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use crate::{chain::rpc::ChainClock, domain::amount::UnixSeconds};

/// A reading serves for so long, and a reading that failed is not repeated sooner.
pub const FRESH: Duration = Duration::from_secs(3);
/// Who asks waits so long for the chain's node.
pub const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    asked_at: Option<Instant>,
    /// When it was last asked with success.
    read_at: Option<Instant>,
    newest: Option<UnixSeconds>,
}

/// See the module.
#[derive(Debug)]
pub struct CachedClock {
    reading: Mutex<Reading>,
    patience: Duration,
}

impl Default for CachedClock {
    fn default() -> Self {
        Self { reading: Mutex::default(), patience: PATIENCE }
    }
}

impl CachedClock {
    /// The chain's time is this or later; `None` where no reading was ever had. `ask` reads it, if that is needed; all who
    /// come meanwhile wait for the one reading. `now`: of the host, for the age of the reading.
    pub async fn at_least<E: Display>(
        &self,
        now: Instant,
        ask: impl Future<Output = Result<ChainClock, E>>,
    ) -> Option<UnixSeconds> {
        self.reading(now, ask).await.newest
    }

    /// The same, but `None` where it can't be read now: for who must not take an old reading for the time.
    pub async fn fresh<E: Display>(
        &self,
        now: Instant,
        ask: impl Future<Output = Result<ChainClock, E>>,
    ) -> Option<UnixSeconds> {
        let reading = self.reading(now, ask).await;
        reading.newest.filter(|_| reading.read_at == reading.asked_at)
    }

    async fn reading<E: Display>(&self, now: Instant, ask: impl Future<Output = Result<ChainClock, E>>) -> Reading {
        let mut reading = self.reading.lock().await;
        if reading.asked_at.is_none_or(|asked_at| now.saturating_duration_since(asked_at) >= FRESH) {
            match tokio::time::timeout(self.patience, ask).await {
                Ok(Ok(clock)) => {
                    reading.newest = reading.newest.max(Some(clock.unix_timestamp));
                    reading.read_at = Some(now);
                }
                Ok(Err(error)) => log::warn!("the chain's clock can't be read: {error}"),
                Err(_) => log::warn!("the chain's clock can't be read within {} ms", self.patience.as_millis()),
            }
            reading.asked_at = Some(now);
        }
        *reading
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use crate::domain::ids::Slot;

    type Answer = Result<ChainClock, &'static str>;

    fn shows(time: i64) -> impl Future<Output = Answer> {
        ready(Ok(ChainClock { slot: Slot(1), unix_timestamp: UnixSeconds(time) }))
    }

    #[tokio::test]
    async fn one_reading_serves_all_who_ask_while_it_is_fresh() {
        let (clock, asked, now) = (CachedClock::default(), AtomicUsize::new(0), Instant::now());
        let ask = async || {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            shows(100).await
        };
        let (one, other) = tokio::join!(clock.at_least(now, ask()), clock.at_least(now, ask()));
        assert_eq!((one, other, asked.load(Ordering::Relaxed)), (Some(UnixSeconds(100)), Some(UnixSeconds(100)), 1));
        clock.at_least(now + FRESH, ask()).await;
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_reading_that_is_not_to_be_had_holds_nobody_up_for_long_and_an_old_one_is_kept() {
        let clock = CachedClock { patience: Duration::from_millis(5), ..CachedClock::default() };
        let mut now = Instant::now();
        assert_eq!(clock.at_least(now, pending::<Answer>()).await, None);
        assert_eq!(clock.at_least(now, shows(100)).await, None, "not asked again at once");
        for shown in [100, 100, 90] {
            now += FRESH;
            assert_eq!(clock.at_least(now, shows(shown)).await, Some(UnixSeconds(100)), "time does not go back");
            assert_eq!(clock.fresh(now, shows(shown)).await, Some(UnixSeconds(100)));
        }
        now += FRESH;
        assert_eq!(clock.at_least(now, ready(Answer::Err("away"))).await, Some(UnixSeconds(100)));
        assert_eq!(clock.fresh(now, shows(101)).await, None, "an old one is not the time");
        assert_eq!(clock.fresh(now + FRESH, shows(101)).await, Some(UnixSeconds(101)));
    }
}
