//! GET /api/transactions/{signature}: what became of the caller's own transaction.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use crate::{
    domain::ids::TxSignature,
    http::{
        auth::caller::{Caller, SignedIn},
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        reply,
    },
    journal::submissions,
    view::order::SubmissionView,
};

/// What became of a transaction.
pub(in crate::http) struct ShowTransaction {
    /// Who asks: the transaction's own wallet.
    pub caller: Caller,
    /// Which.
    pub signature: TxSignature,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NOT_FOUND (also for another wallet's); what the gateway answers.
#[utoipa::path(
    get,
    path = "/api/transactions/{signature}",
    tag = "transactions", summary = "What became of the caller's own transaction",
    params(("signature" = String, Path, description = "The transaction's signature, base58.")),
    responses(
        (status = 200, description = "The transaction.", body = SubmissionView),
        (status = 400, description = "VALIDATION_ERROR"),
        (status = 401, description = "UNAUTHORIZED"),
        (status = 404, description = "NOT_FOUND"),
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
) -> Result<HttpResponse, ApiError> {
    let text = request.match_info().get("signature").unwrap_or_default();
    let signature = text
        .parse()
        .map_err(|_| ApiError::invalid_field("signature", "Must be a transaction's signature (base58 of 64 bytes)."))?;
    let view = gateway.ask(ShowTransaction { caller, signature }).await?;
    reply::cacheable(&request, &view)
}

impl Question for ShowTransaction {
    type Answer = SubmissionView;

    async fn answer(self, reads: Arc<Reads>) -> Result<SubmissionView, ApiError> {
        let Self { caller, signature } = self;
        let find = async |tx: &deadpool_postgres::Transaction<'_>| {
            Ok(submissions::of_wallet(&**tx, caller.wallet, signature).await?)
        };
        let found = reads.read_for(Some(&caller), find).await?;
        found
            .as_ref()
            .map(SubmissionView::from)
            .ok_or_else(|| ApiError::not_found("There is no such transaction of yours."))
    }
}
