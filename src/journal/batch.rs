//! The rows of a batch, and the statements that write them, in one fixed order.
//!
//! Owns what an append becomes in each table. Rows go in the order of their keys, and every statement says how many rows it
//! must touch: what that tells when it is another number is decided here. Never begins or ends a transaction.

use std::collections::BTreeMap;

use tokio_postgres::types::Type;

use super::{
    candles::{self, Candles},
    columns::{
        CandleColumns, ChainEventColumns, Columns, ConfigColumns, JournalColumns, MarketColumns, PositionColumns,
        TradeColumns,
    },
    pipeline::{Counts, Pipeline, exactly},
    rows::{ChainEventRow, ConfigRow, JournalRow, MarketRow, PositionDeltaRow, TradeRow, kind, moment},
    write::{CommitFailure, HeadRow, StreamAppend},
};
use crate::domain::{
    counted::Numbers,
    entry::Entry,
    ids::{AccountAddress, Slot, Wallet},
    position::PositionDelta,
};

/// Rows in one statement, and in one piece of a `COPY`.
const PIECE_ROWS: usize = 1_024;
/// Positions in one statement: each of them counts the new traders of its markets, so the row of a market is written once more
/// by each. A full buffer of the writer is one.
const PIECE_POSITIONS: usize = 8_192;
/// A batch of fewer entries is inserted: `COPY` costs the way there and back for each table. One of more is copied, which
/// costs PostgreSQL a quarter less; unless row level security stands over the tables, which `COPY` does not know.
const COPY_ENTRIES_MIN: usize = 256;

type Writing<'a> = Pipeline<'a, CommitFailure>;

/// An entry and where it stands.
struct Located<'a> {
    append: &'a StreamAppend,
    stream: &'a str,
    entry: &'a Entry,
    slot_high: Slot,
    numbers: Numbers,
}

/// Appends, in the order of their streams.
pub struct Batch<'a> {
    appends: Vec<(String, &'a StreamAppend)>,
    /// Of each append's entries, in the same order.
    numbers: Vec<&'a [Numbers]>,
    copies: bool,
}

impl<'a> Batch<'a> {
    /// In their order, with the numbers of each append's entries; `copies`: `COPY` may be used.
    pub fn of(appends: &'a [StreamAppend], numbers: &'a [Vec<Numbers>], copies: bool) -> Self {
        let mut numbered: Vec<_> = appends.iter().zip(numbers.iter().map(Vec::as_slice)).collect();
        numbered.sort_by_key(|(append, _)| append.stream);
        let (appends, numbers) =
            numbered.into_iter().map(|(append, numbers)| ((append.stream.to_string(), append), numbers)).unzip();
        Self { appends, numbers, copies }
    }

    fn entries(&self) -> impl Iterator<Item = Located<'_>> + '_ {
        self.appends.iter().zip(&self.numbers).flat_map(|((stream, append), numbers)| {
            let entries = append.entries.iter().zip(*numbers);
            entries.scan(append.slot_high_before, move |slot_high, (entry, numbers)| {
                *slot_high = (*slot_high).max(entry.body.slot());
                Some(Located { append, stream, entry, slot_high: *slot_high, numbers: *numbers })
            })
        })
    }

