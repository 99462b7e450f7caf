//! Reading the audit trail: what was decided about a market, by whom, and which votes were counted for it.
//!
//! Owns the rule by which a vote is told as counted ([`Frozen`], [`overridden`]): the same that a decision follows, told
//! vote by vote. Everything is found in an index of one market, in the order in which it happened, and bounded by a page.
//! Nothing beyond the place that the world may see is told, and nothing that was rolled back. Never decides anything.

mod frozen;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

pub use self::frozen::{Frozen, TooLate, frozen};
use super::{ReadFailure, TradePosition, ask::Ask, bigint, body, of_json, unsigned};
use crate::{
    domain::{
        amount::UnixSeconds,
        entry::EntryBody,
        governance::{Grounds, Purpose},
        ids::{AccountAddress, Epoch, MarketAddress, Seq, Slot, TxSignature, Wallet},
        tally::{Counts, VoteKind},
    },
    journal::rows::BadRow,
};

/// What an authority does to a market: the events of [`others`].
const DEEDS: &str =
    "('ProposalAggregated', 'ProposalApproved', 'DisputeAggregated', 'MarketFinalized', 'MarketCancelled')";

/// Nothing is before it.
pub const BEGINNING: TradePosition = TradePosition { epoch: Epoch(0), seq: Seq(0) };

/// An event of a transaction, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// Its entry.
    pub place: TradePosition,
    /// Its name.
    pub event: String,
    /// Its slot.
    pub slot: Slot,
    /// The chain's clock, seconds since 1970.
    pub block_time_unix: i64,
}

/// A transaction of this engine's: one attempt.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the names are the table's own
pub struct Attempt {
    pub id: i64,
    pub purpose: Purpose,
    pub counts: Option<Counts>,
    pub grounds: Grounds,
    pub signature: TxSignature,
    pub status: String,
    pub settled: bool,
    pub slot: Option<Slot>,
    pub reason: Option<serde_json::Value>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Its events, in their order; none while it has not landed.
    pub landed: Vec<Landed>,
}

/// What an authority did on the chain, and not by a transaction of this engine's.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// Its transaction.
    pub signature: TxSignature,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Its event.
    pub landed: Landed,
    /// Its entry.
    pub body: EntryBody,
}

fn place(row: &Row, epoch: usize, seq: usize) -> Result<TradePosition, ReadFailure> {
    Ok(TradePosition {
        epoch: Epoch(u32::try_from(row.try_get::<_, i32>(epoch)?).unwrap_or_default()),
        seq: Seq(unsigned("journal", row.try_get(seq)?)?),
    })
}

fn bad(table: &'static str, what: &str, error: &dyn std::fmt::Display) -> ReadFailure {
    BadRow { table, reason: format!("{what}: {error}") }.into()
}

const ATTEMPT: &str = "s.id, s.purpose, s.in_favour, s.against, s.grounds, s.signature::text, s.status, \
                       s.settled, s.slot, s.reason::text, s.created_at, s.updated_at";

fn attempt(row: &Row) -> Result<Attempt, ReadFailure> {
    const TABLE: &str = "chain_submissions";
    let (purpose, signature): (&str, &str) = (row.try_get(1)?, row.try_get(5)?);
    let number = |at| row.try_get::<_, Option<i64>>(at).map(|count| count.and_then(|count| u32::try_from(count).ok()));
    let counts = number(2)?.zip(number(3)?).and_then(|(in_favour, against)| Counts::new(in_favour, against));
    let reason: Option<&str> = row.try_get(9)?;
    let slot: Option<i64> = row.try_get(8)?;
    Ok(Attempt {
        id: row.try_get(0)?,
        purpose: Purpose::parse(purpose).ok_or_else(|| bad(TABLE, "purpose", &purpose))?,
        counts,
        grounds: of_json(TABLE, row.try_get(4)?)?,
        signature: signature.parse().map_err(|error| bad(TABLE, signature, &error))?,
        status: row.try_get(6)?,
        settled: row.try_get(7)?,
        slot: slot.map(|slot| unsigned(TABLE, slot)).transpose()?.map(Slot),
        reason: reason.map(serde_json::from_str).transpose().map_err(|error| bad(TABLE, "reason", &error))?,
        created_at: row.try_get(10)?,
        updated_at: row.try_get(11)?,
        landed: Vec::new(),
    })
}

