//! POST /api/auth/login: a signed message for a session.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{TokensView, private};
use crate::{
    domain::ids::{TxSignature, Wallet},
    http::{
        auth::{
            AuthSettings, nonces, offchain,
            refresh::RefreshToken,
            sessions::Sessions,
            siws::{MESSAGE_BYTES_MAX, SignInMessage},
            tokens::Tokens,
            user_of,
        },
        body::Checked,
        error::{ApiError, ErrorCode},
        gateway::{GatewayHandle, Question, Reads},
    },
    journal::{
        sessions::{self, NewSession, UsedNonce},
        users::{self, UserRow},
    },
    view::user::UserView,
};

const NOT_GOOD: &str = "The message was not issued here, was used before, or has expired: begin again.";
/// A session ends after so many days, however often its tokens are refreshed.
const SESSION_DAYS: i64 = 30;

/// A signed message.
#[derive(Debug, Deserialize, garde::Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// The text that was signed, to the letter.
    #[garde(length(max = MESSAGE_BYTES_MAX))]
    #[schema(max_length = 2048)]
    message: String,
    /// The wallet's signature, base58 or base64.
    #[garde(length(max = 88))]
    #[schema(max_length = 88)]
    signature: String,
    /// The wallet.
    #[garde(skip)]
    wallet: Wallet,
    /// The exact bytes that were signed (base64), if they are not the message's: a hardware wallet's envelope, or what
    /// `signIn` answers as `signedMessage`. Without it the usual envelopes are tried.
    #[garde(inner(length(max = 5_464)))]
    #[schema(max_length = 5464)]
    #[serde(default)]
    signed_message: Option<String>,
}

/// A session, and who has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoginView {
    #[serde(flatten)]
    tokens: TokensView,
    user: UserView,
}

struct SignIn {
    wallet: Wallet,
    nonce: String,
    issued_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    session: Uuid,
    refresh_hash: [u8; 32],
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR for what is no signed message; UNAUTHORIZED for one that is not the wallet's, or not (or no longer) the
/// one that was issued; what the gateway answers.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "auth", summary = "A signed message for a session", request_body = LoginBody,
    responses(
        (status = 200, body = LoginView),
        (status = 400, description = "VALIDATION_ERROR"),
        (status = 401, description = "UNAUTHORIZED: not signed by the wallet, or not the message that was issued"),
        (status = 413, description = "PAYLOAD_TOO_LARGE"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE"),
        (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT"),
    ),
)]
pub async fn handle(
    Checked(body): Checked<LoginBody>,
    settings: web::Data<AuthSettings>,
    tokens: web::Data<Tokens>,
    ended: web::Data<Sessions>,
    gateway: web::Data<GatewayHandle>,
) -> Result<HttpResponse, ApiError> {
    let refresh = RefreshToken::random();
    let sign_in = checked(&body, &settings, Uuid::now_v7(), refresh.hash())?;
    let (wallet, session) = (sign_in.wallet, sign_in.session);
    let (user, gone) = gateway.ask(sign_in).await?;
    ended.revoke(gone);
    let tokens = TokensView::new(tokens.access(wallet, session)?, &refresh);
    Ok(private(&LoginView { tokens, user: user.into() }))
}

/// All that can be told without the database.
fn checked(
    body: &LoginBody,
    settings: &AuthSettings,
    session: Uuid,
    refresh_hash: [u8; 32],
) -> Result<SignIn, ApiError> {
    let message: SignInMessage =
        body.message.parse().map_err(|error| ApiError::invalid_field("message", format!("The message {error}.")))?;
    let signature = signature(&body.signature)
        .ok_or_else(|| ApiError::invalid_field("signature", "Must be a signature of 64 bytes, base58 or base64."))?;
    let envelope = body.signed_message.as_deref().map(|text| STANDARD.decode(text)).transpose();
    let envelope = envelope.map_err(|_| ApiError::invalid_field("signed_message", "Must be base64."))?;
    let refused = |why: String| ApiError::new(ErrorCode::Unauthorized, why);
    let now = Utc::now();
    let (nonce, issued_at, expires_at) = message
        .check(&settings.site, body.wallet, now)
        .map_err(|mismatch| refused(format!("The message can't be taken: {mismatch}.")))?;
    if !offchain::is_signed(&body.message, envelope.as_deref(), &signature, body.wallet) {
        return Err(refused("The signature is not the wallet's over this message.".to_owned()));
    }
    if !nonces::is_issued(settings.secret.bytes(), nonce, body.wallet, issued_at, expires_at) {
        return Err(refused(NOT_GOOD.to_owned()));
    }
    let (wallet, nonce) = (body.wallet, nonce.to_owned());
    Ok(SignIn { wallet, nonce, issued_at, expires_at, session, refresh_hash })
}

/// Base64 of 64 bytes ends with `==`, which base58 does not know.
fn signature(text: &str) -> Option<[u8; 64]> {
    if text.ends_with('=') {
        STANDARD.decode(text).ok()?.try_into().ok()
    } else {
        Some(text.parse::<TxSignature>().ok()?.0)
    }
}

impl Question for SignIn {
    /// The user, and the sessions that had to end for this one.
    type Answer = (UserRow, Vec<Uuid>);

    async fn answer(self, reads: Arc<Reads>) -> Result<Self::Answer, ApiError> {
        let Self { wallet, nonce, issued_at, expires_at, session, refresh_hash } = self;
        let nonce = UsedNonce { nonce: &nonce, wallet, issued_at, expires_at };
        let opened =
            NewSession { sid: session, wallet, expires_at: Utc::now() + TimeDelta::days(SESSION_DAYS), refresh_hash };
        reads
            .engine(async |tx| {
                // First of all: who comes with the same message waits for this transaction, and finds it used.
                if !sessions::use_up(&**tx, &nonce).await? {
                    return Err(ApiError::new(ErrorCode::Unauthorized, NOT_GOOD));
                }
                let user = users::ensure(&**tx, user_of(wallet), wallet).await?;
                let gone = sessions::open(&**tx, &opened).await?;
                Ok((user, gone))
            })
            .await
    }
}
