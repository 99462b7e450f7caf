//! The outbox: what users wrote, until it is in the journal.
//!
//! Owns its reading (pages in the order of ids), what its rows mean, and what becomes of a row that can't be used. A row
//! that is used is deleted by the batch that writes its entry (`write`), never here. Rows come by triggers of users' own
//! writes, so their form is the schema's, and their content anybody's.

use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use serde::Deserialize;

use super::{JournalError, lease::Leased};
use crate::domain::{
    amount::UnixSeconds,
    ids::{MarketAddress, TxSignature, Wallet},
    metadata::MetadataDocument,
    tally::VoteKind,
    user_write::{CastVote, UserWrite},
};

/// A row, and what it is.
#[derive(Debug, Clone)]
pub struct OutboxRow {
    /// Its number, in the order in which users wrote.
    pub id: i64,
    /// The market.
    pub market: MarketAddress,
    /// What was written, or why it is nothing.
    pub write: Result<UserWrite, String>,
    /// A vote that the API took, by its rules of then: only the engine can say so of a row.
    pub is_admitted: bool,
    /// When the market's dispute began, by its newest entry; 0: there was none.
    pub disputed_at: UnixSeconds,
    /// The request that it was written by, where it came by the API.
    pub request_id: Option<uuid::Uuid>,
    /// When it was read, and how old it was then by the database's clock.
    pub read: (Instant, Duration),
}

/// A row that leaves without an entry.
#[derive(Debug, Clone)]
pub struct Undeliverable {
    /// The row.
    pub row: OutboxRow,
    /// Why.
    pub reason: String,
}

/// Rows of markets that the journal knows, in order; none of those in `busy`, and of votes only those that the API took,
/// unless all are wanted.
///
/// # Errors
/// [`JournalError`].
pub async fn page(
    pool: &Pool,
    busy: &[MarketAddress],
    with_all_votes: bool,
    limit: usize,
) -> Result<Vec<OutboxRow>, JournalError> {
    const SQL: &str = "
        SELECT o.id, o.market::text, o.kind, o.payload, m.dispute_initiated_at_unix,
               extract(epoch FROM now() - o.created_at)::float8, o.request_id
        FROM outbox o JOIN markets m ON m.address = o.market
        WHERE o.market::text <> ALL ($1::text[])
          AND ($3 OR o.kind NOT IN ('proposal_vote', 'dispute_vote') OR o.payload -> 'admitted' = 'true')
        ORDER BY o.id LIMIT $2";
    let client = pool.get().await?;
    let statement = client.prepare_cached(SQL).await?;
    let busy: Vec<String> = busy.iter().map(ToString::to_string).collect();
    let rows = client.query(&statement, &[&busy, &(limit as i64), &with_all_votes]).await?;
    let read_at = Instant::now();
    let mut page = Vec::with_capacity(rows.len());
    for row in rows {
        let (market, kind): (String, String) = (row.try_get(1)?, row.try_get(2)?);
        let payload: serde_json::Value = row.try_get(3)?;
        // The column's own rule is looser than an address: what is none can't be of a known market either.
        let Ok(market) = market.parse() else { continue };
        let (write, is_admitted) = (decode(&kind, &payload), payload["admitted"] == true);
        let disputed_at = UnixSeconds(row.try_get(4)?);
        let age = Duration::try_from_secs_f64(row.try_get(5)?).unwrap_or_default();
        let read = (read_at, age);
        let request_id = row.try_get(6)?;
        page.push(OutboxRow { id: row.try_get(0)?, market, write, is_admitted, disputed_at, request_id, read });
    }
    Ok(page)
}

/// How old the oldest row of a market that the journal knows is, in seconds; `None` without any.
///
/// # Errors
/// [`JournalError`].
pub async fn oldest_age_seconds(pool: &Pool) -> Result<Option<u64>, JournalError> {
    const SQL: &str = "
        SELECT extract(epoch FROM now() - o.created_at)::bigint FROM outbox o
        WHERE EXISTS (SELECT FROM markets m WHERE m.address = o.market) ORDER BY o.id LIMIT 1";
    let row = pool.get().await?.query_opt(SQL, &[]).await?;
    let age: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
    Ok(age.map(|age| age.max(0).unsigned_abs()))
}

