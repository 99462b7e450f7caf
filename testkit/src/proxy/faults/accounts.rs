//! Accounts whose slot does not tell how new they are.

use std::{collections::HashMap, sync::Arc};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use zmart::domain::ids::ProgramId;

use super::super::{
    fault::Dice,
    message::{Call, Reply},
    node::Node,
    rules::Rule,
};

/// The methods that tell accounts.
pub const ACCOUNT_METHODS: [&str; 3] = ["getAccountInfo", "getMultipleAccounts", "getProgramAccounts"];

/// A program's accounts as they were at one moment, as a node tells them (base64).
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    accounts: HashMap<String, Value>,
    program: String,
}

impl Accounts {
    /// As they are now.
    ///
    /// # Panics
    /// If the node does not tell them.
    pub(in super::super) async fn read(node: &Node, program: ProgramId) -> Self {
        let config = json!({"encoding": "base64", "commitment": "confirmed"});
        let answer = node.ask("getProgramAccounts", json!([program.to_string(), config])).await;
        let list = answer.as_array().expect("the program's accounts").iter();
        let accounts =
            list.map(|entry| (entry["pubkey"].as_str().unwrap_or_default().to_owned(), entry["account"].clone()));
        Self { accounts: accounts.collect(), program: program.to_string() }
    }

    /// None at all.
    pub(in super::super) fn none(program: ProgramId) -> Self {
        Self { accounts: HashMap::new(), program: program.to_string() }
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Puts the old accounts in the place of those that a fault means, and answers whether anything differs. Accounts
    /// that the program did not have then are taken out; another encoding than base64 is left alone.
    pub(super) fn put_in(&self, call: &Call, reply: &mut Reply, meant: impl Fn(&str) -> bool) -> bool {
        if call.param(1)["encoding"] != "base64" {
            return false;
        }
        let old = |address: &str, now: &Value| -> Option<Value> {
            let ours = now.is_null() || now["owner"] == self.program.as_str();
            let old = self.accounts.get(address).cloned().unwrap_or_default();
            (ours && meant(address) && old != *now).then_some(old)
        };
        let address = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match call.method.as_str() {
            "getAccountInfo" => {
                let Some(old) = old(&address(call.param(0)), &reply.result()["value"]) else { return false };
                if let Some(result) = reply.edit_result() {
                    result["value"] = old;
                }
            }
            "getMultipleAccounts" => {
                let (Some(asked), Some(told)) = (call.param(0).as_array(), reply.result()["value"].as_array()) else {
                    return false;
                };
                let olds: Vec<_> = asked.iter().zip(told).map(|(asked, now)| old(&address(asked), now)).collect();
                if olds.iter().all(Option::is_none) {
                    return false;
                }
                if let Some(told) = reply.edit_result().and_then(|result| result["value"].as_array_mut()) {
                    for (told, old) in told.iter_mut().zip(olds) {
                        *told = old.unwrap_or_else(|| told.take());
                    }
                }
            }
            "getProgramAccounts" => {
                let result = reply.result();
                let list = if result.is_array() { result } else { &result["value"] };
                let Some(list) = list.as_array() else { return false };
                let olds: Vec<_> =
                    list.iter().map(|entry| old(&address(&entry["pubkey"]), &entry["account"])).collect();
                if olds.iter().all(Option::is_none) {
                    return false;
                }
                let list = reply.edit_result().and_then(|result| {
                    if result.is_array() { result.as_array_mut() } else { result["value"].as_array_mut() }
                });
                if let Some(list) = list {
                    let entries = std::mem::take(list).into_iter().zip(olds);
                    let changed = entries.map(|(mut entry, old)| {
                        if let Some(old) = old {
                            entry["account"] = old;
                        }
                        entry
                    });
                    list.extend(changed.filter(|entry| !entry["account"].is_null()));
                }
            }
            _ => return false,
        }
        true
    }
}

/// Newer accounts under an older slot.
pub struct OlderSlot {
    /// How much older.
    pub by: u64,
    /// When.
    pub dice: Arc<Dice>,
}

impl Rule for OlderSlot {
    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, _node: &'a Node) -> BoxFuture<'a, ()> {
        if ACCOUNT_METHODS.contains(&call.method.as_str())
            && let Some(slot) = reply.result()["context"]["slot"].as_u64()
            && self.dice.strikes()
            && let Some(result) = reply.edit_result()
        {
            result["context"]["slot"] = slot.saturating_sub(self.by).into();
        }
        Box::pin(async {})
    }
}

/// Older accounts under a newer slot, as of a replica that has stopped.
pub struct StaleAccounts {
    /// The accounts that it has.
    pub accounts: Accounts,
    /// When.
    pub dice: Arc<Dice>,
}

impl Rule for StaleAccounts {
    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, _node: &'a Node) -> BoxFuture<'a, ()> {
        if ACCOUNT_METHODS.contains(&call.method.as_str()) && !self.dice.is_lifted() {
            // Drawn only for an answer that is really older.
            let mut stale = reply.clone();
            if self.accounts.put_in(call, &mut stale, |_| true) && self.dice.strikes() {
                *reply = stale;
            }
        }
        Box::pin(async {})
    }
}

/// An account of the program's that the node does not have.
pub struct Hidden {
    /// Which one.
    pub address: String,
    /// What there is in its place.
    pub none: Accounts,
    /// When.
    pub dice: Arc<Dice>,
}

impl Rule for Hidden {
    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, _node: &'a Node) -> BoxFuture<'a, ()> {
        if ACCOUNT_METHODS.contains(&call.method.as_str())
            && !self.dice.is_lifted()
            && self.none.put_in(call, reply, |address| address == self.address)
        {
            self.dice.hit();
        }
        Box::pin(async {})
    }
}
