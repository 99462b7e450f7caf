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
    /// Of so many of its transactions, the first ones, all is known.
    pub decided: usize,
    /// How many of those came to what.
    pub outcome: Option<Value>,
}

/// A delivery of whose first transactions all is known.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkedOff {
    /// Its number.
    pub id: i64,
    /// How many transactions those are.
    pub decided: usize,
    /// They are all.
    pub is_settled: bool,
    /// How many of them came to what.
    pub outcome: Value,
    /// What people should know of it.
    pub letters: Vec<DeliveryLetter>,
}

/// A dead letter of a delivery: one for each reason.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryLetter {
    /// `never came` or `unusable delivery`.
    pub reason: &'static str,
    /// For people.
    pub detail: String,
    /// `delivery`, its number; of what never came `signatures`, some of them.
    pub raw: Value,
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
        RETURNING w.id, w.body, w.attempts, w.asked_at_slot, w.decided, w.outcome";
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
            decided: usize::try_from(row.get::<_, i32>(4)).unwrap_or_default(),
            outcome: row.get(5),
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

/// All is known of these, or of their first transactions: then they are due again at once. A settled row keeps its name and what
/// came of it, and no body. Dead letters are kept in the same transaction.
///
/// # Errors
/// [`JournalError`]: they are worked on once more.
pub async fn settle(pool: &Leased, worked_off: &[WorkedOff]) -> Result<(), JournalError> {
    const LETTER: &str = "INSERT INTO dead_letters (source, reason, detail, raw) \
                          VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    // What is left of one is asked about at its next attempt, without another one before.
    const SQL: &str = "
        UPDATE webhook_deliveries w
        SET outcome = s.outcome, decided = s.decided,
            settled_at = CASE WHEN s.is_settled THEN now() END,
            body = CASE WHEN NOT s.is_settled THEN w.body END,
            attempts = CASE WHEN s.is_settled THEN w.attempts ELSE 1 END,
            due_at = CASE WHEN s.is_settled THEN w.due_at ELSE clock_timestamp() END
        FROM unnest($1::bigint[], $2::jsonb[], $3::integer[], $4::boolean[]) AS s (id, outcome, decided, is_settled)
        WHERE w.id = s.id AND w.settled_at IS NULL";
    if worked_off.is_empty() {
        return Ok(());
    }
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    for one in worked_off {
        for letter in &one.letters {
            // A letter is kept once by its source and reason: the row's number tells these apart.
            let (source, detail) = (format!("webhook:{}", one.id), letter.detail.replace('\0', "\u{fffd}"));
            tx.execute(LETTER, &[&source, &letter.reason, &detail, &Json(&letter.raw)]).await?;
        }
    }
    let ids: Vec<i64> = worked_off.iter().map(|one| one.id).collect();
    let outcomes: Vec<Json<&Value>> = worked_off.iter().map(|one| Json(&one.outcome)).collect();
    let decided: Vec<i32> = worked_off.iter().map(|one| i32::try_from(one.decided).unwrap_or(i32::MAX)).collect();
    let settled: Vec<bool> = worked_off.iter().map(|one| one.is_settled).collect();
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&ids, &outcomes, &decided, &settled]).await?;
    tx.commit().await?;
    Ok(())
}

/// Closes letters of what never came and is in the journal nevertheless: all that they name. The newest `limit` are looked at.
///
/// # Errors
/// [`JournalError`]: ask again.
pub async fn close_letters(pool: &Leased, limit: u32) -> Result<u64, JournalError> {
    // What gives a value is looked up by its key, row by row.
    const SQL: &str = "
        UPDATE dead_letters d SET resolved_at = now()
        WHERE d.id IN (
            SELECT id FROM dead_letters
            WHERE resolved_at IS NULL AND reason = 'never came' AND source LIKE 'webhook:%' ORDER BY id DESC LIMIT $1)
          AND (SELECT bool_and((SELECT true FROM chain_events e
                                WHERE e.signature::text = named.signature AND NOT e.orphaned LIMIT 1) IS TRUE)
               FROM jsonb_array_elements_text(d.raw -> 'signatures') AS named (signature))";
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let closed = tx.execute(SQL, &[&i64::from(limit)]).await?;
    tx.commit().await?;
    Ok(closed)
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
