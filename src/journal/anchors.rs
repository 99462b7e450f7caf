//! Snapshots of discussions: who has something new to be pinned, and how far that is.
//!
//! Owns every statement that writes `ipfs_anchors`, all under the lease of [`Office::Snapshots`](super::lease::Office): a
//! document's row is committed before a byte of it is sent. That a market has one document on its way, that a document names
//! the one before it, and that a pinned one is never touched again is the table's to say.

use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;
use tokio_postgres::types::ToSql;

use super::{
    JournalError,
    lease::Leased,
    read::{
        ReadFailure,
        anchors::{self, Anchor},
    },
    rows::{BadRow, moment},
};
use crate::domain::{
    ids::MarketAddress,
    snapshot::{AnchorStatus, Snapshot, Written},
};

/// Characters of an answer; what is longer is cut.
const ANSWER_MAX: usize = 2_000;

/// A market that has comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commented {
    /// Which.
    pub market: MarketAddress,
    /// There is discussion since its last document, or that one was never tried.
    pub is_due: bool,
}

/// A market whose last document was tried and is not pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which.
    pub market: MarketAddress,
    /// When it was tried last, by PostgreSQL's clock.
    pub at: DateTime<Utc>,
}

fn address(text: &str) -> Result<MarketAddress, JournalError> {
    let bad = || BadRow { table: "ipfs_anchors", reason: "no address".into() };
    text.parse().map_err(|_| JournalError::BadRow(bad()))
}

/// Markets that have comments, after one, by address; at most `limit`.
///
/// # Errors
/// [`JournalError`].
pub async fn commented(
    pool: &Pool,
    after: Option<MarketAddress>,
    limit: usize,
) -> Result<Vec<Commented>, JournalError> {
    // From one market to the next in an index of comments' entries: no market without any is looked at, and of one with many
    // only the newest.
    const SQL: &str = "
        WITH RECURSIVE walk (stream, step) AS (
            (SELECT stream::text, 1 FROM journal WHERE kind = 'comment' AND stream > $1::text ORDER BY stream LIMIT 1)
            UNION ALL
            SELECT next.stream, walk.step + 1 FROM walk, LATERAL (
                SELECT stream::text FROM journal WHERE kind = 'comment' AND stream > walk.stream ORDER BY stream LIMIT 1
            ) next WHERE walk.step < $2
        )
        SELECT walk.stream,
               coalesce(NOT m.vanished, false)
                   AND CASE WHEN a.status <> 'pinned' THEN a.attempted_at IS NULL
                            ELSE a.number IS NULL OR (j.epoch, j.seq) > (a.to_epoch, a.to_seq) END
        FROM walk LEFT JOIN markets m ON m.address = walk.stream
        CROSS JOIN LATERAL (SELECT epoch, seq FROM journal WHERE kind = 'comment' AND stream = walk.stream
                            ORDER BY epoch DESC, seq DESC LIMIT 1) j
        LEFT JOIN LATERAL (SELECT number, status, attempted_at, to_epoch, to_seq FROM ipfs_anchors WHERE market = walk.stream
                           ORDER BY number DESC LIMIT 1) a ON true
        ORDER BY walk.step";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let after = after.map(|market| market.to_string()).unwrap_or_default();
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    let rows = client.query(&statement, &[&after, &limit]).await?;
    rows.iter().map(|row| Ok(Commented { market: address(row.try_get(0)?)?, is_due: row.try_get(1)? })).collect()
}

/// Markets whose last document is not pinned and of that status, and was tried before a moment, those first that wait longest;
/// after one of them; at most `limit`.
///
/// # Errors
/// [`JournalError`].
pub async fn tried(
    pool: &Pool,
    status: AnchorStatus,
    before: DateTime<Utc>,
    after: Option<&Tried>,
    limit: usize,
) -> Result<Vec<Tried>, JournalError> {
    const SQL: &str = "
        SELECT a.market::text, a.attempted_at FROM ipfs_anchors a JOIN markets m ON m.address = a.market
        WHERE a.status = $1 AND a.status <> 'pinned' AND NOT m.vanished AND a.attempted_at < $2
          AND ($3::timestamptz IS NULL OR (a.attempted_at, a.market::text) > ($3, $4::text))
        ORDER BY a.attempted_at, a.market::text LIMIT $5";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let (at, market) = (after.map(|after| after.at), after.map(|after| after.market.to_string()));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = client.query(&statement, &[&status.as_str(), &before, &at, &market, &limit]).await?;
    rows.iter().map(|row| Ok(Tried { market: address(row.try_get(0)?)?, at: row.try_get(1)? })).collect()
}