    /// The streams' rows: from exactly the entry before.
    pub async fn write_heads<'p>(&self, pipeline: &mut Writing<'p>) -> Result<(), CommitFailure> {
        let (mut markets, mut configs) = (Vec::new(), Vec::new());
        for (_, append) in &self.appends {
            let expected_last_seq = append.first_seq.0.saturating_sub(1);
            match &append.row {
                HeadRow::Market(row) => markets.push((expected_last_seq, MarketRow::clone(row))),
                HeadRow::Config(row) => configs.push((expected_last_seq, ConfigRow::clone(row))),
            }
        }
        // A stream's first row is inserted, and only then.
        let (new_markets, markets) = markets.into_iter().partition(|(expected, _)| *expected == 0);
        let (new_configs, configs) = configs.into_iter().partition(|(expected, _)| *expected == 0);
        begin::<MarketColumns<'_>>(pipeline, new_markets).await?;
        begin::<ConfigColumns<'_>>(pipeline, new_configs).await?;
        advance::<MarketColumns<'_>>(pipeline, markets).await?;
        advance::<ConfigColumns<'_>>(pipeline, configs).await
    }

    /// The entries, then their events, then their trades.
    pub async fn write_entries<'p>(&'p self, pipeline: &mut Writing<'p>) -> Result<(), CommitFailure> {
        let count: usize = self.appends.iter().map(|(_, append)| append.entries.len()).sum();
        let copied = self.copies && count >= COPY_ENTRIES_MIN;
        let journal = self.entries().map(|at| JournalRow {
            stream: at.stream.to_owned(),
            epoch: at.append.epoch.0,
            seq: at.entry.seq.0,
            kind: kind(&at.entry.body),
            slot: at.entry.body.slot().0,
            slot_high: at.slot_high.0,
            recorded_at: moment(at.entry.recorded_at_ms),
            payload: &at.entry.body,
            markets_seq: at.numbers.markets.map(|seq| seq.0),
            trades_seq: at.numbers.trades.map(|seq| seq.0),
        });
        insert::<JournalColumns<'_>>(pipeline, copied, journal).await?;
        let events = self.entries().filter_map(|at| ChainEventRow::of(at.stream, at.append.epoch, at.entry));
        insert::<ChainEventColumns<'_>>(pipeline, copied, events).await?;
        let trades = self.entries().filter_map(|at| TradeRow::of(at.stream, at.append.epoch, at.entry));
        insert::<TradeColumns<'_>>(pipeline, copied, trades).await
    }

    /// One row a position, whatever the number of its entries.
    pub async fn write_positions<'p>(&'p self, pipeline: &mut Writing<'p>) -> Result<(), CommitFailure> {
        let mut deltas: BTreeMap<(AccountAddress, Wallet), (&str, PositionDelta)> = BTreeMap::new();
        for at in self.entries() {
            if let Some((wallet, delta)) = PositionDelta::of(&at.entry.body) {
                let key = (at.append.stream, wallet);
                deltas.entry(key).or_insert_with(|| (at.stream, PositionDelta::default())).1.merge(delta);
            }
        }
        let rows = deltas.into_iter().map(|((_, wallet), (market, delta))| PositionDeltaRow {
            market: market.to_owned(),
            wallet,
            shares_yes: delta.shares_yes,
            shares_no: delta.shares_no,
            total_invested: delta.invested.0,
            trades_count: delta.trades,
            last_trade_at_unix: delta.last_trade_at.map(|at| at.0),
            claimed_amount: delta.claimed.map(|amount| amount.0),
            claimed_at_unix: delta.claimed_at.map(|at| at.0),
        });
        let sql = MOVE_POSITIONS.replace("DELTAS", &PositionColumns::unnest(&[]));
        let mut rows = rows.peekable();
        while rows.peek().is_some() {
            let piece = piece_of::<PositionColumns<'_>>(PIECE_POSITIONS, &mut rows)?;
            let count = piece.rows();
            let verdict = exactly(count, move |written| {
                CommitFailure::Overtaken(format!("{written} of {count} positions were there or new"))
            });
            pipeline.send(&sql, Counts::Told, piece.into_parameters(), count, verdict).await;
        }
        Ok(())
    }

    /// One row a candle, whatever the number of its trades; and who is to be counted again.
    pub async fn write_figures<'p>(&'p self, pipeline: &mut Writing<'p>) -> Result<(), CommitFailure> {
        let mut candles = Candles::default();
        for at in self.entries() {
            candles.add(at.append.stream, at.stream, at.append.epoch, at.entry);
        }
        let sql = format!("{} {}", CandleColumns::insert(), candles::JOIN);
        let mut rows = candles.into_rows().peekable();
        while rows.peek().is_some() {
            let piece = piece::<CandleColumns<'_>>(&mut rows)?;
            let count = piece.rows();
            let verdict =
                exactly(count, move |made| CommitFailure::Refused(format!("{made} of {count} candles were written")));
            pipeline.send(&sql, Counts::Touched, piece.into_parameters(), count, verdict).await;
        }
        let is_due = |append: &StreamAppend| matches!(append.row, HeadRow::Market(_)) && !append.entries.is_empty();
        let due: Vec<&str> =
            self.appends.iter().filter(|(_, append)| is_due(append)).map(|(stream, _)| stream.as_str()).collect();
        for some in due.chunks(PIECE_ROWS) {
            let count = some.len();
            let verdict =
                exactly(count, move |made| CommitFailure::Refused(format!("{made} of {count} markets became due")));
            pipeline.send(MAKE_DUE, Counts::Touched, vec![Box::new(some.to_vec())], count, verdict).await;
        }
        Ok(())
    }
}

/// The keeper takes their figures again (`journal::stats`).
const MAKE_DUE: &str = "INSERT INTO stats_due (market) SELECT * FROM unnest($1::text[])";

