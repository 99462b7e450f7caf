//! POST /api/markets/{market}/resolve: proposes an outcome, with its evidence.
//!
//! The evidence is kept under the caller's rights before the transaction is handed out; its CIDv0 is what the chain gets.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{
    market_of,
    steps::{StepBody, check, prepared, require},
};
use crate::{
    domain::{
        error::ProgramError,
        event::{IpfsHash, Outcome},
        evidence::EvidenceDocument,
        ids::MarketAddress,
        phase::Phase,
    },
    http::{
        auth::caller::{Caller, SignedIn},
        body::Checked,
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        routes::trades::{
            Place, TransactionView,
            args::{ClientRef, OutcomeArg, PriorityFee, VersionArg},
        },
    },
    journal::evidence,
};

/// What is wanted.
#[derive(Debug, Clone, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ResolveBody {
    /// What has come true.
    pub outcome: OutcomeArg,
    /// Why: 1 to 2,000 characters after trimming.
    pub evidence: String,
    /// By default none.
    #[serde(default)]
    pub priority_fee: PriorityFee,
    /// By default 0.
    #[serde(default)]
    pub version: VersionArg,
    /// By default a new one.
    pub client_ref: Option<ClientRef>,
}

/// A transaction that proposes an outcome.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ResolveReply {
    /// The market's account.
    pub market_id: MarketAddress,
    /// The CIDv0 of the evidence's document.
    pub ipfs_evidence_hash: String,
    /// The document: RFC 8785 JSON.
    pub document: String,
    /// The transaction.
    #[serde(flatten)]
    pub transaction: TransactionView,
}

/// An outcome that is to be proposed.
pub(in crate::http) struct Resolve {
    market: MarketRef,
    caller: Caller,
    outcome: Outcome,
    evidence: String,
    form: StepBody,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, NOT_FOUND, CHAIN_REFUSED; what the gateway answers.
#[utoipa::path(
    post,
    path = "/api/markets/{market}/resolve",
    tag = "markets", summary = "Proposes an outcome, with its evidence",
    params(("market" = String, Path, description = "The market's address or seed.")),
    request_body = ResolveBody,
    responses(
        (status = 200, description = "A transaction to sign.", body = ResolveReply),
        (status = 400, description = "VALIDATION_ERROR"),
        (status = 401, description = "UNAUTHORIZED"),
        (status = 404, description = "NOT_FOUND"),
        (status = 413, description = "PAYLOAD_TOO_LARGE"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE"),
        (status = 422, description = "CHAIN_REFUSED: the program would refuse it"),
        (status = 429, description = "RATE_LIMITED"),
        (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT"),
    ),
    security(("bearer" = []))
)]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    SignedIn(caller): SignedIn,
    Checked(body): Checked<ResolveBody>,
) -> Result<HttpResponse, ApiError> {
    let asked = Resolve::new(market_of(&request)?, caller, body);
    Ok(HttpResponse::Ok().json(gateway.ask(asked).await?))
}

impl Resolve {
    /// What a body asks for.
    pub fn new(market: MarketRef, caller: Caller, body: ResolveBody) -> Self {
        let ResolveBody { outcome, evidence, priority_fee, version, client_ref } = body;
        let form = StepBody { priority_fee, version, client_ref };
        Self { market, caller, outcome: outcome.0, evidence, form }
    }
}

impl Question for Resolve {
    type Answer = ResolveReply;

    async fn answer(self, reads: Arc<Reads>) -> Result<ResolveReply, ApiError> {
        reads.takes()?;
        let Self { market, caller, outcome, evidence, form } = self;
        let place = Place::of(&reads, market).await?;
        let market = &place.released.market;
        let document = EvidenceDocument::new(market.address, outcome, &evidence)
            .map_err(|error| ApiError::invalid_field("evidence", error.to_string()))?;
        check(&place, require(market.phase == Phase::Active, ProgramError::InvalidMarketState))?;
        let hash: IpfsHash = document.hash();
        let instruction = reads.desk()?.build().resolve_market(market.address, caller.wallet, outcome, hash);
        let step = prepared(&reads, &place, caller.wallet, instruction, form).await?;
        reads.write(&caller, async |tx| Ok(evidence::insert(tx, market.address, &document).await?)).await?;
        Ok(ResolveReply {
            market_id: step.market_id,
            ipfs_evidence_hash: hash.text().unwrap_or_default().to_owned(),
            document: document.json().to_owned(),
            transaction: step.transaction,
        })
    }
}
