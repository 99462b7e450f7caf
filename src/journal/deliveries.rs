//! The webhook's deliveries: kept as they came, worked off by the leader, forgotten when they are settled and old.
//!
//! Two sides meet here. Any node keeps ([`keep`]), in a request's transaction, whoever leads. The leader alone takes, settles
//! and forgets, under its lease. A row is *claimed* before it is worked on: it becomes due again later and later, so that one
//! that can't be worked off holds up no other, whatever it does to who tries.

use std::collections::HashSet;

use deadpool_postgres::{Pool, Transaction};
use serde_json::Value;
use tokio_postgres::types::Json;

use super::{JournalError, lease::Leased};
use crate::domain::ids::{Slot, TxSignature};

/// What the database notifies on, after each commit that left deliveries.
pub const CHANNEL: &str = "zmart_webhook";

/// A delivery's name: of the body.
pub type Sha256Bytes = [u8; 32];

/// How much waits to be worked off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Deliveries.
    pub rows: u64,
    /// Their bodies, in bytes.
    pub bytes: u64,
}

/// A delivery that is to be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDelivery {
    /// Its number.
    pub id: i64,
    /// As it came.
    pub body: Vec<u8>,
    /// Which time it is taken: 1 is the first.
    pub attempt: u32,
    /// The chain's newest slot when the chain was first asked about it.
    pub asked_at_slot: Option<Slot>,
}

/// A delivery of which all is known.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledDelivery {
    /// Its number.
    pub id: i64,
    /// How many of its transactions came to what.
    pub outcome: Value,
    /// What of it could not be used, for the dead letter; `None` if nothing.
    pub unusable: Option<String>,
}

/// Keeps bodies under their names; answers with the names of those that were not there. In a transaction of a request.
///
/// # Errors
/// None of them is kept.
pub async fn keep(
    tx: &Transaction<'_>,
    deliveries: &[(Sha256Bytes, &[u8])],
) -> Result<HashSet<Sha256Bytes>, tokio_postgres::Error> {
    // In one order, so that two nodes that keep the same ones never wait for each other.
    const SQL: &str = "
        INSERT INTO webhook_deliveries (sha256, body)
        SELECT sha256, body FROM unnest($1::bytea[], $2::bytea[]) AS d (sha256, body) ORDER BY sha256
        ON CONFLICT (sha256) DO NOTHING RETURNING sha256";
    let names: Vec<&[u8]> = deliveries.iter().map(|(name, _)| name.as_slice()).collect();
    let bodies: Vec<&[u8]> = deliveries.iter().map(|(_, body)| *body).collect();
    let statement = tx.prepare_cached(SQL).await?;
    let new = names_of(&tx.query(&statement, &[&names, &bodies]).await?);
    if !new.is_empty() {
        tx.batch_execute("NOTIFY zmart_webhook").await?;
    }
    Ok(new)
}

/// Which of these are there already.
///
/// # Errors
/// Those of the statement.
pub async fn kept(tx: &Transaction<'_>, names: &[Sha256Bytes]) -> Result<HashSet<Sha256Bytes>, tokio_postgres::Error> {
    let names: Vec<&[u8]> = names.iter().map(|name| name.as_slice()).collect();
    let statement = tx.prepare_cached("SELECT sha256 FROM webhook_deliveries WHERE sha256 = ANY ($1::bytea[])").await?;
    Ok(names_of(&tx.query(&statement, &[&names]).await?))
}

fn names_of(rows: &[tokio_postgres::Row]) -> HashSet<Sha256Bytes> {
    rows.iter().filter_map(|row| row.get::<_, &[u8]>(0).try_into().ok()).collect()
}

const WAITING: &str =
    "SELECT count(*), coalesce(sum(bytes), 0)::bigint FROM webhook_deliveries WHERE settled_at IS NULL";

fn waiting_of(row: &tokio_postgres::Row) -> Waiting {
    Waiting { rows: row.get::<_, i64>(0) as u64, bytes: row.get::<_, i64>(1) as u64 }
}

/// How much waits, in a transaction of a request.
///
/// # Errors
/// Those of the statement.
pub async fn waiting_in(tx: &Transaction<'_>) -> Result<Waiting, tokio_postgres::Error> {
    let statement = tx.prepare_cached(WAITING).await?;
    Ok(waiting_of(&tx.query_one(&statement, &[]).await?))
}

/// How much waits.
///
/// # Errors
/// [`JournalError`].
pub async fn waiting(pool: &Pool) -> Result<Waiting, JournalError> {
    Ok(waiting_of(&pool.get().await?.query_one(WAITING, &[]).await?))
}

