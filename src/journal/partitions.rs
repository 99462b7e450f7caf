//! Partitions of candles, a quarter of a year each: made half a year ahead, and what landed in the default one moved out.
//!
//! Owns when one is made; how is the schema's (`sql/V17`), since tables belong to whoever migrates. "Ahead" is ahead of the
//! later of this host's clock and the newest trade's, so that a chain whose clock is far ahead has its partitions too; what
//! comes from any other time waits in the default partition, where it is read and written as everywhere, until the next
//! pass. A partition and the rows that move into it are one transaction, for which the default partition is locked: a
//! batch that needs it waits. Bounded: [`QUARTERS_MAX`] a pass, and 400 in all; past those rows stay where they are.

use super::{JournalError, lease::Leased};

/// Partitions that a pass makes for rows of the default one.
pub const QUARTERS_MAX: usize = 8;
/// Steps ahead, of 31 days: each quarter is hit by at least one.
const STEPS_AHEAD: i64 = 6;
const STEP_SECONDS: i64 = 31 * 86_400;
/// A batch is not kept waiting for a lock that this waits for; what then moves may take its time.
const PATIENCE: &str = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '30s'";

/// One pass, at this time of the host (seconds since 1970); how many partitions were made.
///
/// # Errors
/// [`JournalError`]: those that were made stay, the others are made by the next pass.
pub async fn keep(pool: &Leased, now_unix: i64) -> Result<usize, JournalError> {
    let mut made = 0;
    let newest = newest_trade(pool).await?.unwrap_or(now_unix).max(now_unix);
    for step in 0..=STEPS_AHEAD {
        made += usize::from(make(pool, newest.saturating_add(step * STEP_SECONDS)).await?);
    }
    for _ in 0..QUARTERS_MAX {
        let Some(at) = outside(pool).await? else { break };
        if !make(pool, at).await? {
            log::warn!("candles of {at} stay in the default partition: there are as many partitions as there may be");
            break;
        }
        made += 1;
    }
    Ok(made)
}

async fn newest_trade(pool: &Leased) -> Result<Option<i64>, JournalError> {
    const SQL: &str = "SELECT block_time_unix FROM trades WHERE NOT orphaned ORDER BY block_time_unix DESC LIMIT 1";
    let row = pool.get().await?.query_opt(SQL, &[]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// A time for which the default partition has a row and there may be a partition.
async fn outside(pool: &Leased) -> Result<Option<i64>, JournalError> {
    const SQL: &str =
        "SELECT bucket_unix FROM candles_default WHERE bucket_unix >= 0 AND bucket_unix < 7258118400 LIMIT 1";
    let row = pool.get().await?.query_opt(SQL, &[]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Makes the partition of a moment, with the rows of its time; false if there is one or may be none.
async fn make(pool: &Leased, at_unix: i64) -> Result<bool, JournalError> {
    // Asked first: a transaction that locks is seldom needed.
    const IS_THERE: &str = "SELECT $1::bigint < 0 OR $1 >= 7258118400 \
                            OR to_regclass(quote_ident((candles_partition($1)).name)) IS NOT NULL";
    let mut client = pool.get().await?;
    // Past what PostgreSQL takes for a moment nothing is asked.
    if !(0..7_258_118_400).contains(&at_unix) || client.query_one(IS_THERE, &[&at_unix]).await?.try_get::<_, bool>(0)? {
        return Ok(false);
    }
    let tx = pool.begin(&mut client).await?;
    tx.batch_execute(PATIENCE).await?;
    let name: Option<String> =
        tx.query_one("SELECT quote_ident(make_candles_partition($1))", &[&at_unix]).await?.try_get(0)?;
    let Some(name) = name else { return Ok(false) };
    let moving = format!(
        "WITH quarter AS MATERIALIZED (SELECT * FROM candles_partition($1)), gone AS (
             DELETE FROM candles_default c USING quarter q
             WHERE c.bucket_unix >= q.from_unix AND c.bucket_unix < q.to_unix RETURNING c.*
         ) INSERT INTO {name} SELECT * FROM gone"
    );
    let moved = tx.execute(&moving, &[&at_unix]).await?;
    tx.execute("SELECT attach_candles_partition($1)", &[&at_unix]).await?;
    tx.commit().await?;
    log::info!("{name} was made, {moved} candles moved there");
    Ok(true)
}
