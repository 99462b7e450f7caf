//! Deliveries of Helius' webhooks: bodies made of transactions that really landed, sent as Helius sends them.
//!
//! Of one's own making, for a test of one rule:
//!
//! ```ignore
//! engine.set("HELIUS_AUTH_HEADER", helius::AUTH);            // before it is started
//! let sender = Sender::to(&engine.indexer);
//! let landed = helius::landed(&client.rpc_url, signature).await;             // asks the node, JSON as it answers
//! let answer = sender.deliver(&helius::body(&[helius::raw(&landed)])).await;  // or helius::enhanced(&landed)
//! assert_eq!(answer.status, 200);
//! sender.until_taken(&helius::body(&[helius::claim(signature, slot)])).await; // what nobody has fetched, or made up
//! ```
//!
//! Or everything that happens to the program, for a load or a soak: [`Sender::follow`] lists the program's transactions as
//! they come, delivers each in either form, resends until it is told 200 (so it outlives the engine's restarts), and stops
//! when it is dropped. Where the node tells nothing (the feeder at thousands a second), make claims from signature and slot
//! and send some in one body: the engine reads no more of a delivery than these.
//!
//! Helius itself sends one header, waits about a second, and resends three times; this one resends as often as it takes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use zmart::domain::ids::{ProgramId, TxSignature};

use crate::{http::try_request, patience::wait_for};

/// What engines of tests are told to take.
pub const AUTH: &str = "development-header-of-tests";

/// Where deliveries go.
pub const PATH: &str = "/api/webhooks/helius";

/// The form of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As a node tells it.
    Raw,
    /// As Helius reads it: without logs.
    Enhanced,
    /// The one and the other in turn.
    Mixed,
}

/// What a delivery was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, if it is JSON.
    pub body: Value,
    /// `Retry-After`, if it is there.
    pub retry_after: Option<String>,
}

/// Who sends; clones share their connections.
#[derive(Debug, Clone)]
pub struct Sender {
    client: reqwest::Client,
    url: String,
    headers: Vec<(String, String)>,
}

impl Sender {
    /// To an engine's indexer (`http://HOST:PORT`), with the header that it takes.
    pub fn to(indexer: &str) -> Self {
        Self::with(indexer, &[("authorization", AUTH)])
    }

    /// With these headers instead.
    pub fn with(indexer: &str, headers: &[(&str, &str)]) -> Self {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { client, url: format!("{}{PATH}", indexer.trim_end_matches('/')), headers }
    }

    /// To another path.
    pub fn at(mut self, path: &str) -> Self {
        let origin = self.url.strip_suffix(PATH).unwrap_or(&self.url);
        self.url = format!("{origin}{path}");
        self
    }

