//! POST /api/markets/{market}/withdraw: pays the creator what is left in a finalized market.

use actix_web::{HttpRequest, HttpResponse, web};
use solana_sdk::instruction::Instruction;

use super::steps::{Step, StepBody, StepResponses, check, take};
use crate::{
    domain::{amount::Lamports, ids::Wallet, payout},
    http::{
        auth::caller::SignedIn,
        body::MaybeChecked,
        error::ApiError,
        gateway::{GatewayHandle, Reads},
        routes::trades::Place,
    },
};

/// Pays the creator what is left.
pub(in crate::http) struct Withdraw;

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NOT_FOUND, CHAIN_REFUSED; what the gateway answers.
#[utoipa::path(
    post,
    path = "/api/markets/{market}/withdraw",
    tag = "markets", summary = "Pays the creator what is left in a finalized market",
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
    take::<Withdraw>(&request, &gateway, caller, body).await
}

impl Step for Withdraw {
    async fn instruction(reads: &Reads, place: &Place, wallet: Wallet) -> Result<Instruction, ApiError> {
        let market = &place.released.market;
        // As for a claim, the balance is for the rehearsal to judge.
        check(place, payout::withdrawal(market, wallet, Lamports(u64::MAX)).map(drop))?;
        Ok(reads.desk()?.build().withdraw_liquidity(market.address, wallet))
    }
}
