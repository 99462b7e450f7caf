//! Partitions of candles, a quarter of a year each: made half a year ahead, and what landed in the default one moved out.
//!
//! Owns when one is made; how is the schema's (`sql/V17`), since tables belong to whoever migrates. "Ahead" is ahead of the
//! later of this host's clock and the newest trade's, so that a chain whose clock is far ahead has its partitions too; what
//! comes from any other time has its partition made by the writer, before the first batch that needs it ([`Prepared`]).
//! Where that failed, rows wait in the default partition, where they are read and written as everywhere, until the next
//! pass. A partition and the rows that move into it are one transaction, for which the default partition is locked: a
//! batch that needs it waits, finds that its row belongs elsewhere now, and is written again. Bounded: [`QUARTERS_MAX`] a
//! pass, [`ROWS_MAX`] rows each, and 400 in all; past those rows stay where they are, which costs nobody anything.

use std::collections::BTreeSet;

use super::{JournalError, candles::CandleTrade, lease::Leased};
use crate::domain::entry::Entry;

/// Partitions that a pass makes for rows of the default one.
pub const QUARTERS_MAX: usize = 8;
/// Of a quarter with more rows in the default partition none is moved: the lock would be held for too long.
pub const ROWS_MAX: i64 = 100_000;
/// From the year 2200 on there are no partitions.
const END_UNIX: i64 = 7_258_118_400;
const DAY_SECONDS: i64 = 86_400;
/// Days that a writer remembers, and that it prepares for one batch.
const DAYS_KNOWN_MAX: usize = 4_096;
const DAYS_A_BATCH: usize = 8;
/// Steps ahead, of 31 days: each quarter is hit by at least one.
const STEPS_AHEAD: i64 = 6;
const STEP_SECONDS: i64 = 31 * DAY_SECONDS;
/// A batch is not kept waiting for a lock that this waits for, nor a takeover for long: shorter than the lease.
const PATIENCE: &str = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '5s'";

/// One pass, at this time of the host (seconds since 1970); how many partitions were made.
///
/// # Errors
/// [`JournalError`]: those that were made stay, the others are made by the next pass.
pub async fn keep(pool: &Leased, now_unix: i64) -> Result<usize, JournalError> {
    let (mut made, mut stay, mut failed) = (0, 0, None);
    let newest = newest_trade(pool).await?.unwrap_or(now_unix).max(now_unix);
    for step in 0..=STEPS_AHEAD {
        made += usize::from(make(pool, newest.saturating_add(step * STEP_SECONDS)).await? == Made::Now);
    }
    let (mut from, mut tried) = (0, 0);
    while tried < QUARTERS_MAX {
        let Some(at) = outside(pool, from).await? else { break };
        // One that can't be made holds up no other.
        match make(pool, at).await {
            Ok(Made::Now) => (made, tried) = (made + 1, tried + 1),
            Ok(_) => stay += 1,
            Err(error) => (failed, tried) = (Some(error), tried + 1),
        }
        from = end_of_quarter(pool, at).await?;
    }
    if stay > 0 {
        log::debug!("candles of {stay} quarters stay in the default partition: too many, or no more partitions");
    }
    failed.map_or(Ok(made), Err)
}

/// For which times a writer knows that there are partitions, or that it has tried to make them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prepared {
    /// Of the chain's time, since 1970: a quarter is whole days.
    days: BTreeSet<i64>,
}

impl Prepared {
    /// Makes the partitions that candles of these entries need, so that a backfill of old years never fills the default
    /// one. What can't be made now is left to the sweeper: it waits for nobody longer than a lock may take.
    pub async fn prepare(&mut self, pool: &Leased, entries: impl Iterator<Item = &Entry>) {
        let days: BTreeSet<i64> =
            entries.filter_map(CandleTrade::of).map(|trade| trade.block_time_unix.div_euclid(DAY_SECONDS)).collect();
        let new: Vec<i64> = days.difference(&self.days).copied().take(DAYS_A_BATCH).collect();
        for day in new {
            if self.days.len() >= DAYS_KNOWN_MAX {
                self.days.clear();
            }
            self.days.insert(day);
            if let Err(error) = make(pool, day.saturating_mul(DAY_SECONDS)).await {
                log::warn!("the partition of day {day} can't be made now, its candles go to the default one: {error}");
                break;
            }
        }
    }
}

async fn newest_trade(pool: &Leased) -> Result<Option<i64>, JournalError> {
    const SQL: &str = "SELECT block_time_unix FROM trades WHERE NOT orphaned ORDER BY block_time_unix DESC LIMIT 1";
    let row = pool.get().await?.query_opt(SQL, &[]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// The first time from this one on for which the default partition has a row and there may be a partition.
async fn outside(pool: &Leased, from_unix: i64) -> Result<Option<i64>, JournalError> {
    const SQL: &str = "SELECT min(bucket_unix) FROM candles_default WHERE bucket_unix >= $1 AND bucket_unix < $2";
    Ok(pool.get().await?.query_one(SQL, &[&from_unix, &END_UNIX]).await?.try_get(0)?)
}

async fn end_of_quarter(pool: &Leased, at_unix: i64) -> Result<i64, JournalError> {
    let sql = "SELECT to_unix FROM candles_partition($1)";
    Ok(pool.get().await?.query_one(sql, &[&at_unix]).await?.try_get(0)?)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// With the rows of its time.
    Now,
    /// It is there.
    Before,
    /// There may be none, or its rows are too many.
    Never,
}

/// Makes the partition of a moment, with the rows of its time.
async fn make(pool: &Leased, at_unix: i64) -> Result<Made, JournalError> {
    // Asked first: a transaction that locks is seldom needed.
    const ASK: &str =
        "SELECT from_unix, to_unix, to_regclass(quote_ident(name)) IS NOT NULL FROM candles_partition($1)";
    const COUNT: &str = "SELECT count(*) FROM (SELECT FROM candles_default \
                                               WHERE bucket_unix >= $1 AND bucket_unix < $2 LIMIT $3) AS found";
    // Past what PostgreSQL takes for a moment nothing is asked.
    if !(0..END_UNIX).contains(&at_unix) {
        return Ok(Made::Never);
    }
    let mut client = pool.get().await?;
    let quarter = client.query_one(ASK, &[&at_unix]).await?;
    let (from, to): (i64, i64) = (quarter.try_get(0)?, quarter.try_get(1)?);
    if quarter.try_get(2)? {
        return Ok(Made::Before);
    }
    if client.query_one(COUNT, &[&from, &to, &(ROWS_MAX + 1)]).await?.try_get::<_, i64>(0)? > ROWS_MAX {
        return Ok(Made::Never);
    }
    let tx = pool.begin(&mut client).await?;
    tx.batch_execute(PATIENCE).await?;
    let name: Option<String> =
        tx.query_one("SELECT quote_ident(make_candles_partition($1))", &[&at_unix]).await?.try_get(0)?;
    let Some(name) = name else { return Ok(Made::Never) };
    let moving = format!(
        "WITH gone AS (
             DELETE FROM candles_default WHERE bucket_unix >= $1 AND bucket_unix < $2 RETURNING *
         ) INSERT INTO {name} SELECT * FROM gone"
    );
    let moved = tx.execute(&moving, &[&from, &to]).await?;
    tx.execute("SELECT attach_candles_partition($1)", &[&at_unix]).await?;
    tx.commit().await?;
    log::info!("{name} was made, {moved} candles moved there");
    Ok(Made::Now)
}
