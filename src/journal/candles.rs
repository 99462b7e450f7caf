//! Candles: what trades add to them, in the batch that writes the trades, and what a roll-back takes out of them again.
//!
//! Owns the rows of `candles`, kept for 60 s and 3,600 s; longer ones are made of these by who asks. A trade belongs to the
//! bucket of its time on the chain, whenever it is heard of, and to its place there by slot and entry: so a late one may
//! open a candle that is there already. All of a batch goes in one aggregated statement: a row a candle, whatever the
//! number of its trades.

use std::collections::{BTreeMap, btree_map::Entry as Place};

use deadpool_postgres::Transaction;
use tokio_postgres::types::ToSql;

use super::write::{CommitFailure, sort};
use crate::domain::{
    entry::{Entry, EntryBody},
    event::ProgramEvent,
    ids::{AccountAddress, Epoch},
};

/// The lengths that are kept, in seconds.
pub const STEPS: [i32; 2] = [60, 3_600];

/// What a trade tells a candle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CandleTrade {
    /// The chain's time.
    pub block_time_unix: i64,
    /// Of YES, after it.
    pub price_yes: u64,
    /// As the market's total volume counts it: a buy by what was paid in all, a sale by its gross. Lamports.
    pub volume: u64,
    slot: u64,
    seq: u64,
}

impl CandleTrade {
    /// Of an entry, if it has a row in `trades`.
    pub fn of(entry: &Entry) -> Option<Self> {
        let figures = match &entry.body {
            EntryBody::Trade { figures, .. } | EntryBody::Contained { figures: Some(figures), .. } => figures,
            _ => return None,
        };
        let (_, position, event) = entry.body.chain_event()?;
        let volume = match event {
            ProgramEvent::SharesBought(event) => event.cost.0,
            ProgramEvent::SharesSold(_) => figures.amount_before_fees.0,
            _ => return None,
        };
        Some(Self {
            block_time_unix: event.timestamp().0,
            price_yes: figures.price_yes.0,
            volume,
            slot: position.slot.0,
            seq: entry.seq.0,
        })
    }
}

/// What a batch adds to a row of `candles`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the table's own
pub struct CandleRow {
    pub market: String,
    pub step: i32,
    pub bucket_unix: i64,
    pub open: u64,
    pub high: u64,
    pub low: u64,
    pub close: u64,
    pub first_slot: u64,
    pub first_seq: u64,
    pub last_slot: u64,
    pub last_seq: u64,
    pub low_epoch: u32,
    pub low_seq: u64,
    pub volume: i128,
    pub trades: u64,
}

impl CandleRow {
    fn begin(market: &str, epoch: Epoch, step: i32, bucket_unix: i64, trade: CandleTrade) -> Self {
        let CandleTrade { price_yes, volume, slot, seq, .. } = trade;
        Self {
            market: market.to_owned(),
            step,
            bucket_unix,
            open: price_yes,
            high: price_yes,
            low: price_yes,
            close: price_yes,
            first_slot: slot,
            first_seq: seq,
            last_slot: slot,
            last_seq: seq,
            low_epoch: epoch.0,
            low_seq: seq,
            volume: volume.into(),
            trades: 1,
        }
    }

    fn add(&mut self, trade: CandleTrade) {
        let CandleTrade { price_yes, volume, slot, seq, .. } = trade;
        if (slot, seq) < (self.first_slot, self.first_seq) {
            (self.open, self.first_slot, self.first_seq) = (price_yes, slot, seq);
        }
        if (slot, seq) > (self.last_slot, self.last_seq) {
            (self.close, self.last_slot, self.last_seq) = (price_yes, slot, seq);
        }
        self.high = self.high.max(price_yes);
        self.low = self.low.min(price_yes);
        self.low_seq = self.low_seq.min(seq);
        self.volume += i128::from(volume);
        self.trades += 1;
    }
}

/// The candles of a batch.
#[derive(Debug, Default)]
pub struct Candles(BTreeMap<(AccountAddress, i32, i64), CandleRow>);

impl Candles {
    /// Adds an entry of a stream; what is no trade adds nothing.
    pub fn add(&mut self, stream: AccountAddress, name: &str, epoch: Epoch, entry: &Entry) {
        let Some(trade) = CandleTrade::of(entry) else { return };
        for step in STEPS {
            let at = trade.block_time_unix;
            let bucket = at - at.rem_euclid(i64::from(step));
            match self.0.entry((stream, step, bucket)) {
                Place::Vacant(place) => drop(place.insert(CandleRow::begin(name, epoch, step, bucket, trade))),
                Place::Occupied(mut place) => place.get_mut().add(trade),
            }
        }
    }

    /// In the order of their keys.
    pub fn into_rows(self) -> impl Iterator<Item = CandleRow> {
        self.0.into_values()
    }
}

