//! Appending: one transaction a batch, all or nothing.
//!
//! Every stream's row moves its `last_seq` from exactly the entry before the append, in the same transaction that inserts
//! the entries: a failed, doubled or overtaken append can neither leave a hole nor write twice. What follows from an
//! entry (event, trade, position) is written with it and nowhere else. Statements go in one fixed order and their rows in
//! key order.
//!
//! What went wrong is sorted into what the writer can do about it ([`CommitFailure`]); what to do is the writer's.

use std::collections::BTreeMap;

use deadpool_postgres::{Client, Pool, Transaction};
use serde::Serialize;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::{
    JournalError, revert,
    rows::{ChainEventRow, ConfigRow, JournalRow, MarketRow, PositionDeltaRow, TradeRow, kind, timestamp},
};
use crate::domain::{
    entry::Entry,
    ids::{AccountAddress, Epoch, Seq, Slot, Wallet},
    position::PositionDelta,
};

/// The row of a stream as it is after an append.
#[derive(Debug, Clone)]
pub enum HeadRow {
    /// Of a market.
    Market(Box<MarketRow>),
    /// Of the config.
    Config(Box<ConfigRow>),
}

/// Entries of one stream, in order, and the row that they lead to. Without entries, only the row's finalized point moves.
#[derive(Debug, Clone)]
pub struct StreamAppend {
    /// The stream.
    pub stream: AccountAddress,
    /// The journal's life.
    pub epoch: Epoch,
    /// The number of the first entry: the row must stand right before it.
    pub first_seq: Seq,
    /// The entries.
    pub entries: Vec<Entry>,
    /// The stream's highest slot before the first entry.
    pub slot_high_before: Slot,
    /// The row after the last entry.
    pub row: HeadRow,
}

/// What went wrong with a batch, by what can be done.
#[derive(Debug, thiserror::Error)]
pub enum CommitFailure {
    /// Nothing of it was written; the same batch may be sent again.
    #[error("not written: {0}")]
    Again(JournalError),
    /// The answer of COMMIT was lost: look the batch up before anything is sent again.
    #[error("no answer to COMMIT: {0}")]
    Unknown(JournalError),
    /// Nothing of it was written, and the same batch will be refused again: it breaks a rule of the database.
    #[error("refused: {0}")]
    Refused(String),
    /// Nothing of it was written: the database does not know this life of the writer, or not at this batch. A new life
    /// has to begin.
    #[error("this life of the writer is over")]
    LifeOver,
    /// Nothing of it was written: a row does not stand where its append begins. Somebody else has written.
    #[error("overtaken: {0}")]
    Overtaken(String),
}

/// A life of the writer, as the database knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterLife {
    /// Its row in `journal_writers`.
    pub instance: Uuid,
}

impl WriterLife {
    /// Begins a life: waits until no transaction of an earlier one is open, so that what is read from now on is settled.
    ///
    /// # Errors
    /// [`JournalError`]: try again.
    pub async fn begin(pool: &Pool) -> Result<Self, JournalError> {
        let mut client = pool.get().await?;
        let transaction = client.transaction().await?;
        transaction.query("SELECT instance FROM journal_writers ORDER BY instance FOR UPDATE", &[]).await?;
        // A life that is forgotten while it still lives ends at its next batch, and begins again.
        transaction.execute("DELETE FROM journal_writers WHERE active_at < now() - interval '7 days'", &[]).await?;
        let instance = Uuid::now_v7();
        transaction.execute("INSERT INTO journal_writers (instance, last_batch) VALUES ($1, 0)", &[&instance]).await?;
        transaction.commit().await?;
        Ok(Self { instance })
    }

    /// Was this batch committed? Waits for a transaction that is still open on the server.
    ///
    /// # Errors
    /// [`JournalError`]: ask again.
    pub async fn was_committed(&self, pool: &Pool, batch: i64) -> Result<bool, JournalError> {
        let client = pool.get().await?;
        let row = client
            .query_opt("SELECT last_batch FROM journal_writers WHERE instance = $1 FOR UPDATE", &[&self.instance])
            .await?;
        // A life that was forgotten had been idle: it has not committed just now.
        Ok(row.is_some_and(|row| row.get::<_, i64>(0) >= batch))
    }

