//! GET /api/markets/{market}/related: open markets of its category that are traded most, then others of its creator.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{list::shown, market_of};
use crate::{
    http::{
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        query::QueryReader,
        reply,
    },
    journal::read::listing,
    view::market::MarketDetail,
};

/// Markets in an answer where none are asked for, and at most.
const RELATED: u32 = 6;
const RELATED_MAX: u32 = 20;

struct ListRelated {
    market: MarketRef,
    limit: u32,
}

/// Markets near one.
#[derive(Debug, Serialize, ToSchema)]
pub struct RelatedView {
    markets: Vec<MarketDetail>,
    count: usize,
    limit: u32,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields, NOT_FOUND; what the gateway answers.
#[utoipa::path(get, path = "/api/markets/{market}/related", tag = "markets", summary = "Open markets of its category that are traded most, then others of its creator",
    params(("market" = String, Path, description = "Account address or seed"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 20)),
    responses((status = 200, body = RelatedView), (status = 304, description = "Not modified"),
        (status = 400, description = "VALIDATION_ERROR"), (status = 404, description = "NOT_FOUND"),
        (status = 503, description = "UNAVAILABLE"), (status = 504, description = "TIMEOUT")))]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    let mut reader = QueryReader::new(request.query_string())?;
    let limit = reader.count("limit", 1..=RELATED_MAX, RELATED);
    reader.finish()?;
    reply::cacheable(&request, &gateway.ask(ListRelated { market, limit }).await?)
}

impl Question for ListRelated {
    type Answer = RelatedView;

    async fn answer(self, reads: Arc<Reads>) -> Result<RelatedView, ApiError> {
        let market = reads.released(self.market).await?.market.address;
        let limit = self.limit;
        let rows = reads.read(async |tx| Ok(listing::related(tx, market, limit).await?)).await?;
        let markets = shown(&reads, &rows).await?;
        Ok(RelatedView { count: markets.len(), markets, limit })
    }
}