/// All parts of the statement see the positions as they were before it: a new one is inserted, and only an old one moved.
/// A wallet may sell what it bought in a stretch of history that is gone (the market was adopted from its account): its
/// position is not known until it is read from the chain, and must not keep the market's journal from going on.
/// Each leaves a note for the keeper of ledgers.
const MOVE_POSITIONS: &str = "
    WITH d AS (
        SELECT * FROM DELTAS AS d (market, wallet, shares_yes, shares_no, total_invested, trades_count,
                                   last_trade_at_unix, claimed_amount, claimed_at_unix)
    ), noted AS (
        INSERT INTO position_changes (market, wallet) SELECT market, wallet FROM d
    ), made AS (
        INSERT INTO positions (market, wallet, shares_yes, shares_no, total_invested, trades_count,
                               last_trade_at_unix, has_claimed, claimed_amount, claimed_at_unix)
        SELECT market, wallet, greatest(shares_yes, 0), greatest(shares_no, 0), total_invested, trades_count,
               coalesce(last_trade_at_unix, 0), claimed_amount IS NOT NULL, coalesce(claimed_amount, 0), claimed_at_unix
        FROM d
        ON CONFLICT DO NOTHING
        RETURNING market
    ), moved AS (
        UPDATE positions p SET
            shares_yes = greatest(p.shares_yes + d.shares_yes, 0),
            shares_no = greatest(p.shares_no + d.shares_no, 0),
            total_invested = p.total_invested + d.total_invested,
            trades_count = p.trades_count + d.trades_count,
            last_trade_at_unix = coalesce(d.last_trade_at_unix, p.last_trade_at_unix),
            has_claimed = p.has_claimed OR d.claimed_amount IS NOT NULL,
            claimed_amount = coalesce(d.claimed_amount, p.claimed_amount),
            claimed_at_unix = coalesce(d.claimed_at_unix, p.claimed_at_unix)
        FROM d WHERE p.market = d.market AND p.wallet = d.wallet
        RETURNING 1
    ), counted AS (
        UPDATE markets SET traders_count = traders_count + new.traders
        FROM (SELECT market, count(*) AS traders FROM made GROUP BY market) new WHERE address = new.market
    )
    SELECT (SELECT count(*) FROM made) + (SELECT count(*) FROM moved)";

async fn insert<'p, C: Columns<'p>>(
    pipeline: &mut Writing<'p>,
    copied: bool,
    rows: impl Iterator<Item = C::Row>,
) -> Result<(), CommitFailure> {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    if !copied {
        while rows.peek().is_some() {
            let piece = piece::<C>(&mut rows)?;
            let count = piece.rows();
            let verdict = exactly(count, move |written| {
                CommitFailure::Refused(format!("{written} of {count} rows of {} were inserted", C::TABLE))
            });
            pipeline.send(&C::insert(), Counts::Touched, piece.into_parameters(), count, verdict).await;
        }
        return Ok(());
    }
    let mut sent = 0;
    let copied = pipeline
        .copy::<C>(|| {
            let piece = piece::<C>(&mut rows)?;
            sent += piece.rows();
            Ok(piece)
        })
        .await?;
    exactly(sent, |_| CommitFailure::Refused(format!("{copied} of {sent} rows of {} were copied", C::TABLE)))(copied)
}

/// The next rows. In pieces, so that the server works on one while the next is made, and a statement's length has a bound.
fn piece<'p, C: Columns<'p>>(rows: &mut impl Iterator<Item = C::Row>) -> Result<C, CommitFailure> {
    piece_of(PIECE_ROWS, rows)
}

fn piece_of<'p, C: Columns<'p>>(max: usize, rows: &mut impl Iterator<Item = C::Row>) -> Result<C, CommitFailure> {
    let mut columns = C::default();
    for row in rows.take(max) {
        columns.push(row).map_err(|error| CommitFailure::Refused(error.to_string()))?;
    }
    Ok(columns)
}

/// A stream's first row: where there is one already, somebody else has begun the stream.
async fn begin<'p, C: Columns<'p>>(pipeline: &mut Writing<'p>, rows: Vec<(u64, C::Row)>) -> Result<(), CommitFailure> {
    let sql = format!("{} ON CONFLICT (address) DO NOTHING", C::insert());
    let mut rows = rows.into_iter().map(|(_, row)| row).peekable();
    while rows.peek().is_some() {
        let piece = piece::<C>(&mut rows)?;
        let count = piece.rows();
        let verdict = exactly(count, move |made| {
            CommitFailure::Overtaken(format!("{made} of {count} streams of {} were new", C::TABLE))
        });
        pipeline.send(&sql, Counts::Touched, piece.into_parameters(), count, verdict).await;
    }
    Ok(())
}

async fn advance<'p, C: Columns<'p>>(
    pipeline: &mut Writing<'p>,
    rows: Vec<(u64, C::Row)>,
) -> Result<(), CommitFailure> {
    if rows.is_empty() {
        return Ok(());
    }
    let (table, names) = (C::TABLE, C::names());
    let values: Vec<String> = C::COLUMNS.iter().map(|(name, _)| format!("r.{name}")).collect();
    let sql = format!(
        "UPDATE {table} t SET ({names}) = ROW({}) FROM {} AS r ({names}, expected_last_seq)
         WHERE t.address = r.address AND t.last_seq = r.expected_last_seq",
        values.join(", "),
        C::unnest(&[Type::INT8]),
    );
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let (expected, rows): (Vec<_>, Vec<_>) = rows.by_ref().take(PIECE_ROWS).unzip();
        let count = expected.len();
        let expected: Result<Vec<i64>, _> = expected.into_iter().map(i64::try_from).collect();
        let expected = expected.map_err(|error| CommitFailure::Refused(error.to_string()))?;
        let mut parameters = piece::<C>(&mut rows.into_iter())?.into_parameters();
        parameters.push(Box::new(expected));
        let verdict = exactly(count, move |moved| {
            CommitFailure::Overtaken(format!("{moved} of {count} rows of {table} stood right before their append"))
        });
        pipeline.send(&sql, Counts::Touched, parameters, count, verdict).await;
    }
    Ok(())
}
