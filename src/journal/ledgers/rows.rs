//! The rows that a piece of work writes, and the statements that write them.
//!
//! Rows go as one JSON array a table: its numbers are exact, whatever their size. Sums are added to, never set, so that
//! what a piece of work says is only what it changes.

use std::collections::BTreeMap;

use deadpool_postgres::Transaction;
use serde::Serialize;
use tokio_postgres::types::Json;

use super::{super::JournalError, Key};
use crate::domain::ledger::{LedgerHour, UnixHour};

/// A row of `position_hours`.
#[derive(Debug, Serialize)]
#[allow(missing_docs)] // the names are the table's own
pub struct HourRow {
    pub market: String,
    pub wallet: String,
    pub hour: i64,
    pub trades: u64,
    pub volume: u128,
    pub realised: i128,
    pub last_epoch: u32,
    pub last_seq: u64,
    pub shares_yes: u64,
    pub cost_yes: u64,
    pub shares_no: u64,
    pub cost_no: u64,
    pub realised_so_far: i128,
}

impl HourRow {
    /// Of a position.
    pub fn of(key: &Key, hour: &LedgerHour) -> Self {
        Self {
            market: key.0.clone(),
            wallet: key.1.clone(),
            hour: hour.hour.0,
            trades: hour.trades,
            volume: hour.volume,
            realised: hour.realised.0,
            last_epoch: hour.last.0.0,
            last_seq: hour.last.1.0,
            shares_yes: hour.ledger.yes.shares.0,
            cost_yes: hour.ledger.yes.cost.0,
            shares_no: hour.ledger.no.shares.0,
            cost_no: hour.ledger.no.cost.0,
            realised_so_far: hour.ledger.realised.0,
        }
    }
}

/// A row of `position_ledgers`.
#[derive(Debug, Serialize)]
#[allow(missing_docs)] // the names are the table's own
pub struct LedgerRow {
    pub market: String,
    pub wallet: String,
    pub last_hour: i64,
    pub cost_yes: u64,
    pub cost_no: u64,
    pub realised: i128,
    pub verdict_hour: Option<i64>,
    pub verdict_realised: i128,
    pub was_right: Option<bool>,
    pub claim_hour: Option<i64>,
    pub claim_realised: i128,
}

/// What happened to a wallet in an hour, or the difference of two such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)] // the names are the table's own
pub struct Tally {
    pub trades: i128,
    pub volume: i128,
    pub realised: i128,
    pub decided: i128,
    pub correct: i128,
}

impl Tally {
    /// What an hour of a position says.
    pub fn of_hour(hour: &LedgerHour) -> Self {
        Self {
            trades: i128::from(hour.trades),
            volume: i128::try_from(hour.volume).unwrap_or(i128::MAX),
            realised: hour.realised.0,
            ..Self::default()
        }
    }

    fn plus(self, other: Self, sign: i128) -> Self {
        Self {
            trades: self.trades + sign * other.trades,
            volume: self.volume + sign * other.volume,
            realised: self.realised + sign * other.realised,
            decided: self.decided + sign * other.decided,
            correct: self.correct + sign * other.correct,
        }
    }
}

/// What a piece of work adds to wallets.
#[derive(Debug, Default)]
pub struct Tallies {
    /// To their hours.
    pub hours: BTreeMap<(String, UnixHour), Tally>,
    /// To the number of markets that they traded in.
    pub markets: BTreeMap<String, i64>,
}

impl Tallies {
    /// Said now.
    pub fn add(&mut self, wallet: &str, hour: UnixHour, tally: Tally) {
        self.put(wallet, hour, tally, 1);
    }

    /// Said before.
    pub fn subtract(&mut self, wallet: &str, hour: UnixHour, tally: Tally) {
        self.put(wallet, hour, tally, -1);
    }

    fn put(&mut self, wallet: &str, hour: UnixHour, tally: Tally, sign: i128) {
        let sum = self.hours.entry((wallet.to_owned(), hour)).or_default();
        *sum = sum.plus(tally, sign);
    }

    /// Markets that a wallet has begun, or (below zero) never did begin.
    pub fn markets(&mut self, wallet: &str, count: i64) {
        *self.markets.entry(wallet.to_owned()).or_default() += count;
    }
}

/// Writes hours, over what is there.
pub async fn put_hours(tx: &Transaction<'_>, rows: &[HourRow]) -> Result<(), JournalError> {
    const SQL: &str = "
        INSERT INTO position_hours SELECT * FROM jsonb_populate_recordset(NULL::position_hours, $1)
        ON CONFLICT (market, wallet, hour) DO UPDATE SET
            trades = excluded.trades, volume = excluded.volume, realised = excluded.realised,
            last_epoch = excluded.last_epoch, last_seq = excluded.last_seq, shares_yes = excluded.shares_yes,
            cost_yes = excluded.cost_yes, shares_no = excluded.shares_no, cost_no = excluded.cost_no,
            realised_so_far = excluded.realised_so_far";
    put(tx, SQL, rows).await
}

/// Writes ledgers, over what is there.
pub async fn put_ledgers(tx: &Transaction<'_>, rows: &[LedgerRow]) -> Result<(), JournalError> {
    const SQL: &str = "
        INSERT INTO position_ledgers SELECT * FROM jsonb_populate_recordset(NULL::position_ledgers, $1)
        ON CONFLICT (market, wallet) DO UPDATE SET
            last_hour = excluded.last_hour, cost_yes = excluded.cost_yes, cost_no = excluded.cost_no,
            realised = excluded.realised, verdict_hour = excluded.verdict_hour,
            verdict_realised = excluded.verdict_realised, was_right = excluded.was_right,
            claim_hour = excluded.claim_hour, claim_realised = excluded.claim_realised";
    put(tx, SQL, rows).await
}

