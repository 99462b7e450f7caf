//! Markets: what is listed and shown of them, and how a path names one.

use actix_web::HttpRequest;

use crate::http::{error::ApiError, gateway::MarketRef};

pub mod activity;
pub mod candles;
pub mod categories;
pub mod depth;
pub mod history;
pub mod holders;
pub mod list;
pub mod metadata;
pub mod prices;
pub mod related;
pub mod show;
pub mod stats;
pub mod trades;
pub mod trending;

/// The market that the path names.
pub(super) fn market_of(request: &HttpRequest) -> Result<MarketRef, ApiError> {
    let text = request.match_info().get("market").unwrap_or_default();
    text.parse()
        .map_err(|error: crate::http::gateway::BadMarketRef| ApiError::invalid_field("market", error.to_string()))
}
