//! What time it is on the chain, for who asks often: one reading serves all who ask within [`FRESH`].
//!
//! Owns the newest reading and when it was made. A reading only says what time it is at least: so an old one is better than
//! none, and nobody waits longer than [`PATIENCE`] for a newer one; one that takes longer is finished all the same, and
//! serves who asks next. Which of two is the newer one is told by their slots, so a wrong time lasts until the next slot
//! is read, and a wrong slot for [`BELIEVED`]. The host's clock measures how old a reading is, and never stands in for the
//! chain's.

use std::{
    fmt::Display,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::trouble::Lasting;
use crate::{chain::rpc::ChainClock, domain::amount::UnixSeconds};

/// A reading serves for so long, and a reading that failed is not repeated sooner.
pub const FRESH: Duration = Duration::from_secs(3);
/// Who asks waits so long for the chain's node.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// Who needs a fresh reading waits so long.
pub const PATIENCE_FOR_FRESH: Duration = Duration::from_secs(5);
/// After so long without a reading of a newer slot, whatever the node shows is believed.
pub const BELIEVED: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct Reading {
    asked_at: Option<Instant>,
    /// Ends with the reading that is on its way.
    on_its_way: Option<watch::Receiver<()>>,
    /// When the last one that succeeded was asked for.
    read_at: Option<Instant>,
    /// The newest one, and when it was asked for.
    newest: Option<(ChainClock, Instant)>,
    trouble: Lasting,
}

impl Reading {
    fn shows(&mut self, clock: ChainClock, asked_at: Instant) {
        self.read_at = Some(asked_at);
        let is_newer = self
            .newest
            .is_none_or(|(newest, at)| clock.slot >= newest.slot || asked_at.saturating_duration_since(at) >= BELIEVED);
        if is_newer {
            self.newest = Some((clock, asked_at));
        }
    }

    fn time(&self) -> Option<UnixSeconds> {
        self.newest.map(|(clock, _)| clock.unix_timestamp)
    }
}

/// See the module.
#[derive(Debug)]
pub struct CachedClock {
    reading: Arc<Mutex<Reading>>,
    patience: Duration,
}

impl Default for CachedClock {
    fn default() -> Self {
        Self { reading: Arc::default(), patience: PATIENCE }
    }
}

fn locked(reading: &Mutex<Reading>) -> MutexGuard<'_, Reading> {
    reading.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CachedClock {
    /// The chain's time is this or later; `None` where no reading was ever had. `ask` reads it, if that is needed, and has to
    /// end by itself: all who come meanwhile wait for the one reading. `now`: of the host, for the age of the reading.
    pub async fn at_least<E: Display>(
        &self,
        now: Instant,
        ask: impl Future<Output = Result<ChainClock, E>> + Send + 'static,
    ) -> Option<UnixSeconds> {
        self.wait(now, self.patience, ask).await;
        locked(&self.reading).time()
    }

    /// The same, but `None` where it can't be read now: for who must not take an old reading for the time, and can wait for
    /// [`PATIENCE_FOR_FRESH`].
    pub async fn fresh<E: Display>(
        &self,
        now: Instant,
        ask: impl Future<Output = Result<ChainClock, E>> + Send + 'static,
    ) -> Option<UnixSeconds> {
        self.wait(now, PATIENCE_FOR_FRESH, ask).await;
        let reading = locked(&self.reading);
        reading.time().filter(|_| reading.read_at == reading.asked_at)
    }

    /// Waits for the last reading, or for the one that begins now, until it has taken so long.
    async fn wait<E: Display>(
        &self,
        now: Instant,
        patience: Duration,
        ask: impl Future<Output = Result<ChainClock, E>> + Send + 'static,
    ) {
        let (mut on_its_way, since) = self.begin(now, ask);
        // It never changes: it ends.
        let _ = tokio::time::timeout(patience.saturating_sub(since), on_its_way.changed()).await;
    }

    /// The last reading, or the one that begins now, and how long ago that began.
    fn begin<E: Display>(
        &self,
        now: Instant,
        ask: impl Future<Output = Result<ChainClock, E>> + Send + 'static,
    ) -> (watch::Receiver<()>, Duration) {
        let mut reading = locked(&self.reading);
        if let (Some(asked_at), Some(on_its_way)) = (reading.asked_at, &reading.on_its_way) {
            let since = now.saturating_duration_since(asked_at);
            let goes_on = on_its_way.has_changed().is_ok();
            if goes_on || since < FRESH {
                return (on_its_way.clone(), since);
            }
        }
        let (ends, on_its_way) = watch::channel(());
        (reading.asked_at, reading.on_its_way) = (Some(now), Some(on_its_way.clone()));
        let kept = Arc::clone(&self.reading);
        tokio::spawn(async move {
            let read = ask.await;
            let mut reading = locked(&kept);
            match read {
                Ok(clock) => {
                    if let Some(failures) = reading.trouble.over() {
                        log::info!("the chain's clock can be read again after {failures} failures");
                    }
                    reading.shows(clock, now);
                }
                Err(error) => log::log!(reading.trouble.failed(), "the chain's clock can't be read: {error}"),
            }
            drop(reading);
            drop(ends);
        });
        (on_its_way, Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::ready,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::oneshot;

    use super::*;
    use crate::domain::ids::Slot;

    type Answer = Result<ChainClock, &'static str>;

    fn shown(slot: u64, time: i64) -> Answer {
        Ok(ChainClock { slot: Slot(slot), unix_timestamp: UnixSeconds(time) })
    }

    fn time(seconds: i64) -> Option<UnixSeconds> {
        Some(UnixSeconds(seconds))
    }

    #[tokio::test]
    async fn one_reading_serves_all_who_ask_while_it_is_fresh() {
        let (clock, asked, now) = (CachedClock::default(), Arc::new(AtomicUsize::new(0)), Instant::now());
        let ask = || {
            let asked = Arc::clone(&asked);
            async move {
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                shown(1, 100)
            }
        };
        let (one, other) = tokio::join!(clock.at_least(now, ask()), clock.at_least(now, ask()));
        assert_eq!((one, other, asked.load(Ordering::Relaxed)), (time(100), time(100), 1));
        clock.at_least(now + FRESH, ask()).await;
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_reading_that_takes_long_holds_nobody_up_for_long_and_serves_who_asks_next() {
        let clock = CachedClock { patience: Duration::from_millis(5), ..CachedClock::default() };
        let mut now = Instant::now();
        let (answer, slow) = oneshot::channel::<Answer>();
        assert_eq!(clock.at_least(now, async { slow.await.unwrap() }).await, None);
        now += FRESH * 2;
        assert_eq!(clock.at_least(now, ready(shown(9, 900))).await, None, "no second one meanwhile");
        let mut on_its_way = locked(&clock.reading).on_its_way.clone().unwrap();
        answer.send(shown(1, 100)).unwrap();
        assert!(on_its_way.changed().await.is_err(), "nobody waits for it any more, and it ends");
        now -= FRESH * 2;
        assert_eq!(clock.at_least(now, ready(shown(9, 900))).await, time(100), "it is fresh");
        assert_eq!(clock.fresh(now, ready(shown(9, 900))).await, time(100));
        now += FRESH;
        assert_eq!(clock.at_least(now, ready(Answer::Err("away"))).await, time(100), "an old one is kept");
        assert_eq!(clock.fresh(now, ready(shown(1, 101))).await, None, "and is not the time");
        assert_eq!(clock.fresh(now + FRESH, ready(shown(1, 101))).await, time(101));
    }

    #[tokio::test]
    async fn time_does_not_go_back_with_a_node_that_is_behind_but_a_wrong_answer_does_not_last() {
        let (clock, mut now) = (CachedClock::default(), Instant::now());
        let far = 1_000_000;
        for (slot, shows, known) in [
            (10, 100, 100),
            // A node that is behind.
            (9, 90, 100),
            (11, far, far),
            (10, 100, far),
            (12, 102, 102),
            (u64::MAX, far, far),
            (13, 103, far),
        ] {
            now += FRESH;
            assert_eq!(clock.at_least(now, ready(shown(slot, shows))).await, time(known), "{slot}");
        }
        now += BELIEVED;
        assert_eq!(clock.at_least(now, ready(shown(80, 170))).await, time(170));
    }
}
