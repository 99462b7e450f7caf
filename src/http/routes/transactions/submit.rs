//! POST /api/transactions: a signed transaction, to be brought to the chain.
//!
//! What is taken is durable before anything is sent, together with the request's Idempotency-Key; so whoever asks again
//! (with the same key, with another, or with nothing but the same transaction) is told of the one that there is. The same
//! bytes are the same transaction, which the chain executes once; another transaction of the same intent is refused while
//! the first may land.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use deadpool_postgres::Transaction;
use serde::{Deserialize, Serialize};

use super::super::trades::{Place, args::ClientRef};
use crate::{
    actors::submissions::SendNow,
    chain::tx::inspect::{Inspected, Refusal, inspect},
    domain::{ids::TxSignature, submission::SubmissionStatus},
    http::{
        auth::caller::{Caller, SignedIn},
        body::Checked,
        desk::node_trouble,
        error::{ApiError, ErrorCode},
        gateway::{GatewayHandle, MarketRef, Question, Reads},
        idempotency::{IdempotencyKey, Reply},
    },
    journal::{
        idempotency::RequestKey,
        rights::{self, Acting},
        submissions::{self, Kept, NewSubmission, SubmissionRow, Unsettled},
    },
    telemetry::request,
};

/// What is handed in.
#[derive(Debug, Clone, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct SubmitBody {
    /// Signed, base64.
    pub transaction: String,
    /// The name that was given with the transaction: one intent lands once.
    pub client_ref: Option<ClientRef>,
}

/// What is answered.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SubmitReply {
    /// The transaction's name on the chain.
    pub signature: TxSignature,
    /// `received`, or where it stands if it was handed in before.
    pub status: &'static str,
}

/// A transaction that is handed in.
pub(in crate::http) struct Submit {
    /// By whom.
    pub caller: Caller,
    /// The request's own name.
    pub key: Option<RequestKey>,
    /// What.
    pub body: SubmitBody,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, CONFLICT, IDEMPOTENCY_MISMATCH, CHAIN_REFUSED; what the gateway answers.
#[utoipa::path(
    post,
    path = "/api/transactions",
    tag = "transactions", summary = "A signed transaction, to be brought to the chain",
    params(("Idempotency-Key" = Option<String>, Header, description = "The client's own name for this request.")),
    request_body = SubmitBody,
    responses(
        (status = 200, description = "It is durable, and being sent.", body = SubmitReply),
        (status = 400, description = "VALIDATION_ERROR: it is not as it was built, or not signed by the caller"),
        (status = 401, description = "UNAUTHORIZED"),
        (status = 404, description = "NOT_FOUND"),
        (status = 409, description = "CONFLICT: another transaction of this intent may land or has landed: `signature`"),
        (status = 413, description = "PAYLOAD_TOO_LARGE"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE"),
        (status = 422, description = "CHAIN_REFUSED: it can't land any more; or IDEMPOTENCY_MISMATCH"),
        (status = 429, description = "RATE_LIMITED: too many of the caller's are on their way"),
        (status = 503, description = "UNAVAILABLE"),
        (status = 504, description = "TIMEOUT"),
    ),
    security(("bearer" = []))
)]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    SignedIn(caller): SignedIn,
    key: IdempotencyKey,
    Checked(body): Checked<SubmitBody>,
) -> Result<HttpResponse, ApiError> {
    let key = key.of(&request, &caller);
    Ok(gateway.ask(Submit { caller, key, body }).await?.into())
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::invalid_field("transaction", refusal.to_string())
    }
}

impl Question for Submit {
    type Answer = Reply;

