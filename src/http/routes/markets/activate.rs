//! POST /api/markets/{market}/activate: opens trading; for the creator or the admin.

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

/// Opens trading.
pub(in crate::http) struct Activate;

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NOT_FOUND, CHAIN_REFUSED; what the gateway answers.
#[utoipa::path(
    post,
    path = "/api/markets/{market}/activate",
    tag = "markets", summary = "Opens trading",
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
    take::<Activate>(&request, &gateway, caller, body).await
}

impl Step for Activate {
    async fn instruction(reads: &Reads, place: &Place, wallet: Wallet) -> Result<Instruction, ApiError> {
        let market = &place.released.market;
        let may = wallet == market.creator || wallet == place.config.admin;
        check(place, require(may, ProgramError::Unauthorized))?;
        check(place, require(market.phase == Phase::Approved, ProgramError::InvalidStateTransition))?;
        Ok(reads.desk()?.build().activate_market(market.address, wallet))
    }
}
