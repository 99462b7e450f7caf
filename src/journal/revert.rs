//! Taking back: what a roll-back entry changes in the rows of the entries that it names, in the same transaction.
//!
//! No row of the journal is deleted or changed. Events and trades are marked orphaned; what the entries moved in positions
//! is subtracted, and the wallet's newest trade looked up among those that are left. A position without anything left is
//! removed: on the chain its account vanished with the trade that made it. Candles are made anew from the trades that stand.

use std::collections::BTreeMap;

use deadpool_postgres::Transaction;
use serde::Serialize;
use tokio_postgres::types::Json;

use super::{
    candles,
    write::{CommitFailure, StreamAppend, sort},
};
use crate::domain::{entry::EntryBody, ids::Wallet, position::PositionDelta};

/// What is taken back from a row of `positions`.
#[derive(Debug, Serialize)]
struct TakenBack {
    market: String,
    wallet: Wallet,
    shares_yes: i128,
    shares_no: i128,
    total_invested: u64,
    trades_count: u32,
    claimed: bool,
    /// The first of its entries that is taken back.
    from_epoch: i64,
    from_seq: i64,
}

/// What the entries of a position moved together, and the first of them.
struct Moved {
    first: (i64, i64),
    delta: PositionDelta,
}

/// The entries that a batch's roll-backs name.
#[derive(Default)]
struct Named {
    streams: Vec<String>,
    epochs: Vec<i64>,
    seqs: Vec<i64>,
}

impl Named {
    fn by(appends: &[StreamAppend]) -> Self {
        let mut named = Self::default();
        for append in appends {
            for seq in append.entries.iter().flat_map(|entry| entry.body.reverted()) {
                named.streams.push(append.stream.to_string());
                named.epochs.push(i64::from(append.epoch.0));
                named.seqs.push(seq.0 as i64);
            }
        }
        named
    }
}

/// An entry of an earlier life may be named in a later one: its number says which it is.
const NAMED: &str = "(SELECT j.stream::text, j.epoch, j.seq
     FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS given (stream, epoch, seq)
     JOIN journal_epochs e ON e.epoch <= given.epoch
     JOIN journal j ON j.stream = given.stream AND j.epoch = e.epoch AND j.seq = given.seq) AS named (stream, epoch, seq)";

/// Takes back what the roll-backs among these entries name; nothing where there is none.
pub(super) async fn take_back(tx: &Transaction<'_>, appends: &[StreamAppend]) -> Result<(), CommitFailure> {
    let named = Named::by(appends);
    if named.seqs.is_empty() {
        return Ok(());
    }
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&named.streams, &named.epochs, &named.seqs];
    for (table, stream) in [("chain_events", "stream"), ("trades", "market")] {
        let sql = format!(
            "UPDATE {table} t SET orphaned = true FROM {NAMED}
             WHERE t.{stream} = named.stream AND t.epoch = named.epoch AND t.seq = named.seq"
        );
        tx.execute(&sql, &values).await.map_err(sort)?;
    }
    candles::make_anew(tx, NAMED, &values).await?;
    let sql = format!(
        "SELECT named.stream, j.payload, named.epoch, named.seq FROM {NAMED}
         JOIN journal j ON j.stream = named.stream AND j.epoch = named.epoch AND j.seq = named.seq
         ORDER BY named.stream, named.epoch, named.seq"
    );
    let mut moved: BTreeMap<(String, Wallet), Moved> = BTreeMap::new();
    for row in tx.query(&sql, &values).await.map_err(sort)? {
        let payload: Json<EntryBody> =
            row.try_get(1).map_err(|error| CommitFailure::Refused(format!("an entry that is taken back: {error}")))?;
        if let Some((wallet, delta)) = PositionDelta::of(&payload.0) {
            let first = (i64::from(row.get::<_, i32>(2)), row.get(3));
            let nothing = || Moved { first, delta: PositionDelta::default() };
            moved.entry((row.get(0), wallet)).or_insert_with(nothing).delta.merge(delta);
        }
    }
    take_back_positions(tx, moved).await
}

