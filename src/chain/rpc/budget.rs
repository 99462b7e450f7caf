//! How often nodes may be asked: one token bucket for every call there is, and of each node one pause after "too many
//! requests".
//!
//! It is shared by clients that live on different runtimes (each arbiter makes its own), so it is bound to none of them.
//! Calls that users cause take from a bucket of half the size first ([`RpcBudget::for_users`]): however many ask, the
//! engine's own parts have the other half.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::telemetry::metrics::Metrics;

/// The longest pause that a node's `Retry-After` can ask for.
pub const PAUSE_MAX: Duration = Duration::from_secs(120);
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_GUESSED_MAX: Duration = Duration::from_secs(30);

/// Shared by all clients of a node; cheap to clone.
#[derive(Clone)]
pub struct RpcBudget {
    inner: Arc<Inner>,
    /// Asked first, where this is only a share of the whole.
    share: Option<Arc<DefaultDirectRateLimiter>>,
    /// Of which node's pauses it knows.
    node: usize,
}

struct Inner {
    calls_per_second: NonZeroU32,
    bucket: DefaultDirectRateLimiter,
    /// Of the first node, and of the second: what one has enough of, the other may have room for.
    pauses: [Mutex<Pause>; 2],
    metrics: OnceLock<Metrics>,
}

#[derive(Default)]
struct Pause {
    until: Option<Instant>,
    /// "Too many requests" since the last good answer.
    refusals: u32,
}

/// The node asks for a pause that outlasts the caller's patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paused {
    pub left: Duration,
}

impl RpcBudget {
    /// Allows that many calls a second, and as many at once after a quiet second.
    pub fn new(calls_per_second: NonZeroU32) -> Self {
        let bucket = RateLimiter::direct(Quota::per_second(calls_per_second));
        Self {
            inner: Arc::new(Inner { calls_per_second, bucket, pauses: Default::default(), metrics: OnceLock::new() }),
            share: None,
            node: 0,
        }
    }

    /// Calls are counted here. Only the first word counts.
    pub fn measured_by(self, metrics: &Metrics) -> Self {
        let _ = self.inner.metrics.set(metrics.clone());
        self
    }

    /// So many calls that were sent as one have ended.
    pub(super) fn ended(&self, calls: usize, outcome: &str, took: Duration) {
        let Some(metrics) = self.inner.metrics.get() else { return };
        let node = if self.node == 0 { "first" } else { "second" };
        metrics.note(|counts| {
            counts.rpc_calls.with_label_values(&[node, outcome]).inc_by(calls as u64);
            counts.rpc_time.with_label_values(&[node]).observe(took.as_secs_f64());
        });
    }

    /// The same budget for calls that users cause: at most half of it (and at least one call a second).
    pub fn for_users(&self) -> Self {
        let half = NonZeroU32::new(self.inner.calls_per_second.get() / 2).unwrap_or(NonZeroU32::MIN);
        let share = Some(Arc::new(RateLimiter::direct(Quota::per_second(half))));
        Self { inner: Arc::clone(&self.inner), share, node: self.node }
    }

    /// The same calls a second, and the pauses that the second node asks for.
    pub(super) fn of_second(&self) -> Self {
        Self { node: 1, ..self.clone() }
    }

    /// The same budget for work that can wait: at most so much of it.
    pub fn share(&self, calls_per_second: NonZeroU32) -> Self {
        Self { share: Some(Arc::new(RateLimiter::direct(Quota::per_second(calls_per_second)))), ..self.clone() }
    }

    /// The calls that may be made in a second.
    pub(super) fn calls_per_second(&self) -> NonZeroU32 {
        self.inner.calls_per_second
    }

    /// As [`Self::admit`], for so many calls that are sent as one.
    pub(super) async fn admit_calls(&self, calls: usize, deadline: Instant) -> Result<(), Paused> {
        // The last one waits for a pause too, that may have begun meanwhile.
        for _ in 1..calls {
            if let Some(share) = &self.share {
                share.until_ready().await;
            }
            self.inner.bucket.until_ready().await;
        }
        self.admit(deadline).await
    }

    /// Waits for a pause to end and then for a token. Gives up at once if the pause outlasts `deadline`.
    pub(super) async fn admit(&self, deadline: Instant) -> Result<(), Paused> {
        if let Some(share) = &self.share {
            share.until_ready().await;
        }
        // A pause may begin while this one waits: a bounded number of times, since the deadline ends it.
        while let Some(left) = self.pause_left() {
            if Instant::now() + left >= deadline {
                return Err(Paused { left });
            }
            tokio::time::sleep(left).await;
        }
        self.inner.bucket.until_ready().await;
        Ok(())
    }

