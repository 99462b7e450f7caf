//! GET /api/config: fees, thresholds and periods in force, the pause flag, and which program on which chain.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::ids::{Seq, Slot},
    http::{
        error::ApiError,
        gateway::{GatewayHandle, Question, Reads},
        views::Views,
    },
    journal::read,
    view::config::ConfigView,
};

/// What is in force.
pub(in crate::http) struct ShowConfig;

/// The program and what is in force; `null` before its config exists.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgramView {
    program_id: String,
    /// `mainnet-beta`, `testnet`, `devnet`, or `localnet`: any other.
    cluster: &'static str,
    genesis_hash: String,
    #[serde(flatten)]
    config: Option<ConfigView>,
    seq: Seq,
    slot: Slot,
}

/// The handler.
///
/// # Errors
/// What the gateway answers.
#[utoipa::path(get, path = "/api/config", tag = "program", summary = "Fees, thresholds and periods in force, the pause flag, and which program on which chain",
    responses((status = 200, body = ProgramView), (status = 304, description = "Not modified"),
        (status = 503, description = "UNAVAILABLE"), (status = 504, description = "TIMEOUT")))]
pub async fn handle(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    views: web::Data<Views>,
) -> Result<HttpResponse, ApiError> {
    views.kept(&request, gateway.ask(ShowConfig)).await
}

fn cluster(genesis_hash: &str) -> &'static str {
    match genesis_hash {
        "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d" => "mainnet-beta",
        "4uhcVJyU9pJkvQyS88uRDiswHXSGkY3zQawwpjk2NsNY" => "testnet",
        "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG" => "devnet",
        _ => "localnet",
    }
}

impl Question for ShowConfig {
    type Answer = ProgramView;

    async fn answer(self, reads: Arc<Reads>) -> Result<ProgramView, ApiError> {
        let released = reads.released_config().await?;
        let identity = reads.read(async |tx| Ok(read::chain_identity(tx).await?)).await?;
        let (genesis_hash, program_id) =
            identity.ok_or_else(|| ApiError::unavailable("The chain is not known yet."))?;
        Ok(ProgramView {
            cluster: cluster(&genesis_hash),
            program_id,
            genesis_hash,
            config: released.config.as_deref().map(ConfigView::from),
            seq: released.seq,
            slot: released.slot,
        })
    }
}
