//! GET /api/markets/{market}: a market, now.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::market_of;
use crate::{
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        reply,
    },
    view::market::MarketDetail,
};

struct ShowMarket(MarketRef);

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, NOT_FOUND; what the gateway answers.
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let market = gateway.ask(ShowMarket(market_of(&request)?)).await?;
    reply::cacheable(&request, &market)
}

impl Question for ShowMarket {
    type Answer = MarketDetail;

    async fn answer(self, reads: Arc<Reads>) -> Result<MarketDetail, ApiError> {
        let released = reads.released(self.0).await?;
        let period = reads.dispute_period_seconds([&*released.market]).await;
        let stale = released.stale.is_some();
        let detail = MarketDetail::new(&released.market, released.seq, released.slot, period, stale);
        Ok(detail.with_metadata(released.beside.document.as_deref()))
    }
}
