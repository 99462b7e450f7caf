//! POST /api/markets: a new market as a transaction for the caller's wallet to sign.
//!
//! The metadata are kept under the caller's rights and the seed that the transaction uses; their document's CIDv0 is what
//! the chain gets. The market is shown when the chain has it, and the document is forgotten if it never does.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::{Deserialize, Serialize};

use crate::{
    chain::program::instructions::CreateMarket,
    domain::{
        amount::{Lamports, ShareUnits, UnixSeconds},
        error::ProgramError,
        ids::{MarketAddress, MarketSeed},
        lmsr::MIN_B,
        metadata::{MarketMetadata, MetadataDocument},
    },
    http::{
        auth::caller::{Caller, SignedIn},
        body::Checked,
        desk::Order,
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        idempotency::{IdempotencyKey, Reply},
        routes::trades::{
            TransactionView,
            args::{ClientRef, PriorityFee, VersionArg},
        },
    },
    journal::{idempotency::RequestKey, metadata},
};

/// The largest b with which the program can search for a purchase's shares: 20 b has to fit 64 bits.
const B_MAX: ShareUnits = ShareUnits(u64::MAX / 20);

/// What is wanted.
#[derive(Debug, Clone, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct CreateBody {
    /// 10 to 200 characters.
    pub question: String,
    /// 0 to 2,000 characters.
    #[serde(default)]
    pub description: String,
    /// 1 to 50 characters.
    pub category: String,
    /// LMSR's b: at least 100 shares (100,000,000,000), below which the program can't trade.
    pub b_parameter: ShareUnits,
    /// Liquidity on paper, above 0; no lamports move.
    pub initial_liquidity: Lamports,
    /// By what it will be resolved: 1 to 2,000 characters.
    pub resolution_criteria: Option<String>,
    /// When trading is meant to end, RFC 3339.
    #[schema(value_type = Option<String>)]
    pub closes_at: Option<UnixSeconds>,
    /// At most 10 different ones of 1 to 30 characters.
    #[serde(default)]
    pub tags: Vec<String>,
    /// By default none.
    #[serde(default)]
    pub priority_fee: PriorityFee,
    /// By default 0.
    #[serde(default)]
    pub version: VersionArg,
    /// By default a new one.
    pub client_ref: Option<ClientRef>,
}

/// A transaction that proposes a market.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CreateReply {
    /// The market's account, once the chain has it.
    pub market: MarketAddress,
    /// What it is made from.
    pub market_seed: MarketSeed,
    /// The CIDv0 of the metadata's document.
    pub ipfs_question_hash: String,
    /// The transaction.
    #[serde(flatten)]
    pub transaction: TransactionView,
}

/// A market that is wanted.
pub(in crate::http) struct Create {
    caller: Caller,
    key: Option<RequestKey>,
    document: MetadataDocument,
    b_parameter: ShareUnits,
    initial_liquidity: Lamports,
    priority_fee: PriorityFee,
    version: VersionArg,
    client_ref: Option<ClientRef>,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, CHAIN_REFUSED, IDEMPOTENCY_MISMATCH; what the gateway answers.
#[utoipa::path(
    post,
    path = "/api/markets",
    tag = "markets", summary = "A new market as a transaction for the caller's wallet to sign",
    params(("Idempotency-Key" = Option<String>, Header, description = "The client's own name for this request.")),
    request_body = CreateBody,
    responses(
        (status = 200, description = "A transaction to sign.", body = CreateReply),
        (status = 400, description = "VALIDATION_ERROR"),
        (status = 401, description = "UNAUTHORIZED"),
        (status = 409, description = "CONFLICT: the first request of this Idempotency-Key is still being worked on"),
        (status = 413, description = "PAYLOAD_TOO_LARGE"),
        (status = 415, description = "UNSUPPORTED_MEDIA_TYPE"),
        (status = 422, description = "CHAIN_REFUSED: the program would refuse it; or IDEMPOTENCY_MISMATCH"),
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
    key: IdempotencyKey,
    Checked(body): Checked<CreateBody>,
) -> Result<HttpResponse, ApiError> {
    let key = key.of(&request, &caller);
    Ok(gateway.ask(Create::parse(caller, key, body)?).await?.into())
}

impl Create {
    /// What a body asks for.
    ///
    /// # Errors
    /// VALIDATION_ERROR with the refused field.
    pub fn parse(caller: Caller, key: Option<RequestKey>, body: CreateBody) -> Result<Self, ApiError> {
        let CreateBody { b_parameter, initial_liquidity, priority_fee, version, client_ref, .. } = body;
        if !(MIN_B..=B_MAX).contains(&b_parameter) {
            let message = format!("Must be {MIN_B} to {B_MAX}: the program could never trade it.");
            return Err(ApiError::invalid_field("b_parameter", message));
        }
        if initial_liquidity == Lamports::ZERO {
            return Err(ApiError::invalid_field("initial_liquidity", "Must be above 0."));
        }
        let document = MetadataDocument::new(MarketMetadata {
            question: body.question,
            description: body.description,
            category: body.category,
            tags: body.tags,
            resolution_criteria: body.resolution_criteria,
            closes_at: body.closes_at,
        })?;
        Ok(Self { caller, key, document, b_parameter, initial_liquidity, priority_fee, version, client_ref })
    }
}

impl Question for Create {
    type Answer = Reply;

    async fn answer(self, reads: Arc<Reads>) -> Result<Reply, ApiError> {
        let Self { caller, key, document, b_parameter, initial_liquidity, priority_fee, version, client_ref } = self;
        if let Some(reply) = reads.replayed(key.as_ref()).await? {
            return Ok(reply);
        }
        reads.takes()?;
        if reads.program_config().await?.is_paused {
            return Err(ApiError::chain_refused(ProgramError::ProtocolPaused));
        }
        let desk = reads.desk()?;
        let seed = MarketSeed(rand::random());
        let (market, _) = desk.build().addresses().market(seed);
        let create = CreateMarket {
            market_id: seed,
            b_parameter: b_parameter.0,
            initial_liquidity,
            ipfs_question_hash: document.question_hash(),
        };
        let instruction = desk.build().create_market(caller.wallet, create);
        let order = Order { wallet: caller.wallet, instruction, version: version.0, priority: priority_fee.0 };
        let prepared = desk.prepare(&order).await?;
        let reply = CreateReply {
            market,
            market_seed: seed,
            ipfs_question_hash: document.question_hash().text().unwrap_or_default().to_owned(),
            transaction: TransactionView::new(&prepared, client_ref.map(|client_ref| client_ref.0)),
        };
        let keep = async |tx: &deadpool_postgres::Transaction<'_>| {
            metadata::insert(tx, market, seed, &document).await?;
            Reply::json(StatusCode::OK, &reply)
        };
        reads.write_once(&caller, key.as_ref(), keep).await
    }
}