/// Claims what is due, the oldest first: at most `rows` and about `bytes` of bodies, but one at least.
///
/// # Errors
/// [`JournalError`]: nothing is claimed, or (where COMMIT had no answer) it is due again soon.
pub async fn take(pool: &Leased, rows: usize, bytes: usize) -> Result<Vec<DueDelivery>, JournalError> {
    // A quarter of a second, doubling up to half a minute.
    const SQL: &str = "
        WITH due AS (
            SELECT id, sum(bytes) OVER (ORDER BY due_at, id) - bytes AS before FROM (
                SELECT id, due_at, bytes FROM webhook_deliveries
                WHERE settled_at IS NULL AND due_at <= clock_timestamp() ORDER BY due_at, id LIMIT $1) AS oldest
        )
        UPDATE webhook_deliveries w
        SET attempts = attempts + 1,
            due_at = clock_timestamp() + make_interval(secs => least(30, 0.25 * 2 ^ least(attempts, 7)))
        FROM due WHERE w.id = due.id AND (due.before = 0 OR due.before < $2)
        RETURNING w.id, w.body, w.attempts, w.asked_at_slot";
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let statement = tx.prepare_cached(SQL).await?;
    let taken = tx.query(&statement, &[&bigint(rows), &bigint(bytes)]).await?;
    tx.commit().await?;
    let mut taken: Vec<DueDelivery> = taken
        .iter()
        .map(|row| DueDelivery {
            id: row.get(0),
            body: row.get(1),
            attempt: row.get::<_, i32>(2) as u32,
            asked_at_slot: row.get::<_, Option<i64>>(3).map(|slot| Slot(slot as u64)),
        })
        .collect();
    taken.sort_unstable_by_key(|delivery| delivery.id);
    Ok(taken)
}

/// The chain has been asked about these for the first time, when this was its newest slot.
///
/// # Errors
/// [`JournalError`]: note it again.
pub async fn note_asked(pool: &Leased, ids: &[i64], at: Slot) -> Result<(), JournalError> {
    const SQL: &str = "UPDATE webhook_deliveries SET asked_at_slot = $2 WHERE id = ANY ($1) AND asked_at_slot IS NULL";
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    tx.execute(SQL, &[&ids, &i64::try_from(at.0).unwrap_or(i64::MAX)]).await?;
    tx.commit().await?;
    Ok(())
}

/// All is known of these. What of them could not be used is kept as a dead letter, in the same transaction.
///
/// # Errors
/// [`JournalError`]: they are worked on once more.
pub async fn settle(pool: &Leased, settled: &[SettledDelivery]) -> Result<(), JournalError> {
    const LETTER: &str = "INSERT INTO dead_letters (source, reason, detail, raw) \
                          VALUES ($1, 'unusable delivery', $2, $3) ON CONFLICT DO NOTHING";
    const SQL: &str = "
        UPDATE webhook_deliveries w SET settled_at = now(), outcome = s.outcome
        FROM unnest($1::bigint[], $2::jsonb[]) AS s (id, outcome) WHERE w.id = s.id AND w.settled_at IS NULL";
    if settled.is_empty() {
        return Ok(());
    }
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    for one in settled {
        if let Some(detail) = &one.unusable {
            // A letter is kept once by its source and reason: the row's number tells these apart.
            let (source, raw) = (format!("webhook:{}", one.id), serde_json::json!({ "delivery": one.id }));
            tx.execute(LETTER, &[&source, &detail.replace('\0', "\u{fffd}"), &Json(raw)]).await?;
        }
    }
    let ids: Vec<i64> = settled.iter().map(|one| one.id).collect();
    let outcomes: Vec<Json<&Value>> = settled.iter().map(|one| Json(&one.outcome)).collect();
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&ids, &outcomes]).await?;
    tx.commit().await?;
    Ok(())
}

/// Which of these transactions the journal has, and has not taken back.
///
/// # Errors
/// [`JournalError`].
pub async fn recorded(pool: &Pool, signatures: &[TxSignature]) -> Result<HashSet<TxSignature>, JournalError> {
    const SQL: &str = "SELECT DISTINCT e.signature::text FROM unnest($1::text[]) AS asked (signature) \
                       JOIN chain_events e ON e.signature = asked.signature AND NOT e.orphaned";
    if signatures.is_empty() {
        return Ok(HashSet::new());
    }
    let texts: Vec<String> = signatures.iter().map(ToString::to_string).collect();
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let rows = client.query(&statement, &[&texts]).await?;
    Ok(rows.iter().filter_map(|row| row.get::<_, &str>(0).parse().ok()).collect())
}

/// Forgets deliveries that were settled so many seconds ago or earlier, `limit` at most; how many. If the same body comes once
/// more it is a new delivery, of transactions that are known.
///
/// # Errors
/// [`JournalError`]: ask again.
pub async fn forget_settled(pool: &Leased, older_than_seconds: u32, limit: u32) -> Result<u64, JournalError> {
    const SQL: &str = "
        DELETE FROM webhook_deliveries WHERE id IN (
            SELECT id FROM webhook_deliveries WHERE settled_at <= now() - make_interval(secs => $1)
            ORDER BY settled_at LIMIT $2)";
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let statement = tx.prepare_cached(SQL).await?;
    let forgotten = tx.execute(&statement, &[&f64::from(older_than_seconds), &i64::from(limit)]).await?;
    tx.commit().await?;
    Ok(forgotten)
}

fn bigint(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
