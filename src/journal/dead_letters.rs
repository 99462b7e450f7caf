//! Dead letters as an operator has them: listed, tried again, dropped with a reason.
//!
//! Owns what becomes of a letter after it was kept (`staging::bury`, `outbox::refuse`). To try one again is to put back what it
//! holds, in the transaction that marks it: a transaction's signature among those that coverage found, where the listener's
//! next pass reads it anew; a user's row into the outbox, as it was. Nothing is decided here about what it says: that is the
//! engine's, as for any other. A letter is resolved by what it was kept for: its event is in the journal, or its row has become an
//! entry ([`settle`]). What fails again stays open, with one more try. No letter is ever deleted.
//!
//! A retry of a transaction ends in the transaction that unstages it (`staging::unstage`), and not before: whether a letter is
//! being tried and whether something is staged for it are one fact.

use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;
use serde::Serialize;
use tokio_postgres::{GenericClient, Row};

use super::JournalError;

/// Letters that are read, tried or dropped in one go.
pub const PAGE: usize = 500;
/// Characters of the reason for which a letter is dropped.
pub const REASON_MAX: usize = 2_000;

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Its number.
    pub id: i64,
    /// Which part gave up on it.
    pub source: String,
    /// The transaction; of a row of the outbox its name.
    pub signature: Option<String>,
    /// The program's invocation in the transaction, if one is meant.
    pub n: Option<i32>,
    /// The stream, if one is meant.
    pub stream: Option<String>,
    /// One word or two, the same for the same cause.
    pub reason: String,
    /// For people.
    pub detail: String,
    /// When it was kept.
    pub created_at: DateTime<Utc>,
    /// How often it was tried again.
    pub tries: i64,
    /// When it was last.
    pub tried_at: Option<DateTime<Utc>>,
    /// It is being tried.
    pub trying: bool,
    /// When it was closed; `None`: it is open.
    pub resolved_at: Option<DateTime<Utc>>,
    /// When somebody dropped it.
    pub dropped_at: Option<DateTime<Utc>>,
    /// Why.
    pub dropped_reason: Option<String>,
    /// Why it can't be tried again; `None`: it can.
    pub not_retriable: Option<String>,
}

/// Which letters are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct LetterFilter<'a> {
    /// Closed ones, too.
    pub with_closed: bool,
    /// Of that source only.
    pub source: Option<&'a str>,
    /// Of that stream only.
    pub stream: Option<&'a str>,
}

/// What became of a letter that was to be tried again or dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "why", rename_all = "snake_case")]
pub enum Handled {
    /// It is being tried again.
    Again,
    /// It is dropped.
    Dropped,
    /// Neither: it is being tried just now.
    UnderWay,
    /// Neither: it is closed.
    Closed,
    /// It can't be tried again, and why.
    NotRetriable(String),
    /// There is no such letter.
    Unknown,
}

/// What a retry of all came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RetriedAll {
    /// Letters that are being tried again.
    pub again: usize,
    /// Letters that can't be.
    pub not_retriable: usize,
    /// Letters that were being tried already.
    pub under_way: usize,
}

