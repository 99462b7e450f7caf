//! Wallets: what is shown of them, and how a path names one. A wallet needs no account here: all that it did on the chain is
//! public.

use actix_web::HttpRequest;

use crate::{domain::ids::Wallet, http::error::ApiError};

pub mod me;
mod places;
pub mod portfolio;
pub mod positions;
pub mod show;
pub mod trades;
pub mod votes;

/// The wallet that the path names.
fn wallet_of(request: &HttpRequest) -> Result<Wallet, ApiError> {
    let text = request.match_info().get("wallet").unwrap_or_default();
    text.parse().map_err(|_| ApiError::invalid_field("wallet", "Must be a wallet's address (base58 of 32 bytes)."))
}
