//! Snapshots of discussions: rows of `ipfs_anchors`, and the entries that documents are made from.
//!
//! Owns what is read for them: entries about comments between two places, and which of their comments were deleted up to a
//! third. Both are immutable, so what is made from them is the same whenever it is asked. Never writes.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{ReadFailure, ask::Ask, bigint, body, unsigned};
use crate::{
    domain::{
        entry::EntryBody,
        event::IpfsHash,
        ids::{Epoch, MarketAddress, Seq},
        snapshot::{AnchorStatus, Moment, Place, Point},
    },
    journal::rows::BadRow,
};

/// A row of `ipfs_anchors`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the table's own
pub struct Anchor {
    pub market: MarketAddress,
    pub number: u32,
    pub cid: IpfsHash,
    pub previous_cid: Option<IpfsHash>,
    pub from: Place,
    pub to: Place,
    pub as_of: Place,
    pub comments: u32,
    pub from_time: DateTime<Utc>,
    pub to_time: DateTime<Utc>,
    pub size_bytes: u64,
    pub status: AnchorStatus,
    pub provider: String,
    pub answer: Option<String>,
    pub attempts: u32,
    pub created_at: DateTime<Utc>,
    pub pinned_at: Option<DateTime<Utc>>,
    pub version: u32,
}

const COLUMNS: &str = "market::text, number, cid, previous_cid, from_epoch, from_seq, to_epoch, to_seq, as_of_epoch, as_of_seq, \
     comments, from_time, to_time, size_bytes, status, provider, answer, attempts, created_at, pinned_at, version";

fn bad(reason: impl ToString) -> ReadFailure {
    BadRow { table: "ipfs_anchors", reason: reason.to_string() }.into()
}

/// A content id that is stored as text.
fn cid(text: String) -> Result<IpfsHash, ReadFailure> {
    text.into_bytes().try_into().map(IpfsHash).map_err(|_| bad("a content id has 46 characters"))
}

fn place(row: &Row, epoch: usize) -> Result<Place, ReadFailure> {
    let seq = unsigned("ipfs_anchors", row.try_get(epoch + 1)?)?;
    Ok(Place { epoch: Epoch(row.try_get::<_, i32>(epoch)?.unsigned_abs()), seq: Seq(seq) })
}

fn anchor(row: &Row) -> Result<Anchor, ReadFailure> {
    let market: String = row.try_get(0)?;
    Ok(Anchor {
        market: market.parse().map_err(|_| bad("no address"))?,
        number: row.try_get::<_, i32>(1)?.unsigned_abs(),
        cid: cid(row.try_get(2)?)?,
        previous_cid: row.try_get::<_, Option<String>>(3)?.map(cid).transpose()?,
        from: place(row, 4)?,
        to: place(row, 6)?,
        as_of: place(row, 8)?,
        comments: row.try_get::<_, i32>(10)?.unsigned_abs(),
        from_time: row.try_get(11)?,
        to_time: row.try_get(12)?,
        size_bytes: unsigned("ipfs_anchors", row.try_get(13)?)?,
        status: AnchorStatus::parse(row.try_get(14)?).ok_or_else(|| bad("no status"))?,
        provider: row.try_get(15)?,
        answer: row.try_get(16)?,
        attempts: row.try_get::<_, i32>(17)?.unsigned_abs(),
        created_at: row.try_get(18)?,
        pinned_at: row.try_get(19)?,
        version: row.try_get::<_, i32>(20)?.unsigned_abs(),
    })
}

/// A number as the column holds it; past its end there is none.
fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// A market's documents before one, the newest first.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn before<C: Ask>(
    client: &C,
    market: MarketAddress,
    before: u32,
    offset: u32,
    limit: u32,
) -> Result<Vec<Anchor>, ReadFailure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM ipfs_anchors WHERE market = $1::text AND number < $2 ORDER BY number DESC OFFSET $3 LIMIT $4"
    );
    let (offset, limit) = (i64::from(offset), i64::from(limit));
    let rows = client.query(&sql, &[&market.to_string(), &number(before), &offset, &limit]).await?;
    rows.iter().map(anchor).collect()
}

/// A market's documents after one, the oldest first.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn after<C: Ask>(
    client: &C,
    market: MarketAddress,
    after: u32,
    limit: u32,
) -> Result<Vec<Anchor>, ReadFailure> {
    let sql =
        format!("SELECT {COLUMNS} FROM ipfs_anchors WHERE market = $1::text AND number > $2 ORDER BY number LIMIT $3");
    let rows = client.query(&sql, &[&market.to_string(), &number(after), &i64::from(limit)]).await?;
    rows.iter().map(anchor).collect()
}

