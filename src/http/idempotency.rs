//! `Idempotency-Key`: a request that is sent again has its effect once, and gets the first one's reply.
//!
//! The scope is wallet and route; the same key with another path or body is refused, and so is one whose first request is
//! still being worked on. A reply is kept for 24 hours with the effect, in its own transaction: also a refusal (4xx),
//! without what the effect had begun; but not 401, 429 and 5xx, which say nothing of the request.

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse,
    dev::Payload,
    http::StatusCode,
    http::header::{HeaderName, HeaderValue},
};
use deadpool_postgres::Transaction;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::future::{Ready, ready};

use super::{
    auth::caller::Caller,
    error::{ApiError, ErrorCode, FieldError, ProgramRefusal},
    gateway::Reads,
};
use crate::{
    domain::ids::TxSignature,
    journal::{
        idempotency::{KeptReply, Known, RequestKey},
        rights::{self, Acting},
    },
};

/// The header.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key, in characters.
const KEY_MAX: usize = 128;
/// Says that a reply is the one of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// SHA-256 of the body that was read; left with the request by [`super::body::Checked`].
#[derive(Debug, Clone, Copy)]
pub struct BodyHash(pub [u8; 32]);

/// The client's name for its request, if it gave one. As an extractor, it refuses a malformed one.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(pub Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all(&IDEMPOTENCY_KEY);
        let key = match (values.next(), values.next()) {
            (None, _) => Ok(Self(None)),
            (Some(value), None) => named(value).map(|key| Self(Some(key))),
            (Some(_), Some(_)) => Err(refused()),
        };
        ready(key)
    }
}

fn refused() -> ApiError {
    ApiError::invalid_field("Idempotency-Key", "Must be one text of 1 to 128 visible ASCII characters.")
}

fn named(value: &HeaderValue) -> Result<String, ApiError> {
    let text = value.to_str().map_err(|_| refused())?;
    if is_key(text) { Ok(text.to_owned()) } else { Err(refused()) }
}

impl IdempotencyKey {
    /// The request under this key; `None` without a key. To be called when the body was read ([`super::body::Checked`]).
    pub fn of(self, request: &HttpRequest, caller: &Caller) -> Option<RequestKey> {
        let key = self.0?;
        let mut hash = Sha256::new();
        hash.update(request.path().as_bytes());
        hash.update([0]);
        // Without a body there is nothing to compare but the path.
        if let Some(BodyHash(body)) = request.extensions().get::<BodyHash>() {
            hash.update(body);
        }
        let pattern = request.match_pattern().unwrap_or_default();
        let route = format!("{} {pattern}", request.method());
        Some(RequestKey { wallet: caller.wallet, route, key, body_hash: hash.finalize().into() })
    }
}

/// The request that a message makes under a key of its sender's, `{"idempotency_key": …}`; `None` without one. Its body is
/// the other fields. A key is of one port: the same key by HTTP is another request.
///
/// # Errors
/// VALIDATION_ERROR for a malformed key.
pub fn key_of_message(
    caller: &Caller,
    action: &'static str,
    fields: &mut serde_json::Map<String, serde_json::Value>,
) -> Result<Option<RequestKey>, ApiError> {
    let key = match fields.remove("idempotency_key") {
        None | Some(serde_json::Value::Null) => return Ok(None),
        Some(serde_json::Value::String(key)) if is_key(&key) => key,
        Some(_) => {
            return Err(ApiError::invalid_field("idempotency_key", "Must be 1 to 128 visible ASCII characters."));
        }
    };
    // The fields are in the order of their names, whatever the order in the message was.
    let body = serde_json::to_vec(fields).map_err(ApiError::internal)?;
    Ok(Some(RequestKey {
        wallet: caller.wallet,
        route: format!("WS {action}"),
        key,
        body_hash: Sha256::digest(&body).into(),
    }))
}

fn is_key(text: &str) -> bool {
    (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A reply that can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Of success.
    pub status: StatusCode,
    /// JSON.
    pub body: String,
    /// It is the reply to an earlier request.
    pub is_replayed: bool,
}

impl Reply {
    /// A new reply.
    ///
    /// # Errors
    /// INTERNAL if the value can't be written as JSON, which none of ours should.
    pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Self, ApiError> {
        let body = serde_json::to_string(value).map_err(ApiError::internal)?;
        Ok(Self { status, body, is_replayed: false })
    }

    /// Its body, as it goes into a message.
    ///
    /// # Errors
    /// INTERNAL if what was kept is no JSON.
    pub fn into_data(self) -> Result<Box<serde_json::value::RawValue>, ApiError> {
        serde_json::value::RawValue::from_string(self.body).map_err(ApiError::internal)
    }
}

impl From<Reply> for HttpResponse {
    fn from(reply: Reply) -> Self {
        let mut response = Self::build(reply.status);
        if reply.is_replayed {
            response.insert_header((REPLAYED, HeaderValue::from_static("true")));
        }
        response.content_type("application/json").body(reply.body)
    }
}

/// A refusal, as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptRefusal {
    error: ErrorCode,
    message: String,
    details: Vec<FieldError>,
    #[serde(default)]
    program_error: Option<Box<ProgramRefusal>>,
    #[serde(default)]
    signature: Option<Box<TxSignature>>,
}