async fn put<T: Serialize + std::fmt::Debug + Sync>(
    tx: &Transaction<'_>,
    sql: &str,
    rows: &[T],
) -> Result<(), JournalError> {
    if !rows.is_empty() {
        let statement = tx.prepare_cached(sql).await?;
        tx.execute(&statement, &[&Json(rows)]).await?;
    }
    Ok(())
}

/// Removes the ledgers of positions that have no trade any more; their hours went with the trades.
pub async fn remove_ledgers(tx: &Transaction<'_>, gone: &[Key]) -> Result<(), JournalError> {
    const SQL: &str = "
        DELETE FROM position_ledgers l USING unnest($1::text[], $2::text[]) AS k (market, wallet)
        WHERE l.market = k.market AND l.wallet = k.wallet";
    if !gone.is_empty() {
        let (markets, wallets): (Vec<&str>, Vec<&str>) =
            gone.iter().map(|(market, wallet)| (market.as_str(), wallet.as_str())).unzip();
        tx.execute(SQL, &[&markets, &wallets]).await?;
    }
    Ok(())
}

#[derive(Debug, Serialize)]
struct WalletHour<'a> {
    wallet: &'a str,
    hour: i64,
    trades: i128,
    volume: i128,
    realised: i128,
    decided: i128,
    correct: i128,
}

/// Adds to wallets' hours and to each window that an hour is in; what has come to nothing is removed.
pub async fn add_to_wallets(
    tx: &Transaction<'_>,
    hours: BTreeMap<(String, UnixHour), Tally>,
    markets: BTreeMap<String, i64>,
) -> Result<(), JournalError> {
    let changed: Vec<WalletHour<'_>> = hours
        .iter()
        .filter(|(_, tally)| **tally != Tally::default())
        .map(|((wallet, hour), tally)| WalletHour {
            wallet,
            hour: hour.0,
            trades: tally.trades,
            volume: tally.volume,
            realised: tally.realised,
            decided: tally.decided,
            correct: tally.correct,
        })
        .collect();
    if !changed.is_empty() {
        let changed = Json(&changed);
        for sql in [ADD_HOURS, REMOVE_HOURS, ADD_WINDOWS, REMOVE_WINDOWS] {
            let statement = tx.prepare_cached(sql).await?;
            tx.execute(&statement, &[&changed]).await?;
        }
    }
    let (wallets, counts): (Vec<&str>, Vec<i64>) =
        markets.iter().filter(|(_, count)| **count != 0).map(|(wallet, count)| (wallet.as_str(), *count)).unzip();
    if !wallets.is_empty() {
        let statement = tx.prepare_cached(ADD_MARKETS).await?;
        tx.execute(&statement, &[&wallets, &counts]).await?;
    }
    Ok(())
}

macro_rules! over_hours {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " jsonb_to_recordset($1) AS d (wallet text, hour bigint, trades bigint, volume numeric, realised numeric,
                                          decided bigint, correct bigint) ",
            $after
        )
    };
}

const ADD_HOURS: &str = over_hours!(
    "INSERT INTO wallet_hours AS w (wallet, hour, trades, volume, realised, decided, correct)
     SELECT wallet, hour, trades, volume, realised, decided, correct FROM",
    "ON CONFLICT (wallet, hour) DO UPDATE SET trades = w.trades + excluded.trades, volume = w.volume + excluded.volume,
         realised = w.realised + excluded.realised, decided = w.decided + excluded.decided,
         correct = w.correct + excluded.correct"
);

const REMOVE_HOURS: &str = over_hours!(
    "DELETE FROM wallet_hours w USING",
    "WHERE w.wallet = d.wallet AND w.hour = d.hour
       AND w.trades = 0 AND w.volume = 0 AND w.realised = 0 AND w.decided = 0"
);

const ADD_WINDOWS: &str = over_hours!(
    "INSERT INTO leaderboard AS l (period, wallet, trades, volume, realised, decided, correct)
     SELECT p.name, d.wallet, sum(d.trades), sum(d.volume), sum(d.realised), sum(d.decided), sum(d.correct) FROM",
    "JOIN leaderboard_windows p ON d.hour >= p.from_hour
     GROUP BY p.name, d.wallet
     ON CONFLICT (period, wallet) DO UPDATE SET trades = l.trades + excluded.trades, volume = l.volume + excluded.volume,
         realised = l.realised + excluded.realised, decided = l.decided + excluded.decided,
         correct = l.correct + excluded.correct"
);

const REMOVE_WINDOWS: &str = over_hours!(
    "DELETE FROM leaderboard l USING",
    "WHERE l.wallet = d.wallet AND l.period IN (SELECT name FROM leaderboard_windows)
       AND l.trades = 0 AND l.volume = 0 AND l.realised = 0 AND l.decided = 0"
);

const ADD_MARKETS: &str = "
    INSERT INTO wallet_totals AS w (wallet, markets_traded) SELECT * FROM unnest($1::text[], $2::bigint[])
    ON CONFLICT (wallet) DO UPDATE SET markets_traded = w.markets_traded + excluded.markets_traded";
