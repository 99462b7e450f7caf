//! What was recorded in slots that have become final, and what of it was taken back.

use std::collections::BTreeSet;

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

/// A place in the walk over markets that wait for governance: the phase, what they are ordered by in it, and the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmarkedPlace(usize, i64, String);

/// How far a step of that walk goes.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// So many markets are looked at, at most.
    pub looked_at: usize,
    /// So many are found, at most.
    pub found: usize,
}

/// Markets that wait for a decision or a deadline, or for the end of a transaction of governance's own, of which everything
/// is recorded in slots up to `upto` and not all is marked as final: whoever marks it is not running. And where the walk over
/// the former goes on; `None`: that was all.
///
/// A step looks at so many markets, unmarked or not: it costs the same however many there are, and those that stay unmarked
/// hide no others. (An index of the unmarked ones alone would be written with each entry of each market.)
///
/// # Errors
/// [`JournalError`].
pub async fn unmarked(
    pool: &Pool,
    upto: Slot,
    after: Option<&UnmarkedPlace>,
    step: Step,
) -> Result<(Vec<AccountAddress>, Option<UnmarkedPlace>), JournalError> {
    // Whatever phase a transaction has led to that is not settled before its entry is final.
    const OURS: &str = "
        SELECT DISTINCT m.address::text FROM chain_submissions s JOIN markets m ON m.address = s.market
        WHERE NOT s.settled AND NOT m.vanished AND m.finalized_seq < m.last_seq AND m.slot_high <= $1 LIMIT $2";
    const WALK: &str = "
        SELECT address::text, created_at_unix, finalized_seq < last_seq AND slot_high <= $1 FROM markets
        WHERE phase = $2 AND NOT vanished AND (created_at_unix, address) < ($3::bigint, $4::text)
        ORDER BY created_at_unix DESC, address DESC LIMIT $5";
    // Disputed, resolving, proposed.
    const PHASES: [i16; 3] = [4, 3, 0];
    let client = pool.get().await?;
    let statement = client.prepare_cached(OURS).await?;
    let ours = client.query(&statement, &[&bigint(upto), &i64::try_from(step.found).unwrap_or(i64::MAX)]).await?;
    let mut found: BTreeSet<AccountAddress> =
        ours.iter().filter_map(|row| row.get::<_, &str>(0).parse().ok()).collect();
    let (most, mut left) = (found.len() + step.found, step.looked_at);
    let statement = client.prepare_cached(WALK).await?;
    let mut at = after.cloned().unwrap_or_else(|| UnmarkedPlace::before(0));
    while let Some(phase) = PHASES.get(at.0) {
        let limit = i64::try_from(left).unwrap_or(i64::MAX);
        for row in client.query(&statement, &[&bigint(upto), phase, &at.1, &at.2, &limit]).await? {
            left -= 1;
            let address: &str = row.get(0);
            at = UnmarkedPlace(at.0, row.get(1), address.to_owned());
            if row.get(2) {
                found.extend(address.parse::<AccountAddress>());
            }
            if left == 0 || found.len() >= most {
                return Ok((found.into_iter().collect(), Some(at)));
            }
        }
        at = UnmarkedPlace::before(at.0 + 1);
    }
    Ok((found.into_iter().collect(), None))
}

impl UnmarkedPlace {
    /// Before the first market of a phase.
    fn before(phase: usize) -> Self {
        Self(phase, i64::MAX, String::new())
    }
}

fn bigint(slot: Slot) -> i64 {
    i64::try_from(slot.0).unwrap_or(i64::MAX)
}
