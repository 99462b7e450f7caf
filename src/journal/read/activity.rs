//! What happened of late, over all markets: trades, creations and resolutions, newest first; who holds most; and the
//! journal's newest entries for those who poll. Bounded pages; without what was rolled back.

use tokio_postgres::Row;

use super::{ReadFailure, ask::Ask, bigint, listing::number, unsigned};
use crate::{
    domain::{
        entry::Entry,
        ids::{AccountAddress, Epoch, MarketAddress, Seq, Wallet},
    },
    journal::rows::{BadRow, moment},
};

/// A place among all that happened: the chain's time, then market and entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityPlace {
    /// The chain's time.
    pub at_unix: i64,
    /// The market.
    pub market: MarketAddress,
    /// Its entry.
    pub seq: Seq,
}

/// What kind of thing happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActivityKind {
    /// `buy` or `sell`, and YES or NO.
    Trade {
        /// Which way.
        trade_type: String,
        /// Of what.
        outcome: String,
    },
    /// An outcome was proposed; as the market has it now.
    Resolution {
        /// YES or NO.
        outcome: Option<String>,
    },
    /// The market was proposed.
    Creation,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its place.
    pub place: ActivityPlace,
    /// `<signature>:<n>`.
    pub id: String,
    /// What.
    pub kind: ActivityKind,
    /// Who did it.
    pub wallet: String,
    /// Lamports: paid or received; put in, for a creation.
    pub amount: u64,
    /// What the market is about, where that is known.
    pub question: Option<String>,
}

/// A page, newest first, after a place.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn activity<C: Ask>(
    client: &C,
    after: Option<ActivityPlace>,
    offset: u32,
    limit: u32,
) -> Result<Vec<Activity>, ReadFailure> {
    // The page is found in indexes alone, and only its rows are read: what is skipped costs next to nothing.
    const SQL: &str = "
        SELECT page.at, page.market, page.seq, it.id, it.what, it.outcome, it.wallet, it.amount, m.metadata ->> 'question'
        FROM (SELECT * FROM (
            (SELECT t.block_time_unix AS at, t.market::text AS market, t.epoch, t.seq, true AS is_trade
             FROM trades t WHERE t.block_time_unix <= $1 AND (t.block_time_unix, t.market::text, t.seq) < ($1, $2, $3)
               AND NOT t.orphaned
             ORDER BY t.block_time_unix DESC, t.market DESC, t.seq DESC LIMIT $4::bigint + $5::bigint)
            UNION ALL
            (SELECT e.block_time_unix, e.stream::text, e.epoch, e.seq, false
             FROM chain_events e
             WHERE e.event IN ('MarketCreated', 'MarketResolved') AND e.block_time_unix <= $1
               AND (e.block_time_unix, e.stream::text, e.seq) < ($1, $2, $3) AND NOT e.orphaned
             ORDER BY e.block_time_unix DESC, e.stream DESC, e.seq DESC LIMIT $4::bigint + $5::bigint)
        ) all_of_it ORDER BY at DESC, market DESC, seq DESC OFFSET $4 LIMIT $5) page
        JOIN markets m ON m.address = page.market
        CROSS JOIN LATERAL (
            SELECT t.signature || ':' || t.n AS id, t.trade_type AS what, t.outcome, t.user_wallet::text AS wallet,
                   t.cost::text AS amount
            FROM trades t WHERE page.is_trade AND t.market = page.market AND t.epoch = page.epoch AND t.seq = page.seq
            UNION ALL
            SELECT e.signature || ':' || e.n, e.event, m.proposed_outcome,
                   CASE e.event WHEN 'MarketCreated' THEN m.creator_wallet ELSE m.resolver_wallet END::text,
                   CASE e.event WHEN 'MarketCreated' THEN m.initial_liquidity ELSE 0 END::text
            FROM chain_events e
            WHERE NOT page.is_trade AND e.stream = page.market AND e.epoch = page.epoch AND e.seq = page.seq
        ) it
        ORDER BY page.at DESC, page.market DESC, page.seq DESC";
    let (at, market, seq) = match after {
        Some(place) => (place.at_unix, place.market.to_string(), bigint(place.seq.0)),
        None => (i64::MAX, String::new(), 0),
    };
    let rows = client.query(SQL, &[&at, &market, &seq, &i64::from(offset), &i64::from(limit)]).await?;
    rows.iter().map(happened).collect()
}

fn happened(row: &Row) -> Result<Activity, ReadFailure> {
    let (market, what, amount): (String, String, String) = (row.try_get(1)?, row.try_get(4)?, row.try_get(7)?);
    let address = market.parse().map_err(|error| BadRow { table: "trades", reason: format!("market: {error}") })?;
    let outcome: Option<String> = row.try_get(5)?;
    Ok(Activity {
        place: ActivityPlace {
            at_unix: row.try_get(0)?,
            market: address,
            seq: Seq(unsigned("trades", row.try_get(2)?)?),
        },
        id: row.try_get(3)?,
        kind: match what.as_str() {
            "MarketCreated" => ActivityKind::Creation,
            "MarketResolved" => ActivityKind::Resolution { outcome },
            _ => ActivityKind::Trade { trade_type: what, outcome: outcome.unwrap_or_default() },
        },
        wallet: row.try_get(6)?,
        amount: number("trades", &amount)?,
        question: row.try_get(8)?,
    })
}

