//! POST /api/markets/{market}/claim: pays a winner, or refunds where the market has no outcome.

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

/// Pays a winner.
pub(in crate::http) struct Claim;

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NOT_FOUND, CHAIN_REFUSED; what the gateway answers.
#[utoipa::path(
    post,
    path = "/api/markets/{market}/claim",
    tag = "markets", summary = "Pays a winner, or refunds where the market has no outcome",
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
    take::<Claim>(&request, &gateway, caller, body).await
}

impl Step for Claim {
    async fn instruction(reads: &Reads, place: &Place, wallet: Wallet) -> Result<Instruction, ApiError> {
        let market = &place.released.market;
        if !place.is_stale() {
            let position = place.position(reads, wallet).await?;
            // What the account holds is not known for sure here: a balance that suffices for everything is taken.
            check(place, payout::claim(market, &position, Lamports(u64::MAX)).map(drop))?;
        }
        Ok(reads.desk()?.build().claim_winnings(market.address, wallet, market.resolver))
    }
}
