//! POST /api/trades/sell: a sale as a transaction for the caller's wallet to sign.
//!
//! The deployed program aborts every sale in its last step; the rehearsal finds that out before anybody signs.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{
    Place, TransactionView,
    args::{ClientRef, MarketId, OutcomeArg, PriorityFee, VersionArg},
    buy::Rehearsed,
    consented,
};
use crate::{
    domain::{
        amount::{Lamports, ShareUnits},
        ids::Wallet,
    },
    http::{
        auth::caller::SignedIn,
        body::Checked,
        desk::Order,
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
    },
    view::quote::QuoteView,
};

/// What is wanted.
#[derive(Debug, Clone, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct SellBody {
    /// The market.
    pub market_id: MarketId,
    /// What to sell.
    pub outcome: OutcomeArg,
    /// How many.
    pub shares: ShareUnits,
    /// The least to get, after fees: the program itself refuses less.
    pub min_proceeds: Lamports,
    /// By default none.
    #[serde(default)]
    pub priority_fee: PriorityFee,
    /// By default 0.
    #[serde(default)]
    pub version: VersionArg,
    /// By default a new one.
    pub client_ref: Option<ClientRef>,
    /// The price can't be trusted and is accepted all the same.
    #[serde(default)]
    pub accept_unsound: bool,
}

/// What is signed, and what it will do.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SellReply {
    /// What the trade does, by the market as this process knows it.
    pub quote: QuoteView,
    /// What it did in the rehearsal on the chain's newest state; `null` where the node does not tell.
    pub rehearsed: Option<Rehearsed>,
    /// `program`: the program itself holds `min_proceeds`.
    pub guard: &'static str,
    /// The transaction.
    #[serde(flatten)]
    pub transaction: TransactionView,
}

/// A sale by a wallet.
#[derive(Debug, Clone)]
pub struct Sell {
    /// Whose.
    pub wallet: Wallet,
    /// Of what.
    pub body: SellBody,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NOT_FOUND, CHAIN_REFUSED; what the gateway answers.
#[utoipa::path(
    post,
    path = "/api/trades/sell",
    tag = "trades", summary = "A sale as a transaction for the caller's wallet to sign",
    request_body = SellBody,
    responses(
        (status = 200, description = "A transaction to sign.", body = SellReply),
        (status = 400, description = "VALIDATION_ERROR"),
        (status = 401, description = "UNAUTHORIZED"),
        (status = 404, description = "NOT_FOUND"),
        (status = 413, description = "PAYLOAD_TOO_LARGE"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE"),
        (status = 422, description = "CHAIN_REFUSED: the program would refuse it"),
        (status = 429, description = "RATE_LIMITED"),
        (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT"),
    ),
    security(("bearer" = []))
)]
pub async fn handle(
    gateway: web::Data<GatewayHandle>,
    SignedIn(caller): SignedIn,
    Checked(body): Checked<SellBody>,
) -> Result<HttpResponse, ApiError> {
    let reply = gateway.ask(Sell { wallet: caller.wallet, body }).await?;
    Ok(HttpResponse::Ok().json(reply))
}

impl Question for Sell {
    type Answer = SellReply;

    async fn answer(self, reads: Arc<Reads>) -> Result<SellReply, ApiError> {
        reads.takes()?;
        let Self { wallet, body } = self;
        let (outcome, shares, min_proceeds) = (body.outcome.0, body.shares, body.min_proceeds);
        if shares == ShareUnits::ZERO {
            return Err(ApiError::invalid_field("shares", "Must be above 0."));
        }
        let place = Place::of(&reads, body.market_id.0).await?;
        // A market that may be behind the chain refuses nobody for what he holds: the rehearsal knows.
        let held = if place.is_stale() { shares } else { place.position(&reads, wallet).await?.shares(outcome) };
        let quote = place.sell(&reads, held, outcome, shares, min_proceeds)?;
        consented(&quote, body.accept_unsound)?;
        let desk = reads.desk()?;
        let (market, fee_wallet) = (place.released.market.address, place.config.protocol_fee_wallet);
        let instruction = desk.build().sell_shares(market, wallet, fee_wallet, outcome, shares, min_proceeds);
        let order = Order { wallet, instruction, version: body.version.0, priority: body.priority_fee.0 };
        let prepared = desk.prepare(&order).await?;
        Ok(SellReply {
            quote,
            rehearsed: Rehearsed::of(&prepared),
            guard: "program",
            transaction: TransactionView::new(&prepared, body.client_ref.map(|client_ref| client_ref.0)),
        })
    }
}