    /// Writes a batch in one transaction. `batch` is one more than the last that was committed in this life.
    ///
    /// # Errors
    /// [`CommitFailure`].
    pub async fn commit(&self, pool: &Pool, batch: i64, appends: &[StreamAppend]) -> Result<(), CommitFailure> {
        let mut client = pool.get().await.map_err(|error| CommitFailure::Again(error.into()))?;
        let transaction = client.transaction().await.map_err(sort)?;
        let written = self.write(&transaction, batch, appends).await;
        if let Err(failure) = written {
            // Dropping a transaction rolls it back, but without waiting; a connection that is broken is dropped too.
            if transaction.rollback().await.is_err() {
                drop(Client::take(client));
            }
            return Err(failure);
        }
        match transaction.commit().await {
            Ok(()) => Ok(()),
            // The server answered: it refused to commit (a deferred constraint, a serialization failure).
            Err(error) if error.as_db_error().is_some_and(|db| !is_shutdown(db.code().code())) => Err(sort(error)),
            Err(error) => {
                drop(Client::take(client));
                Err(CommitFailure::Unknown(error.into()))
            }
        }
    }

    async fn write(&self, tx: &Transaction<'_>, batch: i64, appends: &[StreamAppend]) -> Result<(), CommitFailure> {
        let moved = tx
            .execute(
                "UPDATE journal_writers SET last_batch = $2::bigint, active_at = now() WHERE instance = $1 AND last_batch = $2::bigint - 1",
                &[&self.instance, &batch],
            )
            .await
            .map_err(sort)?;
        if moved != 1 {
            return Err(CommitFailure::LifeOver);
        }
        Rows::of(appends).write(tx).await?;
        revert::take_back(tx, appends).await
    }
}

/// `57P01` and its like come as the server's answer, but to the connection, not to COMMIT.
fn is_shutdown(sqlstate: &str) -> bool {
    sqlstate.starts_with("57P")
}

/// SQLSTATE 22 (data) and 23 (integrity) will fail again; everything else is the server's or the network's trouble.
pub(super) fn sort(error: tokio_postgres::Error) -> CommitFailure {
    match error.as_db_error() {
        Some(db) if ["22", "23"].iter().any(|class| db.code().code().starts_with(class)) => {
            let place = db.constraint().map(|name| format!(" [{name}]")).unwrap_or_default();
            CommitFailure::Refused(format!("{} ({}){place}", db.message(), db.code().code()))
        }
        _ => CommitFailure::Again(error.into()),
    }
}

/// A stream's row with the place that it must stand at before the append.
#[derive(Debug, Serialize)]
struct Expected<'a, R> {
    expected_last_seq: u64,
    #[serde(flatten)]
    row: &'a R,
}

/// The rows of a batch, table by table.
#[derive(Default)]
struct Rows<'a> {
    markets_new: Vec<&'a MarketRow>,
    markets_moved: Vec<Expected<'a, MarketRow>>,
    configs_new: Vec<&'a ConfigRow>,
    configs_moved: Vec<Expected<'a, ConfigRow>>,
    journal: Vec<JournalRow<'a>>,
    chain_events: Vec<ChainEventRow>,
    trades: Vec<TradeRow>,
    positions: BTreeMap<(String, Wallet), PositionDelta>,
}

impl<'a> Rows<'a> {
    fn of(appends: &'a [StreamAppend]) -> Self {
        let mut rows = Self::default();
        for append in appends {
            let expected_last_seq = append.first_seq.0.saturating_sub(1);
            // A stream's first row is inserted, and only then.
            match &append.row {
                HeadRow::Market(row) if expected_last_seq == 0 => rows.markets_new.push(row),
                HeadRow::Market(row) => rows.markets_moved.push(Expected { expected_last_seq, row }),
                HeadRow::Config(row) if expected_last_seq == 0 => rows.configs_new.push(row),
                HeadRow::Config(row) => rows.configs_moved.push(Expected { expected_last_seq, row }),
            }
            let stream = append.stream.to_string();
            let mut slot_high = append.slot_high_before;
            for entry in &append.entries {
                slot_high = slot_high.max(entry.body.slot());
                rows.journal.push(JournalRow {
                    stream: stream.clone(),
                    epoch: append.epoch.0,
                    seq: entry.seq.0,
                    kind: kind(&entry.body),
                    slot: entry.body.slot().0,
                    slot_high: slot_high.0,
                    recorded_at: timestamp(entry.recorded_at_ms),
                    payload: &entry.body,
                });
                rows.chain_events.extend(ChainEventRow::of(&stream, append.epoch, entry));
                rows.trades.extend(TradeRow::of(&stream, append.epoch, entry));
                if let Some((wallet, delta)) = PositionDelta::of(&entry.body) {
                    rows.positions.entry((stream.clone(), wallet)).or_default().merge(delta);
                }
            }
        }
        rows
    }

