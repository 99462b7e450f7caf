//! The node behind the proxy: calls are passed on to it, and faults ask it what they need to know.

use serde_json::{Value, json};

use super::message::Reply;

/// A node's JSON-RPC.
#[derive(Debug, Clone)]
pub struct Node {
    url: String,
    client: reqwest::Client,
}

impl Node {
    /// At that address.
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), client: reqwest::Client::new() }
    }

    /// Passes a call on, byte for byte, and brings the answer.
    ///
    /// # Errors
    /// The node gave none.
    pub async fn pass_on(&self, body: Vec<u8>) -> Result<Reply, reqwest::Error> {
        let call = self.client.post(&self.url).header("content-type", "application/json").body(body);
        let answer = call.send().await?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut reply = Reply::new(status, answer.bytes().await?);
        reply.headers.extend(retry_after.map(|value| ("retry-after", value)));
        Ok(reply)
    }

    /// Asks for something; `Null` if the node does not say.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        match self.pass_on(body.into_bytes()).await {
            Ok(mut reply) => reply.result().clone(),
            Err(_) => Value::Null,
        }
    }
}