/// Why a letter can't be tried again; NULL: it can.
const WHY_NOT: &str = "CASE
    WHEN source = 'outbox' AND (kind IS NULL OR raw IS NULL OR stream IS NULL OR signature !~ '^outbox:[0-9]{1,18}$')
        THEN 'kept by an engine that did not note what kind of write it was: its user can write again'
    WHEN source = 'outbox' AND kind = 'comment' AND (SELECT true FROM discussions c WHERE c.deleted_at IS NOT NULL AND c.id = CASE
        WHEN raw ->> 'id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (raw ->> 'id')::uuid END)
        THEN 'its author has deleted the comment'
    WHEN source = 'outbox' THEN NULL
    WHEN source = 'journal' THEN 'its stream is tried every 5 s by itself, and resolves it when it is written'
    WHEN source = 'coverage' AND reason = 'unfillable'
        THEN 'the node has no history there: accounts were adopted, and zmart backfill can ask another node'
    WHEN source = 'coverage' AND reason = 'left out'
        THEN 'it was asked for by zmart backfill --from-slot, and is the only record of what was not fetched'
    WHEN source = 'finality' THEN 'its event is in the journal: zmart verify tells whether the chain agrees'
    WHEN source LIKE 'webhook:%' AND reason = 'never came'
        THEN 'it is not on the chain: should coverage find it nevertheless, the letter is closed by itself'
    WHEN signature IS NULL THEN 'it is no transaction'
END";

/// The slot that the letter tells, or the oldest: a staged signature needs one to stand in line.
const SLOT: &str = "CASE
    WHEN raw ->> 'slot' ~ '^[0-9]{1,18}$' THEN (raw ->> 'slot')::bigint
    ELSE coalesce(substring(detail FROM '^slot ([0-9]{1,18}):')::bigint, 0)
END";

/// A page of letters, the oldest first: those after a number.
///
/// # Errors
/// [`JournalError`].
pub async fn list(
    pool: &Pool,
    filter: LetterFilter<'_>,
    after: i64,
    limit: usize,
) -> Result<Vec<Letter>, JournalError> {
    // Two texts, so that the open ones are found by their index however many are closed.
    let open = if filter.with_closed { "" } else { "resolved_at IS NULL AND" };
    let sql = format!(
        "SELECT id, source, signature, n, stream, reason, detail, created_at, tries, tried_at, trying, resolved_at,
                dropped_at, dropped_reason, {WHY_NOT}
         FROM dead_letters
         WHERE {open} id > $1 AND ($2::text IS NULL OR source = $2) AND ($3::text IS NULL OR stream = $3)
         ORDER BY id LIMIT $4"
    );
    let client = pool.get().await?;
    let limit = limit.min(PAGE) as i64;
    let rows = client.query(&sql, &[&after, &filter.source, &filter.stream, &limit]).await?;
    rows.iter().map(letter).collect()
}

fn letter(row: &Row) -> Result<Letter, JournalError> {
    Ok(Letter {
        id: row.try_get(0)?,
        source: row.try_get(1)?,
        signature: row.try_get(2)?,
        n: row.try_get(3)?,
        stream: row.try_get(4)?,
        reason: row.try_get(5)?,
        detail: row.try_get(6)?,
        created_at: row.try_get(7)?,
        tries: row.try_get(8)?,
        tried_at: row.try_get(9)?,
        trying: row.try_get(10)?,
        resolved_at: row.try_get(11)?,
        dropped_at: row.try_get(12)?,
        dropped_reason: row.try_get(13)?,
        not_retriable: row.try_get(14)?,
    })
}

/// Tries letters again, at most [`PAGE`] of them; what became of each, in their order. The engine that leads takes what was put
/// back, now or when there is one.
///
/// # Errors
/// [`JournalError`]: none of them is tried.
pub async fn retry(pool: &Pool, ids: &[i64]) -> Result<Vec<(i64, Handled)>, JournalError> {
    // One that is staged already is left as it is, and locked: it is answered by the reading that is under way, whose end either
    // sees this letter or was before it and leaves room for a row of its own.
    let sql = format!(
        "WITH chosen AS (
             UPDATE dead_letters SET tries = tries + 1, tried_at = now(), trying = true
             WHERE id = ANY ($1) AND resolved_at IS NULL AND NOT trying AND {WHY_NOT} IS NULL
             RETURNING id, source, signature, {SLOT} AS slot, stream, kind, raw, written_at
         ), staged AS (
             INSERT INTO staged_signatures (signature, slot, retried)
             SELECT DISTINCT ON (signature) signature, slot, true FROM chosen WHERE source <> 'outbox'
             ORDER BY signature, slot DESC
             ON CONFLICT (signature) DO UPDATE SET slot = staged_signatures.slot
         ), put_back AS (
             INSERT INTO outbox (id, market, kind, payload, created_at) OVERRIDING SYSTEM VALUE
             SELECT substring(signature FROM 8)::bigint, stream, kind, raw, coalesce(written_at, now())
             FROM chosen WHERE source = 'outbox' ON CONFLICT DO NOTHING
             RETURNING pg_notify('zmart_outbox', market)
         )
         SELECT id, (SELECT count(*) FROM put_back) FROM chosen"
    );
    let ids = &ids[..ids.len().min(PAGE)];
    let mut client = pool.get().await?;
    let tx = client.transaction().await?;
    settle(&*tx).await?;
    let chosen = tx.query(&sql, &[&ids]).await?;
    let chosen: Vec<i64> = chosen.iter().map(|row| row.get(0)).collect();
    let handled = handled(&*tx, ids, &chosen, &Handled::Again).await?;
    tx.commit().await?;
    Ok(handled)
}

