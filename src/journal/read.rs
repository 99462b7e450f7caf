//! Reading history: entries, markets, trades. Bounded pages, each one statement.
//!
//! Never writes, never guesses: a row that the domain can't hold is an error of its own ([`ReadFailure::BadRow`]), since
//! asking again will not help. Works on a client or inside a transaction.

pub mod activity;
pub mod anchors;
pub mod ask;
pub mod channels;
pub mod charts;
pub mod export;
pub mod governance;
pub mod latest;
pub mod listing;
pub mod wallets;

use serde::de::DeserializeOwned;
use tokio_postgres::{
    Row,
    types::{FromSql, ToSql, Type},
};

use self::ask::Ask;
use super::rows::{BadRow, MarketRow, PositionRow, TradeRow};
use crate::domain::{
    entry::{Entry, EntryBody},
    ids::{AccountAddress, Epoch, MarketAddress, MarketSeed, Seq, Wallet},
    phase::Phase,
    position::Position,
};

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadFailure {
    /// The database could not be reached or did not answer: the same question may be answered later.
    #[error("the journal can't be read now: {0}")]
    Transient(#[source] tokio_postgres::Error),
    /// The database refused the statement: asking again will not help.
    #[error("the journal refused a question: {0}")]
    Refused(#[source] tokio_postgres::Error),
    /// The database was changed by another hand.
    #[error(transparent)]
    BadRow(#[from] BadRow),
}

impl From<tokio_postgres::Error> for ReadFailure {
    fn from(error: tokio_postgres::Error) -> Self {
        // Without an SQLSTATE it is the connection. 08 connection, 40 rolled back, 53 resources, 55 not in a state to
        // (locks), 57 cancelled or shutting down.
        let passes = error
            .code()
            .is_none_or(|state| ["08", "40", "53", "55", "57"].iter().any(|class| state.code().starts_with(class)));
        if passes { Self::Transient(error) } else { Self::Refused(error) }
    }
}

/// JSON of a column, not looked at yet: what it is made into is read from its text, without a tree between.
pub(super) struct JsonText<'a>(&'a [u8]);

impl<'a> FromSql<'a> for JsonText<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        match raw {
            _ if *kind == Type::JSON => Ok(Self(raw)),
            [1, text @ ..] => Ok(Self(text)),
            _ => Err("a jsonb of another version".into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::JSON || *kind == Type::JSONB
    }
}

fn of_json<T: DeserializeOwned>(table: &'static str, json: JsonText<'_>) -> Result<T, BadRow> {
    serde_json::from_slice(json.0).map_err(|error| BadRow { table, reason: error.to_string() })
}

/// `markets`, as a [`MarketRow`] is read by whoever shows it: without what only the market's actor needs, which is larger
/// than all the rest.
pub(super) const SHOWN_MARKETS: &str = "(SELECT address, market_seed, epoch, last_seq, slot_high, finalized_seq, creator_wallet, phase, \
     b_parameter, initial_liquidity, current_liquidity, shares_yes, shares_no, total_volume, \
     created_at_unix, approved_at_unix, activated_at_unix, resolution_proposed_at_unix, \
     resolved_at_unix, finalized_at_unix, cancelled_at_unix, resolver_wallet, proposed_outcome, \
     final_outcome, question_hash, evidence_hash, dispute_initiated_at_unix, dispute_initiator_wallet, \
     accumulated_resolver_fees, accumulated_lp_fees, proposal_likes, proposal_dislikes, \
     proposal_total_votes, dispute_agree, dispute_disagree, dispute_total_votes, was_disputed, lamports, \
     trades_count, traders_count, price_yes, vanished, metadata FROM markets)";

/// After `trades t`: its row as `shown`, which is what a [`TradeRow`] is read from. JSON would tell a moment with as many
/// digits as it needs, in the session's time zone.
pub(super) const SHOWN_TRADE: &str = "CROSS JOIN LATERAL (SELECT t.market, t.epoch, t.seq, t.signature, t.n, t.user_wallet, t.trade_type, t.outcome, t.shares, t.cost, \
     t.amount_before_fees, t.protocol_fee, t.resolver_fee, t.lp_fee, t.protocol_fee_bps, t.resolver_fee_bps, \
     t.lp_fee_bps, t.price_yes_before, t.price_yes, t.slot, t.block_time_unix, \
     to_char(t.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS recorded_at, t.orphaned) AS shown";

/// Of `trades t`: an adopted state contained it already. By the index of such entries alone, which are few.
pub(super) const IS_CONTAINED: &str = "EXISTS (SELECT FROM journal j WHERE j.kind = 'contained' \
     AND j.stream = t.market AND j.epoch = t.epoch AND j.seq = t.seq)";

/// A column that is never negative.
fn unsigned(table: &'static str, value: i64) -> Result<u64, BadRow> {
    u64::try_from(value).map_err(|_| BadRow { table, reason: format!("{value} is negative") })
}

/// A number for a `bigint` parameter; past its end there are no rows either.
fn bigint(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The entries of a stream after one, oldest first, at most `limit`.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn entries_after<C: Ask>(
    client: &C,
    stream: AccountAddress,
    epoch: Epoch,
    after: Seq,
    limit: u32,
) -> Result<Vec<Entry>, ReadFailure> {
    const SQL: &str = "SELECT seq, recorded_at, payload FROM journal \
                       WHERE stream = $1::text AND epoch = $2::bigint AND seq > $3 ORDER BY seq LIMIT $4";
    let limit = i64::from(limit);
    let rows = client.query(SQL, &[&stream.to_string(), &i64::from(epoch.0), &bigint(after.0), &limit]).await?;
    rows.into_iter().map(entry).collect()
}

/// As [`entries_after`], whatever life of the journal they were written in. A stream goes on counting in a new life where its
/// row stands, so within a database its numbers are unique; what clients are told of them is of one life only.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn entries_of_all_lives<C: Ask>(
    client: &C,
    stream: AccountAddress,
    after: Seq,
    limit: u32,
) -> Result<Vec<Entry>, ReadFailure> {
    // A walk of the key a life: there are few.
    const SQL: &str = "SELECT j.seq, j.recorded_at, j.payload FROM journal_epochs e CROSS JOIN LATERAL ( \
                           SELECT seq, recorded_at, payload FROM journal \
                           WHERE stream = $1::text AND epoch = e.epoch AND seq > $2 ORDER BY seq LIMIT $3 \
                       ) j ORDER BY j.seq LIMIT $3";
    let rows = client.query(SQL, &[&stream.to_string(), &bigint(after.0), &i64::from(limit)]).await?;
    rows.into_iter().map(entry).collect()
}

/// What a row of the journal holds.
pub(super) fn body(payload: JsonText<'_>) -> Result<EntryBody, BadRow> {
    of_json("journal", payload)
}

pub(super) fn entry(row: Row) -> Result<Entry, ReadFailure> {
    let recorded_at: chrono::DateTime<chrono::Utc> = row.try_get(1)?;
    let body = body(row.try_get(2)?)?;
    Ok(Entry { seq: Seq(unsigned("journal", row.try_get(0)?)?), recorded_at_ms: recorded_at.timestamp_millis(), body })
}

/// The newest entry of a stream in a life of the journal; `None` if it has none.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn head<C: Ask>(client: &C, stream: AccountAddress, epoch: Epoch) -> Result<Option<Seq>, ReadFailure> {
    const SQL: &str =
        "SELECT seq FROM journal WHERE stream = $1::text AND epoch = $2::bigint ORDER BY seq DESC LIMIT 1";
    let row = client.query_opt(SQL, &[&stream.to_string(), &i64::from(epoch.0)]).await?;
    row.map(|row| Ok(Seq(unsigned("journal", row.try_get(0)?)?))).transpose()
}

/// A market in the list's order: newest first, and by address where two were made in the same second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketPosition {
    /// The chain's time of its creation.
    pub created_at_unix: i64,
    /// The market.
    pub address: MarketAddress,
}

