//! What the listener keeps: the cursor, the signatures that coverage found, and what could not be used.

use deadpool_postgres::Pool;
use tokio_postgres::{GenericClient, types::Json};

use super::{JournalError, dead_letters, lease::Leased};
use crate::domain::ids::{AccountAddress, ProgramId, Slot, TxSignature};

/// How far the chain is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The newest finalized transaction at or below which everything is durable; `None` before there was one.
    pub signature: Option<TxSignature>,
    /// Its slot.
    pub slot: Slot,
    /// Everything of the program at or below this slot is durable.
    pub covered_slot: Slot,
    /// Everything that is recorded at or below this slot was found on the finalized chain; `None` before anything was
    /// recorded.
    pub finalized_slot: Option<Slot>,
}

impl Cursor {
    /// Everything of the program at or below this slot is durable, and final on the chain.
    pub fn final_slot(&self) -> Slot {
        self.finalized_slot.unwrap_or_default().min(self.covered_slot)
    }
}

/// A signature that coverage found missing, or whose dead letter is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staged {
    /// The transaction.
    pub signature: TxSignature,
    /// Its slot, as the node said.
    pub slot: Slot,
    /// A retry alone put it there: whatever is remembered of it, it is read anew, and the first answer counts.
    pub retried: bool,
}

/// Something that could not be used, with the reason.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Which part gives up on it.
    pub source: &'static str,
    /// The transaction, if it is one.
    pub signature: Option<TxSignature>,
    /// The program's invocation in it, if one is meant.
    pub n: Option<u16>,
    /// The stream, if one is meant.
    pub stream: Option<AccountAddress>,
    /// One word or two, the same for the same cause.
    pub reason: &'static str,
    /// For people.
    pub detail: String,
    /// The input itself, as far as it can be kept.
    pub raw: Option<serde_json::Value>,
}

/// The stored cursor.
///
/// # Errors
/// [`JournalError`].
pub async fn load_cursor(pool: &Pool, program: ProgramId) -> Result<Cursor, JournalError> {
    let client = pool.get().await?;
    let row = client
        .query_opt(
            "SELECT signature::text, slot, covered_slot, coalesce(finalized_slot, slot) FROM chain_cursor WHERE program_id = $1::text",
            &[&program.to_string()],
        )
        .await?;
    Ok(row.map_or_else(Cursor::default, |row| Cursor {
        signature: row.get::<_, Option<String>>(0).and_then(|text| text.parse().ok()),
        slot: Slot(row.get::<_, i64>(1) as u64),
        covered_slot: Slot(row.get::<_, i64>(2) as u64),
        finalized_slot: Some(Slot(row.get::<_, i64>(3) as u64)),
    }))
}

