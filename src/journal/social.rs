//! Votes and comments as requests write and read them: users' own rows, and the lists of both.
//!
//! Every statement runs in a transaction of `rights`, so what a user may is decided there and by the schema. Lists are
//! found in an index and bounded. Never touches the journal: what is written here comes to it by the outbox.

use chrono::{DateTime, Utc};
use tokio_postgres::GenericClient;
use uuid::Uuid;

use super::read::{ReadFailure, TradePosition, ask::Ask};
use crate::domain::{
    entry::EntryBody,
    ids::{Epoch, MarketAddress, Seq, TxSignature, Wallet},
    tally::{Counts, MarketCounts, VoteKind},
};

/// Casts the vote of the wallet that the transaction is of.
///
/// # Errors
/// 23505 for a second one; ZM001 in another phase.
pub async fn cast_vote<C: GenericClient + Sync>(
    client: &C,
    market: MarketAddress,
    kind: VoteKind,
    vote: bool,
    signature: Option<TxSignature>,
) -> Result<(), tokio_postgres::Error> {
    let sql = match kind {
        VoteKind::Proposal => "INSERT INTO proposal_votes (market, vote, signature) VALUES ($1::text, $2, $3::text)",
        VoteKind::Dispute => "INSERT INTO dispute_votes (market, vote, signature) VALUES ($1::text, $2, $3::text)",
    };
    let signature = signature.map(|signature| signature.to_string());
    client.execute(sql, &[&market.to_string(), &vote, &signature]).await?;
    Ok(())
}

/// Notes, as the engine, that the vote that was just cast in this transaction is taken: nobody asks again whether its wallet
/// may vote. Users can't write to the outbox, so a vote that is written past the API has no such note.
///
/// # Errors
/// The statement failed.
pub async fn admit_vote<C: GenericClient + Sync>(
    client: &C,
    market: MarketAddress,
    kind: VoteKind,
    wallet: Wallet,
) -> Result<(), tokio_postgres::Error> {
    // A wallet has one vote of a kind on a market, so its newest row is this one's.
    const SQL: &str = r#"
        UPDATE outbox SET payload = payload || '{"admitted": true}' WHERE id =
            (SELECT id FROM outbox WHERE market = $1::text AND kind = $2 AND payload ->> 'wallet' = $3
             ORDER BY id DESC LIMIT 1)"#;
    let row = match kind {
        VoteKind::Proposal => "proposal_vote",
        VoteKind::Dispute => "dispute_vote",
    };
    client.execute(SQL, &[&market.to_string(), &row, &wallet.to_string()]).await?;
    Ok(())
}

/// What is counted, after the newest entry that changed it.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn counts<C: Ask>(client: &C, market: MarketAddress) -> Result<MarketCounts, ReadFailure> {
    const SQL: &str = "SELECT kind, in_favour, against FROM vote_tallies WHERE market = $1::text";
    let mut counts = MarketCounts::default();
    for row in client.query(SQL, &[&market.to_string()]).await? {
        let number = |at| row.try_get::<_, i64>(at).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let found = Counts::new(number(1)?, number(2)?).unwrap_or_default();
        let kind = if row.try_get::<_, &str>(0)? == "proposal" { VoteKind::Proposal } else { VoteKind::Dispute };
        counts.set(kind, found);
    }
    Ok(counts)
}

/// A wallet's votes on one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnVotes {
    /// Cast here; counted at once or in a moment.
    pub off_chain: Option<bool>,
    /// By a transaction: it wins.
    pub chain: Option<bool>,
}

/// The votes of a wallet.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn own_votes<C: Ask>(
    client: &C,
    market: MarketAddress,
    kind: VoteKind,
    wallet: Wallet,
) -> Result<OwnVotes, ReadFailure> {
    let here = match kind {
        VoteKind::Proposal => "SELECT vote FROM proposal_votes WHERE market = $1::text AND wallet = $2::text",
        VoteKind::Dispute => "SELECT vote FROM dispute_votes WHERE market = $1::text AND wallet = $2::text",
    };
    const CHAIN: &str = "
        SELECT (j.payload -> 'event' -> 'vote')::boolean FROM journal j JOIN chain_events e USING (stream, epoch, seq)
        WHERE j.stream = $1::text AND j.payload -> 'event' ->> 'user' = $2 AND j.kind IN ('event', 'contained')
          AND j.payload -> 'event' ->> 'event' IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted')
          AND e.event = $3 AND NOT e.orphaned
        ORDER BY j.epoch DESC, j.seq DESC LIMIT 1";
    let (market, wallet) = (market.to_string(), wallet.to_string());
    let off_chain = client.query_opt(here, &[&market, &wallet]).await?;
    let chain = client.query_opt(CHAIN, &[&market, &wallet, &kind.event()]).await?;
    let vote = |row: Option<tokio_postgres::Row>| row.map(|row| row.try_get(0)).transpose();
    Ok(OwnVotes { off_chain: vote(off_chain)?, chain: vote(chain)? })
}

/// Has the wallet traded, in whatever market?
///
/// # Errors
/// See [`ReadFailure`].
pub async fn has_traded<C: Ask>(client: &C, wallet: Wallet) -> Result<bool, ReadFailure> {
    const SQL: &str = "SELECT EXISTS (SELECT FROM positions WHERE wallet = $1::text AND trades_count > 0)";
    Ok(client.query_one(SQL, &[&wallet.to_string()]).await?.try_get(0)?)
}