/// Which markets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarketFilter {
    /// In one of these phases; empty = in any.
    pub phases: Vec<Phase>,
}

/// A page of markets, newest first; without those whose creation was rolled back.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn markets<C: Ask>(
    client: &C,
    filter: &MarketFilter,
    after: Option<MarketPosition>,
    offset: u32,
    limit: u32,
) -> Result<Vec<MarketRow>, ReadFailure> {
    let phases: Vec<i16> = filter.phases.iter().map(|phase| *phase as i16).collect();
    let position = after.map(|at| (at.created_at_unix, at.address.to_string()));
    let (offset, limit) = (i64::from(offset), i64::from(limit));

    // The page is found in an index alone, and only its rows are read: what is skipped, and markets of other phases, cost
    // next to nothing however many there are. Several phases are several walks of their index, merged.
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&offset, &limit];
    // The indexes hold only what is to be listed.
    let mut restriction = "NOT c.vanished".to_owned();
    if let Some((created_at_unix, address)) = &position {
        values.push(created_at_unix);
        values.push(address);
        restriction.push_str(" AND (c.created_at_unix, c.address) < ($3::bigint, $4::text)");
    }
    let page = if phases.is_empty() {
        format!(
            "SELECT c.address FROM markets c WHERE {restriction} \
             ORDER BY c.created_at_unix DESC, c.address DESC OFFSET $1 LIMIT $2"
        )
    } else {
        values.push(&phases);
        format!(
            "SELECT walk.address FROM unnest(${}::smallint[]) AS wanted (phase) CROSS JOIN LATERAL ( \
                 SELECT c.created_at_unix, c.address FROM markets c WHERE c.phase = wanted.phase AND {restriction} \
                 ORDER BY c.created_at_unix DESC, c.address DESC LIMIT $1::bigint + $2::bigint) AS walk \
             ORDER BY walk.created_at_unix DESC, walk.address DESC OFFSET $1 LIMIT $2",
            values.len()
        )
    };
    let sql = format!(
        "SELECT row_to_json(m) FROM ({page}) AS page JOIN {SHOWN_MARKETS} m ON m.address = page.address \
         ORDER BY m.created_at_unix DESC, m.address DESC"
    );
    let rows = client.query(&sql, &values).await?;
    rows.into_iter().map(|row| Ok(of_json("markets", row.try_get(0)?)?)).collect()
}

