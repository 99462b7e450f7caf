//! Markets: what is listed and shown of them, and how a path names one.

use actix_web::HttpRequest;
use utoipa::IntoParams;

use crate::http::{error::ApiError, gateway::MarketRef};

pub mod activate;
pub mod activity;
pub mod candles;
pub mod categories;
pub mod claim;
pub mod create;
pub mod depth;
pub mod dispute;
pub mod governance;
pub mod history;
pub mod holders;
pub mod list;
pub mod metadata;
pub mod prices;
pub mod related;
pub mod resolve;
pub mod show;
pub mod snapshots;
pub mod stats;
pub mod steps;
pub mod trades;
pub mod trending;
pub mod withdraw;

/// How a path names a market, for the API's document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code)] // described only: `market_of` reads it
pub struct MarketPath {
    /// The market's account address (base58) or its seed (64 hexadecimal digits).
    #[param(pattern = "^([1-9A-HJ-NP-Za-km-z]{32,44}|[0-9a-fA-F]{64})$")]
    market: String,
}

/// The market that the path names.
pub(super) fn market_of(request: &HttpRequest) -> Result<MarketRef, ApiError> {
    let text = request.match_info().get("market").unwrap_or_default();
    text.parse()
        .map_err(|error: crate::http::gateway::BadMarketRef| ApiError::invalid_field("market", error.to_string()))
}