/// Markets with a document that is on its way, those first that wait longest; at most `limit`.
///
/// # Errors
/// [`JournalError`].
pub async fn pending(pool: &Pool, limit: usize) -> Result<Vec<MarketAddress>, JournalError> {
    const SQL: &str = "SELECT market::text FROM ipfs_anchors WHERE status = 'pending' \
                       ORDER BY attempted_at NULLS FIRST, market LIMIT $1";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let rows = client.query(&statement, &[&i64::try_from(limit).unwrap_or(i64::MAX)]).await?;
    rows.iter().map(|row| address(row.try_get(0)?)).collect()
}

/// Markets whose document is failed, and what was answered, or why it can't be made; at most `limit`.
///
/// # Errors
/// [`JournalError`].
pub async fn failed(pool: &Pool, limit: usize) -> Result<Vec<(MarketAddress, String)>, JournalError> {
    const SQL: &str =
        "SELECT market::text, coalesce(answer, '') FROM ipfs_anchors WHERE status = 'failed' ORDER BY market LIMIT $1";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let rows = client.query(&statement, &[&i64::try_from(limit).unwrap_or(i64::MAX)]).await?;
    rows.iter().map(|row| Ok((address(row.try_get(0)?)?, row.try_get(1)?))).collect()
}

/// A market's newest document; `None`: it has none.
///
/// # Errors
/// [`JournalError`].
pub async fn last(pool: &Pool, market: MarketAddress) -> Result<Option<Anchor>, JournalError> {
    let client = pool.get().await?;
    Ok(anchors::before(&**client, market, u32::MAX, 0, 1).await?.pop())
}

/// Keeps a new document, as pending. False if the market has one on its way, or another of that number.
///
/// # Errors
/// [`JournalError`]: it may be kept all the same; ask.
pub async fn begin(
    pool: &Leased,
    document: &Snapshot,
    written: &Written,
    provider: &str,
) -> Result<bool, JournalError> {
    const SQL: &str = "
        INSERT INTO ipfs_anchors (market, number, cid, previous_cid, from_epoch, from_seq, to_epoch, to_seq, as_of_epoch,
                                  as_of_seq, comments, from_time, to_time, size_bytes, provider, version)
        VALUES ($1::text, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        ON CONFLICT DO NOTHING";
    let market = document.market.to_string();
    let (from, to, as_of) = (document.period.from, document.period.to, document.as_of);
    let previous = document.previous.as_ref().and_then(|cid| cid.text());
    let values: [&(dyn ToSql + Sync); 16] = [
        &market,
        &int(document.number),
        &written.cid.text(),
        &previous,
        &int(from.epoch.0),
        &bigint(from.seq.0),
        &int(to.epoch.0),
        &bigint(to.seq.0),
        &int(as_of.epoch.0),
        &bigint(as_of.seq.0),
        &i32::try_from(document.discussions.len()).unwrap_or(i32::MAX),
        &moment(from.time.0),
        &moment(to.time.0),
        &bigint(written.json.len() as u64),
        &provider,
        &int(document.version),
    ];
    Ok(run(pool, SQL, &values).await? == 1)
}

/// Whether its author has taken one of these comments back, as users see it: a deletion is theirs at once, and the journal's
/// once an engine leads and comes to it. Asked under the lease, so that who is no more in office hears that instead.
///
/// # Errors
/// [`JournalError`].
pub async fn were_deleted(pool: &Leased, market: MarketAddress, comments: &[uuid::Uuid]) -> Result<bool, JournalError> {
    const SQL: &str = "SELECT EXISTS (SELECT FROM discussions WHERE market = $1::text AND id = ANY ($2) \
                       AND deleted_at IS NOT NULL)";
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let statement = tx.prepare_cached(SQL).await?;
    let were_deleted = tx.query_one(&statement, &[&market.to_string(), &comments]).await?.try_get(0)?;
    tx.commit().await?;
    Ok(were_deleted)
}

/// Whether a document of ours has that content id.
///
/// # Errors
/// [`JournalError`].
pub async fn is_ours(pool: &Pool, cid: &str) -> Result<bool, JournalError> {
    let client = pool.get().await?;
    Ok(client.query_one("SELECT EXISTS (SELECT FROM ipfs_anchors WHERE cid = $1)", &[&cid]).await?.try_get(0)?)
}

/// A failed document is given up: the next one takes its place. False if it is not failed any more.
///
/// # Errors
/// [`JournalError`]: it may be so all the same; ask.
pub async fn give_up(pool: &Leased, failed: &Anchor) -> Result<bool, JournalError> {
    const SQL: &str =
        "DELETE FROM ipfs_anchors WHERE market = $1::text AND number = $2 AND cid = $3 AND status = 'failed'";
    let values: [&(dyn ToSql + Sync); 3] = [&failed.market.to_string(), &int(failed.number), &failed.cid.text()];
    Ok(run(pool, SQL, &values).await? == 1)
}

/// A document that is not pinned is made anew, as of a later entry: with fewer words. False if it is pinned meanwhile, or is
/// not what it was.
///
/// # Errors
/// [`JournalError`]: it may be so all the same; ask.
pub async fn make_anew(
    pool: &Leased,
    before: &Anchor,
    document: &Snapshot,
    written: &Written,
) -> Result<bool, JournalError> {
    const SQL: &str = "UPDATE ipfs_anchors SET cid = $4, as_of_epoch = $5, as_of_seq = $6, size_bytes = $7 \
                       WHERE market = $1::text AND number = $2 AND cid = $3 AND status <> 'pinned'";
    let values: [&(dyn ToSql + Sync); 7] = [
        &before.market.to_string(),
        &int(before.number),
        &before.cid.text(),
        &written.cid.text(),
        &int(document.as_of.epoch.0),
        &bigint(document.as_of.seq.0),
        &bigint(written.json.len() as u64),
    ];
    Ok(run(pool, SQL, &values).await? == 1)
}

/// What came of sending a document.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// How far it is now.
    pub status: AnchorStatus,
    /// Whom it was sent to, if it was.
    pub provider: &'a str,
    /// What was said, in our words.
    pub answer: &'a str,
    /// How often it was sent.
    pub sent: u32,
}

