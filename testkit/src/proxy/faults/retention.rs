//! A node that keeps no transactions older than a slot, or has lost some of them.

use std::{collections::HashSet, sync::Arc};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    super::{
        fault::Dice,
        message::{Call, Reply},
        node::Node,
        rules::Rule,
    },
    history::{LIST, STATUSES, TRANSACTION, edit_list, edit_statuses, forget_transaction, text},
};

/// History that ends early.
pub struct Retention {
    /// The oldest slot that is kept.
    pub first_slot: u64,
    /// When.
    pub dice: Arc<Dice>,
}

impl Rule for Retention {
    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, node: &'a Node) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let older = |told: &Value| told["slot"].as_u64().is_some_and(|slot| slot < self.first_slot);
            match call.method.as_str() {
                LIST => {
                    // A node that has forgotten where to go on from lists nothing.
                    if let Some(before) = call.param(1)["before"].as_str() {
                        let statuses = json!([[before], {"searchTransactionHistory": true}]);
                        let status = node.ask(STATUSES, statuses).await["value"][0].clone();
                        if older(&status) && self.dice.strikes() {
                            *reply = call.result(json!([]));
                            return;
                        }
                    }
                    edit_list(reply, |entry| older(entry) && self.dice.strikes(), |_| None);
                }
                TRANSACTION if older(reply.result()) && self.dice.strikes() => forget_transaction(reply),
                STATUSES => edit_statuses(
                    call,
                    reply,
                    |_, status| older(status) && self.dice.strikes(),
                    |_, status| *status = Value::Null,
                ),
                "getFirstAvailableBlock" if self.dice.strikes() => *reply = call.result(json!(self.first_slot)),
                _ => {}
            }
        })
    }
}

/// Transactions that the node has lost, wherever they are asked for.
pub struct Forgotten {
    /// Which.
    pub signatures: HashSet<String>,
    /// When.
    pub dice: Arc<Dice>,
}

impl Rule for Forgotten {
    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, _node: &'a Node) -> BoxFuture<'a, ()> {
        let lost = |signature: &str| self.signatures.contains(signature) && self.dice.strikes();
        match call.method.as_str() {
            LIST => edit_list(reply, |entry| lost(text(&entry["signature"])), |_| None),
            TRANSACTION if lost(text(call.param(0))) => forget_transaction(reply),
            STATUSES => edit_statuses(call, reply, |signature, _| lost(signature), |_, status| *status = Value::Null),
            _ => {}
        }
        Box::pin(async {})
    }
}
