//! What a subscription to a channel over many markets begins with.
//!
//! Owns the questions and their bounds. What is read holds everything up to the head at which it was asked for; it may hold
//! more. Many who subscribe at once share one reading.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{
        amount::Lamports,
        counted::Counted,
        ids::{Seq, Slot},
        phase::Phase,
    },
    http::pool::{PoolFailure, ReadPool},
    journal::{
        read::{
            ReadFailure, latest,
            listing::{self, MarketQuery, MarketSort},
        },
        rights::{self, Access, Acting},
        rows::BadRow,
    },
    telemetry::health::Health,
    view::{
        market::{MarketDetail, MarketNow},
        trade::{TradeStatus, TradeView},
    },
};

/// Trades that a subscription to `trades` begins with.
pub const TRADES: u32 = 50;
/// Markets that a subscription to `markets` begins with.
pub const MARKETS: u32 = 50;

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
pub async fn read(pool: &ReadPool, health: &Health, channel: Counted) -> Result<Arc<ManySnapshot>, SnapshotFailure> {
    let snapshot = match channel {
        Counted::Trades => ManySnapshot::Trades { trades: trades(pool).await? },
        Counted::Markets => ManySnapshot::Markets { markets: markets(pool, health).await? },
    };
    Ok(Arc::new(snapshot))
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
    let query = MarketQuery {
        phases: vec![Phase::Active],
        category: None,
        creator: None,
        search: None,
        ending_before_unix: None,
        sort: MarketSort::CreatedAt,
        descending: true,
    };
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
