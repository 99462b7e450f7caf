//! Calls that are answered badly: with errors, statuses, garbage.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::super::{
    fault::Dice,
    message::{Call, Payload, Reply},
    node::Node,
    rules::Rule,
};

/// Which calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Methods {
    /// All.
    All,
    /// Those with these names.
    Of(&'static [&'static str]),
}

impl Methods {
    /// True if that one is meant.
    pub fn include(self, method: &str) -> bool {
        match self {
            Self::All => true,
            Self::Of(names) => names.contains(&method),
        }
    }
}

/// A bad answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// A JSON-RPC error, under HTTP status 200.
    Error(i64),
    /// An HTTP status, with a page for people.
    Status(u16),
    /// HTTP 429, with or without word of how many seconds to wait.
    TooMany(Option<u64>),
    /// HTTP 200 with what is no JSON.
    Garbage,
    /// The node's own answer without its second half, announced as if it were whole.
    Half,
    /// The node's own answer, with `null` for a result.
    Null,
    /// HTTP 200 without a body.
    Empty,
}

/// Bad answers.
pub struct BadAnswers {
    /// To which calls.
    pub methods: Methods,
    /// Which.
    pub bad: Bad,
    /// When.
    pub dice: Arc<Dice>,
}

impl BadAnswers {
    fn instead(&self, call: &Call) -> Option<Reply> {
        Some(match self.bad {
            Bad::Error(code) => call.error(code, words(code)),
            Bad::Status(status) => page(status),
            Bad::TooMany(wait) => {
                let mut reply = page(429);
                reply.headers.extend(wait.map(|seconds| ("retry-after", seconds.to_string())));
                reply
            }
            Bad::Garbage => Reply::new(200, "\u{1}{\"jsonrpc\": \"2.0\", result: <html>"),
            Bad::Empty => Reply::new(200, ""),
            Bad::Null => call.result(serde_json::Value::Null),
            Bad::Half => return None,
        })
    }
}

impl Rule for BadAnswers {
    fn answer<'a>(&'a self, call: &'a Call, _node: &'a Node) -> BoxFuture<'a, Option<Reply>> {
        let strikes = self.bad != Bad::Half && self.methods.include(&call.method) && self.dice.strikes();
        let reply = if strikes { self.instead(call) } else { None };
        Box::pin(async move { reply })
    }

    fn change<'a>(&'a self, call: &'a Call, reply: &'a mut Reply, _node: &'a Node) -> BoxFuture<'a, ()> {
        if self.bad == Bad::Half && self.methods.include(&call.method) && self.dice.strikes() {
            let mut body = std::mem::replace(&mut reply.body, Payload::new("")).into_bytes();
            body.truncate(body.len() / 2);
            reply.body = Payload::new(body);
        }
        Box::pin(async {})
    }
}

fn page(status: u16) -> Reply {
    let mut reply = Reply::new(status, format!("<html><body>{status}</body></html>"));
    reply.headers = vec![("content-type", "text/html".to_owned())];
    reply
}

/// A validator's words for its codes.
fn words(code: i64) -> &'static str {
    match code {
        -32001 => "Block cleaned up, does not exist on node",
        -32004 => "Block not available for slot",
        -32005 => "Node is behind",
        -32007 => "Slot was skipped, or missing due to ledger jump to recent snapshot",
        -32009 => "Slot was skipped, or missing in long-term storage",
        -32011 => "Transaction history is not available from this node",
        -32014 => "Block status not yet available for slot",
        -32016 => "Minimum context slot has not been reached",
        -32603 => "Internal error",
        _ => "error",
    }
}
