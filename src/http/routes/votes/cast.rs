//! POST /api/votes/proposal and /api/votes/dispute: a signed-in wallet votes, once.
//!
//! The vote is the wallet's own row, written under its rights; the market's actor counts it a moment later. The reply tells
//! what is counted with it.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{MeasuredTally, VoteRules};
use crate::{
    domain::{
        ids::TxSignature,
        market::Market,
        phase::Phase,
        tally::{Counts, VoteKind},
        user_write::{CastVote, vote_message},
    },
    http::{
        auth::caller::{Caller, SignedIn},
        body::Checked,
        error::{ApiError, ErrorCode},
        gateway::{BadMarketRef, GatewayHandle, MarketRef, Question, Reads},
        idempotency::{IdempotencyKey, Reply},
    },
    journal::{
        idempotency::RequestKey,
        rights::{self, Acting},
        social,
    },
};

/// A vote.
#[derive(Debug, Deserialize, ToSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
pub struct VoteBody {
    /// The market: its account address, or its seed.
    #[garde(length(max = 64))]
    market_id: String,
    /// Proposal: true to approve. Dispute: true if the proposed outcome is wrong.
    #[garde(skip)]
    vote: bool,
    /// The wallet's Ed25519 signature, base58, over the text `zmart vote`, `market: <address>`, `kind: <proposal or
    /// dispute>`, `vote: <yes or no>`, `wallet: <address>`, joined by line feeds. Kept and published.
    #[serde(default)]
    #[garde(inner(length(max = 88)))]
    #[schema(value_type = Option<TxSignature>)]
    signature: Option<String>,
}

/// What was counted.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoteReply {
    /// The vote.
    vote: bool,
    /// What is counted with it.
    tally: MeasuredTally,
}

/// A vote that is to be cast.
pub(in crate::http) struct Cast {
    caller: Caller,
    kind: VoteKind,
    market: MarketRef,
    vote: bool,
    signature: Option<TxSignature>,
    key: Option<RequestKey>,
    rules: web::Data<VoteRules>,
}

/// Votes on a proposal.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT (another phase, too late, a second vote); what the gateway answers.
#[utoipa::path(post, path = "/api/votes/proposal", tag = "votes", summary = "Votes on a proposal", security(("bearer" = [])), request_body = VoteBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "The client's name for this request.")),
    responses(
        (status = 201, body = VoteReply),
        (status = 400, description = "A field was refused."), (status = 401, description = "Not signed in."),
        (status = 403, description = "The wallet may not vote here."), (status = 404, description = "No such market."),
        (status = 409, description = "Not in this phase, too late, or a second vote."),
        (status = 422, description = "The key was used for another request."),
        (status = 429, description = "Too many requests."), (status = 503, description = "Not available now."),
        (status = 504, description = "It took too long.")))]
pub async fn proposal(
    request: HttpRequest,
    SignedIn(caller): SignedIn,
    key: IdempotencyKey,
    rules: web::Data<VoteRules>,
    gateway: web::Data<GatewayHandle>,
    Checked(body): Checked<VoteBody>,
) -> Result<HttpResponse, ApiError> {
    cast(&request, caller, key, rules, &gateway, VoteKind::Proposal, body).await
}

/// Votes on a dispute.
///
/// # Errors
/// As [`proposal`].
#[utoipa::path(post, path = "/api/votes/dispute", tag = "votes", summary = "Votes on a dispute", security(("bearer" = [])), request_body = VoteBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "The client's name for this request.")),
    responses(
        (status = 201, body = VoteReply),
        (status = 400, description = "A field was refused."), (status = 401, description = "Not signed in."),
        (status = 403, description = "The wallet may not vote here."), (status = 404, description = "No such market."),
        (status = 409, description = "Not in this phase, too late, or a second vote."),
        (status = 422, description = "The key was used for another request."),
        (status = 429, description = "Too many requests."), (status = 503, description = "Not available now."),
        (status = 504, description = "It took too long.")))]
pub async fn dispute(
    request: HttpRequest,
    SignedIn(caller): SignedIn,
    key: IdempotencyKey,
    rules: web::Data<VoteRules>,
    gateway: web::Data<GatewayHandle>,
    Checked(body): Checked<VoteBody>,
) -> Result<HttpResponse, ApiError> {
    cast(&request, caller, key, rules, &gateway, VoteKind::Dispute, body).await
}

