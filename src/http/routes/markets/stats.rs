//! GET /api/markets/{market}/stats: what is counted of a market.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::market_of;
use crate::{
    domain::{
        amount::{Lamports, PriceE9},
        ids::{MarketAddress, Seq, Slot},
    },
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        reply,
    },
    journal::read::{
        charts::{self, Window},
        listing,
    },
};

struct ShowStats(MarketRef);

/// Figures of a market; `null`: not counted yet, or nothing was traded.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatsView {
    market_id: MarketAddress,
    price_yes: Option<PriceE9>,
    /// A day ago.
    price_yes_24h_ago: Option<PriceE9>,
    /// Now less a day ago, with nine decimals.
    change_24h: Option<String>,
    high_24h: Option<PriceE9>,
    low_24h: Option<PriceE9>,
    volume_24h: Option<Lamports>,
    trades_24h: Option<u64>,
    traders_24h: Option<u64>,
    total_volume: Lamports,
    current_liquidity: Lamports,
    trades_count: u64,
    traders_count: u64,
    seq: Seq,
    slot: Slot,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, NOT_FOUND; what the gateway answers.
#[utoipa::path(get, path = "/api/markets/{market}/stats", tag = "markets", summary = "What is counted of a market",
    params(("market" = String, Path, description = "Account address or seed")),
    responses((status = 200, body = StatsView), (status = 304, description = "Not modified"),
        (status = 400, description = "VALIDATION_ERROR"), (status = 404, description = "NOT_FOUND"),
        (status = 503, description = "UNAVAILABLE"), (status = 504, description = "TIMEOUT")))]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    reply::cacheable(&request, &gateway.ask(ShowStats(market_of(&request)?)).await?)
}

/// The difference of two prices.
fn difference(now: PriceE9, before: PriceE9) -> String {
    let sign = if now < before { "-" } else { "" };
    format!("{sign}{}", PriceE9(now.0.abs_diff(before.0)))
}

impl Question for ShowStats {
    type Answer = StatsView;

    async fn answer(self, reads: Arc<Reads>) -> Result<StatsView, ApiError> {
        let released = reads.released(self.0).await?;
        let market = &*released.market;
        let address = market.address;
        let Window { since, whole_hours } = Window::at(chrono::Utc::now().timestamp());
        let ((traders_count, figures), extremes) = reads
            .read(async |tx| {
                let counted = listing::counted(tx, address).await?;
                Ok((counted, charts::extremes(tx, address, since, whole_hours).await?))
            })
            .await?;
        let before = figures.map(|figures| PriceE9(figures.price_yes_before));
        Ok(StatsView {
            market_id: address,
            price_yes: market.price_yes,
            price_yes_24h_ago: before,
            change_24h: market.price_yes.zip(before).map(|(now, before)| difference(now, before)),
            high_24h: extremes.map(|(high, _)| PriceE9(high)),
            low_24h: extremes.map(|(_, low)| PriceE9(low)),
            volume_24h: figures.map(|figures| Lamports(figures.volume_24h)),
            trades_24h: figures.map(|figures| figures.trades_24h),
            traders_24h: figures.map(|figures| figures.traders_24h),
            total_volume: market.total_volume,
            current_liquidity: market.current_liquidity,
            trades_count: market.trades_count,
            traders_count,
            seq: released.seq,
            slot: released.slot,
        })
    }
}