/// Behind an `INSERT` of [`CandleRow`]s: where there is a candle already, the trades join it.
pub const JOIN: &str = "
    ON CONFLICT (market, step, bucket_unix) DO UPDATE SET
        open = CASE WHEN (excluded.first_slot, excluded.first_seq) < (candles.first_slot, candles.first_seq)
                    THEN excluded.open ELSE candles.open END,
        high = greatest(candles.high, excluded.high),
        low = least(candles.low, excluded.low),
        close = CASE WHEN (excluded.last_slot, excluded.last_seq) > (candles.last_slot, candles.last_seq)
                     THEN excluded.close ELSE candles.close END,
        first_slot = CASE WHEN (excluded.first_slot, excluded.first_seq) < (candles.first_slot, candles.first_seq)
            THEN excluded.first_slot ELSE candles.first_slot END,
        first_seq = CASE WHEN (excluded.first_slot, excluded.first_seq) < (candles.first_slot, candles.first_seq)
            THEN excluded.first_seq ELSE candles.first_seq END,
        last_slot = CASE WHEN (excluded.last_slot, excluded.last_seq) > (candles.last_slot, candles.last_seq)
            THEN excluded.last_slot ELSE candles.last_slot END,
        last_seq = CASE WHEN (excluded.last_slot, excluded.last_seq) > (candles.last_slot, candles.last_seq)
            THEN excluded.last_seq ELSE candles.last_seq END,
        low_epoch = CASE WHEN (excluded.low_epoch, excluded.low_seq) < (candles.low_epoch, candles.low_seq)
            THEN excluded.low_epoch ELSE candles.low_epoch END,
        low_seq = CASE WHEN (excluded.low_epoch, excluded.low_seq) < (candles.low_epoch, candles.low_seq)
            THEN excluded.low_seq ELSE candles.low_seq END,
        volume = candles.volume + excluded.volume,
        trades = candles.trades + excluded.trades";

/// Makes the candles anew from which trades were taken back: those are orphaned already. `named` are the parameters of
/// `sql_of_named`: a relation `named (stream, epoch, seq)`.
pub(super) async fn make_anew(
    tx: &Transaction<'_>,
    sql_of_named: &str,
    named: &[&(dyn ToSql + Sync)],
) -> Result<(), CommitFailure> {
    let remove = format!(
        "DELETE FROM candles c USING (
             SELECT DISTINCT t.market, steps.step,
                    t.block_time_unix - mod(mod(t.block_time_unix, steps.step) + steps.step, steps.step) AS bucket_unix
             FROM {sql_of_named}
             JOIN trades t ON t.market = named.stream AND t.epoch = named.epoch AND t.seq = named.seq
             CROSS JOIN (VALUES (60), (3600)) AS steps (step)
         ) hit
         WHERE c.market = hit.market AND c.step = hit.step AND c.bucket_unix = hit.bucket_unix
         RETURNING c.market, c.step, c.bucket_unix, c.low_epoch, c.low_seq"
    );
    let removed = tx.query(&remove, named).await.map_err(sort)?;
    if removed.is_empty() {
        return Ok(());
    }
    let markets: Vec<String> = removed.iter().map(|row| row.get(0)).collect();
    let steps: Vec<i32> = removed.iter().map(|row| row.get(1)).collect();
    let buckets: Vec<i64> = removed.iter().map(|row| row.get(2)).collect();
    let epochs: Vec<i32> = removed.iter().map(|row| row.get(3)).collect();
    let seqs: Vec<i64> = removed.iter().map(|row| row.get(4)).collect();
    const MAKE: &str = "
        INSERT INTO candles
        SELECT t.market, hit.step, hit.bucket_unix,
               (array_agg(t.price_yes ORDER BY t.slot, t.seq))[1], max(t.price_yes), min(t.price_yes),
               (array_agg(t.price_yes ORDER BY t.slot DESC, t.seq DESC))[1],
               min(t.slot), (array_agg(t.seq ORDER BY t.slot, t.seq))[1],
               max(t.slot), (array_agg(t.seq ORDER BY t.slot DESC, t.seq DESC))[1],
               (array_agg(t.epoch ORDER BY t.epoch, t.seq))[1], (array_agg(t.seq ORDER BY t.epoch, t.seq))[1],
               sum(CASE t.trade_type WHEN 'buy' THEN t.cost ELSE t.amount_before_fees END), count(*)
        FROM unnest($1::text[], $2::int[], $3::bigint[], $4::int[], $5::bigint[])
             AS hit (market, step, bucket_unix, low_epoch, low_seq)
        JOIN trades t ON t.market = hit.market AND (t.epoch, t.seq) >= (hit.low_epoch, hit.low_seq)
             AND t.block_time_unix >= hit.bucket_unix AND t.block_time_unix < hit.bucket_unix + hit.step
             AND NOT t.orphaned
        GROUP BY t.market, hit.step, hit.bucket_unix";
    tx.execute(MAKE, &[&markets, &steps, &buckets, &epochs, &seqs]).await.map_err(sort)?;
    Ok(())
}
