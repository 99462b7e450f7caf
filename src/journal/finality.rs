//! What was recorded in slots that have become final, and what of it was taken back.

use deadpool_postgres::Pool;

use super::JournalError;
use crate::domain::ids::{AccountAddress, Slot, TxSignature};

/// A transaction that moved a stream, as it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recorded {
    /// Its slot, as it was recorded.
    pub slot: Slot,
    /// The transaction.
    pub signature: TxSignature,
    /// The stream that it moved.
    pub stream: AccountAddress,
}

/// Transactions that are recorded in the slots after `after`, up to `upto`, in the order of slots, without those that
/// were taken back. At most about `limit`: the second value is the last slot of which there are all.
///
/// # Errors
/// [`JournalError`].
pub async fn recorded_between(
    pool: &Pool,
    after: Slot,
    upto: Slot,
    limit: usize,
) -> Result<(Vec<Recorded>, Slot), JournalError> {
    const SQL: &str = "SELECT slot, signature::text, stream::text FROM chain_events \
                       WHERE slot > $1 AND slot <= $2 AND NOT orphaned ORDER BY slot LIMIT $3";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let mut limit = limit.max(1);
    loop {
        let rows = client.query(&statement, &[&bigint(after), &bigint(upto), &(limit as i64)]).await?;
        let mut recorded: Vec<Recorded> = rows
            .iter()
            .filter_map(|row| {
                let (signature, stream): (&str, &str) = (row.get(1), row.get(2));
                let slot = Slot(row.get::<_, i64>(0) as u64);
                Some(Recorded { slot, signature: signature.parse().ok()?, stream: stream.parse().ok()? })
            })
            .collect();
        // Several events of one transaction are one transaction.
        recorded.dedup();
        let last = rows.last().map_or(upto, |row| Slot(row.get::<_, i64>(0) as u64));
        if rows.len() < limit {
            return Ok((recorded, upto));
        }
        // The last slot may go on after the limit.
        let whole = Slot(last.0.saturating_sub(1));
        if whole > after {
            recorded.retain(|recorded| recorded.slot <= whole);
            return Ok((recorded, whole));
        }
        limit = limit.saturating_mul(2);
    }
}

/// The transactions of these streams that were taken back, of those recorded after a slot.
///
/// # Errors
/// [`JournalError`].
pub async fn taken_back_after(
    pool: &Pool,
    streams: &[AccountAddress],
    after: Slot,
) -> Result<Vec<TxSignature>, JournalError> {
    const SQL: &str = "SELECT DISTINCT signature::text FROM chain_events \
                       WHERE orphaned AND slot > $1 AND stream::text = ANY ($2::text[])";
    let client = pool.get().await?;
    let streams: Vec<String> = streams.iter().map(ToString::to_string).collect();
    let rows = client.query(SQL, &[&bigint(after), &streams]).await?;
    Ok(rows.iter().filter_map(|row| row.get::<_, &str>(0).parse().ok()).collect())
}

/// Markets that wait for a decision or a deadline, or for the end of a transaction of governance's own, of which everything
/// is recorded in slots up to `upto` and not all is marked as final: whoever marks it is not running.
///
/// # Errors
/// [`JournalError`].
pub async fn unmarked(pool: &Pool, upto: Slot, limit: usize) -> Result<Vec<AccountAddress>, JournalError> {
    // Proposed, resolving, disputed; and whatever phase a transaction has led to that is not settled before its entry is final.
    const SQL: &str = "
        SELECT address::text FROM markets
        WHERE phase IN (0, 3, 4) AND NOT vanished AND finalized_seq < last_seq AND slot_high <= $1
        UNION
        SELECT m.address::text FROM chain_submissions s JOIN markets m ON m.address = s.market
        WHERE NOT s.settled AND NOT m.vanished AND m.finalized_seq < m.last_seq AND m.slot_high <= $1
        LIMIT $2";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let rows = client.query(&statement, &[&bigint(upto), &i64::try_from(limit).unwrap_or(i64::MAX)]).await?;
    Ok(rows.iter().filter_map(|row| row.get::<_, &str>(0).parse().ok()).collect())
}

fn bigint(slot: Slot) -> i64 {
    i64::try_from(slot.0).unwrap_or(i64::MAX)
}