/// A page of this engine's attempts on a market after one, oldest first, each with its events up to `head`.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn attempts<C: Ask>(
    client: &C,
    market: MarketAddress,
    after: i64,
    head: TradePosition,
    limit: u32,
) -> Result<Vec<Attempt>, ReadFailure> {
    let sql = format!(
        "SELECT {ATTEMPT} FROM chain_submissions s
         WHERE s.market = $1::text AND s.id > $2 AND s.signature IS NOT NULL ORDER BY s.id LIMIT $3"
    );
    let rows = client.query(&sql, &[&market.to_string(), &after, &i64::from(limit)]).await?;
    let mut attempts = rows.iter().map(attempt).collect::<Result<Vec<_>, _>>()?;
    with_events(client, market, head, &mut attempts).await?;
    Ok(attempts)
}

/// One of this engine's attempts on a market.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn attempt_by_id<C: Ask>(client: &C, market: MarketAddress, id: i64) -> Result<Option<Attempt>, ReadFailure> {
    let sql = format!(
        "SELECT {ATTEMPT} FROM chain_submissions s \
         WHERE s.id = $2 AND s.market = $1::text AND s.signature IS NOT NULL"
    );
    client.query_opt(&sql, &[&market.to_string(), &id]).await?.as_ref().map(attempt).transpose()
}

async fn with_events<C: Ask>(
    client: &C,
    market: MarketAddress,
    head: TradePosition,
    attempts: &mut [Attempt],
) -> Result<(), ReadFailure> {
    const SQL: &str = "SELECT signature::text, epoch, seq, event, slot, block_time_unix FROM chain_events
                       WHERE signature = ANY ($2::text[]) AND NOT orphaned AND stream = $1::text
                         AND (epoch, seq) <= ($3::bigint, $4::bigint) ORDER BY epoch, seq";
    let signatures: Vec<String> = attempts.iter().map(|attempt| attempt.signature.to_string()).collect();
    let (epoch, seq) = (i64::from(head.epoch.0), bigint(head.seq.0));
    let mut found: HashMap<String, Vec<Landed>> = HashMap::new();
    for row in client.query(SQL, &[&market.to_string(), &signatures, &epoch, &seq]).await? {
        found.entry(row.try_get(0)?).or_default().push(landed(&row, 1)?);
    }
    for (attempt, signature) in attempts.iter_mut().zip(&signatures) {
        attempt.landed = found.remove(signature).unwrap_or_default();
    }
    Ok(())
}

/// From the columns epoch, seq, event, slot, block_time_unix, beginning at `at`.
fn landed(row: &Row, at: usize) -> Result<Landed, ReadFailure> {
    Ok(Landed {
        place: place(row, at, at + 1)?,
        event: row.try_get(at + 2)?,
        slot: Slot(unsigned("chain_events", row.try_get(at + 3)?)?),
        block_time_unix: row.try_get(at + 4)?,
    })
}

