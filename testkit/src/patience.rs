//! Waiting, with a bound and a reason.

use std::{future::Future, time::Duration};

/// How long anything may take before a test gives up. Generous: two cores may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Asks until there is an answer.
///
/// # Panics
/// After [`PATIENCE`], with what was waited for and what the last look showed.
pub async fn wait_for<T, E, F>(what: &str, mut look: impl FnMut() -> F) -> T
where
    E: std::fmt::Display,
    F: Future<Output = Result<T, E>>,
{
    let started = tokio::time::Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if started.elapsed() > PATIENCE => panic!("waited {PATIENCE:?} for {what}; last seen: {seen}"),
            Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// Awaits one thing.
///
/// # Panics
/// After [`PATIENCE`], with what was waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited {PATIENCE:?} for {what}"),
    }
}
