//! Transactions that a node lists although they are merely processed.

use std::{collections::HashSet, sync::Arc};

use futures_util::future::BoxFuture;
use serde_json::json;

use super::{
    super::{
        fault::Dice,
        message::{Call, Reply},
        node::Node,
        rules::Rule,
    },
    history::{LIST, STATUSES, edit_list, edit_statuses, text},
};

/// Says `processed` of chosen transactions, in lists and statuses.
pub struct OnlyProcessed {
    /// Which.
    pub signatures: HashSet<String>,
    /// When.
    pub dice: Arc<Dice>,
}

impl Rule for OnlyProcessed {
    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, _node: &'a Node) -> BoxFuture<'a, ()> {
        let strikes = |signature: &str| self.signatures.contains(signature) && self.dice.strikes();
        match call.method.as_str() {
            LIST => edit_list(
                reply,
                |entry| strikes(text(&entry["signature"])),
                |mut entry| {
                    entry["confirmationStatus"] = json!("processed");
                    Some(entry)
                },
            ),
            STATUSES => edit_statuses(
                call,
                reply,
                |signature, _| strikes(signature),
                |_, status| {
                    status["confirmationStatus"] = json!("processed");
                    status["confirmations"] = json!(0);
                },
            ),
            _ => {}
        }
        Box::pin(async {})
    }
}