/// One market's row, as stored at its head.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn market<C: Ask>(client: &C, address: MarketAddress) -> Result<Option<MarketRow>, ReadFailure> {
    let sql = format!("SELECT row_to_json(m) FROM {SHOWN_MARKETS} m WHERE address = $1::text");
    let row = client.query_opt(&sql, &[&address.to_string()]).await?;
    row.map(|row| Ok(of_json("markets", row.try_get(0)?)?)).transpose()
}

/// The market that was made from a seed.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn market_address_by_seed<C: Ask>(
    client: &C,
    seed: MarketSeed,
) -> Result<Option<MarketAddress>, ReadFailure> {
    const SQL: &str = "SELECT address::text FROM markets WHERE market_seed = $1";
    let row = client.query_opt(SQL, &[&seed.to_string()]).await?;
    row.map(|row| {
        let text: String = row.try_get(0)?;
        Ok(text.parse().map_err(|error| BadRow { table: "markets", reason: format!("address {text}: {error}") })?)
    })
    .transpose()
}

/// The markets that were made from these seeds; seeds without one are left out.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn market_addresses_by_seeds<C: Ask>(
    client: &C,
    seeds: &[MarketSeed],
) -> Result<Vec<(MarketSeed, MarketAddress)>, ReadFailure> {
    const SQL: &str = "SELECT market_seed::text, address::text FROM markets WHERE market_seed = ANY($1)";
    let bad = |error: &dyn std::fmt::Display| BadRow { table: "markets", reason: error.to_string() };
    let seeds: Vec<String> = seeds.iter().map(MarketSeed::to_string).collect();
    let rows = client.query(SQL, &[&seeds]).await?;
    let parse = |row: &tokio_postgres::Row| {
        let (seed, address): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        Ok((seed.parse().map_err(|error| bad(&error))?, address.parse().map_err(|error| bad(&error))?))
    };
    rows.iter().map(parse).collect()
}

