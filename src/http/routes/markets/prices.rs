//! GET /api/markets/{market}/prices: what a share costs now.

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
    view::market::PricesView,
};

struct ShowPrices(MarketRef);

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, NOT_FOUND; what the gateway answers.
#[utoipa::path(
    get,
    path = "/api/markets/{market}/prices",
    tag = "markets",
    summary = "What a share costs now",
    params(MarketPath),
    responses((status = 200, body = PricesView), NotFound)
)]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let prices = gateway.ask(ShowPrices(market_of(&request)?)).await?;
    reply::cacheable(&request, &prices)
}

impl Question for ShowPrices {
    type Answer = PricesView;

    async fn answer(self, reads: Arc<Reads>) -> Result<PricesView, ApiError> {
        let released = reads.released(self.0).await?;
        Ok(PricesView::at(&released.market, released.seq, released.slot))
    }
}
