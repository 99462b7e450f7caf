//! A confirmed transaction that vanishes, and lands again in another slot, as after a fork.
//!
//! The moment before is remembered ([`Frozen`]): which transactions there were, and the program's accounts. What is hidden
//! afterwards is unknown to the node's lists, transactions, statuses and blocks, and the accounts that it wrote are told
//! as they were; the slots go on. To land again is to be told again, under another slot.
//!
//! What it can't imitate: accounts can only be told as they were frozen or as they are, so of each account everything that
//! was executed after the moment has to be hidden, and to land again, together; nothing can land in another order than the
//! one in which the node executed it with other effects; a wallet's lamports stay as they are. The feeder can do that.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use zmart::domain::ids::{ProgramId, TxSignature};

use super::{
    super::{
        fault::{Dice, Fault},
        message::{Call, Note, Reply},
        node::Node,
        rules::{Rule, SocketId},
        sockets::Sockets,
    },
    accounts::{ACCOUNT_METHODS, Accounts},
    history::{BLOCK, LIST, STATUSES, TRANSACTION, edit_statuses, forget_transaction, text},
};

/// Pages that a list is made of when it is put together anew.
const PAGES_MAX: usize = 100;
/// A node's page.
const PAGE: usize = 1_000;

/// A moment that can be gone back to.
pub struct Vanish {
    accounts: Accounts,
    /// The newest transactions of the moment.
    known: HashSet<String>,
    slot: u64,
    dice: Arc<Dice>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Everything after the moment is hidden, unless it landed again.
    all: bool,
    hidden: HashSet<String>,
    /// The accounts that each hidden one wrote.
    touched: HashMap<String, HashSet<String>>,
    /// Slots of those that landed again.
    landed: HashMap<String, u64>,
}

impl Vanish {
    /// Remembers this moment.
    pub(in super::super) async fn now(node: &Node, program: ProgramId, dice: Arc<Dice>) -> Self {
        let slot = node.ask("getSlot", json!([{"commitment": "confirmed"}])).await.as_u64().unwrap_or_default();
        let listed = node.ask(LIST, json!([program.to_string(), {"commitment": "confirmed", "limit": PAGE}])).await;
        let known = listed.as_array().expect("a list of the program's transactions").iter();
        let known = known.map(|entry| text(&entry["signature"]).to_owned()).collect();
        let accounts = Accounts::read(node, program).await;
        Self { accounts, known, slot, dice, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_hidden(&self, signature: &str, slot: Option<u64>) -> bool {
        let state = self.state();
        state.hidden.contains(signature)
            || state.all
                && slot.is_some_and(|slot| slot >= self.slot)
                && !self.known.contains(signature)
                && !state.landed.contains_key(signature)
    }

    fn landed_in(&self, signature: &str) -> Option<u64> {
        self.state().landed.get(signature).copied()
    }

    fn is_idle(&self) -> bool {
        let state = self.state();
        !state.all && state.hidden.is_empty() && state.landed.is_empty()
    }

    fn is_account_old(&self, address: &str) -> bool {
        let state = self.state();
        state.all || state.touched.values().any(|touched| touched.contains(address))
    }

    /// The whole list as it is told now, paged as the client asks.
    async fn list(&self, call: &Call, node: &Node) -> Reply {
        let (address, config) = (call.param(0), call.param(1));
        let mut all: Vec<Value> = Vec::new();
        for _ in 0..PAGES_MAX {
            let mut config = config.clone();
            config["limit"] = json!(PAGE);
            if let Some(fields) = config.as_object_mut() {
                fields.remove("until");
                fields.remove("before");
                if let Some(last) = all.last() {
                    fields.insert("before".to_owned(), last["signature"].clone());
                }
            }
            match node.ask(LIST, json!([address, config])).await {
                Value::Array(page) if !page.is_empty() => all.extend(page),
                _ => break,
            }
        }
        all.retain(|entry| {
            let hidden = self.is_hidden(text(&entry["signature"]), entry["slot"].as_u64());
            if hidden {
                self.dice.hit();
            }
            !hidden
        });
        for entry in &mut all {
            if let Some(slot) = self.landed_in(text(&entry["signature"])) {
                relocate(entry, slot);
            }
        }
        // Newest first; within a slot as the node has it.
        all.sort_by_key(|entry| std::cmp::Reverse(entry["slot"].as_u64()));
        let place =
            |name: &str| config[name].as_str().map(|own| all.iter().position(|entry| entry["signature"] == own));
        let from = match place("before") {
            None => 0,
            Some(Some(at)) => at + 1,
            // Where the node does not know it there is nothing to go on from.
            Some(None) => all.len(),
        };
        let to = place("until").flatten().unwrap_or(all.len()).max(from);
        let limit = config["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE);
        let page: Vec<Value> = all.drain(from..to).take(limit).collect();
        call.result(page.into())
    }
}

/// Puts what is told of a transaction into another slot. Its index there is not known.
fn relocate(told: &mut Value, slot: u64) {
    told["slot"] = json!(slot);
    if let Some(fields) = told.as_object_mut() {
        fields.remove("transactionIndex");
        fields.remove("indexWithinBlock");
    }
}

impl Rule for Vanish {
    fn answer<'a>(&'a self, call: &'a Call, node: &'a Node) -> BoxFuture<'a, Option<Reply>> {
        Box::pin(async move {
            if call.method != LIST || self.is_idle() {
                return None;
            }
            Some(self.list(call, node).await)
        })
    }

    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, _node: &'a Node) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if self.is_idle() {
                return;
            }
            match call.method.as_str() {
                TRANSACTION => {
                    let signature = text(call.param(0));
                    if self.is_hidden(signature, reply.result()["slot"].as_u64()) {
                        self.dice.hit();
                        forget_transaction(reply);
                    } else if let Some(slot) = self.landed_in(signature)
                        && let Some(told) = reply.edit_result()
                    {
                        relocate(told, slot);
                    }
                }
                STATUSES => edit_statuses(
                    call,
                    reply,
                    |signature, status| {
                        let hidden = self.is_hidden(signature, status["slot"].as_u64());
                        if hidden {
                            self.dice.hit();
                        }
                        hidden || self.landed_in(signature).is_some()
                    },
                    |signature, status| match self.landed_in(signature) {
                        Some(slot) => status["slot"] = json!(slot),
                        None => *status = Value::Null,
                    },
                ),
                BLOCK => {
                    let slot = call.param(0).as_u64().unwrap_or_default();
                    if let Some(list) = reply.edit_result().and_then(|block| block["signatures"].as_array_mut()) {
                        list.retain(|one| {
                            !self.is_hidden(text(one), Some(slot))
                                && self.landed_in(text(one)).is_none_or(|to| to == slot)
                        });
                        let landed = self.state().landed.clone();
                        for (signature, _) in landed.into_iter().filter(|(_, to)| *to == slot) {
                            if !list.iter().any(|one| *one == signature.as_str()) {
                                list.push(signature.into());
                            }
                        }
                    }
                }
                method
                    if ACCOUNT_METHODS.contains(&method)
                        && self.accounts.put_in(call, reply, |address| self.is_account_old(address)) =>
                {
                    self.dice.hit();
                }
                _ => {}
            }
        })
    }

    fn notify(&self, _socket: SocketId, mut note: Note, out: &mut Vec<Note>) {
        if note.method() == "logsNotification" {
            let slot = note.result()["context"]["slot"].as_u64();
            if note.signature().map(str::to_owned).is_some_and(|signature| self.is_hidden(&signature, slot)) {
                return self.dice.hit();
            }
        }
        out.push(note);
    }
}