    /// How long nothing may be asked.
    pub fn pause_left(&self) -> Option<Duration> {
        let until = self.pause().until?;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// The node refused a call as one too many; answers the pause that follows. Without a word from the node, each
    /// refusal in a row doubles it.
    pub(super) fn refused(&self, retry_after: Option<Duration>) -> Duration {
        let mut pause = self.pause();
        let guess = PAUSE_FIRST.saturating_mul(1 << pause.refusals.min(8)).min(PAUSE_GUESSED_MAX);
        let wait = retry_after.unwrap_or(guess).min(PAUSE_MAX);
        let until = Instant::now() + wait;
        pause.refusals = pause.refusals.saturating_add(1);
        pause.until = Some(pause.until.map_or(until, |earlier| earlier.max(until)));
        wait
    }

    /// The node answered.
    pub(super) fn answered(&self) {
        self.pause().refusals = 0;
    }

    fn pause(&self) -> std::sync::MutexGuard<'_, Pause> {
        // The lock guards two plain values, which no panic can leave half-written.
        let [first, second] = &self.inner.pauses;
        let pause = if self.node == 0 { first } else { second };
        pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn budget(per_second: u32) -> RpcBudget {
        RpcBudget::new(NonZeroU32::new(per_second).unwrap())
    }

    #[tokio::test]
    async fn calls_beyond_the_bucket_wait() {
        let budget = budget(20);
        let start = Instant::now();
        for _ in 0..26 {
            budget.clone().admit(start + Duration::from_secs(60)).await.unwrap();
        }
        assert!(start.elapsed() >= Duration::from_millis(250), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn however_much_users_ask_the_engine_has_half_of_the_calls() {
        let budget = budget(20);
        let (users, deadline) = (budget.for_users(), Instant::now() + Duration::from_secs(60));
        let at_once = |budget: &RpcBudget| {
            (0..100).take_while(|_| budget.admit(deadline).now_or_never().is_some_and(|told| told.is_ok())).count()
        };
        let (of_users, of_engine) = (at_once(&users), at_once(&budget));
        // A bucket fills while it is asked: one or two more than there are at once.
        assert!((10..13).contains(&of_users), "{of_users}");
        assert!(of_engine >= 8, "{of_engine}");
    }

    #[tokio::test]
    async fn work_that_can_wait_has_its_own_share_of_the_calls() {
        let budget = budget(1000);
        let (work, deadline) = (budget.share(NonZeroU32::MIN), Instant::now() + Duration::from_secs(60));
        let at_once = |budget: &RpcBudget| {
            (0..50).take_while(|_| budget.admit(deadline).now_or_never().is_some_and(|told| told.is_ok())).count()
        };
        assert!((1..=2).contains(&at_once(&work)), "one a second");
        assert_eq!(at_once(&budget), 50, "the others go on");
    }

    #[tokio::test]
    async fn a_pause_holds_every_clone_and_outlasting_the_deadline_is_said_at_once() {
        let budget = budget(1000);
        budget.refused(Some(Duration::from_millis(200)));
        let start = Instant::now();
        assert!(budget.clone().admit(start + Duration::from_millis(50)).await.is_err());
        assert!(start.elapsed() < Duration::from_millis(100));
        budget.clone().admit(start + Duration::from_secs(10)).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(190), "{:?}", start.elapsed());
    }

    #[test]
    fn a_pause_of_one_node_holds_nobody_from_asking_the_other() {
        let budget = budget(1);
        let second = budget.of_second();
        second.refused(Some(Duration::from_secs(9)));
        assert!(budget.pause_left().is_none() && second.clone().for_users().pause_left().is_some());
    }

    #[test]
    fn a_pause_is_what_the_node_says_or_doubles_and_is_bounded() {
        let budget = budget(1);
        assert_eq!(budget.refused(None), Duration::from_millis(500));
        assert_eq!(budget.refused(None), Duration::from_millis(1000));
        assert_eq!(budget.refused(Some(Duration::from_secs(3))), Duration::from_secs(3));
        assert_eq!(budget.refused(Some(Duration::from_secs(86_400))), PAUSE_MAX);
        for _ in 0..100 {
            budget.refused(None);
        }
        assert_eq!(budget.refused(None), PAUSE_GUESSED_MAX);
        budget.answered();
        assert_eq!(budget.refused(None), Duration::from_millis(500));
    }
}
