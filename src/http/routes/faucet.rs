//! /api/faucet: money of a development chain for the caller's own wallet, so that a page can trade with a wallet that it has
//! just made. Registered only where the process is not in production; a chain that gives nothing away refuses by itself.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::{
    domain::{
        amount::Lamports,
        ids::{TxSignature, Wallet},
    },
    http::{
        auth::caller::SignedIn,
        desk::node_trouble,
        error::{ApiError, ErrorCode},
        gateway::{GatewayHandle, Question, Reads},
    },
};

/// What is given at once: 100 SOL.
const GIFT: Lamports = Lamports(100_000_000_000);
/// A wallet that has so much is given no more: 1,000 SOL.
const ENOUGH: Lamports = Lamports(1_000_000_000_000);

/// What a wallet has.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct BalanceView {
    balance: Lamports,
}

/// What a wallet was given; it has it as soon as the transaction lands.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct GiftView {
    amount: Lamports,
    signature: TxSignature,
}

struct Balance(Wallet);
struct Give(Wallet);

/// GET: what the caller's wallet has, as the chain's node says.
///
/// # Errors
/// UNAUTHORIZED; UNAVAILABLE if the node does not answer; what the gateway answers.
pub async fn balance(gateway: web::Data<GatewayHandle>, SignedIn(caller): SignedIn) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(gateway.ask(Balance(caller.wallet)).await?))
}

/// POST: gives the caller's wallet some.
///
/// # Errors
/// UNAUTHORIZED; CONFLICT if it has enough; UNAVAILABLE if the node does not answer or gives nothing away.
pub async fn give(gateway: web::Data<GatewayHandle>, SignedIn(caller): SignedIn) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Accepted().json(gateway.ask(Give(caller.wallet)).await?))
}

impl Question for Balance {
    type Answer = BalanceView;

    async fn answer(self, reads: Arc<Reads>) -> Result<BalanceView, ApiError> {
        let balance = reads.desk()?.rpc().balance(self.0).await.map_err(node_trouble)?;
        Ok(BalanceView { balance })
    }
}

impl Question for Give {
    type Answer = GiftView;

    async fn answer(self, reads: Arc<Reads>) -> Result<GiftView, ApiError> {
        let rpc = reads.desk()?.rpc();
        if rpc.balance(self.0).await.map_err(node_trouble)? >= ENOUGH {
            return Err(ApiError::new(ErrorCode::Conflict, "The wallet has enough."));
        }
        let signature = rpc.request_airdrop(self.0, GIFT).await.map_err(|error| {
            // Its text may show the node's address.
            log::warn!("the chain gives no money: {error}");
            ApiError::unavailable("The chain's node gives no money away.")
        })?;
        Ok(GiftView { amount: GIFT, signature })
    }
}
