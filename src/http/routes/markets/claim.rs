//! POST /api/markets/{market}/claim: pays a winner, or refunds where the market has no outcome.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::{
    market_of,
    steps::{StepBody, StepReply, check, ok, prepared},
};
use crate::{
    domain::{amount::Lamports, ids::Wallet, payout},
    http::{
        auth::caller::SignedIn,
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        routes::trades::Place,
    },
};

struct Claim {
    market: MarketRef,
    wallet: Wallet,
    body: StepBody,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NOT_FOUND, CHAIN_REFUSED; what the gateway answers.
#[utoipa::path(
    post,
    path = "/api/markets/{market}/claim",
    tag = "markets",
    params(("market" = String, Path, description = "The market's address or seed.")),
    request_body(content = StepBody, description = "May be left out."),
    responses(
        (status = 200, description = "A transaction to sign.", body = StepReply),
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
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    SignedIn(caller): SignedIn,
    bytes: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    let body = StepBody::read(&request, &bytes)?;
    let asked = Claim { market: market_of(&request)?, wallet: caller.wallet, body };
    Ok(ok(&gateway.ask(asked).await?))
}

impl Question for Claim {
    type Answer = StepReply;

    async fn answer(self, reads: Arc<Reads>) -> Result<StepReply, ApiError> {
        let Self { market, wallet, body } = self;
        let place = Place::of(&reads, market).await?;
        let market = &place.released.market;
        if !place.is_stale() {
            let position = place.position(&reads, wallet).await?;
            // What the account holds is not known for sure here: a balance that suffices for everything is taken.
            let claimed = payout::claim(market, &position, Lamports(u64::MAX));
            check(&place, claimed.map(drop))?;
        }
        let instruction = reads.desk()?.build().claim_winnings(market.address, wallet, market.resolver);
        prepared(&reads, &place, wallet, instruction, body).await
    }
}
