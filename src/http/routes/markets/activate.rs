//! POST /api/markets/{market}/activate: opens trading; for the creator or the admin.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::{
    market_of,
    steps::{StepBody, StepReply, check, ok, prepared, require},
};
use crate::{
    domain::{error::ProgramError, ids::Wallet, phase::Phase},
    http::{
        auth::caller::SignedIn,
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        routes::trades::Place,
    },
};

struct Activate {
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
    path = "/api/markets/{market}/activate",
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
    let asked = Activate { market: market_of(&request)?, wallet: caller.wallet, body };
    Ok(ok(&gateway.ask(asked).await?))
}

impl Question for Activate {
    type Answer = StepReply;

    async fn answer(self, reads: Arc<Reads>) -> Result<StepReply, ApiError> {
        let Self { market, wallet, body } = self;
        let place = Place::of(&reads, market).await?;
        let market = &place.released.market;
        let may = wallet == market.creator || wallet == place.config.admin;
        check(&place, require(may, ProgramError::Unauthorized))?;
        check(&place, require(market.phase == Phase::Approved, ProgramError::InvalidStateTransition))?;
        let instruction = reads.desk()?.build().activate_market(market.address, wallet);
        prepared(&reads, &place, wallet, instruction, body).await
    }
}
