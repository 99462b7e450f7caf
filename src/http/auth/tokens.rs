//! Access tokens: JWTs of an hour, signed and checked by actix-jwt-auth-middleware, whose traps are closed here.
//!
//! The library checks the signature, the one algorithm (HS256, whatever the header says) and `exp`. It takes a token from
//! cookies and queries unless told not to, knows no `Bearer`, and looks at no other claim: all the rest is
//! [`Tokens::granted`]. Supabase's own keys and its users' tokens are signed with the same secret and must be refused: they
//! have another `typ`, `iss` or role, and no wallet. Knows no sessions: a token that is good here may be logged out.

use std::future::{Ready, ready};

use actix_jwt_auth_middleware::{AuthError, Authority, TokenSigner};
use actix_web::{
    HttpMessage,
    dev::ServiceRequest,
    http::header::{self, HeaderName, HeaderValue},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jwt_compact::{
    AlgorithmExt, Header, TimeOptions, UntrustedToken, ValidationError,
    alg::{Hs256, Hs256Key},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AuthSettings, caller::Caller, siws::SKEW_SECONDS, user_of};
use crate::{
    domain::ids::Wallet,
    http::error::{ApiError, ErrorCode},
    journal::rights::USER_ROLE,
};

/// How long an access token is good.
pub const LIFETIME: std::time::Duration = std::time::Duration::from_secs(3_600);
/// Longest token that is read, in bytes; ours have some 600.
const TOKEN_BYTES_MAX: usize = 2_048;
/// Distinguishes our access tokens from everything else that is signed with the same secret.
const ACCESS: &str = "zmart-access";
/// As Supabase has it for signed-in users.
const AUDIENCE: &str = "authenticated";
/// Where the library finds the token. What a client sends under this name is thrown away.
const INTERNAL: HeaderName = HeaderName::from_static("x-zmart-access-token");

/// What we put into a token, beside `exp` and `iat`, which the library sets.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct AccessClaims {
    sub: Uuid,
    wallet: Wallet,
    sid: Uuid,
    role: String,
    aud: String,
    iss: String,
    jti: Uuid,
    typ: String,
    // The library reads this one itself, and then hands it to nobody.
    #[serde(default, skip_deserializing)]
    nbf: i64,
}

/// All of a token's claims, each there once and of its type.
#[derive(Debug, Deserialize)]
struct Presented {
    sub: Uuid,
    wallet: Wallet,
    sid: Uuid,
    role: String,
    aud: String,
    iss: String,
    #[serde(rename = "jti")]
    _jti: Uuid,
    typ: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// A token's header; what we don't put there is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PresentedHeader {
    alg: String,
    typ: String,
}

type NeverRefreshed = fn() -> Ready<Result<(), actix_web::Error>>;

/// Signs and checks access tokens.
pub struct Tokens {
    signer: TokenSigner<AccessClaims, Hs256>,
    authority: Authority<AccessClaims, Hs256, NeverRefreshed, ()>,
    key: Hs256Key,
    time_options: TimeOptions,
    issuer: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// A new access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// For the client.
    pub text: String,
    /// From then on it is refused (but for the clocks' difference).
    pub expires_at: DateTime<Utc>,
}

fn refused(why: &'static str) -> ApiError {
    ApiError::new(ErrorCode::Unauthorized, why)
}

const NOT_OURS: &str = "The token is none of ours.";