/// The hand on a moment that can be gone back to; cheap to clone.
#[derive(Clone)]
pub struct Frozen {
    vanish: Arc<Vanish>,
    fault: Fault,
    node: Node,
    sockets: Arc<Sockets>,
}

impl std::fmt::Debug for Frozen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frozen").field("slot", &self.slot()).field("fault", &self.fault).finish_non_exhaustive()
    }
}

impl Frozen {
    pub(in super::super) fn new(vanish: Arc<Vanish>, fault: Fault, node: Node, sockets: Arc<Sockets>) -> Self {
        Self { vanish, fault, node, sockets }
    }

    /// The confirmed slot of the moment.
    pub fn slot(&self) -> u64 {
        self.vanish.slot
    }

    /// How often something was hidden from the client.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// Hides a transaction that was executed after the moment, and shows what it wrote as it was.
    ///
    /// # Panics
    /// If the node does not know it.
    pub async fn hide(&self, signature: TxSignature) {
        let told = self.transaction(signature).await;
        let keys = &told["transaction"]["message"]["accountKeys"];
        let loaded = ["writable", "readonly"].map(|kind| &told["meta"]["loadedAddresses"][kind]);
        let keys = [keys].into_iter().chain(loaded).filter_map(Value::as_array).flatten();
        let touched = keys.map(|key| text(key).to_owned()).collect();
        let mut state = self.vanish.state();
        state.landed.remove(&signature.to_string());
        state.hidden.insert(signature.to_string());
        state.touched.insert(signature.to_string(), touched);
    }

    /// Hides everything that was executed after the moment, and whatever still will be, until it lands again.
    pub fn hide_all(&self) {
        self.vanish.state().all = true;
    }

    /// Lets it land again in that slot. After [`Self::hide_all`] the accounts are told as they are only once
    /// [`Self::thaw_accounts`] says so.
    pub fn land_again(&self, signature: TxSignature, slot: u64) {
        let mut state = self.vanish.state();
        state.hidden.remove(&signature.to_string());
        state.touched.remove(&signature.to_string());
        state.landed.insert(signature.to_string(), slot);
    }

    /// All that was hidden by [`Self::hide_all`] has landed again: what comes from here on is not hidden, and accounts
    /// are told as they are.
    pub fn thaw_accounts(&self) {
        self.vanish.state().all = false;
    }

    /// Notifies its logs once more, under the slot in which it landed again, to all who listen; gives how many they are.
    ///
    /// # Panics
    /// If the node does not know it.
    pub async fn notify_again(&self, signature: TxSignature) -> usize {
        let told = self.transaction(signature).await;
        let slot =
            self.vanish.landed_in(&signature.to_string()).map_or_else(|| told["slot"].clone(), |slot| json!(slot));
        let value = json!({
            "signature": signature.to_string(), "err": told["meta"]["err"], "logs": told["meta"]["logMessages"],
        });
        let mut told_to = 0;
        for socket in self.sockets.joined() {
            let Some(logs) = socket.logs else { continue };
            let result = json!({"context": {"slot": slot}, "value": value});
            let params = json!({"subscription": logs, "result": result});
            let note = json!({"jsonrpc": "2.0", "method": "logsNotification", "params": params});
            told_to += usize::from(socket.notes.try_send(Note::new(note.to_string())).is_ok());
        }
        told_to
    }

    /// Ends it: everything is told as it is.
    pub fn thaw(&self) {
        self.fault.lift();
    }

    async fn transaction(&self, signature: TxSignature) -> Value {
        let config = json!({"encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0});
        let told = self.node.ask(TRANSACTION, json!([signature.to_string(), config])).await;
        assert!(!told.is_null(), "the node does not know {signature}");
        told
    }
}
