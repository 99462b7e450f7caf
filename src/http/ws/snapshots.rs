//! What a subscription to a channel over many markets, or to a wallet's, begins with.
//!
//! Owns the questions and their bounds. What is read holds everything up to the head at which it was asked for; it may hold
//! more. Many who subscribe at once share one reading.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{
        amount::{Lamports, PriceE9, ShareUnits},
        counted::Counted,
        ids::{MarketAddress, Seq, Slot, Wallet},
        phase::Phase,
    },
    http::{
        auth::caller::Caller,
        pool::{PoolFailure, ReadPool},
    },
    journal::{
        read::{
            ReadFailure, latest,
            listing::{self, MarketQuery, MarketSort},
            wallets,
        },
        rights::{self, Access, Acting},
        rows::BadRow,
        submissions,
    },
    telemetry::health::Health,
    view::{
        channel::Channel,
        market::{MarketDetail, MarketNow},
        order::{HoldingView, SubmissionView},
        trade::{TradeStatus, TradeView},
    },
};

/// Trades that a subscription to `trades` begins with.
pub const TRADES: u32 = 50;
/// Markets that a subscription to `markets` begins with.
pub const MARKETS: u32 = 50;
/// Prices that a subscription to `ticker` begins with.
pub const PRICES: u32 = 100;
/// Transactions on their way that a subscription to a wallet begins with: as many as it may have.
pub const ORDERS: u32 = 64;
/// Positions that it begins with.
pub const POSITIONS: u32 = 100;

/// See the module.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ManySnapshot {
    /// Of `trades`: the newest, newest first.
    Trades {
        /// As in REST.
        trades: Vec<TradeView>,
    },
    /// Of `markets`: the first page of active ones, newest first.
    Markets {
        /// As in REST.
        markets: Vec<MarketDetail>,
    },
    /// Of `ticker`: of the markets that are traded most in 24 hours.
    Ticker {
        /// The highest volume first.
        prices: Vec<TickerView>,
    },
    /// Of a wallet.
    Wallet {
        /// Transactions that are on their way, newest first.
        orders: Vec<SubmissionView>,
        /// In the order of markets' addresses; the first of them, REST has all.
        positions: Vec<HoldingView>,
    },
}

/// A market's price now.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of `price_update`
pub struct TickerView {
    pub market_id: MarketAddress,
    pub market_seq: Seq,
    pub price_yes: PriceE9,
    pub price_no: PriceE9,
    pub shares_yes: ShareUnits,
    pub shares_no: ShareUnits,
}

/// It can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFailure {
    /// No connection.
    #[error(transparent)]
    Pool(#[from] PoolFailure),
    /// No answer, or one that is not what the schema promises.
    #[error(transparent)]
    Read(#[from] ReadFailure),
}

impl From<BadRow> for SnapshotFailure {
    fn from(bad: BadRow) -> Self {
        Self::Read(bad.into())
    }
}

/// The state of a channel now.
///
/// # Errors
/// [`SnapshotFailure`].
pub async fn read(pool: &ReadPool, health: &Health, channel: Channel) -> Result<Arc<ManySnapshot>, SnapshotFailure> {
    let snapshot = match channel {
        Channel::Counted(Counted::Trades) => ManySnapshot::Trades { trades: trades(pool).await? },
        Channel::Counted(Counted::Markets) => ManySnapshot::Markets { markets: markets(pool, health).await? },
        Channel::Ticker | Channel::Wallet(_) | Channel::Market(_) | Channel::Config(_) => {
            ManySnapshot::Ticker { prices: prices(pool).await? }
        }
    };
    Ok(Arc::new(snapshot))
}

/// What a wallet has on its way and holds, for itself.
///
/// # Errors
/// [`SnapshotFailure`].
pub async fn of_wallet(pool: &ReadPool, wallet: Wallet, caller: &Caller) -> Result<Arc<ManySnapshot>, SnapshotFailure> {
    let mut client = pool.get().await?;
    let asked = async |tx: &deadpool_postgres::Transaction<'_>| {
        let orders = submissions::open_of_wallet(&**tx, wallet, ORDERS).await?;
        Ok::<_, ReadFailure>((orders, wallets::positions(tx, wallet, None, 0, POSITIONS).await?))
    };
    let (orders, positions) = rights::run(&mut client, caller.into(), Access::Read, asked).await?;
    Ok(Arc::new(ManySnapshot::Wallet {
        orders: orders.iter().map(SubmissionView::from).collect(),
        positions: positions.iter().map(|found| HoldingView::from(&found.position)).collect(),
    }))
}

async fn prices(pool: &ReadPool) -> Result<Vec<TickerView>, SnapshotFailure> {
    let query = MarketQuery { phases: Vec::new(), sort: MarketSort::Volume24h, ..active_markets() };
    let mut client = pool.get().await?;
    let asked = async |tx: &deadpool_postgres::Transaction<'_>| listing::markets(tx, &query, None, 0, PRICES).await;
    let rows = rights::run(&mut client, Acting::Anyone, Access::Read, asked).await?;
    let price = |listed: &listing::Listed| {
        let (market, market_seq) = (listed.row.market()?, Seq(listed.row.last_seq));
        Ok(market.price_yes.map(|price_yes| TickerView {
            market_id: market.address,
            market_seq,
            price_yes,
            price_no: price_yes.complement(),
            shares_yes: market.shares_yes,
            shares_no: market.shares_no,
        }))
    };
    let prices = rows.iter().map(price).collect::<Result<Vec<_>, BadRow>>()?;
    Ok(prices.into_iter().flatten().collect())
}

fn active_markets() -> MarketQuery {
    MarketQuery {
        phases: vec![Phase::Active],
        category: None,
        creator: None,
        search: None,
        ending_before_unix: None,
        sort: MarketSort::CreatedAt,
        descending: true,
    }
}

async fn trades(pool: &ReadPool) -> Result<Vec<TradeView>, SnapshotFailure> {
    let mut client = pool.get().await?;
    let asked = async |tx: &deadpool_postgres::Transaction<'_>| latest::trades(tx, TRADES).await;
    let found = rights::run(&mut client, Acting::Anyone, Access::Read, asked).await?;
    let view = |found: &latest::LatestTrade| {
        let status = if found.finalized { TradeStatus::Finalized } else { TradeStatus::Confirmed };
        TradeView::of_row(&found.trade.row, status, found.trade.contained)
    };
    Ok(found.iter().map(view).collect::<Result<_, _>>()?)
}

async fn markets(pool: &ReadPool, health: &Health) -> Result<Vec<MarketDetail>, SnapshotFailure> {
    let query = active_markets();
    let mut client = pool.get().await?;
    let asked = async |tx: &deadpool_postgres::Transaction<'_>| listing::markets(tx, &query, None, 0, MARKETS).await;
    let rows = rights::run(&mut client, Acting::Anyone, Access::Read, asked).await?;
    let show = |listed: &listing::Listed| {
        let market = listed.row.market()?;
        let now = MarketNow {
            // Of markets that are being resolved only.
            dispute_period_seconds: None,
            is_stale: health.why_stale(market.address.account()).is_some(),
            volume_24h: listed.figures.map(|figures| Lamports(figures.volume_24h)),
            traders_count: Some(listed.row.traders_count),
        };
        let detail = MarketDetail::new(&market, Seq(listed.row.last_seq), Slot(listed.row.slot_high), now);
        Ok(detail.with_metadata(listed.row.metadata.as_ref()))
    };
    Ok(rows.iter().map(show).collect::<Result<_, BadRow>>()?)
}
