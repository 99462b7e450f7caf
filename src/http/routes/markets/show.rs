//! GET /api/markets/{market}: a market, now.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::{MarketPath, market_of};
use crate::{
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        openapi::errors::NotFound,
        reply,
    },
    view::market::MarketDetail,
};

struct ShowMarket(MarketRef);

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, NOT_FOUND; what the gateway answers.
#[utoipa::path(
    get,
    path = "/api/markets/{market}",
    tag = "markets",
    summary = "A market, now",
    params(MarketPath),
    responses((status = 200, body = MarketDetail), NotFound)
)]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let market = gateway.ask(ShowMarket(market_of(&request)?)).await?;
    reply::cacheable(&request, &market)
}

impl Question for ShowMarket {
    type Answer = MarketDetail;

    async fn answer(self, reads: Arc<Reads>) -> Result<MarketDetail, ApiError> {
        let released = reads.released(self.0).await?;
        let period = reads.dispute_period_seconds([&*released.market]).await;
        Ok(MarketDetail::new(&released.market, released.seq, released.slot, period, released.stale.is_some()))
    }
}