    /// Sends one.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn deliver(&self, body: &[u8]) -> Answer {
        self.try_deliver(body).await.unwrap_or_else(|error| panic!("no answer to a delivery: {error}"))
    }

    /// Sends one; nobody may be there.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn try_deliver(&self, body: &[u8]) -> Result<Answer, reqwest::Error> {
        let mut request = self.client.post(&self.url).header("content-type", "application/json").body(body.to_vec());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = answer.status().as_u16();
        let body = serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null);
        Ok(Answer { status, body, retry_after })
    }

    /// Sends one again and again until it is taken.
    pub async fn until_taken(&self, body: &[u8]) {
        wait_for("a delivery to be taken", || async {
            match self.try_deliver(body).await {
                Ok(answer) if answer.status == 200 => Ok(()),
                Ok(answer) => Err(format!("{answer:?}")),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// Delivers all that happens to the program from now on, each transaction in a delivery of its own, until it is dropped.
    pub fn follow(&self, rpc_url: &str, program: ProgramId, form: Form) -> Following {
        let delivered = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(follow(self.clone(), rpc_url.to_owned(), program, form, Arc::clone(&delivered)));
        Following { delivered, task }
    }
}

/// See [`Sender::follow`].
#[derive(Debug)]
pub struct Following {
    delivered: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Following {
    /// Deliveries that were answered with 200 so far.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::SeqCst)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Between two lists, and two sendings of the same.
const PAUSE: Duration = Duration::from_millis(100);

async fn follow(sender: Sender, rpc_url: String, program: ProgramId, form: Form, delivered: Arc<AtomicU64>) {
    let mut newest: Option<String> = None;
    loop {
        tokio::time::sleep(PAUSE).await;
        let mut options = json!({"limit": 1000, "commitment": "confirmed"});
        if let Some(newest) = &newest {
            options["until"] = json!(newest);
        }
        let Some(listed) = call(&rpc_url, "getSignaturesForAddress", json!([program.to_string(), options])).await
        else {
            continue;
        };
        for listed in listed.as_array().into_iter().flatten().rev() {
            let Some(signature) = listed["signature"].as_str() else { continue };
            let number = delivered.load(Ordering::SeqCst);
            let transaction = told(&rpc_url, signature).await;
            let item = match (transaction, form) {
                (None, _) => continue,
                (Some(landed), Form::Raw) => raw(&landed),
                (Some(landed), Form::Enhanced) => enhanced(&landed),
                (Some(landed), Form::Mixed) if number.is_multiple_of(2) => raw(&landed),
                (Some(landed), Form::Mixed) => enhanced(&landed),
            };
            let body = body(&[item]);
            while !sender.try_deliver(&body).await.is_ok_and(|answer| answer.status == 200) {
                tokio::time::sleep(PAUSE).await;
            }
            delivered.fetch_add(1, Ordering::SeqCst);
            newest = Some(signature.to_owned());
        }
    }
}

/// A transaction as the node tells it (JSON encoding), once it is confirmed.
pub async fn landed(rpc_url: &str, signature: TxSignature) -> Value {
    let signature = signature.to_string();
    wait_for("a transaction to be told", || async { told(rpc_url, &signature).await.ok_or("not yet") }).await
}

async fn told(rpc_url: &str, signature: &str) -> Option<Value> {
    let options = json!({"encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0});
    call(rpc_url, "getTransaction", json!([signature, options])).await.filter(|answer| !answer.is_null())
}

async fn call(rpc_url: &str, method: &str, params: Value) -> Option<Value> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let headers = [("Content-Type", "application/json")];
    let answer = try_request("POST", rpc_url.trim_end_matches('/'), "/", &headers, body.as_bytes()).await.ok()?;
    let mut answer: Value = serde_json::from_slice(&answer.body).ok()?;
    Some(answer["result"].take()).filter(|_| answer["error"].is_null())
}

/// A raw item of what a node told.
pub fn raw(landed: &Value) -> Value {
    json!({
        "blockTime": landed["blockTime"], "indexWithinBlock": 0, "meta": landed["meta"], "slot": landed["slot"],
        "transaction": landed["transaction"], "version": landed.get("version").cloned().unwrap_or(json!("legacy")),
    })
}

/// An enhanced item of what a node told: no logs, no inner data.
pub fn enhanced(landed: &Value) -> Value {
    let message = &landed["transaction"]["message"];
    json!({
        "accountData": [], "description": "", "events": {}, "fee": landed["meta"]["fee"],
        "feePayer": message["accountKeys"][0], "instructions": [], "nativeTransfers": [],
        "signature": landed["transaction"]["signatures"][0], "slot": landed["slot"], "source": "UNKNOWN",
        "timestamp": landed["blockTime"], "tokenTransfers": [], "transactionError": landed["meta"]["err"],
        "type": "UNKNOWN",
    })
}

/// A raw item that says no more than that a transaction succeeded in a slot: true or made up.
pub fn claim(signature: TxSignature, slot: u64) -> Value {
    json!({
        "blockTime": 0, "indexWithinBlock": 0, "slot": slot, "version": "legacy",
        "meta": {"err": null, "fee": 5_000, "logMessages": []},
        "transaction": {"message": {}, "signatures": [signature.to_string()]},
    })
}

/// A delivery of these items.
pub fn body(items: &[Value]) -> Vec<u8> {
    serde_json::to_vec(items).unwrap()
}