/// Says something of the request itself: asked again, the answer would be the same.
fn is_kept(error: &ApiError) -> bool {
    let status = error.code.status();
    status.is_client_error() && !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS)
}

impl Reads {
    /// The reply to an earlier request of this key. To be asked before anything that may by now say otherwise than it did
    /// then; what is new is still decided by [`Reads::write_once`], under the key's lock.
    ///
    /// # Errors
    /// What was answered then; IDEMPOTENCY_MISMATCH for a key of another request; UNAVAILABLE, TIMEOUT.
    pub async fn replayed(&self, request: Option<&RequestKey>) -> Result<Option<Reply>, ApiError> {
        let Some(request) = request else { return Ok(None) };
        match self.engine_read(async |tx| Ok(request.look_up(tx).await?)).await? {
            Known::New | Known::InFlight => Ok(None),
            Known::OtherBody => Err(other_body()),
            Known::Answered(kept) => answered(kept)?.map(Some),
        }
    }

    /// As [`Reads::write`], with its effect once for a key: see the module. Without a key it is a plain write.
    ///
    /// # Errors
    /// What the effect answers or answered then; CONFLICT while the first request is worked on, IDEMPOTENCY_MISMATCH for a
    /// key of another request.
    pub async fn write_once(
        &self,
        caller: &Caller,
        request: Option<&RequestKey>,
        effect: impl AsyncFnOnce(&Transaction<'_>) -> Result<Reply, ApiError>,
    ) -> Result<Reply, ApiError> {
        let Some(request) = request else { return self.write(caller, effect).await };
        let mut client = self.connection().await?;
        rights::run_nested(&mut client, Acting::Engine, async |tx| {
            match request.take(tx).await? {
                Known::New => {}
                Known::InFlight => {
                    let message = "The first request of this Idempotency-Key is still being worked on.";
                    return Err(ApiError::new(ErrorCode::Conflict, message));
                }
                Known::OtherBody => return Err(other_body()),
                Known::Answered(kept) => return answered(kept),
            }
            let effected = {
                // Opened as the engine: to roll back to it is to act as the engine again.
                let inner = tx.transaction().await?;
                rights::act(&inner, caller.into()).await?;
                match effect(&inner).await {
                    Ok(reply) => {
                        inner.commit().await?;
                        Ok(reply)
                    }
                    Err(error) => {
                        inner.rollback().await?;
                        Err(error)
                    }
                }
            };
            let kept = match &effected {
                Ok(reply) => KeptReply { status: reply.status.as_u16(), body: reply.body.clone() },
                Err(error) if is_kept(error) => refusal(error)?,
                Err(_) => return effected.map(Ok),
            };
            rights::act(tx, Acting::Engine).await?;
            request.keep(tx, &kept).await?;
            // A refusal is committed too.
            Ok(effected)
        })
        .await?
    }
}

fn other_body() -> ApiError {
    ApiError::new(ErrorCode::IdempotencyMismatch, "This Idempotency-Key was used for another request.")
}

fn refusal(error: &ApiError) -> Result<KeptReply, ApiError> {
    let kept = KeptRefusal {
        error: error.code,
        message: error.message.clone().into_owned(),
        details: error.details.clone(),
        program_error: error.program_error.clone(),
        signature: error.signature.clone(),
    };
    let body = serde_json::to_string(&kept).map_err(ApiError::internal)?;
    Ok(KeptReply { status: error.code.status().as_u16(), body })
}

fn answered(kept: KeptReply) -> Result<Result<Reply, ApiError>, ApiError> {
    let status = StatusCode::from_u16(kept.status).map_err(ApiError::internal)?;
    if status.is_success() {
        return Ok(Ok(Reply { status, body: kept.body, is_replayed: true }));
    }
    let KeptRefusal { error, message, details, program_error, signature } =
        serde_json::from_str(&kept.body).map_err(ApiError::internal)?;
    Ok(Err(ApiError { details, program_error, signature, ..ApiError::new(error, message) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_text_of_visible_characters() {
        let long = "x".repeat(129);
        for (value, taken) in [("a", true), ("0197-ab_c", true), ("", false), ("a b", false), (long.as_str(), false)] {
            assert_eq!(named(&HeaderValue::from_str(value).unwrap()).is_ok(), taken, "{value:?}");
        }
        assert!(named(&HeaderValue::from_bytes("é".as_bytes()).unwrap()).is_err());
    }

    #[test]
    fn what_says_nothing_of_the_request_is_not_kept() {
        use ErrorCode::*;
        for code in [ValidationError, Forbidden, NotFound, Conflict, ChainRefused] {
            assert!(is_kept(&ApiError::new(code, "")), "{code:?}");
        }
        for code in [Unauthorized, RateLimited, Internal, Unavailable, Stale, Timeout] {
            assert!(!is_kept(&ApiError::new(code, "")), "{code:?}");
        }
    }

    #[test]
    fn a_refusal_comes_back_as_it_was() {
        let error = ApiError::invalid_field("vote", "Must be true or false.");
        assert_eq!(answered(refusal(&error).unwrap()).unwrap().unwrap_err(), error);
    }
}