    async fn write(&self, tx: &Transaction<'_>) -> Result<(), CommitFailure> {
        self.write_heads(tx).await?;
        insert(tx, "journal", JOURNAL_COLUMNS, &self.journal).await?;
        insert(tx, "chain_events", EVENT_COLUMNS, &self.chain_events).await?;
        insert(tx, "trades", TRADE_COLUMNS, &self.trades).await?;
        self.write_positions(tx).await
    }

    async fn write_heads(&self, tx: &Transaction<'_>) -> Result<(), CommitFailure> {
        begin(tx, "markets", MARKET_COLUMNS, &self.markets_new).await?;
        begin(tx, "program_config", CONFIG_COLUMNS, &self.configs_new).await?;
        advance(tx, "markets", MARKET_COLUMNS, &self.markets_moved).await?;
        advance(tx, "program_config", CONFIG_COLUMNS, &self.configs_moved).await
    }

    async fn write_positions(&self, tx: &Transaction<'_>) -> Result<(), CommitFailure> {
        if self.positions.is_empty() {
            return Ok(());
        }
        let deltas: Vec<PositionDeltaRow> = self
            .positions
            .iter()
            .map(|((market, wallet), delta)| PositionDeltaRow {
                market: market.clone(),
                wallet: *wallet,
                shares_yes: delta.shares_yes,
                shares_no: delta.shares_no,
                total_invested: delta.invested.0,
                trades_count: delta.trades,
                last_trade_at_unix: delta.last_trade_at.map(|at| at.0),
                claimed_amount: delta.claimed.map(|amount| amount.0),
            })
            .collect();
        let deltas = Json(&deltas);
        // New rows first, at zero: a delta may be negative, which no column would take.
        let statement = prepare(
            tx,
            "WITH made AS (
                 INSERT INTO positions (market, wallet, shares_yes, shares_no, total_invested, trades_count,
                                        last_trade_at_unix, has_claimed, claimed_amount)
                 SELECT d.market, d.wallet, 0, 0, 0, 0, 0, false, 0
                 FROM jsonb_to_recordset($1) AS d (market text, wallet text)
                 ORDER BY d.market, d.wallet
                 ON CONFLICT DO NOTHING
                 RETURNING market
             ), counted AS (SELECT market, count(*) AS traders FROM made GROUP BY market)
             UPDATE markets SET traders_count = traders_count + counted.traders
             FROM counted WHERE markets.address = counted.market",
        )
        .await?;
        tx.execute(&statement, &[&deltas]).await.map_err(sort)?;
        // A wallet may sell what it bought in a stretch of history that is gone (the market was adopted from its account):
        // its position is not known until it is read from the chain, and must not keep the market's journal from going on.
        let statement = prepare(
            tx,
            "UPDATE positions p SET
                 shares_yes = greatest(p.shares_yes + d.shares_yes, 0),
                 shares_no = greatest(p.shares_no + d.shares_no, 0),
                 total_invested = p.total_invested + d.total_invested,
                 trades_count = p.trades_count + d.trades_count,
                 last_trade_at_unix = coalesce(d.last_trade_at_unix, p.last_trade_at_unix),
                 has_claimed = p.has_claimed OR d.claimed_amount IS NOT NULL,
                 claimed_amount = coalesce(d.claimed_amount, p.claimed_amount)
             FROM jsonb_to_recordset($1) AS d (market text, wallet text, shares_yes numeric, shares_no numeric,
                  total_invested numeric, trades_count bigint, last_trade_at_unix bigint, claimed_amount numeric)
             WHERE p.market = d.market AND p.wallet = d.wallet",
        )
        .await?;
        let updated = tx.execute(&statement, &[&deltas]).await.map_err(sort)?;
        if updated == deltas.0.len() as u64 {
            return Ok(());
        }
        Err(CommitFailure::Refused(format!("{updated} of {} positions were updated", deltas.0.len())))
    }
}