async fn cast(
    request: &HttpRequest,
    caller: Caller,
    key: IdempotencyKey,
    rules: web::Data<VoteRules>,
    gateway: &GatewayHandle,
    kind: VoteKind,
    body: VoteBody,
) -> Result<HttpResponse, ApiError> {
    let key = key.of(request, &caller);
    Ok(gateway.ask(Cast::parse(caller, kind, body, key, rules)?).await?.into())
}

impl Cast {
    /// What a body asks for.
    ///
    /// # Errors
    /// VALIDATION_ERROR with the refused field.
    pub fn parse(
        caller: Caller,
        kind: VoteKind,
        body: VoteBody,
        key: Option<RequestKey>,
        rules: web::Data<VoteRules>,
    ) -> Result<Self, ApiError> {
        let market = body.market_id.parse();
        let market = market.map_err(|error: BadMarketRef| ApiError::invalid_field("market_id", error.to_string()))?;
        let signature = body.signature.map(|text| text.parse()).transpose();
        let signature: Option<TxSignature> =
            signature.map_err(|_| ApiError::invalid_field("signature", "Must be base58 of 64 bytes."))?;
        if rules.config.signatures_required && signature.is_none() {
            return Err(ApiError::invalid_field("signature", "Votes count only with the wallet's signature."));
        }
        Ok(Self { caller, kind, market, vote: body.vote, signature, key, rules })
    }
}

impl Question for Cast {
    type Answer = Reply;

    async fn answer(self, reads: Arc<Reads>) -> Result<Reply, ApiError> {
        let Self { caller, kind, vote, signature, rules, .. } = self;
        if let Some(reply) = reads.replayed(self.key.as_ref()).await? {
            return Ok(reply);
        }
        reads.takes()?;
        let released = reads.released(self.market).await?;
        let market = released.market.address;
        let vote_cast = CastVote { kind, wallet: caller.wallet, vote, signature, voted_at_ms: 0 };
        if !vote_cast.is_genuine(market) {
            let message = vote_message(market, kind, vote, caller.wallet);
            let message = format!("Must be the wallet's signature over {message:?}.");
            return Err(ApiError::invalid_field("signature", message));
        }
        rules.admit(&reads, caller.wallet).await?;
        let too_late = rules.too_late(&released.market, kind).await;
        let config = reads.config_at_once().await;
        reads
            .write_once(&caller, self.key.as_ref(), async |tx| {
                // A request that is repeated is answered as the first one was, whatever has become of the market.
                in_phase(&released.market, kind)?;
                too_late.map_or(Ok(()), Err)?;
                social::cast_vote(&**tx, market, kind, vote, signature).await.map_err(second)?;
                let counts = social::counts(tx, market).await?.of(kind);
                let own = social::own_votes(tx, market, kind, caller.wallet).await?;
                // It is counted in a moment, unless the wallet's vote on the chain is.
                let counts = if own.chain.is_some() { counts } else { with(counts, vote) };
                let tally = rules.measured(kind, counts, config.as_deref());
                rights::act(tx, Acting::Engine).await?;
                social::admit_vote(&**tx, market, kind, caller.wallet).await?;
                Reply::json(StatusCode::CREATED, &VoteReply { vote, tally })
            })
            .await
    }
}

fn with(counts: Counts, vote: bool) -> Counts {
    let (likes, dislikes) = (counts.in_favour(), counts.against());
    let more = |count: u32, one: bool| count.saturating_add(u32::from(one));
    Counts::new(more(likes, vote), more(dislikes, !vote)).unwrap_or(counts)
}

fn in_phase(market: &Market, kind: VoteKind) -> Result<(), ApiError> {
    let (wanted, what) = match kind {
        VoteKind::Proposal => (Phase::Proposed, "a proposal"),
        VoteKind::Dispute => (Phase::Disputed, "a dispute"),
    };
    if market.phase == wanted {
        return Ok(());
    }
    let message =
        format!("Votes on {what} are taken while the market is {}; it is {}.", wanted.as_str(), market.phase.as_str());
    Err(ApiError::new(ErrorCode::Conflict, message))
}

fn second(error: tokio_postgres::Error) -> ApiError {
    if error.code().is_some_and(|code| code.code() == "23505") {
        return ApiError::new(ErrorCode::Conflict, "This wallet has voted already.");
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_is_added_to_its_side() {
        let counts = Counts::new(3, 4).unwrap();
        assert_eq!(with(counts, true), Counts::new(4, 4).unwrap());
        assert_eq!(with(counts, false), Counts::new(3, 5).unwrap());
        let full = Counts::new(u32::MAX, 0).unwrap();
        assert_eq!(with(full, true), full);
    }
}
