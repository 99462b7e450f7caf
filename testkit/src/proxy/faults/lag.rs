//! JSON-RPC that is behind its own PubSub: what was notified is not known yet.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    super::{
        fault::Dice,
        message::{Call, Reply},
        node::Node,
        rules::Rule,
    },
    history::{LIST, STATUSES, TRANSACTION, edit_list, edit_statuses, forget_transaction},
};

/// Knows no transaction of the last so many slots.
pub struct RpcBehind {
    /// How many.
    pub slots: u64,
    /// `getSlot` still tells the newest slot, as where several nodes share an address. Else it is behind as well.
    pub tells_head: bool,
    /// When.
    pub dice: Arc<Dice>,
}

impl Rule for RpcBehind {
    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, node: &'a Node) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let method = call.method.as_str();
            if method == "getSlot" && !self.tells_head {
                if let Some(slot) = reply.result().as_u64()
                    && let Some(result) = reply.edit_result()
                {
                    *result = json!(slot.saturating_sub(self.slots));
                }
                return;
            }
            if ![LIST, TRANSACTION, STATUSES].contains(&method) {
                return;
            }
            let head = node.ask("getSlot", json!([{"commitment": "processed"}])).await.as_u64().unwrap_or_default();
            let horizon = head.saturating_sub(self.slots);
            let newer = |told: &Value| told["slot"].as_u64().is_some_and(|slot| slot > horizon);
            match method {
                LIST => edit_list(reply, |entry| newer(entry) && self.dice.strikes(), |_| None),
                STATUSES => edit_statuses(
                    call,
                    reply,
                    |_, status| newer(status) && self.dice.strikes(),
                    |_, status| *status = Value::Null,
                ),
                _ if newer(reply.result()) && self.dice.strikes() => forget_transaction(reply),
                _ => {}
            }
        })
    }
}