/// Notes what came of sending a document with that content id. False if it is pinned already, or is not what it was.
///
/// # Errors
/// [`JournalError`]: it may be so all the same; ask.
pub async fn note(pool: &Leased, anchor: &Anchor, attempt: Attempt<'_>) -> Result<bool, JournalError> {
    const SQL: &str = "
        UPDATE ipfs_anchors SET status = $4, provider = CASE WHEN $7::int > 0 THEN $5 ELSE provider END, answer = $6,
                                attempts = attempts + $7::int, attempted_at = now(),
                                pinned_at = CASE WHEN $4 = 'pinned' THEN now() END
        WHERE market = $1::text AND number = $2 AND cid = $3 AND status <> 'pinned'";
    let answer: String =
        attempt.answer.chars().map(|c| if c == '\0' { '\u{fffd}' } else { c }).take(ANSWER_MAX).collect();
    let values: [&(dyn ToSql + Sync); 7] = [
        &anchor.market.to_string(),
        &int(anchor.number),
        &anchor.cid.text(),
        &attempt.status.as_str(),
        &attempt.provider,
        &answer,
        &int(attempt.sent),
    ];
    Ok(run(pool, SQL, &values).await? == 1)
}

async fn run(pool: &Leased, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, JournalError> {
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let statement = tx.prepare_cached(sql).await?;
    let changed = tx.execute(&statement, values).await?;
    tx.commit().await?;
    Ok(changed)
}

fn int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn bigint(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// One comment as users see it, to be held against what is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The comment.
    pub id: uuid::Uuid,
    /// Its author.
    pub wallet: String,
    /// What was said.
    pub content: String,
    /// When, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// It was deleted.
    pub is_deleted: bool,
}

/// These comments of a market, as users have them.
///
/// # Errors
/// [`JournalError`].
pub async fn shown(pool: &Pool, market: MarketAddress, comments: &[uuid::Uuid]) -> Result<Vec<Shown>, JournalError> {
    const SQL: &str = "SELECT id, wallet::text, content, floor(extract(epoch FROM created_at) * 1000)::bigint, \
                       deleted_at IS NOT NULL FROM discussions WHERE market = $1::text AND id = ANY ($2)";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let rows = client.query(&statement, &[&market.to_string(), &comments]).await?;
    let shown = |row: &tokio_postgres::Row| {
        Ok::<_, ReadFailure>(Shown {
            id: row.try_get(0)?,
            wallet: row.try_get(1)?,
            content: row.try_get(2)?,
            created_at_ms: row.try_get(3)?,
            is_deleted: row.try_get(4)?,
        })
    };
    Ok(rows.iter().map(shown).collect::<Result<_, _>>()?)
}
