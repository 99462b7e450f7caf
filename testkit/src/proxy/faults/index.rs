//! `transactionIndex`, a transaction's index in its block: some nodes tell it in lists and transactions, most don't.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    super::{
        fault::Dice,
        message::{Call, Reply},
        node::Node,
        rules::Rule,
    },
    history::{BLOCK, LIST, TRANSACTION, text},
};

/// Blocks that are remembered.
const BLOCKS_MAX: usize = 10_000;

/// Takes the index out, or puts it in from the node's own blocks.
pub struct TransactionIndex {
    /// It is told.
    pub told: bool,
    /// When.
    pub dice: Arc<Dice>,
    /// The signatures of blocks.
    pub blocks: Mutex<HashMap<u64, Arc<Vec<String>>>>,
}

impl TransactionIndex {
    async fn index_of(&self, signature: &str, slot: u64, node: &Node) -> Option<usize> {
        let known = self.blocks.lock().unwrap_or_else(PoisonError::into_inner).get(&slot).cloned();
        let block = match known {
            Some(block) => block,
            None => {
                let config = json!({
                    "encoding": "base64", "commitment": "confirmed", "transactionDetails": "signatures",
                    "rewards": false, "maxSupportedTransactionVersion": 0,
                });
                let block = node.ask(BLOCK, json!([slot, config])).await;
                let signatures = block["signatures"].as_array()?.iter().map(|one| text(one).to_owned());
                let block = Arc::new(signatures.collect::<Vec<_>>());
                let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
                if blocks.len() < BLOCKS_MAX {
                    blocks.insert(slot, block.clone());
                }
                block
            }
        };
        block.iter().position(|one| one == signature)
    }

    async fn set(&self, entry: &mut Value, signature: &str, node: &Node) {
        if self.told {
            let slot = entry["slot"].as_u64().unwrap_or_default();
            if let Some(index) = self.index_of(signature, slot, node).await
                && self.dice.strikes()
            {
                entry["transactionIndex"] = json!(index);
            }
        } else if let Some(fields) = entry.as_object_mut()
            && ["transactionIndex", "indexWithinBlock"].into_iter().any(|name| fields.contains_key(name))
            && self.dice.strikes()
        {
            fields.remove("transactionIndex");
            fields.remove("indexWithinBlock");
        }
    }
}

impl Rule for TransactionIndex {
    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, node: &'a Node) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            match call.method.as_str() {
                LIST => {
                    if let Some(Value::Array(list)) = reply.edit_result() {
                        for entry in list {
                            let signature = text(&entry["signature"]).to_owned();
                            self.set(entry, &signature, node).await;
                        }
                    }
                }
                TRANSACTION => {
                    if let Some(result) = reply.edit_result() {
                        self.set(result, text(call.param(0)), node).await;
                    }
                }
                _ => {}
            }
        })
    }
}
