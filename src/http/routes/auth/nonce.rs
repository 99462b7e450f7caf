//! POST /api/auth/nonce: begins a sign-in, with the message to be signed. Nothing is kept of it.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use chrono::{SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::private;
use crate::{
    domain::ids::Wallet,
    http::{
        auth::{
            AuthSettings, nonces,
            siws::{Moment, STATEMENT, SignInMessage, VERSION},
        },
        body::Checked,
        error::ApiError,
    },
};

/// A nonce is good for so long.
const LIFETIME: Duration = Duration::from_secs(300);

/// Who wants to sign in.
#[derive(Debug, Deserialize, garde::Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NonceBody {
    /// The wallet.
    #[garde(skip)]
    wallet: Wallet,
}

/// What a wallet's `signIn` takes, named as wallets name it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SignInInput {
    domain: String,
    address: Wallet,
    statement: &'static str,
    uri: String,
    version: &'static str,
    chain_id: String,
    nonce: String,
    #[schema(format = DateTime)]
    issued_at: String,
    #[schema(format = DateTime)]
    expiration_time: String,
}

/// A sign-in that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct NonceView {
    /// Good for one sign-in.
    nonce: String,
    /// The text to sign, for wallets that only sign messages.
    message: String,
    /// What a wallet's `signIn` takes.
    input: SignInInput,
    /// Until then it has to be signed and handed in.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, TIMEOUT.
#[utoipa::path(
    post, path = "/api/auth/nonce", tag = "auth", summary = "Begins a sign-in, with the message to be signed", request_body = NonceBody,
    responses(
        (status = 200, body = NonceView),
        (status = 400, description = "VALIDATION_ERROR"),
        (status = 413, description = "PAYLOAD_TOO_LARGE"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE"),
        (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT"),
    ),
)]
pub async fn handle(
    Checked(body): Checked<NonceBody>,
    settings: web::Data<AuthSettings>,
) -> Result<HttpResponse, ApiError> {
    // As exact as it is written: it comes back in the message.
    let issued_at = Utc::now().trunc_subsecs(3);
    let expires_at = issued_at + LIFETIME;
    let nonce = nonces::issue(settings.secret.bytes(), body.wallet, issued_at, expires_at);
    let site = &settings.site;
    let message = SignInMessage::issued(site, body.wallet, &nonce, issued_at, expires_at);
    let text = |at| Moment::at(at).text().to_owned();
    let input = SignInInput {
        domain: site.domain.clone(),
        address: body.wallet,
        statement: STATEMENT,
        uri: site.uri.clone(),
        version: VERSION,
        chain_id: site.chain.clone(),
        nonce: nonce.clone(),
        issued_at: text(issued_at),
        expiration_time: text(expires_at),
    };
    Ok(private(&NonceView { nonce, message: message.to_string(), input, expires_at: text(expires_at) }))
}
