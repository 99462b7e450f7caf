//! GET /api/users/{wallet}: a wallet's profile with its totals.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::wallet_of;
use crate::{
    domain::ids::Wallet,
    http::{
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        reply,
    },
    journal::read::wallets,
    view::wallet::WalletProfileView,
};

struct ShowWallet(Wallet);

/// A wallet's profile with its totals.
///
/// A wallet that only traded, voted or created a market has one, too.
#[utoipa::path(
    get, path = "/api/users/{wallet}", tag = "users", summary = "A wallet's profile with its totals",
    params(("wallet" = Wallet, Path, description = "The wallet's address.")),
    responses(
        (status = 200, body = WalletProfileView),
        (status = 304, description = "Not changed (If-None-Match)."),
        (status = 400, description = "The address is none."),
        (status = 404, description = "Nothing is known of this wallet."),
        (status = 429, description = "Too many requests."),
        (status = 503, description = "The database does not answer; Retry-After."),
        (status = 504, description = "It took too long."),
    )
)]
pub async fn handle(request: HttpRequest, gateway: web::Data<GatewayHandle>) -> Result<HttpResponse, ApiError> {
    let profile = gateway.ask(ShowWallet(wallet_of(&request)?)).await?;
    reply::cacheable(&request, &profile)
}

impl Question for ShowWallet {
    type Answer = WalletProfileView;

    async fn answer(self, reads: Arc<Reads>) -> Result<WalletProfileView, ApiError> {
        reads
            .read(async |tx| {
                let profile = wallets::profile(tx, self.0).await?;
                let totals = wallets::totals(tx, self.0).await?;
                if profile.is_none() && totals.is_empty() {
                    return Err(ApiError::not_found("Nothing is known of this wallet."));
                }
                Ok(WalletProfileView::of(self.0, profile, &totals))
            })
            .await
    }
}
