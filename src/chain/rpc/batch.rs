//! Many transactions in one request: a batch of JSON-RPC calls, as nodes take them.
//!
//! A batch saves the way there and back and never decides anything: whatever of its answer is not the whole transaction
//! that was asked for (absent, an error, garbled, of another signature, or the batch as a whole refused, as some providers
//! do) is asked for once more alone, by [`ChainRpc::transaction`], and that answer counts. Each call of a batch costs the
//! budget one.

use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use solana_rpc_client_api::request::RpcRequest;

use super::{ChainRpc, error::ChainReadError, wire::parse_transaction_text};
use crate::{
    chain::model::{Commitment, RawTransaction},
    domain::ids::TxSignature,
};

/// Calls in a batch.
const BATCH_CALLS_MAX: usize = 256;
/// Batches that are on their way at the same time.
const BATCHES: usize = 4;
/// Transactions that are asked for alone at the same time, of each batch.
const ALONE: usize = 8;

/// One answer of a batch; what is `null` or missing is none.
#[derive(Deserialize)]
struct Answer<'a> {
    id: usize,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
}

type Read = Result<Option<RawTransaction>, ChainReadError>;

impl ChainRpc {
    /// Transactions, in the order asked; each as [`ChainRpc::transaction`] answers it.
    pub async fn transactions(&self, signatures: &[TxSignature]) -> Vec<Read> {
        // A batch that is larger than the bucket would wait for it in the middle anyway.
        let bucket = usize::try_from(self.node(self.endpoint()).budget.calls_per_second().get()).unwrap_or(usize::MAX);
        let batches = signatures.chunks(BATCH_CALLS_MAX.min(bucket)).map(|batch| self.batch(batch));
        let read: Vec<Vec<Read>> = futures_util::stream::iter(batches).buffered(BATCHES).collect().await;
        read.into_iter().flatten().collect()
    }

    async fn batch(&self, signatures: &[TxSignature]) -> Vec<Read> {
        let mut found: Vec<Option<RawTransaction>> = Vec::new();
        found.resize_with(signatures.len(), || None);
        if signatures.len() > 1 {
            match self.ask(signatures).await {
                Ok(body) => self.understand(&body, signatures, &mut found),
                Err(error) => log::debug!("{} transactions are asked for one by one: {error}", signatures.len()),
            }
        }
        let reads = signatures.iter().zip(found).map(|(signature, found)| async move {
            match found {
                Some(transaction) => Ok(Some(transaction)),
                None => self.transaction(*signature).await,
            }
        });
        futures_util::stream::iter(reads).buffered(ALONE).collect().await
    }

    /// One attempt: who asks alone is patient.
    async fn ask(&self, signatures: &[TxSignature]) -> Result<Vec<u8>, String> {
        let config = json!({
            "encoding": "base64",
            "commitment": Commitment::Confirmed,
            "maxSupportedTransactionVersion": 0,
        });
        let call = |(id, signature): (usize, &TxSignature)| {
            let id = u64::try_from(id).unwrap_or(u64::MAX);
            RpcRequest::GetTransaction.build_request_json(id, json!([signature, config]))
        };
        let body = serde_json::Value::Array(signatures.iter().enumerate().map(call).collect()).to_string();
        let sent = self.within_call(self.node(self.endpoint()).batches.post(body, signatures.len())).await;
        match sent.ok_or("no answer in time")?.map_err(|failure| failure.to_string())? {
            (status, body) if status.is_success() => Ok(body),
            (status, _) => Err(format!("HTTP status {}", status.as_u16())),
        }
    }

    fn understand(&self, body: &[u8], signatures: &[TxSignature], found: &mut [Option<RawTransaction>]) {
        let Ok(answers) = serde_json::from_slice::<Vec<Answer<'_>>>(body) else { return };
        // It is one good answer, whatever it holds.
        self.node(self.endpoint()).budget.answered();
        for Answer { id, result } in answers {
            let (Some(signature), Some(place), Some(result)) = (signatures.get(id), found.get_mut(id), result) else {
                continue;
            };
            *place = parse_transaction_text(self.program(), result.get())
                .ok()
                .filter(|transaction| transaction.signature == *signature);
        }
    }
}