/// A page of what authorities did to a market after a place, up to `head`, oldest first, without what this engine signed.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn others<C: Ask>(
    client: &C,
    market: MarketAddress,
    after: TradePosition,
    head: TradePosition,
    limit: u32,
) -> Result<Vec<Deed>, ReadFailure> {
    // Each event is walked in its own stretch of the index, and what is ours is passed over: at most the market's own.
    let sql = format!(
        "SELECT walk.epoch, walk.seq, walk.event, walk.slot, walk.block_time_unix, walk.signature, j.recorded_at, j.payload
         FROM (SELECT e.* FROM unnest(ARRAY[{}]) AS deed (event) CROSS JOIN LATERAL (
                   SELECT e.epoch, e.seq, e.event, e.slot, e.block_time_unix, e.signature::text AS signature
                   FROM chain_events e
                   WHERE e.stream = $1::text AND e.event = deed.event AND e.event IN {DEEDS} AND NOT e.orphaned
                     AND (e.epoch, e.seq) > ($2::bigint, $3::bigint) AND (e.epoch, e.seq) <= ($4::bigint, $5::bigint)
                     AND NOT EXISTS (SELECT FROM chain_submissions s WHERE s.signature = e.signature)
                   ORDER BY e.epoch, e.seq LIMIT $6) e
               ORDER BY e.epoch, e.seq LIMIT $6) walk
         JOIN journal j ON j.stream = $1::text AND j.epoch = walk.epoch AND j.seq = walk.seq
         ORDER BY walk.epoch, walk.seq",
        DEEDS.trim_matches(['(', ')'])
    );
    let after = (i64::from(after.epoch.0), bigint(after.seq.0));
    let head = (i64::from(head.epoch.0), bigint(head.seq.0));
    let rows =
        client.query(&sql, &[&market.to_string(), &after.0, &after.1, &head.0, &head.1, &i64::from(limit)]).await?;
    rows.into_iter()
        .map(|row| {
            let signature: &str = row.try_get(5)?;
            Ok(Deed {
                signature: signature.parse().map_err(|error| bad("chain_events", signature, &error))?,
                recorded_at: row.try_get(6)?,
                landed: landed(&row, 0)?,
                body: body(row.try_get(7)?)?,
            })
        })
        .collect()
}

/// An entry that is a vote.
#[derive(Debug, Clone)]
pub struct TrailVote {
    /// Its place.
    pub place: TradePosition,
    /// On what.
    pub kind: VoteKind,
    /// Whose.
    pub wallet: Wallet,
    /// The entry.
    pub body: EntryBody,
}

impl TrailVote {
    /// The chain's time of one on the chain.
    pub fn cast_at(&self) -> Option<UnixSeconds> {
        self.body.chain_event().map(|(.., event)| event.timestamp())
    }
}

/// Votes of a kind, of each source its own walk through an index that holds nothing else.
fn walk_of(kind: VoteKind) -> String {
    let (name, event) = (kind.as_str(), kind.event());
    let page = |row: &str| {
        format!(
            "({row}.epoch, {row}.seq) > ($2::bigint, $3::bigint) AND ({row}.epoch, {row}.seq) <= ($4::bigint, $5::bigint)
             ORDER BY {row}.epoch, {row}.seq LIMIT $6"
        )
    };
    format!(
        "(SELECT j.epoch, j.seq, j.payload FROM journal j
          WHERE j.stream = $1::text AND j.kind = 'vote' AND j.payload ->> 'vote_kind' = '{name}' AND {})
         UNION ALL
         (SELECT j.epoch, j.seq, j.payload
          FROM (SELECT e.stream, e.epoch, e.seq FROM chain_events e
                WHERE e.stream = $1::text AND e.event = '{event}' AND NOT e.orphaned AND {}) e
          JOIN journal j USING (stream, epoch, seq))",
        page("j"),
        page("e")
    )
}

/// A page of a market's votes of these kinds after a place, up to another (included), in the order of their entries.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn votes<C: Ask>(
    client: &C,
    market: MarketAddress,
    kinds: &[VoteKind],
    after: TradePosition,
    upto: TradePosition,
    limit: u32,
) -> Result<Vec<TrailVote>, ReadFailure> {
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let walks: Vec<String> = kinds.iter().map(|kind| walk_of(*kind)).collect();
    let sql = format!(
        "SELECT v.epoch, v.seq, v.payload FROM ({}) v ORDER BY v.epoch, v.seq LIMIT $6",
        walks.join(" UNION ALL ")
    );
    let after = (i64::from(after.epoch.0), bigint(after.seq.0));
    let upto = (i64::from(upto.epoch.0), bigint(upto.seq.0));
    let limit = i64::from(limit);
    let rows = client.query(&sql, &[&market.to_string(), &after.0, &after.1, &upto.0, &upto.1, &limit]).await?;
    rows.into_iter()
        .map(|row| {
            let place = place(&row, 0, 1)?;
            let body = body(row.try_get(2)?)?;
            let (kind, wallet) = match &body {
                EntryBody::Vote { vote_kind, wallet, .. } => (*vote_kind, *wallet),
                other => {
                    let vote = other.chain_event().and_then(|(.., event)| VoteKind::of(event));
                    let (kind, wallet, _) = vote.ok_or_else(|| bad("journal", "payload", &"no vote"))?;
                    (kind, wallet)
                }
            };
            Ok(TrailVote { place, kind, wallet, body })
        })
        .collect()
}

