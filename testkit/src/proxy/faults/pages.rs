//! Pages of a list that change while they are read.

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
    history::LIST,
};

/// Pages whose ends are remembered.
const ENDS_MAX: usize = 1_024;

/// What is wrong with a page of `getSignaturesForAddress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageFault {
    /// It is no longer than that, whatever limit was asked for; what is left comes on the next page.
    Short(usize),
    /// A page that goes on (`before`) begins with the last so many entries of the page before it.
    Overlap(usize),
    /// So many entries are missing from its middle. The next reading may have them.
    Hole(usize),
    /// Within each slot the order of the entries is reversed: it is not the block's.
    SlotsReversed,
    /// A page that goes on is empty, as of a node that does not know the signature to go on from.
    ForgottenBefore,
}

/// Bad pages.
pub struct BadPages {
    /// How.
    pub fault: PageFault,
    /// When.
    pub dice: Arc<Dice>,
    /// The end of each page that was given, by its last signature.
    pub ends: Mutex<HashMap<String, Vec<Value>>>,
}

impl BadPages {
    fn overlap(&self, count: usize, before: Option<&str>, reply: &mut Reply) {
        let Some(list) = reply.result().as_array().filter(|list| !list.is_empty()) else { return };
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let end = list[list.len().saturating_sub(count)..].to_vec();
        if let Some(last) = list.last().and_then(|entry| entry["signature"].as_str())
            && ends.len() < ENDS_MAX
        {
            ends.insert(last.to_owned(), end);
        }
        if let Some(again) = before.and_then(|before| ends.get(before)).cloned()
            && self.dice.strikes()
            && let Some(Value::Array(list)) = reply.edit_result()
        {
            list.splice(0..0, again);
        }
    }
}

impl BadPages {
    fn reverse_slots(&self, reply: &mut Reply) {
        let is_shared = |list: &Vec<Value>| list.windows(2).any(|two| two[0]["slot"] == two[1]["slot"]);
        if !reply.result().as_array().is_some_and(is_shared) || !self.dice.strikes() {
            return;
        }
        if let Some(Value::Array(list)) = reply.edit_result() {
            list.chunk_by_mut(|a, b| a["slot"] == b["slot"]).for_each(<[Value]>::reverse);
        }
    }
}

impl Rule for BadPages {
    fn answer<'a>(&'a self, call: &'a Call, node: &'a Node) -> BoxFuture<'a, Option<Reply>> {
        Box::pin(async move {
            if call.method != LIST {
                return None;
            }
            match self.fault {
                PageFault::Short(most) => {
                    let asked = call.param(1)["limit"].as_u64().unwrap_or(1_000);
                    let most = u64::try_from(most.max(1)).ok()?;
                    if asked <= most || !self.dice.strikes() {
                        return None;
                    }
                    let mut params = call.ask["params"].clone();
                    params[1]["limit"] = json!(most);
                    Some(call.result(node.ask(LIST, params).await))
                }
                PageFault::ForgottenBefore => {
                    (call.param(1)["before"].is_string() && self.dice.strikes()).then(|| call.result(json!([])))
                }
                _ => None,
            }
        })
    }

    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, _node: &'a Node) -> BoxFuture<'a, ()> {
        if call.method == LIST {
            match self.fault {
                PageFault::Overlap(count) => self.overlap(count, call.param(1)["before"].as_str(), reply),
                PageFault::Hole(count) => {
                    let listed = reply.result().as_array().map_or(0, Vec::len);
                    // The last one stays, for the next page to go on from.
                    if listed > count + 1
                        && self.dice.strikes()
                        && let Some(Value::Array(list)) = reply.edit_result()
                    {
                        let from = (listed - count) / 2;
                        list.drain(from..from + count);
                    }
                }
                PageFault::SlotsReversed => self.reverse_slots(reply),
                PageFault::Short(_) | PageFault::ForgottenBefore => {}
            }
        }
        Box::pin(async {})
    }
}
