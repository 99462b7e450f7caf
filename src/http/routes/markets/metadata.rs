//! PUT /api/markets/{market}/metadata: the creator supplies the document of a market that was made elsewhere.
//!
//! Taken only if its CID is the chain's: what was put on the chain with the market can't be changed here. The document is
//! the creator's own row; the market's actor compares once more before it shows it.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::market_of;
use crate::{
    domain::{
        amount::UnixSeconds,
        ids::MarketAddress,
        metadata::{MarketMetadata, MetadataDocument, MetadataError},
        user_write::WriteRefused,
    },
    http::{
        auth::caller::{Caller, SignedIn},
        body::Checked,
        error::{ApiError, ErrorCode},
        gateway::{GatewayHandle, MarketRef, Question, Reads},
    },
    journal::metadata,
    view::market::MetadataView,
};

/// The market shows a document a moment after it was written; the reply waits so long for that.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What the market is about, exactly as it was hashed when the market was made.
#[derive(Debug, Deserialize, ToSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
pub struct MetadataBody {
    /// 10 to 200 characters.
    #[garde(skip)]
    question: String,
    /// 0 to 2,000 characters.
    #[serde(default)]
    #[garde(skip)]
    description: String,
    /// 1 to 50 characters.
    #[garde(skip)]
    category: String,
    /// At most 10 different ones of 1 to 30 characters.
    #[serde(default)]
    #[garde(skip)]
    tags: Vec<String>,
    /// 1 to 2,000 characters.
    #[serde(default)]
    #[garde(skip)]
    resolution_criteria: Option<String>,
    /// When trading is meant to end.
    #[serde(default)]
    #[garde(skip)]
    closes_at: Option<UnixSeconds>,
}

/// The document that the market has now.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetadataReply {
    /// The market.
    market_id: MarketAddress,
    /// The document's CIDv0, which is the chain's.
    ipfs_question_hash: Option<String>,
    /// Its fields.
    metadata: MetadataView,
    /// The canonical JSON (RFC 8785) that was hashed.
    document: String,
}

struct Supply {
    caller: Caller,
    market: MarketRef,
    document: MetadataDocument,
}

/// The handler.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, FORBIDDEN (not the creator), NOT_FOUND, CONFLICT (another document than the chain's);
/// what the gateway answers.
#[utoipa::path(put, path = "/api/markets/{market}/metadata", tag = "markets", summary = "The creator supplies the document of a market that was made elsewhere", security(("bearer" = [])), request_body = MetadataBody,
    params(("market" = String, Path, description = "A market's address or seed.")),
    responses(
        (status = 200, body = MetadataReply), (status = 400, description = "A field was refused."),
        (status = 401, description = "Not signed in."), (status = 403, description = "Not the market's creator."),
        (status = 404, description = "No such market."), (status = 409, description = "Its CID is not the chain's."),
        (status = 429, description = "Too many requests."), (status = 503, description = "Not available now."),
        (status = 504, description = "It took too long.")))]
pub async fn handle(
    request: HttpRequest,
    SignedIn(caller): SignedIn,
    gateway: web::Data<GatewayHandle>,
    Checked(body): Checked<MetadataBody>,
) -> Result<HttpResponse, ApiError> {
    let market = market_of(&request)?;
    let MetadataBody { question, description, category, tags, resolution_criteria, closes_at } = body;
    let fields = MarketMetadata { question, description, category, tags, resolution_criteria, closes_at };
    let document = MetadataDocument::new(fields)?;
    let reply = gateway.ask(Supply { caller, market, document }).await?;
    Ok(HttpResponse::Ok().json(reply))
}

impl From<MetadataError> for ApiError {
    fn from(error: MetadataError) -> Self {
        Self::invalid_field(error.field().unwrap_or("body"), error.to_string())
    }
}

impl Question for Supply {
    type Answer = MetadataReply;

    async fn answer(self, reads: Arc<Reads>) -> Result<MetadataReply, ApiError> {
        reads.takes()?;
        let Self { caller, document, market } = self;
        let released = reads.released(market).await?;
        let (address, seed) = (released.market.address, released.market.seed);
        released.market.accepts_document(caller.wallet, &document).map_err(|refused| match refused {
            WriteRefused::NotTheCreator => {
                ApiError::new(ErrorCode::Forbidden, "Only the market's creator can say what it is about.")
            }
            WriteRefused::NoMarket => ApiError::not_found("There is no such market."),
            _ => {
                let text = |hash: crate::domain::event::IpfsHash| hash.text().unwrap_or("none").to_owned();
                let (ours, chains) = (text(document.question_hash()), text(released.market.question_hash));
                let message = format!("The CID of this document is {ours}; the market's on the chain is {chains}.");
                ApiError::new(ErrorCode::Conflict, message)
            }
        })?;
        // Supplied again, it is there already.
        if released.beside.document.as_deref() != Some(document.metadata()) {
            reads
                .write(&caller, async |tx| metadata::insert(tx, address, seed, &document).await.map_err(ApiError::from))
                .await?;
            let shown = async {
                while reads.released(market).await.is_ok_and(|released| released.beside.document.is_none()) {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            };
            // It is committed: whoever looks a moment too early sees the market without it.
            let _ = tokio::time::timeout(SHOWN_WITHIN, shown).await;
        }
        Ok(MetadataReply {
            market_id: address,
            ipfs_question_hash: document.question_hash().text().map(str::to_owned),
            metadata: MetadataView::from(document.metadata()),
            document: document.json().to_owned(),
        })
    }
}
