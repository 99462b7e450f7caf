//! POST /api/auth/logout: ends the caller's session, with all its tokens.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use uuid::Uuid;

use crate::{
    http::{
        auth::{caller::SignedIn, sessions::Sessions},
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
    },
    journal::sessions,
};

struct SignOut(Uuid);

/// The handler.
///
/// # Errors
/// UNAUTHORIZED without a token; what the gateway answers.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "auth", summary = "Ends the caller's session, with all its tokens", security(("bearer" = [])),
    responses(
        (status = 204, description = "The session has ended: no token of it is taken any more."),
        (status = 401, description = "UNAUTHORIZED"),
        (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT"),
    ),
)]
pub async fn handle(
    SignedIn(caller): SignedIn,
    ended: web::Data<Sessions>,
    gateway: web::Data<GatewayHandle>,
) -> Result<HttpResponse, ApiError> {
    gateway.ask(SignOut(caller.session)).await?;
    ended.revoke([caller.session]);
    Ok(HttpResponse::NoContent().finish())
}

impl Question for SignOut {
    type Answer = ();

    async fn answer(self, reads: Arc<Reads>) -> Result<(), ApiError> {
        reads.engine(async |tx| Ok(sessions::end(&**tx, self.0).await?)).await
    }
}