/// A trade's place in its market: the journal's life, and the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TradePosition {
    /// The journal's life.
    pub epoch: Epoch,
    /// The entry.
    pub seq: Seq,
}

/// A trade, and what its own row does not tell.
#[derive(Debug, Clone, PartialEq)]
pub struct TradeFound {
    /// The row; `recorded_at` in RFC 3339 with milliseconds.
    pub row: TradeRow,
    /// An adopted state contained it already.
    pub contained: bool,
}

/// A page of a market's trades before a place (itself excluded), newest first; without those that were rolled back.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn trades<C: Ask>(
    client: &C,
    market: MarketAddress,
    before: TradePosition,
    offset: u32,
    limit: u32,
) -> Result<Vec<TradeFound>, ReadFailure> {
    // The page first, of trades alone: what is skipped is not looked up in the journal.
    let sql = format!(
        "SELECT row_to_json(shown), {IS_CONTAINED} \
         FROM (SELECT * FROM trades WHERE market = $1::text AND NOT orphaned AND (epoch, seq) < ($2::bigint, $3) \
               ORDER BY epoch DESC, seq DESC OFFSET $4 LIMIT $5) t \
         {SHOWN_TRADE} \
         ORDER BY t.epoch DESC, t.seq DESC"
    );
    let (offset, limit) = (i64::from(offset), i64::from(limit));
    let rows = client
        .query(&sql, &[&market.to_string(), &i64::from(before.epoch.0), &bigint(before.seq.0), &offset, &limit])
        .await?;
    rows.into_iter()
        .map(|row| Ok(TradeFound { row: of_json("trades", row.try_get(0)?)?, contained: row.try_get(1)? }))
        .collect()
}

/// The newest life of the journal.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn newest_epoch<C: Ask>(client: &C) -> Result<Epoch, ReadFailure> {
    let row = client.query_one("SELECT coalesce(max(epoch), 0)::bigint FROM journal_epochs", &[]).await?;
    let epoch = unsigned("journal_epochs", row.try_get(0)?)?;
    Ok(Epoch(u32::try_from(epoch).unwrap_or(u32::MAX)))
}

/// Genesis hash and program of the journal's chain; `None` before the first start.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn chain_identity<C: Ask>(client: &C) -> Result<Option<(String, String)>, ReadFailure> {
    let row = client.query_opt("SELECT genesis_hash, program_id::text FROM chain_identity", &[]).await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}

/// A page of positions in the order of market and wallet, after one.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn positions<C: Ask>(
    client: &C,
    after: Option<(MarketAddress, Wallet)>,
    limit: u32,
) -> Result<Vec<Position>, ReadFailure> {
    const SQL: &str = "SELECT row_to_json(p) FROM positions p WHERE (market, wallet) > ($1::text, $2::text) \
                       ORDER BY market, wallet LIMIT $3";
    let (market, wallet) =
        after.map_or_else(Default::default, |(market, wallet)| (market.to_string(), wallet.to_string()));
    let rows = client.query(SQL, &[&market, &wallet, &i64::from(limit)]).await?;
    rows.into_iter().map(|row| Ok(of_json::<PositionRow>("positions", row.try_get(0)?)?.position())).collect()
}

/// A wallet's position in a market.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn position<C: Ask>(
    client: &C,
    market: MarketAddress,
    wallet: Wallet,
) -> Result<Option<Position>, ReadFailure> {
    const SQL: &str = "SELECT row_to_json(p) FROM positions p WHERE market = $1::text AND wallet = $2::text";
    let row = client.query_opt(SQL, &[&market.to_string(), &wallet.to_string()]).await?;
    row.map(|row| Ok(of_json::<PositionRow>("positions", row.try_get(0)?)?.position())).transpose()
}
