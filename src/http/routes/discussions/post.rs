//! POST /api/discussions and /api/discussions/{market}: a signed-in wallet comments on a market.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::CommentView;
use crate::{
    http::{
        auth::caller::{Caller, SignedIn},
        body::Checked,
        error::ApiError,
        gateway::{BadMarketRef, GatewayHandle, MarketRef, Question, Reads},
        idempotency::{IdempotencyKey, Reply},
        routes::markets::market_of,
    },
    journal::{idempotency::RequestKey, social},
};

/// Longest comment, in characters, after white space at its ends was taken off.
const CONTENT_MAX: usize = 1_000;

/// A comment on the market of the path.
#[derive(Debug, Deserialize, ToSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
pub struct CommentBody {
    /// 1 to 1,000 characters after trimming.
    #[garde(skip)]
    content: String,
}

/// A comment on any market.
#[derive(Debug, Deserialize, ToSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
pub struct MarketCommentBody {
    /// The market: its account address, or its seed.
    #[garde(length(max = 64))]
    market_id: String,
    /// 1 to 1,000 characters after trimming.
    #[garde(skip)]
    content: String,
}

struct Post {
    caller: Caller,
    market: MarketRef,
    content: String,
    key: Option<RequestKey>,
}

/// The market is named by the path.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NOT_FOUND; what the gateway answers.
#[utoipa::path(post, path = "/api/discussions/{market}", tag = "discussions", summary = "A signed-in wallet comments on a market", security(("bearer" = [])), request_body = CommentBody,
    params(
        ("market" = String, Path, description = "A market's address or seed."),
        ("Idempotency-Key" = Option<String>, Header, description = "The client's name for this request.")),
    responses(
        (status = 201, body = CommentView), (status = 400, description = "A field was refused."),
        (status = 401, description = "Not signed in."), (status = 404, description = "No such market."),
        (status = 409, description = "The first request of this key is being worked on."),
        (status = 422, description = "The key was used for another request."),
        (status = 429, description = "Too many requests."), (status = 503, description = "Not available now."),
        (status = 504, description = "It took too long.")))]
pub async fn on_market(
    request: HttpRequest,
    SignedIn(caller): SignedIn,
    key: IdempotencyKey,
    gateway: web::Data<GatewayHandle>,
    Checked(body): Checked<CommentBody>,
) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    post(&request, caller, key, &gateway, market, &body.content).await
}

/// The market is named by the body.
///
/// # Errors
/// As [`on_market`].
#[utoipa::path(post, path = "/api/discussions", tag = "discussions", summary = "A signed-in wallet comments on a market", security(("bearer" = [])), request_body = MarketCommentBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "The client's name for this request.")),
    responses(
        (status = 201, body = CommentView), (status = 400, description = "A field was refused."),
        (status = 401, description = "Not signed in."), (status = 404, description = "No such market."),
        (status = 409, description = "The first request of this key is being worked on."),
        (status = 422, description = "The key was used for another request."),
        (status = 429, description = "Too many requests."), (status = 503, description = "Not available now."),
        (status = 504, description = "It took too long.")))]
pub async fn handle(
    request: HttpRequest,
    SignedIn(caller): SignedIn,
    key: IdempotencyKey,
    gateway: web::Data<GatewayHandle>,
    Checked(body): Checked<MarketCommentBody>,
) -> Result<HttpResponse, ApiError> {
    let market = body.market_id.parse();
    let market = market.map_err(|error: BadMarketRef| ApiError::invalid_field("market_id", error.to_string()))?;
    post(&request, caller, key, &gateway, market, &body.content).await
}

async fn post(
    request: &HttpRequest,
    caller: Caller,
    key: IdempotencyKey,
    gateway: &GatewayHandle,
    market: MarketRef,
    content: &str,
) -> Result<HttpResponse, ApiError> {
    let content = said(content)?.to_owned();
    let key = key.of(request, &caller);
    Ok(gateway.ask(Post { caller, market, content, key }).await?.into())
}

/// What is kept of a text: what the database's own rule says, so that nothing is refused there.
fn said(content: &str) -> Result<&str, ApiError> {
    let content = content.trim();
    let refuse = |message: String| Err(ApiError::invalid_field("content", message));
    let length = content.chars().count();
    if !(1..=CONTENT_MAX).contains(&length) {
        return refuse(format!("Must have 1 to {CONTENT_MAX} characters after trimming, has {length}."));
    }
    if content.contains('\0') {
        return refuse("Must not hold the character NUL.".to_owned());
    }
    Ok(content)
}

impl Question for Post {
    type Answer = Reply;

    async fn answer(self, reads: Arc<Reads>) -> Result<Reply, ApiError> {
        reads.takes()?;
        let market = reads.released(self.market).await?.market.address;
        reads
            .write_once(&self.caller, self.key.as_ref(), async |tx| {
                let comment = social::add_comment(&**tx, market, &self.content).await?;
                Reply::json(StatusCode::CREATED, &CommentView::from(comment))
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_trimmed_and_has_a_length() {
        let longest = "ü".repeat(CONTENT_MAX);
        let too_long = format!("{longest}x");
        for (text, taken) in [
            (" \t\r\n hi \n", Some("hi")),
            ("\u{a0}hi\u{2003}", Some("hi")),
            (longest.as_str(), Some(longest.as_str())),
            (too_long.as_str(), None),
            ("", None),
            (" \n ", None),
            ("a\0b", None),
        ] {
            assert_eq!(said(text).ok(), taken, "{text:?}");
        }
    }
}
