//! POST /api/markets/{market}/dispute: says that the proposed outcome is wrong; for anybody, while the window is open.

use actix_web::{HttpRequest, HttpResponse, web};
use solana_sdk::instruction::Instruction;

use super::steps::{Step, StepBody, StepResponses, check, require, take};
use crate::{
    domain::{error::ProgramError, ids::Wallet, phase::Phase},
    http::{
        auth::caller::SignedIn,
        body::MaybeChecked,
        error::ApiError,
        gateway::{GatewayHandle, Reads},
        routes::trades::Place,
    },
};

/// Says that the proposed outcome is wrong.
pub(in crate::http) struct Dispute;

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NOT_FOUND, CHAIN_REFUSED; what the gateway answers.
#[utoipa::path(
    post,
    path = "/api/markets/{market}/dispute",
    tag = "markets", summary = "Says that the proposed outcome is wrong",
    params(("market" = String, Path, description = "The market's address or seed.")),
    request_body(content = StepBody, description = "May be left out."),
    responses(StepResponses),
    security(("bearer" = []))
)]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    SignedIn(caller): SignedIn,
    MaybeChecked(body): MaybeChecked<StepBody>,
) -> Result<HttpResponse, ApiError> {
    take::<Dispute>(&request, &gateway, caller, body).await
}

impl Step for Dispute {
    async fn instruction(reads: &Reads, place: &Place, wallet: Wallet) -> Result<Instruction, ApiError> {
        let market = &place.released.market;
        // Whether the window is still open is for the chain's clock: the rehearsal says.
        check(place, require(market.phase == Phase::Resolving, ProgramError::InvalidMarketState))?;
        Ok(reads.desk()?.build().initiate_dispute(market.address, wallet))
    }
}