async fn take_back_positions(
    tx: &Transaction<'_>,
    moved: BTreeMap<(String, Wallet), Moved>,
) -> Result<(), CommitFailure> {
    if moved.is_empty() {
        return Ok(());
    }
    let back: Vec<TakenBack> = moved
        .into_iter()
        .map(|((market, wallet), Moved { first, delta })| TakenBack {
            market,
            wallet,
            shares_yes: delta.shares_yes,
            shares_no: delta.shares_no,
            total_invested: delta.invested.0,
            trades_count: delta.trades,
            claimed: delta.claimed.is_some(),
            from_epoch: first.0,
            from_seq: first.1,
        })
        .collect();
    let back = Json(&back);
    // Bounded on both sides: where history is gone, a position is not known until it is read from the chain.
    const SUBTRACT: &str = "
        UPDATE positions p SET
            shares_yes = least(greatest(p.shares_yes - b.shares_yes, 0), 18446744073709551615),
            shares_no = least(greatest(p.shares_no - b.shares_no, 0), 18446744073709551615),
            total_invested = greatest(p.total_invested - b.total_invested, 0),
            trades_count = greatest(p.trades_count - b.trades_count, 0),
            has_claimed = p.has_claimed AND NOT b.claimed,
            claimed_amount = CASE WHEN b.claimed THEN 0 ELSE p.claimed_amount END,
            claimed_at_unix = CASE WHEN b.claimed THEN NULL ELSE p.claimed_at_unix END,
            last_trade_at_unix = coalesce((
                SELECT newest.at FROM (
                    (SELECT t.epoch, t.seq, t.block_time_unix AS at FROM trades t
                     WHERE t.user_wallet = p.wallet AND t.market = p.market AND NOT t.orphaned
                     ORDER BY t.epoch DESC, t.seq DESC LIMIT 1)
                    UNION ALL
                    (SELECT j.epoch, j.seq, e.block_time_unix FROM journal j JOIN chain_events e USING (stream, epoch, seq)
                     WHERE j.stream = p.market AND j.kind = 'contained' AND e.event = 'SharesSold' AND NOT e.orphaned
                       AND j.payload -> 'event' ->> 'user' = p.wallet
                     ORDER BY j.epoch DESC, j.seq DESC LIMIT 1)
                ) newest ORDER BY newest.epoch DESC, newest.seq DESC LIMIT 1), 0)
        FROM jsonb_to_recordset($1) AS b (market text, wallet text, shares_yes numeric, shares_no numeric,
             total_invested numeric, trades_count bigint, claimed boolean)
        WHERE p.market = b.market AND p.wallet = b.wallet";
    tx.execute(SUBTRACT, &[&back]).await.map_err(sort)?;
    const REMOVE: &str = "
        WITH gone AS (
            DELETE FROM positions p USING jsonb_to_recordset($1) AS b (market text, wallet text)
            WHERE p.market = b.market AND p.wallet = b.wallet
              AND p.trades_count = 0 AND NOT p.has_claimed AND p.shares_yes = 0 AND p.shares_no = 0
            RETURNING p.market
        ), counted AS (SELECT market, count(*) AS traders FROM gone GROUP BY market)
        UPDATE markets SET traders_count = greatest(traders_count - counted.traders, 0)
        FROM counted WHERE markets.address = counted.market";
    tx.execute(REMOVE, &[&back]).await.map_err(sort)?;
    // The keeper of ledgers folds each from the first of these entries on again.
    const NOTE: &str = "
        INSERT INTO position_changes (market, wallet, from_epoch, from_seq)
        SELECT market, wallet, from_epoch, from_seq
        FROM jsonb_to_recordset($1) AS b (market text, wallet text, from_epoch integer, from_seq bigint)";
    tx.execute(NOTE, &[&back]).await.map_err(sort)?;
    Ok(())
}