const JOURNAL_COLUMNS: &str = "stream, epoch, seq, kind, slot, slot_high, recorded_at, payload";
const EVENT_COLUMNS: &str =
    "signature, n, stream, epoch, seq, event, slot, transaction_index, block_time_unix, orphaned";
const TRADE_COLUMNS: &str = "market, epoch, seq, signature, n, user_wallet, trade_type, outcome, shares, cost, \
    amount_before_fees, protocol_fee, resolver_fee, lp_fee, protocol_fee_bps, resolver_fee_bps, lp_fee_bps, \
    price_yes_before, price_yes, slot, block_time_unix, recorded_at, orphaned";
const CONFIG_COLUMNS: &str = "address, epoch, last_seq, slot_high, finalized_seq, finalized_state, state";
/// All but `traders_count`, which the positions keep.
const MARKET_COLUMNS: &str = "address, market_seed, epoch, last_seq, slot_high, finalized_seq, finalized_state, \
    creator_wallet, phase, b_parameter, initial_liquidity, current_liquidity, shares_yes, shares_no, total_volume, \
    created_at_unix, approved_at_unix, activated_at_unix, resolution_proposed_at_unix, resolved_at_unix, \
    finalized_at_unix, cancelled_at_unix, resolver_wallet, proposed_outcome, final_outcome, question_hash, \
    evidence_hash, dispute_initiated_at_unix, dispute_initiator_wallet, accumulated_resolver_fees, \
    accumulated_lp_fees, proposal_likes, proposal_dislikes, proposal_total_votes, dispute_agree, dispute_disagree, \
    dispute_total_votes, was_disputed, lamports, trades_count, price_yes, vanished";

async fn prepare(tx: &Transaction<'_>, sql: &str) -> Result<tokio_postgres::Statement, CommitFailure> {
    tx.prepare_cached(sql).await.map_err(sort)
}

async fn insert<R: Serialize + Sync + std::fmt::Debug>(
    tx: &Transaction<'_>,
    table: &str,
    columns: &str,
    rows: &[R],
) -> Result<(), CommitFailure> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql =
        format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1)");
    let statement = prepare(tx, &sql).await?;
    tx.execute(&statement, &[&Json(rows)]).await.map_err(sort)?;
    Ok(())
}

/// A stream's first row: where there is one already, somebody else has begun the stream.
async fn begin<R: Serialize + Sync + std::fmt::Debug>(
    tx: &Transaction<'_>,
    table: &str,
    columns: &str,
    rows: &[R],
) -> Result<(), CommitFailure> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1)
         ON CONFLICT (address) DO NOTHING"
    );
    let statement = prepare(tx, &sql).await?;
    let made = tx.execute(&statement, &[&Json(rows)]).await.map_err(sort)?;
    if made == rows.len() as u64 {
        return Ok(());
    }
    Err(CommitFailure::Overtaken(format!("{made} of {} streams of {table} were new", rows.len())))
}

async fn advance<R: Serialize + Sync + std::fmt::Debug>(
    tx: &Transaction<'_>,
    table: &str,
    columns: &str,
    rows: &[Expected<'_, R>],
) -> Result<(), CommitFailure> {
    if rows.is_empty() {
        return Ok(());
    }
    let values: Vec<String> = columns.split(',').map(|column| format!("r.{}", column.trim())).collect();
    let sql = format!(
        "UPDATE {table} t SET ({columns}) = ROW({})
         FROM jsonb_array_elements($1) e CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, e) r
         WHERE t.address = r.address AND t.last_seq = (e ->> 'expected_last_seq')::bigint",
        values.join(", ")
    );
    let statement = prepare(tx, &sql).await?;
    let moved = tx.execute(&statement, &[&Json(rows)]).await.map_err(sort)?;
    if moved == rows.len() as u64 {
        return Ok(());
    }
    Err(CommitFailure::Overtaken(format!("{moved} of {} rows of {table} stood right before their append", rows.len())))
}
