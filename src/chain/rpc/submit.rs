//! Transactions on their way to the chain. Nothing here signs, and nothing is sent twice to one node: the caller decides on
//! the evidence that an error carries. Where there are two nodes, what one has taken is given to the other too: a signature
//! lands once, and the leader may be nearer to that one.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_rpc_client_api::request::RpcRequest;
use solana_sdk::hash::Hash;

use super::{
    ChainRpc,
    error::{ChainReadError, ChainSendError, TransactionFailure},
    transport::Failure,
    wire::WithContext,
};
use crate::{
    chain::model::Commitment,
    domain::{
        amount::Lamports,
        ids::{AccountAddress, TxSignature, Wallet},
    },
};

/// A blockhash to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatestBlockhash {
    /// The hash. Development chains repeat them after a restart: it identifies nothing.
    pub blockhash: Hash,
    /// The last block height at which a transaction with it can land.
    pub last_valid_block_height: u64,
}

/// How a transaction is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// Do not rehearse it first. A failing one then lands and costs its fee.
    pub skip_preflight: bool,
    /// How often the node itself repeats it; `None` leaves that to the node.
    pub max_retries: Option<u32>,
}

/// How a transaction would end, if it came next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// Why it would fail, if it would.
    pub failure: Option<TransactionFailure>,
    /// Its log.
    pub logs: Vec<String>,
    /// Compute units used.
    pub units_consumed: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBlockhash {
    blockhash: String,
    last_valid_block_height: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSimulation {
    err: Value,
    #[serde(default)]
    logs: Option<Vec<String>>,
    #[serde(default)]
    units_consumed: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFee {
    prioritization_fee: u64,
}

impl ChainRpc {
    /// A blockhash that the cluster will not forget at once.
    pub async fn latest_blockhash(&self, commitment: Commitment) -> Result<LatestBlockhash, ChainReadError> {
        let request = RpcRequest::GetLatestBlockhash;
        let answer: WithContext<WireBlockhash> = self.read(request, json!([{ "commitment": commitment }])).await?;
        let WireBlockhash { blockhash, last_valid_block_height } = answer.value;
        let blockhash = blockhash
            .parse()
            .map_err(|_| ChainReadError::BadAnswer { method: request.as_str(), detail: "no blockhash".into() })?;
        Ok(LatestBlockhash { blockhash, last_valid_block_height })
    }

    /// True while a transaction with that blockhash can land, by the newest confirmed state.
    pub async fn is_blockhash_valid(&self, blockhash: Hash) -> Result<bool, ChainReadError> {
        let params = json!([blockhash.to_string(), { "commitment": Commitment::Confirmed }]);
        let answer: WithContext<bool> = self.read(RpcRequest::IsBlockhashValid, params).await?;
        Ok(answer.value)
    }

    /// Sends a signed transaction, as its wire bytes. One attempt: see [`ChainSendError`] for what may follow.
    pub async fn send_transaction(&self, wire: &[u8], options: SendOptions) -> Result<TxSignature, ChainSendError> {
        let mut config = json!({
            "encoding": "base64",
            "skipPreflight": options.skip_preflight,
            "preflightCommitment": Commitment::Confirmed,
        });
        if let Some(max_retries) = options.max_retries {
            config["maxRetries"] = json!(max_retries);
        }
        let params = json!([BASE64_STANDARD.encode(wire), config]);
        let one = self.pinned();
        let answer = one.call_once(RpcRequest::SendTransaction, params.clone()).await.and_then(signature_of);
        let Some(other) = self.other_that_is_fit() else { return answer.map_err(ChainSendError::of) };
        match answer {
            Ok(signature) => {
                if let Ok(turn) = Arc::clone(&self.inner.copies).try_acquire_owned() {
                    tokio::spawn(async move {
                        // Whatever it says: this one has it.
                        let _ = other.call_once(RpcRequest::SendTransaction, params).await;
                        drop(turn);
                    });
                }
                Ok(signature)
            }
            // It says nothing of the transaction itself: the other may take it.
            Err(failure) if failure.is_the_nodes() => {
                let answer = other.call_once(RpcRequest::SendTransaction, params).await.and_then(signature_of);
                let worse = |other: Failure| match other {
                    // It may have it.
                    Failure::NoAnswer(_) | Failure::Unusable(_) => other,
                    _ => failure,
                };
                answer.map_err(|other| ChainSendError::of(worse(other)))
            }
            Err(failure) => Err(ChainSendError::of(failure)),
        }
    }

    /// The one that is not in use, if there is one that could be.
    fn other_that_is_fit(&self) -> Option<Self> {
        let other = self.at(self.endpoint().other());
        let is_fit = other.decides() || self.endpoints().second_is_fit();
        (self.endpoints().are_two() && is_fit).then_some(other)
    }

    /// Rehearses a transaction (its wire bytes, signed or not) on the newest confirmed state, with a fresh blockhash.
    pub async fn simulate(&self, wire: &[u8]) -> Result<Simulation, ChainReadError> {
        let config = json!({
            "encoding": "base64",
            "commitment": Commitment::Confirmed,
            "sigVerify": false,
            "replaceRecentBlockhash": true,
        });
        let params = json!([BASE64_STANDARD.encode(wire), config]);
        let answer: WithContext<WireSimulation> = self.read(RpcRequest::SimulateTransaction, params).await?;
        let WireSimulation { err, logs, units_consumed } = answer.value;
        let failure = (!err.is_null()).then(|| TransactionFailure::from_wire(&err));
        Ok(Simulation { failure, logs: logs.unwrap_or_default(), units_consumed })
    }

    /// What was lately paid for priority by transactions that lock these accounts (at most 128), in micro-lamports a
    /// compute unit, a value a block.
    pub async fn recent_priority_fees(&self, accounts: &[AccountAddress]) -> Result<Vec<u64>, ChainReadError> {
        let fees: Vec<WireFee> = self.read(RpcRequest::GetRecentPrioritizationFees, json!([accounts])).await?;
        Ok(fees.into_iter().map(|fee| fee.prioritization_fee).collect())
    }

    /// Asks a development chain for money.
    pub async fn request_airdrop(&self, wallet: Wallet, amount: Lamports) -> Result<TxSignature, ChainSendError> {
        let answer = self.call_once(RpcRequest::RequestAirdrop, json!([wallet, amount.0])).await;
        answer.and_then(signature_of).map_err(ChainSendError::of)
    }
}

fn signature_of(answer: Value) -> Result<TxSignature, Failure> {
    serde_json::from_value(answer).map_err(|error| Failure::Unusable(error.to_string()))
}
