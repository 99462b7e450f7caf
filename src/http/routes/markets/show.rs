//! GET /api/markets/{market}: a market, now. Answered from the worker's views while nothing changed.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::{MarketPath, market_of};
use crate::{
    domain::amount::Lamports,
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Observed, Question, Reads},
        openapi::errors::NotFound,
        reply::Rendered,
        views::Views,
    },
    journal::read::listing,
    view::market::{MarketDetail, MarketNow},
};

struct ShowMarket(MarketRef);

/// A market, now.
pub(in crate::http) struct DetailOf(pub MarketRef);

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, NOT_FOUND; what the gateway answers.
#[utoipa::path(get, path = "/api/markets/{market}", tag = "markets", summary = "A market, now",
    params(MarketPath),
    responses((status = 200, body = MarketDetail), NotFound))]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    views: web::Data<Views>,
) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    if let Some(ready) = views.market(&market) {
        return Ok(ready.reply(&request));
    }
    let (rendered, seen) = gateway.ask(ShowMarket(market)).await?;
    views.put_market(market, rendered.clone(), seen);
    Ok(rendered.reply(&request))
}

impl Question for ShowMarket {
    type Answer = (Rendered, Observed);

    async fn answer(self, reads: Arc<Reads>) -> Result<(Rendered, Observed), ApiError> {
        let (detail, seen) = DetailOf(self.0).answer(reads).await?;
        Ok((Rendered::of(&detail)?, seen))
    }
}

impl Question for DetailOf {
    type Answer = (MarketDetail, Observed);

    async fn answer(self, reads: Arc<Reads>) -> Result<Self::Answer, ApiError> {
        let (released, seen) = reads.observed(self.0).await?;
        let market = &*released.market;
        let address = market.address;
        // What the market's actor does not know may be missing: it is then shown as not known.
        let counted = reads.read(async |tx| Ok(listing::counted(tx, address).await?)).await.ok();
        let now = MarketNow {
            dispute_period_seconds: reads.dispute_period_seconds([market]).await,
            is_stale: released.stale.is_some(),
            volume_24h: counted.and_then(|(_, figures)| figures).map(|figures| Lamports(figures.volume_24h)),
            traders_count: counted.map(|(traders, _)| traders),
        };
        let detail = MarketDetail::new(market, released.seq, released.slot, now);
        Ok((detail.with_metadata(released.beside.document.as_deref()), seen))
    }
}