/// An entry that is a vote.
#[derive(Debug, Clone)]
pub struct VoteFound {
    /// Its place.
    pub place: TradePosition,
    /// The entry.
    pub body: EntryBody,
}

/// A page of a market's votes before a place, newest first: those cast here and those on the chain, without those that
/// were rolled back.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn votes<C: Ask>(
    client: &C,
    market: MarketAddress,
    kind: Option<VoteKind>,
    before: TradePosition,
    offset: u32,
    limit: u32,
) -> Result<Vec<VoteFound>, ReadFailure> {
    const SQL: &str = "
        SELECT v.epoch, v.seq, v.payload FROM (
            (SELECT j.epoch, j.seq, j.payload FROM journal j
             WHERE j.stream = $1::text AND j.kind = 'vote' AND (j.epoch, j.seq) < ($2::bigint, $3)
               AND ($4::text IS NULL OR j.payload ->> 'vote_kind' = $4)
             ORDER BY j.epoch DESC, j.seq DESC LIMIT $6::bigint + $7::bigint)
            UNION ALL
            (SELECT j.epoch, j.seq, j.payload FROM chain_events e JOIN journal j USING (stream, epoch, seq)
             WHERE e.stream = $1::text AND e.event IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted')
               AND NOT e.orphaned AND (e.epoch, e.seq) < ($2::bigint, $3) AND ($5::text IS NULL OR e.event = $5)
             ORDER BY e.epoch DESC, e.seq DESC LIMIT $6::bigint + $7::bigint)
        ) v ORDER BY v.epoch DESC, v.seq DESC OFFSET $6 LIMIT $7";
    let seq = i64::try_from(before.seq.0).unwrap_or(i64::MAX);
    let (kind, event) = (kind.map(VoteKind::as_str), kind.map(VoteKind::event));
    let (offset, limit) = (i64::from(offset), i64::from(limit));
    let epoch = i64::from(before.epoch.0);
    let rows = client.query(SQL, &[&market.to_string(), &epoch, &seq, &kind, &event, &offset, &limit]).await?;
    rows.into_iter()
        .map(|row| {
            let place = TradePosition {
                epoch: Epoch(u32::try_from(row.try_get::<_, i32>(0)?).unwrap_or_default()),
                seq: Seq(u64::try_from(row.try_get::<_, i64>(1)?).unwrap_or_default()),
            };
            let body = super::read::body(row.try_get(2)?)?;
            Ok(VoteFound { place, body })
        })
        .collect()
}

/// A comment's place in the list: newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommentPosition {
    /// When it was written, in microseconds since 1970.
    pub created_at_us: i64,
    /// The comment.
    pub id: Uuid,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the table's own
pub struct Comment {
    pub id: Uuid,
    pub market: String,
    pub wallet: String,
    pub content: String,
    pub created_at: DateTime<Utc>,
}

const COMMENT: &str = "id, market::text, wallet::text, content, created_at";

fn comment(row: &tokio_postgres::Row) -> Result<Comment, tokio_postgres::Error> {
    Ok(Comment {
        id: row.try_get(0)?,
        market: row.try_get(1)?,
        wallet: row.try_get(2)?,
        content: row.try_get(3)?,
        created_at: row.try_get(4)?,
    })
}

impl Comment {
    /// Its place.
    pub fn place(&self) -> CommentPosition {
        CommentPosition { created_at_us: self.created_at.timestamp_micros(), id: self.id }
    }
}

/// Writes a comment of the wallet that the transaction is of.
///
/// # Errors
/// Those of the statement.
pub async fn add_comment<C: GenericClient + Sync>(
    client: &C,
    market: MarketAddress,
    content: &str,
) -> Result<Comment, tokio_postgres::Error> {
    let sql = format!("INSERT INTO discussions (market, content) VALUES ($1::text, $2) RETURNING {COMMENT}");
    comment(&client.query_one(&sql, &[&market.to_string(), &content]).await?)
}

/// Marks a comment of the wallet that the transaction is of as deleted; false if it has no such comment.
///
/// # Errors
/// Those of the statement.
pub async fn delete_comment<C: GenericClient + Sync>(client: &C, id: Uuid) -> Result<bool, tokio_postgres::Error> {
    const SQL: &str = "UPDATE discussions SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL";
    Ok(client.execute(SQL, &[&id]).await? > 0)
}

/// A page of a market's comments before a place, newest first, without deleted ones.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn comments<C: Ask>(
    client: &C,
    market: MarketAddress,
    before: Option<CommentPosition>,
    offset: u32,
    limit: u32,
) -> Result<Vec<Comment>, ReadFailure> {
    let sql = format!(
        "SELECT {COMMENT} FROM discussions WHERE market = $1::text AND deleted_at IS NULL
           AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC OFFSET $4 LIMIT $5"
    );
    // Nothing is younger than this, and nothing has a greater number.
    let end = DateTime::<Utc>::from_timestamp(253_402_300_799, 0).unwrap_or_default();
    let (at, id) = match before {
        Some(at) => (DateTime::from_timestamp_micros(at.created_at_us).unwrap_or(end), at.id),
        None => (end, Uuid::max()),
    };
    let (offset, limit) = (i64::from(offset), i64::from(limit));
    let rows = client.query(&sql, &[&market.to_string(), &at, &id, &offset, &limit]).await?;
    rows.iter().map(|row| Ok(comment(row)?)).collect()
}
