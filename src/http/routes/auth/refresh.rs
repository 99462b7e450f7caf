//! POST /api/auth/refresh: a refresh token for new tokens of the same session.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{TokensView, private};
use crate::{
    http::{
        auth::{AuthSettings, refresh::RefreshToken, sessions::Sessions, tokens::Tokens},
        body::Checked,
        error::{ApiError, ErrorCode},
        gateway::{GatewayHandle, Question, Reads},
    },
    journal::sessions::{self, Refreshed},
};

/// A refresh token.
#[derive(Debug, Deserialize, garde::Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    /// The newest one of the session.
    #[garde(length(max = 64))]
    #[schema(max_length = 64)]
    refresh_token: String,
}

struct Refresh {
    token_hash: [u8; 32],
    successor_hash: [u8; 32],
}

/// The handler.
///
/// # Errors
/// UNAUTHORIZED for what is no refresh token of an open session; an old one ends its session. What the gateway answers.
#[utoipa::path(
    post, path = "/api/auth/refresh", tag = "auth", summary = "A refresh token for new tokens of the same session", request_body = RefreshBody,
    responses(
        (status = 200, body = TokensView),
        (status = 400, description = "VALIDATION_ERROR"),
        (status = 401, description = "UNAUTHORIZED: unknown, used before, or its session has ended"),
        (status = 413, description = "PAYLOAD_TOO_LARGE"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE"),
        (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT"),
    ),
)]
pub async fn handle(
    Checked(body): Checked<RefreshBody>,
    settings: web::Data<AuthSettings>,
    tokens: web::Data<Tokens>,
    ended: web::Data<Sessions>,
    gateway: web::Data<GatewayHandle>,
) -> Result<HttpResponse, ApiError> {
    let refused = || ApiError::new(ErrorCode::Unauthorized, "This refresh token is of no use: sign in again.");
    let token: RefreshToken = body.refresh_token.parse().map_err(|()| refused())?;
    let successor = token.successor(settings.secret.bytes());
    match gateway.ask(Refresh { token_hash: token.hash(), successor_hash: successor.hash() }).await? {
        Refreshed::Rotated { sid, wallet } => Ok(private(&TokensView::new(tokens.access(wallet, sid)?, &successor))),
        Refreshed::Reused { sid } => {
            log::warn!("a refresh token was used again: session {sid} has ended");
            ended.revoke([sid]);
            Err(refused())
        }
        Refreshed::Unknown => Err(refused()),
    }
}

impl Question for Refresh {
    type Answer = Refreshed;

    async fn answer(self, reads: Arc<Reads>) -> Result<Refreshed, ApiError> {
        reads.engine(async |tx| Ok(sessions::rotate(&**tx, self.token_hash, self.successor_hash).await?)).await
    }
}
