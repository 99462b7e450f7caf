//! What the steps of a market's life have in common: a transaction for the caller's wallet, refused early where the market
//! as it is known here refuses it already.
//!
//! A market that may be behind the chain refuses nobody: then only the rehearsal does.

use std::{marker::PhantomData, sync::Arc};

use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use solana_sdk::instruction::Instruction;

use super::{
    super::trades::{
        Place, TransactionView,
        args::{ClientRef, PriorityFee, VersionArg},
    },
    market_of,
};
use crate::{
    domain::{
        error::ProgramError,
        ids::{MarketAddress, Wallet},
    },
    http::{
        auth::caller::Caller,
        desk::Order,
        error::ApiError,
        gateway::{GatewayHandle, MarketRef, Question, Reads},
    },
};

/// How the transaction is wanted; a body without anything in it, or none, is good too.
#[derive(Debug, Clone, Default, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct StepBody {
    /// By default none.
    #[serde(default)]
    pub priority_fee: PriorityFee,
    /// By default 0.
    #[serde(default)]
    pub version: VersionArg,
    /// By default a new one.
    pub client_ref: Option<ClientRef>,
}

/// A transaction that takes a market one step further.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct StepReply {
    /// The market's account.
    pub market_id: MarketAddress,
    /// The transaction.
    #[serde(flatten)]
    pub transaction: TransactionView,
}

/// Refuses what the market as it is known refuses.
///
/// # Errors
/// CHAIN_REFUSED.
pub(super) fn check(place: &Place, rule: Result<(), ProgramError>) -> Result<(), ApiError> {
    if place.is_stale() { Ok(()) } else { rule.map_err(ApiError::chain_refused) }
}

/// A rule as a result.
pub(super) fn require(holds: bool, error: ProgramError) -> Result<(), ProgramError> {
    if holds { Ok(()) } else { Err(error) }
}

/// A step that needs no more than the market.
pub(in crate::http) trait Step: Send + 'static {
    /// The instruction, if the market as it is known here lets this wallet do it.
    fn instruction(reads: &Reads, place: &Place, wallet: Wallet)
    -> impl Future<Output = Result<Instruction, ApiError>>;
}

/// A step that is to be taken.
pub(in crate::http) struct Take<S> {
    market: MarketRef,
    wallet: Wallet,
    body: StepBody,
    step: PhantomData<S>,
}

impl<S: Step> Take<S> {
    /// In this market, by this wallet.
    pub fn new(market: MarketRef, wallet: Wallet, body: StepBody) -> Self {
        Self { market, wallet, body, step: PhantomData }
    }
}

/// The way of every such step.
///
/// # Errors
/// VALIDATION_ERROR, NOT_FOUND, CHAIN_REFUSED; what the gateway answers.
pub(super) async fn take<S: Step>(
    request: &HttpRequest,
    gateway: &GatewayHandle,
    caller: Caller,
    body: Option<StepBody>,
) -> Result<HttpResponse, ApiError> {
    let market = market_of(request)?;
    let reply = gateway.ask(Take::<S>::new(market, caller.wallet, body.unwrap_or_default())).await?;
    Ok(HttpResponse::Ok().json(reply))
}

impl<S: Step> Question for Take<S> {
    type Answer = StepReply;

    async fn answer(self, reads: Arc<Reads>) -> Result<StepReply, ApiError> {
        let place = Place::of(&reads, self.market).await?;
        let instruction = S::instruction(&reads, &place, self.wallet).await?;
        prepared(&reads, &place, self.wallet, instruction, self.body).await
    }
}

/// Prepares the step.
///
/// # Errors
/// As [`crate::http::desk::Desk::prepare`].
pub(super) async fn prepared(
    reads: &Reads,
    place: &Place,
    wallet: Wallet,
    instruction: Instruction,
    body: StepBody,
) -> Result<StepReply, ApiError> {
    let StepBody { priority_fee, version, client_ref } = body;
    let order = Order { wallet, instruction, version: version.0, priority: priority_fee.0 };
    let prepared = reads.desk()?.prepare(&order).await?;
    let transaction = TransactionView::new(&prepared, client_ref.map(|client_ref| client_ref.0));
    Ok(StepReply { market_id: place.released.market.address, transaction })
}

/// What such a step answers, for the API's description.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code)] // read by the description only
pub(super) enum StepResponses {
    /// A transaction to sign.
    #[response(status = 200)]
    Built(#[to_schema] StepReply),
    /// VALIDATION_ERROR
    #[response(status = 400)]
    Invalid,
    /// UNAUTHORIZED
    #[response(status = 401)]
    Unauthorized,
    /// NOT_FOUND
    #[response(status = 404)]
    NotFound,
    /// PAYLOAD_TOO_LARGE
    #[response(status = 413)]
    TooLarge,
    /// UNSUPPORTED_MEDIA_TYPE
    #[response(status = 415)]
    OtherType,
    /// CHAIN_REFUSED: the program would refuse it
    #[response(status = 422)]
    Refused,
    /// RATE_LIMITED
    #[response(status = 429)]
    TooMany,
    /// UNAVAILABLE
    #[response(status = 503)]
    Unavailable,
    /// TIMEOUT
    #[response(status = 504)]
    Timeout,
}
