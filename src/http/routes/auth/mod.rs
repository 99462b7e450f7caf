//! Sign-in: `/api/auth/…`.

pub mod login;
pub mod logout;
pub mod nonce;
pub mod refresh;

use actix_web::{HttpResponse, http::header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::auth::{refresh::RefreshToken, tokens::AccessToken};

/// The tokens of a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokensView {
    /// The access token, a JWT: `Authorization: Bearer <token>`.
    token: String,
    /// Good for one refresh.
    refresh_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// When the access token runs out.
    #[schema(format = DateTime)]
    expires_at: String,
}

impl TokensView {
    fn new(access: AccessToken, refresh: &RefreshToken) -> Self {
        let expires_at = access.expires_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        Self { token: access.text, refresh_token: refresh.text(), token_type: "Bearer", expires_at }
    }
}

/// What nobody on the way may keep.
fn private<T: Serialize>(value: &T) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(value)
}