/// Rows become dead letters and leave, in one transaction; rows that are gone meanwhile are left alone.
///
/// # Errors
/// [`JournalError`].
pub async fn refuse(pool: &Leased, rows: &[Undeliverable]) -> Result<(), JournalError> {
    // A letter is kept once by its source, signature and reason: the row's number tells these apart. It keeps the row as it
    // was, so that it can be put back.
    const REFUSE: &str = "
        WITH gone AS (DELETE FROM outbox WHERE id = $1 RETURNING id, market, kind, payload, created_at)
        INSERT INTO dead_letters (source, signature, stream, reason, detail, raw, kind, written_at)
        SELECT 'outbox', 'outbox:' || id, market, 'refused', $2, payload, kind, created_at FROM gone
        ON CONFLICT (source, coalesce(signature, ''), coalesce(n, -1), reason) WHERE resolved_at IS NULL
        DO UPDATE SET trying = false, detail = excluded.detail";
    if rows.is_empty() {
        return Ok(());
    }
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    for Undeliverable { row, reason } in rows {
        tx.execute(REFUSE, &[&row.id, &reason.replace('\0', "\u{fffd}")]).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What the database notifies on, after each commit that left rows.
pub const CHANNEL: &str = "zmart_outbox";

#[derive(Deserialize)]
struct VotePayload {
    wallet: Wallet,
    vote: bool,
    #[serde(default)]
    signature: Option<TxSignature>,
    #[serde(default)]
    voted_at_ms: i64,
}

#[derive(Deserialize)]
struct CommentPayload {
    id: uuid::Uuid,
    wallet: Wallet,
    content: String,
    created_at_ms: i64,
}

#[derive(Deserialize)]
struct DeletedPayload {
    id: uuid::Uuid,
    wallet: Wallet,
}

#[derive(Deserialize)]
struct MetadataPayload {
    wallet: Wallet,
    document: String,
}

/// What a row is.
fn decode(kind: &str, payload: &serde_json::Value) -> Result<UserWrite, String> {
    fn of<'de, T: Deserialize<'de>>(payload: &'de serde_json::Value) -> Result<T, String> {
        T::deserialize(payload).map_err(|error| error.to_string())
    }
    let vote = |kind| {
        let VotePayload { wallet, vote, signature, voted_at_ms } = of(payload)?;
        Ok(UserWrite::Vote(CastVote { kind, wallet, vote, signature, voted_at_ms }))
    };
    match kind {
        "proposal_vote" => vote(VoteKind::Proposal),
        "dispute_vote" => vote(VoteKind::Dispute),
        "comment" => {
            let CommentPayload { id, wallet, content, created_at_ms } = of(payload)?;
            Ok(UserWrite::Comment { id, wallet, content, created_at_ms })
        }
        "comment_deleted" => {
            let DeletedPayload { id, wallet } = of(payload)?;
            Ok(UserWrite::CommentDeleted { id, wallet })
        }
        "metadata" => {
            let MetadataPayload { wallet, document } = of(payload)?;
            let document = MetadataDocument::parse(&document).map_err(|error| error.to_string())?;
            Ok(UserWrite::Metadata { wallet, document: Box::new(document) })
        }
        other => Err(format!("nothing is known of {other}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_read_as_the_triggers_write_them_and_anything_else_is_refused_with_a_reason() {
        let wallet = Wallet([3; 32]);
        let id = uuid::Uuid::nil();
        let vote = json!({"wallet": wallet, "vote": true, "signature": null, "voted_at_ms": 5});
        assert_eq!(
            decode("dispute_vote", &vote),
            Ok(UserWrite::Vote(CastVote {
                kind: VoteKind::Dispute,
                wallet,
                vote: true,
                signature: None,
                voted_at_ms: 5
            }))
        );
        // Of an engine before.
        assert!(decode("proposal_vote", &json!({"wallet": wallet, "vote": false})).is_ok());
        assert!(decode("comment", &json!({"id": id, "wallet": wallet, "content": "hi", "created_at_ms": 1})).is_ok());
        assert!(decode("comment_deleted", &json!({"id": id, "wallet": wallet})).is_ok());
        for (kind, payload) in [
            ("proposal_vote", json!({"wallet": "nobody", "vote": true})),
            ("proposal_vote", json!({"wallet": wallet, "vote": true, "signature": "short"})),
            ("comment", json!({"id": "x", "wallet": wallet, "content": "hi", "created_at_ms": 1})),
            ("metadata", json!({"wallet": wallet, "document": "{}"})),
            ("metadata", json!({"wallet": wallet})),
            ("like", vote.clone()),
            ("comment", json!(null)),
        ] {
            assert!(decode(kind, &payload).is_err_and(|reason| !reason.is_empty()), "{kind} {payload}");
        }
    }
}