/// Moves the cursor, never back.
///
/// # Errors
/// [`JournalError`].
pub async fn save_cursor(pool: &Leased, program: ProgramId, cursor: Cursor) -> Result<(), JournalError> {
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    tx.execute(
        "INSERT INTO chain_cursor (program_id, signature, slot, covered_slot, finalized_slot)
             VALUES ($1::text, $2::text, $3, $4, $5)
             ON CONFLICT (program_id) DO UPDATE
             SET signature = excluded.signature, slot = excluded.slot,
                 covered_slot = greatest(chain_cursor.covered_slot, excluded.covered_slot),
                 finalized_slot = greatest(chain_cursor.finalized_slot, excluded.finalized_slot), updated_at = now()
             WHERE chain_cursor.slot <= excluded.slot",
        &[
            &program.to_string(),
            &cursor.signature.map(|signature| signature.to_string()),
            &(cursor.slot.0 as i64),
            &(cursor.covered_slot.0 as i64),
            &cursor.finalized_slot.map(|slot| slot.0 as i64),
        ],
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Remembers signatures that were found, newest first as the chain lists them. One that a retry had put there is found like any
/// other from now on: it stands where it was listed, and is waited for.
///
/// # Errors
/// [`JournalError`].
pub async fn stage(pool: &Leased, found: &[Staged]) -> Result<(), JournalError> {
    if found.is_empty() {
        return Ok(());
    }
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let signatures: Vec<String> = found.iter().map(|staged| staged.signature.to_string()).collect();
    let slots: Vec<i64> = found.iter().map(|staged| staged.slot.0 as i64).collect();
    // A list may name one twice; in one command it is put in line once.
    tx.execute(
        "INSERT INTO staged_signatures (signature, slot)
             SELECT signature, slot FROM (
                 SELECT DISTINCT ON (signature) signature, slot, at
                 FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS f (signature, slot, at) ORDER BY signature, at
             ) once ORDER BY at
             ON CONFLICT (signature) DO UPDATE SET slot = excluded.slot, found = DEFAULT, retried = false
             WHERE staged_signatures.retried",
        &[&signatures, &slots],
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// One that is settled, and the slot that it was staged at.
pub type Done = (TxSignature, Slot);

/// So many of slots that follow each other are looked up by their slots.
const DENSE: usize = 256;

/// A place in the order of staged signatures: oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StagedPlace {
    /// The slot.
    pub slot: Slot,
    /// Within a slot, a larger number is older.
    found: i64,
}

/// The oldest staged signatures behind a place, oldest first, and the place of the last.
///
/// # Errors
/// [`JournalError`].
pub async fn staged(
    pool: &Pool,
    after: Option<StagedPlace>,
    limit: usize,
) -> Result<(Vec<Staged>, Option<StagedPlace>), JournalError> {
    const OLDEST: &str =
        "SELECT signature::text, slot, found, retried FROM staged_signatures ORDER BY slot, found DESC LIMIT $1";
    const NEXT: &str = "SELECT signature::text, slot, found, retried FROM staged_signatures \
                        WHERE slot >= $2 AND (slot > $2 OR found < $3) ORDER BY slot, found DESC LIMIT $1";
    let client = pool.get().await?;
    let limit = limit as i64;
    let rows = match after {
        None => client.query(&client.prepare_cached(OLDEST).await?, &[&limit]).await?,
        Some(StagedPlace { slot, found }) => {
            client.query(&client.prepare_cached(NEXT).await?, &[&limit, &(slot.0 as i64), &found]).await?
        }
    };
    let slot = |row: &tokio_postgres::Row| Slot(row.get::<_, i64>(1) as u64);
    let last = rows.last().map(|row| StagedPlace { slot: slot(row), found: row.get(2) });
    let staged = |row: &tokio_postgres::Row| {
        Some(Staged { signature: row.get::<_, &str>(0).parse().ok()?, slot: slot(row), retried: row.get(3) })
    };
    Ok((rows.iter().filter_map(staged).collect(), last))
}

/// Forgets staged signatures whose effect is durable, or that are given up: with the letters that say so, in one transaction, so
/// that a retry is never over without its answer, nor answered and not over. Where there are no letters it is not waited for
/// until it is on the disk: one that comes back after a crash is read once more, and known.
///
/// What is settled in the chain's order is looked up by its slots: by signature each
/// would be on another page of the index, which is read from the disk when a million are staged.
///
/// # Errors
/// [`JournalError`].
pub async fn unstage(pool: &Leased, done: &[Done], letters: &[DeadLetter]) -> Result<(), JournalError> {
    const SINGLE: &str = "DELETE FROM staged_signatures WHERE signature::text = ANY ($1::text[])";
    // The expression keeps the index by signature out of it.
    const OF_SLOTS: &str = "DELETE FROM staged_signatures
        WHERE slot BETWEEN $2 AND $3 AND signature::text || '' = ANY ($1::text[])";
    if done.is_empty() {
        return Ok(());
    }
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    if letters.is_empty() {
        tx.batch_execute("SET LOCAL synchronous_commit = off").await?;
    }
    keep(&*tx, letters).await?;
    let mut done = done.to_vec();
    done.sort_unstable_by_key(|(_, slot)| *slot);
    let mut single: Vec<String> = Vec::new();
    for run in done.chunk_by(|(_, one), (_, next)| next.0.saturating_sub(one.0) <= 1) {
        let signatures = run.iter().map(|(signature, _)| signature.to_string());
        match run {
            [(_, first), .., (_, last)] if run.len() >= DENSE => {
                let signatures: Vec<String> = signatures.collect();
                let found = tx.execute(OF_SLOTS, &[&signatures, &(first.0 as i64), &(last.0 as i64)]).await?;
                // Another list may have put one elsewhere.
                if found < signatures.len() as u64 {
                    single.extend(signatures);
                }
            }
            _ => single.extend(signatures),
        }
    }
    if !single.is_empty() {
        tx.execute(SINGLE, &[&single]).await?;
    }
    dead_letters::settle(&*tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Keeps what could not be used; the same letter is kept once, and says what is wrong now. One that is being tried again is
/// being tried still: what it waits for leaves ([`unstage`]), and that ends it.
///
/// # Errors
/// [`JournalError`].
pub async fn bury(pool: &Leased, letters: &[DeadLetter]) -> Result<(), JournalError> {
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    keep(&*tx, letters).await?;
    tx.commit().await?;
    Ok(())
}

async fn keep(client: &impl GenericClient, letters: &[DeadLetter]) -> Result<(), JournalError> {
    for letter in letters {
        client
            .execute(
                "INSERT INTO dead_letters (source, signature, n, stream, reason, detail, raw)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (source, coalesce(signature, ''), coalesce(n, -1), reason) WHERE resolved_at IS NULL
                 DO UPDATE SET detail = excluded.detail, raw = coalesce(excluded.raw, dead_letters.raw)",
                &[
                    &letter.source,
                    &letter.signature.map(|signature| signature.to_string()),
                    &letter.n.map(i32::from),
                    &letter.stream.map(|stream| stream.to_string()),
                    &letter.reason,
                    // PostgreSQL's text holds no NUL.
                    &letter.detail.replace('\0', "\u{fffd}"),
                    &letter.raw.as_ref().map(Json),
                ],
            )
            .await?;
    }
    Ok(())
}

/// Streams that a refused append left behind the chain, and why: what the database refused is not forgotten with the
/// process. At most `limit`.
///
/// # Errors
/// [`JournalError`].
pub async fn refused_streams(pool: &Pool, limit: usize) -> Result<Vec<(AccountAddress, String)>, JournalError> {
    const SQL: &str = "SELECT stream, min(detail) FROM dead_letters \
                       WHERE resolved_at IS NULL AND source = 'journal' AND reason = 'refused' AND stream IS NOT NULL \
                       GROUP BY stream LIMIT $1";
    let rows = pool.get().await?.query(SQL, &[&(limit as i64)]).await?;
    let stream = |row: &tokio_postgres::Row| Some((row.get::<_, String>(0).parse().ok()?, row.get(1)));
    Ok(rows.iter().filter_map(stream).collect())
}

/// A stream has caught up with the chain: what was refused of it has been written.
///
/// # Errors
/// [`JournalError`].
pub async fn resolve_refused(pool: &Leased, stream: AccountAddress) -> Result<(), JournalError> {
    const SQL: &str = "UPDATE dead_letters SET resolved_at = now() \
                       WHERE resolved_at IS NULL AND source = 'journal' AND reason = 'refused' AND stream = $1";
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    tx.execute(SQL, &[&stream.to_string()]).await?;
    tx.commit().await?;
    Ok(())
}
