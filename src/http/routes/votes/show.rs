//! GET /api/votes/{market}: both tallies of a market, and the caller's own votes.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{MeasuredTally, VoteRules};
use crate::{
    domain::{
        ids::{MarketAddress, Seq, Slot},
        tally::VoteKind,
    },
    http::{
        auth::caller::{Caller, MaybeSignedIn},
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        reply,
        routes::markets::market_of,
    },
    journal::social::{self, OwnVotes},
    view::social::VoteSourceView,
};

/// What is counted in a market.
#[derive(Debug, Serialize, ToSchema)]
pub struct MarketVotes {
    /// The market.
    market_id: MarketAddress,
    /// On its proposal.
    proposal: MeasuredTally,
    /// On its dispute.
    dispute: MeasuredTally,
    /// The caller's own votes; only for signed-in callers.
    #[serde(skip_serializing_if = "Option::is_none")]
    own: Option<Own>,
    seq: Seq,
    slot: Slot,
}

/// The caller's own votes; `null` where there is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct Own {
    /// On the proposal.
    proposal: Option<OwnVote>,
    /// On the dispute.
    dispute: Option<OwnVote>,
}

/// The vote of the caller that counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnVote {
    /// Which way.
    vote: bool,
    /// Where it was cast; one on the chain wins.
    source: VoteSourceView,
}

impl OwnVote {
    fn of(votes: OwnVotes) -> Option<Self> {
        let chain = votes.chain.map(|vote| Self { vote, source: VoteSourceView::Onchain });
        chain.or(votes.off_chain.map(|vote| Self { vote, source: VoteSourceView::Offchain }))
    }
}

/// What is counted in a market.
pub(in crate::http) struct ShowVotes {
    /// Which.
    pub market: MarketRef,
    /// Whose own votes are shown too.
    pub caller: Option<Caller>,
    /// What counts are measured by.
    pub rules: web::Data<VoteRules>,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, NOT_FOUND; what the gateway answers.
#[utoipa::path(get, path = "/api/votes/{market}", tag = "votes", summary = "Both tallies of a market, and the caller's own votes", security((), ("bearer" = [])),
    params(("market" = String, Path, description = "A market's address or seed.")),
    responses(
        (status = 200, body = MarketVotes), (status = 304, description = "Not modified."),
        (status = 400, description = "No market's name."), (status = 401, description = "The token is not valid."),
        (status = 404, description = "No such market."), (status = 429, description = "Too many requests."),
        (status = 503, description = "Not available now."), (status = 504, description = "It took too long.")))]
pub async fn handle(
    request: HttpRequest,
    MaybeSignedIn(caller): MaybeSignedIn,
    rules: web::Data<VoteRules>,
    gateway: web::Data<GatewayHandle>,
) -> Result<HttpResponse, ApiError> {
    let votes = gateway.ask(ShowVotes { market: market_of(&request)?, caller, rules }).await?;
    let mut reply = reply::cacheable(&request, &votes)?;
    if caller.is_some() {
        reply.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("private, no-cache"));
    }
    Ok(reply)
}

impl Question for ShowVotes {
    type Answer = MarketVotes;

    async fn answer(self, reads: Arc<Reads>) -> Result<MarketVotes, ApiError> {
        let released = reads.released(self.market).await?;
        let market = released.market.address;
        let own = match self.caller {
            None => None,
            Some(caller) => {
                let votes = async |tx: &deadpool_postgres::Transaction<'_>| {
                    let proposal = social::own_votes(tx, market, VoteKind::Proposal, caller.wallet).await?;
                    let dispute = social::own_votes(tx, market, VoteKind::Dispute, caller.wallet).await?;
                    Ok(Own { proposal: OwnVote::of(proposal), dispute: OwnVote::of(dispute) })
                };
                Some(reads.read_for(self.caller.as_ref(), votes).await?)
            }
        };
        let config = reads.config_at_once().await;
        let measured = |kind| self.rules.measured(kind, released.beside.counts.of(kind), config.as_deref());
        Ok(MarketVotes {
            market_id: market,
            proposal: measured(VoteKind::Proposal),
            dispute: measured(VoteKind::Dispute),
            own,
            seq: released.seq,
            slot: released.slot,
        })
    }
}