/// For each of these votes the wallet's own vote on the chain, if it has one that came in time. Asked
/// as the engine: by the index of voters, where its role has BYPASSRLS; else all votes on the chain of this market are looked
/// at once.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn overridden<C: Ask>(
    client: &C,
    market: MarketAddress,
    frozen: &Frozen,
    votes: &[(VoteKind, Wallet)],
) -> Result<Vec<Option<TradePosition>>, ReadFailure> {
    const SQL: &str = "
        SELECT e.event, j.payload -> 'event' ->> 'user', e.epoch, e.seq, e.block_time_unix
        FROM journal j JOIN chain_events e USING (stream, epoch, seq)
        WHERE j.stream = $1::text AND j.payload -> 'event' ->> 'user' = ANY ($2::text[])
          AND j.kind IN ('event', 'contained')
          AND j.payload -> 'event' ->> 'event' IN ('ProposalVoteSubmitted', 'DisputeVoteSubmitted') AND NOT e.orphaned
        ORDER BY e.epoch DESC, e.seq DESC";
    if votes.is_empty() {
        return Ok(Vec::new());
    }
    let wallets: Vec<String> = votes.iter().map(|(_, wallet)| wallet.to_string()).collect();
    // The first one of a wallet is the last row, and stays.
    let mut found = HashMap::new();
    for row in client.query(SQL, &[&market.to_string(), &wallets]).await? {
        let (event, wallet): (&str, String) = (row.try_get(0)?, row.try_get(1)?);
        let (by, cast_at) = (place(&row, 2, 3)?, UnixSeconds(row.try_get(4)?));
        let kind = VoteKind::ALL.into_iter().find(|kind| kind.event() == event);
        if let Some(kind) = kind.filter(|kind| frozen.too_late(*kind, by, Some(cast_at)).is_none()) {
            found.insert((kind.as_str(), wallet), by);
        }
    }
    let of = |((kind, _), wallet): (&(VoteKind, Wallet), String)| found.get(&(kind.as_str(), wallet)).copied();
    Ok(votes.iter().zip(wallets).map(of).collect())
}

/// A change of the config: its transaction, its event, its entry.
#[derive(Debug, Clone)]
pub struct ConfigChange {
    /// Its transaction.
    pub signature: TxSignature,
    /// Its event.
    pub landed: Landed,
    /// Its entry.
    pub body: EntryBody,
}

/// The newest changes of the config's values up to `head`, newest first: who recomputes finds the thresholds of any slot in
/// them.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn config_changes<C: Ask>(
    client: &C,
    config: AccountAddress,
    head: TradePosition,
    limit: u32,
) -> Result<Vec<ConfigChange>, ReadFailure> {
    // The config's stream holds little else.
    const SQL: &str = "SELECT e.epoch, e.seq, e.event, e.slot, e.block_time_unix, e.signature::text, j.payload
                       FROM chain_events e JOIN journal j USING (stream, epoch, seq)
                       WHERE e.stream = $1::text AND e.event IN ('GlobalConfigInitialized', 'ConfigUpdated')
                         AND NOT e.orphaned AND (e.epoch, e.seq) <= ($2::bigint, $3::bigint)
                       ORDER BY e.epoch DESC, e.seq DESC LIMIT $4";
    let (epoch, seq) = (i64::from(head.epoch.0), bigint(head.seq.0));
    let rows = client.query(SQL, &[&config.to_string(), &epoch, &seq, &i64::from(limit)]).await?;
    rows.into_iter()
        .map(|row| {
            let signature: &str = row.try_get(5)?;
            Ok(ConfigChange {
                signature: signature.parse().map_err(|error| bad("chain_events", signature, &error))?,
                landed: landed(&row, 0)?,
                body: body(row.try_get(6)?)?,
            })
        })
        .collect()
}
