//! What happened: lists of transactions, transactions, their statuses.

use serde::Deserialize;
use serde_json::{Value, json};
use solana_rpc_client_api::request::RpcRequest;

use super::{
    ChainRpc, bad_answer,
    error::{ChainReadError, TransactionFailure},
    wire::{SignaturePage, WireStatus, WithContext, parse_signatures, parse_transaction},
};
use crate::{
    chain::model::{Commitment, RawTransaction},
    domain::ids::{AccountAddress, Slot, TxSignature},
};

/// The longest page of signatures that a node gives.
pub const MAX_SIGNATURES: usize = 1_000;

/// How many statuses a node gives at once.
pub const MAX_STATUSES: usize = 256;

/// What a node knows of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureStatus {
    /// The slot that it landed in.
    pub slot: Slot,
    /// How sure that is.
    pub commitment: Commitment,
    /// Why it had no effect, if it had none.
    pub failure: Option<TransactionFailure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSignatureStatus {
    slot: u64,
    err: Value,
    confirmations: Option<u64>,
    #[serde(default)]
    confirmation_status: Option<WireStatus>,
}

#[derive(Deserialize)]
struct WireBlock {
    signatures: Vec<TxSignature>,
}

impl ChainRpc {
    /// Confirmed transactions that mention an address, newest first, older than `before` (exclusive).
    ///
    /// `limit` is at most [`MAX_SIGNATURES`]; a page may be shorter than the limit without being the last, so only an
    /// empty one ends a walk. An empty page after a `before` that the node does not know (rolled back, or past its
    /// history) looks the same: before it is taken for the end, `before` has to be looked up.
    pub async fn signatures_before(
        &self,
        address: AccountAddress,
        before: Option<TxSignature>,
        limit: usize,
    ) -> Result<SignaturePage, ChainReadError> {
        let request = RpcRequest::GetSignaturesForAddress;
        let mut config = json!({ "commitment": Commitment::Confirmed, "limit": limit.clamp(1, MAX_SIGNATURES) });
        if let Some(before) = before {
            config["before"] = json!(before);
        }
        let answer = self.read_value(request, json!([address, config])).await?;
        parse_signatures(answer).map_err(bad_answer(request))
    }

    /// A transaction; `None` if the node does not know it (not yet, or no more). Asked for as confirmed, but some nodes
    /// answer merely processed ones too.
    pub async fn transaction(&self, signature: TxSignature) -> Result<Option<RawTransaction>, ChainReadError> {
        let request = RpcRequest::GetTransaction;
        let config = json!({
            "encoding": "base64",
            "commitment": Commitment::Confirmed,
            "maxSupportedTransactionVersion": 0,
        });
        let answer = self.read_value(request, json!([signature, config])).await?;
        if answer.is_null() {
            return Ok(None);
        }
        let transaction = parse_transaction(self.program(), answer).map_err(bad_answer(request))?;
        if transaction.signature != signature {
            let detail = format!("{} was asked for, {} came", signature, transaction.signature);
            return Err(ChainReadError::BadAnswer { method: request.as_str(), detail });
        }
        Ok(Some(transaction))
    }

    /// The signatures of a confirmed block, in execution order: where a transaction's index in its block is not told
    /// otherwise, it is its place here. `None`: no block in that slot.
    pub async fn block_signatures(&self, slot: Slot) -> Result<Option<Vec<TxSignature>>, ChainReadError> {
        let config = json!({
            "encoding": "base64",
            "commitment": Commitment::Confirmed,
            "transactionDetails": "signatures",
            "rewards": false,
            "maxSupportedTransactionVersion": 0,
        });
        let block: Option<WireBlock> = self.read(RpcRequest::GetBlock, json!([slot, config])).await?;
        Ok(block.map(|block| block.signatures))
    }

    /// The statuses of transactions, in the order asked; `None` for one that the node does not know. At most
    /// [`MAX_STATUSES`] are asked for at once. Without `search_history` a node looks only at the last few minutes.
    pub async fn signature_statuses(
        &self,
        signatures: &[TxSignature],
        search_history: bool,
    ) -> Result<Vec<Option<SignatureStatus>>, ChainReadError> {
        Ok(self.signature_statuses_at(signatures, search_history).await?.1)
    }

    /// As [`Self::signature_statuses`], with the slot that the node answered at (of several answers the lowest; the
    /// highest there is where nothing was asked).
    pub async fn signature_statuses_at(
        &self,
        signatures: &[TxSignature],
        search_history: bool,
    ) -> Result<(Slot, Vec<Option<SignatureStatus>>), ChainReadError> {
        let request = RpcRequest::GetSignatureStatuses;
        let (mut statuses, mut seen_at) = (Vec::with_capacity(signatures.len()), Slot(u64::MAX));
        for signatures in signatures.chunks(MAX_STATUSES) {
            let params = json!([signatures, { "searchTransactionHistory": search_history }]);
            let answer: WithContext<Vec<Option<WireSignatureStatus>>> = self.read(request, params).await?;
            if answer.value.len() != signatures.len() {
                let detail = format!("{} statuses for {} signatures", answer.value.len(), signatures.len());
                return Err(ChainReadError::BadAnswer { method: request.as_str(), detail });
            }
            seen_at = seen_at.min(Slot(answer.context.slot));
            statuses.extend(answer.value.into_iter().map(|status| status.map(SignatureStatus::from)));
        }
        Ok((seen_at, statuses))
    }
}

impl From<WireSignatureStatus> for SignatureStatus {
    fn from(wire: WireSignatureStatus) -> Self {
        let commitment = match (wire.confirmation_status, wire.confirmations) {
            (Some(WireStatus::Finalized), _) | (None, None) => Commitment::Finalized,
            (Some(WireStatus::Confirmed), _) => Commitment::Confirmed,
            // Old nodes tell only how many blocks were voted for on top, which proves nothing.
            (Some(WireStatus::Processed), _) | (None, Some(_)) => Commitment::Processed,
        };
        let failure = (!wire.err.is_null()).then(|| TransactionFailure::from_wire(&wire.err));
        Self { slot: Slot(wire.slot), commitment, failure }
    }
}