/// Tries all open letters again that can be.
///
/// # Errors
/// [`JournalError`]: some may be tried; ask again.
pub async fn retry_all(pool: &Pool) -> Result<RetriedAll, JournalError> {
    let (mut all, mut after) = (RetriedAll::default(), 0);
    loop {
        let page = list(pool, LetterFilter::default(), after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.id;
        let ids: Vec<i64> = page.iter().map(|letter| letter.id).collect();
        for (_, handled) in retry(pool, &ids).await? {
            match handled {
                Handled::Again => all.again += 1,
                Handled::NotRetriable(_) => all.not_retriable += 1,
                Handled::UnderWay => all.under_way += 1,
                Handled::Dropped | Handled::Closed | Handled::Unknown => {}
            }
        }
    }
}

/// Closes letters for a reason, at most [`PAGE`] of them; they are kept, with it. What became of each, in their order. The reason
/// is cut at [`REASON_MAX`] characters; one without a word is the caller's to refuse.
///
/// # Errors
/// [`JournalError`]: none of them is dropped.
pub async fn drop(pool: &Pool, ids: &[i64], reason: &str) -> Result<Vec<(i64, Handled)>, JournalError> {
    const SQL: &str = "UPDATE dead_letters SET resolved_at = now(), dropped_at = now(), dropped_reason = $2 \
                       WHERE id = ANY ($1) AND resolved_at IS NULL AND NOT trying RETURNING id";
    let ids = &ids[..ids.len().min(PAGE)];
    let reason: String = reason.replace('\0', "\u{fffd}").chars().take(REASON_MAX).collect();
    let mut client = pool.get().await?;
    let tx = client.transaction().await?;
    settle(&*tx).await?;
    let chosen = tx.query(SQL, &[&ids, &reason]).await?;
    let chosen: Vec<i64> = chosen.iter().map(|row| row.get(0)).collect();
    let handled = handled(&*tx, ids, &chosen, &Handled::Dropped).await?;
    tx.commit().await?;
    Ok(handled)
}

/// What became of each: the chosen ones were done to, of the others it is told why not.
async fn handled(
    client: &impl GenericClient,
    ids: &[i64],
    chosen: &[i64],
    done: &Handled,
) -> Result<Vec<(i64, Handled)>, JournalError> {
    let sql = format!("SELECT id, resolved_at IS NOT NULL, trying, {WHY_NOT} FROM dead_letters WHERE id = ANY ($1)");
    let rows = client.query(&sql, &[&ids]).await?;
    let of = |id: i64| -> Result<Handled, JournalError> {
        if chosen.contains(&id) {
            return Ok(done.clone());
        }
        let Some(row) = rows.iter().find(|row| row.get::<_, i64>(0) == id) else { return Ok(Handled::Unknown) };
        let (is_closed, is_tried, why_not): (bool, bool, Option<String>) =
            (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        Ok(match why_not {
            _ if is_closed => Handled::Closed,
            Some(why) => Handled::NotRetriable(why),
            None if is_tried => Handled::UnderWay,
            None => Handled::Closed,
        })
    };
    ids.iter().map(|id| Ok((*id, of(*id)?))).collect()
}

/// Closes letters whose retry is over and brought what they were kept for; leaves the others open. A transaction's is over when
/// it is staged no more, and brought it if its event stands in the journal. A row of the outbox leaves it with its entry; one that
/// is refused again is marked so in the transaction that takes it out.
///
/// # Errors
/// [`JournalError`].
pub async fn settle(client: &impl GenericClient) -> Result<u64, JournalError> {
    // Letters that are tried are few, and what they wait for is found by its key, row by row: a subquery that gives a value is never
    // hashed, as EXISTS may be, over all events there are.
    const SQL: &str = "
        UPDATE dead_letters d SET trying = false, resolved_at = CASE
            WHEN d.source = 'outbox' THEN now()
            ELSE (SELECT now() FROM chain_events e
                  WHERE e.signature::text = d.signature AND (d.n IS NULL OR e.n = d.n) AND NOT e.orphaned LIMIT 1)
        END
        WHERE d.trying AND CASE d.source
            WHEN 'outbox' THEN
                (SELECT true FROM outbox o WHERE o.id = substring(d.signature FROM 8)::bigint LIMIT 1) IS NULL
            ELSE (SELECT true FROM staged_signatures s WHERE s.signature::text = d.signature LIMIT 1) IS NULL
        END";
    Ok(client.execute(SQL, &[]).await?)
}
