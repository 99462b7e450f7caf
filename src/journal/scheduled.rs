//! When work that has a schedule was last done: rows of `scheduled_runs`.
//!
//! Both moments of a question come from PostgreSQL's clock, so that neither a node whose clock jumps nor another node
//! after a takeover misses a run or does it twice.

use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;

use super::{JournalError, lease::Leased};

/// What the schedule of some work is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRun {
    /// Now, by PostgreSQL's clock.
    pub now: DateTime<Utc>,
    /// When it was last done, by the same clock; `None`: never.
    pub last: Option<DateTime<Utc>>,
}

/// When it was last done.
///
/// # Errors
/// [`JournalError`].
pub async fn last_run(pool: &Pool, name: &str) -> Result<LastRun, JournalError> {
    const SQL: &str = "SELECT clock_timestamp(), (SELECT last_run_at FROM scheduled_runs WHERE name = $1)";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let row = client.query_one(&statement, &[&name]).await?;
    Ok(LastRun { now: row.try_get(0)?, last: row.try_get(1)? })
}

/// It was done for the schedule as of this moment, which [`last_run`] told. Never moves back, unless what is stored lies
/// ahead of PostgreSQL's clock.
///
/// # Errors
/// [`JournalError`]: it will be done again.
pub async fn note_run(pool: &Leased, name: &str, at: DateTime<Utc>) -> Result<(), JournalError> {
    const SQL: &str = "INSERT INTO scheduled_runs AS r (name, last_run_at) VALUES ($1, $2) \
                       ON CONFLICT (name) DO UPDATE SET last_run_at = excluded.last_run_at \
                       WHERE r.last_run_at < excluded.last_run_at OR r.last_run_at > clock_timestamp()";
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    tx.execute(SQL, &[&name, &at]).await?;
    tx.commit().await?;
    Ok(())
}