/// A place among holders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HolderPlace {
    /// Shares of both outcomes together.
    pub shares: i128,
    /// Who.
    pub wallet: Wallet,
}

/// A position, as a row of the list of holders.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the table's own
pub struct Holder {
    pub wallet: Wallet,
    pub shares_yes: u64,
    pub shares_no: u64,
    pub total_invested: u64,
    pub trades_count: u64,
    pub last_trade_at_unix: i64,
}

/// Who holds shares of a market, most first.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn holders<C: Ask>(
    client: &C,
    market: MarketAddress,
    after: Option<HolderPlace>,
    offset: u32,
    limit: u32,
) -> Result<Vec<Holder>, ReadFailure> {
    // The index knows classes of size; within one the rows are sorted.
    const SQL: &str = "
        SELECT wallet::text, shares_yes::text, shares_no::text, total_invested::text, trades_count, last_trade_at_unix
        FROM positions
        WHERE market = $1::text AND shares_yes + shares_no > 0
          AND size_class <= floor(log($2::text::float8 + 1) * 3.3219)::smallint
          AND (shares_yes + shares_no, wallet) < ($2::text::numeric, $3::text)
        ORDER BY size_class DESC, shares_yes + shares_no DESC, wallet DESC OFFSET $4 LIMIT $5";
    let (shares, wallet) = match after {
        Some(place) => (place.shares.to_string(), place.wallet.to_string()),
        None => (u128::MAX.to_string(), String::new()),
    };
    let rows =
        client.query(SQL, &[&market.to_string(), &shares, &wallet, &i64::from(offset), &i64::from(limit)]).await?;
    let holder = |row: &Row| {
        let text = |at: usize| row.try_get::<_, String>(at);
        let wallet = text(0)?;
        Ok(Holder {
            wallet: wallet
                .parse()
                .map_err(|error| BadRow { table: "positions", reason: format!("wallet: {error}") })?,
            shares_yes: number("positions", &text(1)?)?,
            shares_no: number("positions", &text(2)?)?,
            total_invested: number("positions", &text(3)?)?,
            trades_count: unsigned("positions", row.try_get(4)?)?,
            last_trade_at_unix: row.try_get(5)?,
        })
    };
    rows.iter().map(holder).collect()
}

/// A place among the entries of all streams: when it was recorded, then stream and entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPlace {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The stream.
    pub stream: AccountAddress,
    /// Its entry.
    pub seq: Seq,
}

/// An entry, and the stream that it is of.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamEntry {
    /// The stream.
    pub stream: AccountAddress,
    /// The entry.
    pub entry: Entry,
}

/// Entries of all streams that were recorded at or after a moment (milliseconds since 1970), oldest first. Those of one
/// moment are in the order of stream and entry; `after` leaves out what is at or before it.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn recorded_since<C: Ask>(
    client: &C,
    epoch: Epoch,
    since_ms: i64,
    after: Option<(AccountAddress, Seq)>,
    limit: u32,
) -> Result<Vec<StreamEntry>, ReadFailure> {
    const SQL: &str = "SELECT seq, recorded_at, payload, stream::text FROM journal
                       WHERE recorded_at >= $1 AND (recorded_at, stream::text, seq) > ($1, $2, $3) AND epoch = $4
                       ORDER BY recorded_at, stream, seq LIMIT $5";
    let (stream, seq) = after.map_or_else(Default::default, |(stream, seq)| (stream.to_string(), bigint(seq.0)));
    let since = moment(since_ms);
    let epoch = i32::try_from(epoch.0).unwrap_or(i32::MAX);
    let rows = client.query(SQL, &[&since, &stream, &seq, &epoch, &i64::from(limit)]).await?;
    rows.into_iter()
        .map(|row| {
            let stream: String = row.try_get(3)?;
            let bad = |error| BadRow { table: "journal", reason: format!("stream {stream}: {error}") };
            Ok(StreamEntry { stream: stream.parse().map_err(bad)?, entry: super::entry(row)? })
        })
        .collect()
}

/// Entries that are looked at for a moment.
const LOOKED_AT: i64 = 2_000;

/// The newest entry of a stream that was recorded before a moment, among its newest 2,000; `None` if it has none at all. What
/// comes after it was recorded since.
///
/// # Errors
/// See [`ReadFailure`].
pub async fn before_moment<C: Ask>(
    client: &C,
    stream: AccountAddress,
    epoch: Epoch,
    since_ms: i64,
) -> Result<Option<Seq>, ReadFailure> {
    const SQL: &str = "SELECT coalesce(max(seq) FILTER (WHERE recorded_at < $3), min(seq) - 1) FROM (
                           SELECT seq, recorded_at FROM journal WHERE stream = $1::text AND epoch = $2::bigint
                           ORDER BY seq DESC LIMIT $4) newest";
    let since = moment(since_ms);
    let row = client.query_one(SQL, &[&stream.to_string(), &i64::from(epoch.0), &since, &LOOKED_AT]).await?;
    row.try_get::<_, Option<i64>>(0)?.map(|seq| Ok(Seq(unsigned("journal", seq)?))).transpose()
}
