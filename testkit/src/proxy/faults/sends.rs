//! Transactions that a node takes, with its signature for an answer, and never passes on.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::future::BoxFuture;

use super::super::{
    fault::Dice,
    message::{Call, Reply},
    node::Node,
    rules::Rule,
};

/// Where a transaction has its first signature: behind their number, which is one byte below 128.
const FIRST_SIGNATURE: std::ops::Range<usize> = 1..65;

/// Dropped in silence.
pub struct Swallowed {
    /// When.
    pub dice: Arc<Dice>,
}

impl Rule for Swallowed {
    fn answer<'a>(&'a self, call: &'a Call, _node: &'a Node) -> BoxFuture<'a, Option<Reply>> {
        let signature = if call.method == "sendTransaction" { signature_of(call) } else { None };
        let swallowed = signature.filter(|_| self.dice.strikes());
        Box::pin(async move { swallowed.map(|signature| call.result(signature.into())) })
    }
}

fn signature_of(call: &Call) -> Option<String> {
    let text = call.param(0).as_str()?;
    let bytes = match call.param(1)["encoding"].as_str() {
        Some("base64") => BASE64_STANDARD.decode(text).ok()?,
        _ => bs58::decode(text).into_vec().ok()?,
    };
    Some(bs58::encode(bytes.get(FIRST_SIGNATURE)?).into_string())
}