impl Tokens {
    /// With the site's secret and name.
    ///
    /// # Errors
    /// A setting that the library misses, which none is.
    pub fn new(settings: &AuthSettings) -> Result<Self, String> {
        let key = || Hs256Key::new(settings.secret.bytes());
        let time_options = TimeOptions::from_leeway(TimeDelta::seconds(SKEW_SECONDS));
        let signer = TokenSigner::new()
            .access_token_lifetime(LIFETIME)
            .header(Header::empty().with_token_type("JWT"))
            .algorithm(Hs256)
            .signing_key(key())
            .time_options(time_options)
            .build()
            .map_err(|error| error.to_string())?;
        // One way in only; nothing is renewed: refreshing is ours, with tokens that are no JWTs.
        let authority = Authority::<AccessClaims, Hs256, NeverRefreshed, ()>::new()
            .refresh_authorizer((|| ready(Err(refused(NOT_OURS).into()))) as NeverRefreshed)
            .access_token_name(INTERNAL.as_str())
            .enable_header_tokens(true)
            .enable_authorization_header(false)
            .enable_cookie_tokens(false)
            .enable_query_tokens(false)
            .renew_access_token_automatically(false)
            .renew_refresh_token_automatically(false)
            .algorithm(Hs256)
            .time_options(time_options)
            .verifying_key(key())
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { signer, authority, key: key(), time_options, issuer: settings.site.uri.clone() })
    }

    /// A token for a session.
    ///
    /// # Errors
    /// INTERNAL if it can't be made, which it always can.
    pub fn access(&self, wallet: Wallet, session: Uuid) -> Result<AccessToken, ApiError> {
        let now = Utc::now();
        let claims = AccessClaims {
            sub: user_of(wallet),
            wallet,
            sid: session,
            role: USER_ROLE.to_owned(),
            aud: AUDIENCE.to_owned(),
            iss: self.issuer.clone(),
            jti: Uuid::now_v7(),
            typ: ACCESS.to_owned(),
            nbf: now.timestamp(),
        };
        let text = self.signer.create_signed_token(&claims, LIFETIME).map_err(ApiError::internal)?;
        Ok(AccessToken { text, expires_at: now + LIFETIME })
    }

    /// The caller that a request's token names; `None` without one.
    ///
    /// # Errors
    /// UNAUTHORIZED: there is a token, and it is no good.
    pub async fn caller(&self, request: &mut ServiceRequest) -> Result<Option<Caller>, ApiError> {
        request.headers_mut().remove(&INTERNAL);
        let token = match bearer(request)? {
            None => return Ok(None),
            Some(token) => token.to_owned(),
        };
        let value = HeaderValue::from_str(&token).map_err(|_| refused(NOT_OURS))?;
        request.headers_mut().insert(INTERNAL, value);
        let verified = self.authority.verify_service_request(request).await;
        request.headers_mut().remove(&INTERNAL);
        // Handlers know the caller, not the library's claims.
        request.extensions_mut().remove::<AccessClaims>();
        match verified {
            Ok(_) => self.granted(&token, Utc::now().timestamp()).map(Some),
            Err(AuthError::TokenValidation(ValidationError::Expired)) => Err(refused("The token has expired.")),
            Err(_) => Err(refused(NOT_OURS)),
        }
    }

    /// The caller that a token names, for who presents it outside of a request's headers (a WebSocket). As
    /// [`Tokens::caller`], by the same rules: signature and end are checked as the library does it, the rest by the same
    /// code.
    ///
    /// # Errors
    /// UNAUTHORIZED: it is no good.
    pub fn presented(&self, token: &str) -> Result<Caller, ApiError> {
        if !has_form(token) {
            return Err(refused(NOT_OURS));
        }
        let untrusted = UntrustedToken::new(token).map_err(|_| refused(NOT_OURS))?;
        let verified = Hs256.validator::<AccessClaims>(&self.key).validate(&untrusted);
        let verified = verified.map_err(|_| refused(NOT_OURS))?;
        match verified.claims().validate_expiration(&self.time_options) {
            Ok(_) => self.granted(token, Utc::now().timestamp()),
            Err(ValidationError::Expired) => Err(refused("The token has expired.")),
            Err(_) => Err(refused(NOT_OURS)),
        }
    }

    /// What the library does not look at, of a token whose signature is right.
    fn granted(&self, token: &str, now: i64) -> Result<Caller, ApiError> {
        let (header, claims) = parts(token).ok_or_else(|| refused(NOT_OURS))?;
        let Presented { sub, wallet, sid, role, aud, iss, typ, iat, nbf, exp, .. } = claims;
        let is_ours = header.alg == "HS256"
            && header.typ == "JWT"
            && typ == ACCESS
            && iss == self.issuer
            && aud == AUDIENCE
            && role == USER_ROLE
            && sub == user_of(wallet);
        if !is_ours {
            return Err(refused(NOT_OURS));
        }
        let latest = now.saturating_add(SKEW_SECONDS);
        if nbf > latest || iat > latest {
            return Err(refused("The token is not valid yet."));
        }
        // The library has done this; a token without an end, or with one far away, is none of ours.
        if exp.saturating_add(SKEW_SECONDS) < now || exp.saturating_sub(iat) > LIFETIME.as_secs() as i64 {
            return Err(refused("The token has expired."));
        }
        Ok(Caller { wallet, user: sub, session: sid, expires_at_unix: exp })
    }
}

/// The token of `Authorization: Bearer <token>`.
fn bearer(request: &ServiceRequest) -> Result<Option<&str>, ApiError> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let (Some(value), another) = (values.next(), values.next()) else { return Ok(None) };
    let form = || refused("Authorization must be: Bearer <token>.");
    let text = value.to_str().map_err(|_| form())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(form)?;
    if another.is_some() || !scheme.eq_ignore_ascii_case("bearer") || !has_form(token) {
        return Err(form());
    }
    Ok(Some(token))
}

/// It may be a token: worth being read.
fn has_form(token: &str) -> bool {
    !token.is_empty() && token.len() <= TOKEN_BYTES_MAX && token.bytes().all(|byte| byte.is_ascii_graphic())
}

fn parts(token: &str) -> Option<(PresentedHeader, Presented)> {
    let mut parts = token.split('.');
    let mut json = || URL_SAFE_NO_PAD.decode(parts.next()?).ok();
    let (header, claims) = (json()?, json()?);
    Some((serde_json::from_slice(&header).ok()?, serde_json::from_slice(&claims).ok()?))
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