/// Markets that have documents, after one, by address.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn markets<C: Ask>(
    client: &C,
    after: Option<MarketAddress>,
    limit: u32,
) -> Result<Vec<MarketAddress>, ReadFailure> {
    const SQL: &str =
        "SELECT market::text FROM ipfs_anchors WHERE number = 1 AND market > $1::text ORDER BY market LIMIT $2";
    let after = after.map(|market| market.to_string()).unwrap_or_default();
    let rows = client.query(SQL, &[&after, &i64::from(limit)]).await?;
    rows.iter().map(|row| row.try_get::<_, String>(0)?.parse().map_err(|_| bad("no address"))).collect()
}

/// The newest entry about a comment of a market; `None`: there is none.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn newest<C: Ask>(client: &C, market: MarketAddress) -> Result<Option<Point>, ReadFailure> {
    const SQL: &str = "SELECT epoch, seq, recorded_at FROM journal WHERE stream = $1::text AND kind = 'comment' \
                       ORDER BY epoch DESC, seq DESC LIMIT 1";
    client.query_opt(SQL, &[&market.to_string()]).await?.map(|row| point(&row)).transpose()
}

/// An entry about a comment.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn point_at<C: Ask>(client: &C, market: MarketAddress, at: Place) -> Result<Option<Point>, ReadFailure> {
    const SQL: &str = "SELECT epoch, seq, recorded_at FROM journal WHERE stream = $1::text AND kind = 'comment' \
                       AND epoch = $2::bigint AND seq = $3";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
        [&market.to_string(), &i64::from(at.epoch.0), &bigint(at.seq.0)];
    client.query_opt(SQL, &values).await?.map(|row| point(&row)).transpose()
}

fn point(row: &Row) -> Result<Point, ReadFailure> {
    let recorded_at: DateTime<Utc> = row.try_get(2)?;
    let Place { epoch, seq } = place(row, 0)?;
    Ok(Point { epoch, seq, time: Moment(recorded_at.timestamp_millis()) })
}

/// Entries about comments of a market after a place (`None`: from its beginning) and up to another, the oldest first.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn entries<C: Ask>(
    client: &C,
    market: MarketAddress,
    after: Option<Place>,
    until: Place,
    limit: usize,
) -> Result<Vec<(Point, EntryBody)>, ReadFailure> {
    const SQL: &str = "SELECT epoch, seq, recorded_at, payload FROM journal WHERE stream = $1::text AND kind = 'comment' \
                       AND (epoch, seq) > ($2::bigint, $3) AND (epoch, seq) <= ($4::bigint, $5) \
                       ORDER BY epoch, seq LIMIT $6";
    let after = after.unwrap_or(Place { epoch: Epoch(0), seq: Seq(0) });
    let (from_epoch, to_epoch) = (i64::from(after.epoch.0), i64::from(until.epoch.0));
    let (from_seq, to_seq) = (bigint(after.seq.0), bigint(until.seq.0));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = client.query(SQL, &[&market.to_string(), &from_epoch, &from_seq, &to_epoch, &to_seq, &limit]).await?;
    rows.into_iter().map(|row| Ok((point(&row)?, body(row.try_get(3)?)?))).collect()
}

/// Of these comments, those that were deleted by an entry after a place and up to another, and when that was recorded.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn deleted<C: Ask>(
    client: &C,
    market: MarketAddress,
    after: Place,
    until: Place,
    comments: &[Uuid],
) -> Result<HashMap<Uuid, Moment>, ReadFailure> {
    // Found in an index of deletions alone, in which those of others are passed over.
    const SQL: &str = "SELECT payload ->> 'id', recorded_at FROM journal WHERE stream = $1::text AND kind = 'comment' \
                       AND payload ->> 'kind' = 'comment_deleted' AND (epoch, seq) > ($2::bigint, $3) \
                       AND (epoch, seq) <= ($4::bigint, $5) AND payload ->> 'id' = ANY ($6::text[])";
    if comments.is_empty() {
        return Ok(HashMap::new());
    }
    let comments: Vec<String> = comments.iter().map(Uuid::to_string).collect();
    let (from_epoch, to_epoch) = (i64::from(after.epoch.0), i64::from(until.epoch.0));
    let (from_seq, to_seq) = (bigint(after.seq.0), bigint(until.seq.0));
    let rows = client.query(SQL, &[&market.to_string(), &from_epoch, &from_seq, &to_epoch, &to_seq, &comments]).await?;
    let found = |row: &Row| {
        let recorded_at: DateTime<Utc> = row.try_get(1)?;
        let id = row.try_get::<_, &str>(0)?.parse().map_err(|_| bad("no id of a comment"))?;
        Ok((id, Moment(recorded_at.timestamp_millis())))
    };
    rows.iter().map(found).collect()
}