    async fn answer(self, reads: Arc<Reads>) -> Result<Reply, ApiError> {
        let Self { caller, key, body } = self;
        if let Some(reply) = reads.replayed(key.as_ref()).await? {
            return Ok(reply);
        }
        let inspected = inspect(reads.desk()?.build(), &body.transaction, caller.wallet)?;
        let client_ref = body.client_ref.as_ref().map(|ClientRef(text)| text.as_str());
        let find =
            async |tx: &Transaction<'_>| Ok(submissions::of_wallet(&**tx, caller.wallet, inspected.signature).await?);
        // One that is here already is not judged again: its blockhash may be gone by now.
        let last_valid_block_height = match reads.read_for(Some(&caller), find).await? {
            Some(known) => known.last_valid_block_height,
            None => {
                reads.takes()?;
                accounts_are_right(&reads, &inspected).await?;
                still_valid(&reads, &inspected).await?
            }
        };
        let new = NewSubmission {
            signature: inspected.signature,
            wallet: caller.wallet,
            client_ref,
            market: inspected.market,
            purpose: inspected.instruction.kind().name(),
            wire: &inspected.wire,
            last_valid_block_height,
        };
        let mut is_new = false;
        let reply = reads
            .write_once(&caller, key.as_ref(), async |tx| {
                rights::act(tx, Acting::Engine).await?;
                let status = match submissions::of_wallet(&**tx, caller.wallet, new.signature).await? {
                    Some(known) => known.status,
                    None => {
                        is_new = kept(submissions::keep(tx, &new).await?, &new)?;
                        SubmissionStatus::Received
                    }
                };
                let reply = SubmitReply { signature: new.signature, status: status.as_str() };
                Reply::json(StatusCode::OK, &reply)
            })
            .await?;
        if is_new {
            // Lost, it is found by the next pass.
            if let Some(actor) = reads.desk()?.submissions() {
                let _ = actor.try_send(SendNow(unsettled(&new)));
            }
        }
        Ok(reply)
    }
}

/// True if the transaction is new; another request may have brought the same one meanwhile.
fn kept(kept: Kept, new: &NewSubmission<'_>) -> Result<bool, ApiError> {
    match kept {
        Kept::New => Ok(true),
        Kept::OtherOfIntent(signature) if signature == new.signature => Ok(false),
        Kept::OtherOfIntent(signature) => {
            let message = format!("The transaction {signature} of this client_ref may land or has landed.");
            Err(ApiError { signature: Some(Box::new(signature)), ..ApiError::new(ErrorCode::Conflict, message) })
        }
        Kept::WalletFull => Err(ApiError {
            retry_after_seconds: Some(5),
            ..ApiError::new(ErrorCode::RateLimited, "Too many of your transactions are on their way.")
        }),
        Kept::Contended => Err(ApiError::unavailable("The transactions of this client_ref change just now.")),
        Kept::Full => Err(ApiError::unavailable("Too many transactions are on their way.")),
    }
}

fn unsettled(new: &NewSubmission<'_>) -> Unsettled {
    let now = chrono::Utc::now().timestamp_millis();
    let row = SubmissionRow {
        signature: new.signature,
        wallet: new.wallet,
        client_ref: new.client_ref.map(ToOwned::to_owned),
        market: new.market,
        purpose: new.purpose.to_owned(),
        status: SubmissionStatus::Received,
        settled: false,
        slot: None,
        reason: None,
        last_valid_block_height: new.last_valid_block_height,
        received_at_ms: now,
        updated_at_ms: now,
        request_id: request::current(),
    };
    Unsettled { row, wire: new.wire.to_vec() }
}

/// The accounts that only the config and the market know.
async fn accounts_are_right(reads: &Reads, inspected: &Inspected) -> Result<(), ApiError> {
    if inspected.fee_wallet.is_none() && inspected.resolver.is_none() {
        return Ok(());
    }
    let place = Place::of(reads, MarketRef::Address(inspected.market)).await?;
    let wrong =
        |what: &str| ApiError::invalid_field("transaction", format!("The {what} is not the one that it must be."));
    if inspected.fee_wallet.is_some_and(|named| named != place.config.protocol_fee_wallet) {
        return Err(wrong("protocol's fee wallet"));
    }
    // A market that may be behind the chain does not know its resolver for sure; the program does.
    if !place.is_stale() && inspected.resolver.is_some_and(|named| named != place.released.market.resolver) {
        return Err(wrong("resolver"));
    }
    Ok(())
}

/// The last block height at which it can land, or a little more: a blockhash that is good now is so for 150 blocks at most.
async fn still_valid(reads: &Reads, inspected: &Inspected) -> Result<u64, ApiError> {
    let rpc = reads.desk()?.rpc();
    let (is_valid, height) = tokio::try_join!(
        rpc.is_blockhash_valid(inspected.blockhash),
        // The newest of all, so that what it is not past can't be missed.
        rpc.block_height(crate::chain::model::Commitment::Processed),
    )
    .map_err(node_trouble)?;
    if !is_valid {
        let message = "The transaction's blockhash is not valid any more: build it again.";
        let gone = crate::http::error::ProgramRefusal { code: None, name: "BlockhashNotFound".into() };
        let program_error = Some(Box::new(gone));
        return Err(ApiError { program_error, ..ApiError::new(ErrorCode::ChainRefused, message) });
    }
    Ok(height.saturating_add(crate::http::desk::BLOCKHASH_BLOCKS))
}
