//! Markets: what is listed and shown of them, and how a path names one.

use actix_web::HttpRequest;

use crate::http::{error::ApiError, gateway::MarketRef};

pub mod activate;
pub mod claim;
pub mod create;
pub mod dispute;
pub mod list;
pub mod metadata;
pub mod prices;
pub mod resolve;
pub mod show;
pub mod steps;
pub mod trades;
pub mod withdraw;

/// The market that the path names.
pub(super) fn market_of(request: &HttpRequest) -> Result<MarketRef, ApiError> {
    let text = request.match_info().get("market").unwrap_or_default();
    text.parse()
        .map_err(|error: crate::http::gateway::BadMarketRef| ApiError::invalid_field("market", error.to_string()))
}
