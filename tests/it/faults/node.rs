//! A node that is not to be trusted: stands between the engine and the chain, loses notifications, and forgets history.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use zmart::domain::ids::TxSignature;
use zmart_testkit::{chain::Chain, http::try_request};

/// The node's PubSub, with a hand on it.
#[derive(Debug, Clone)]
pub struct LossyNotifications {
    /// Where it listens.
    pub url: String,
    to_lose: Arc<AtomicUsize>,
}

impl LossyNotifications {
    /// Before the chain's own.
    pub async fn before(chain: &Chain) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let (to_lose, node) = (Arc::new(AtomicUsize::new(0)), chain.ws_url.clone());
        let losing = to_lose.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(pass_on(socket, node.clone(), losing.clone()));
            }
        });
        Self { url, to_lose }
    }

    /// The next notification of a transaction never comes.
    pub fn lose_next(&self) {
        self.to_lose.fetch_add(1, Ordering::SeqCst);
    }

    /// Notifications that are still to be lost.
    pub fn left_to_lose(&self) -> usize {
        self.to_lose.load(Ordering::SeqCst)
    }
}

async fn pass_on(socket: TcpStream, node: String, to_lose: Arc<AtomicUsize>) {
    let (Ok(client), Ok((node, _))) =
        (tokio_tungstenite::accept_async(socket).await, tokio_tungstenite::connect_async(&node).await)
    else {
        return;
    };
    let (mut to_client, mut from_client) = client.split();
    let (mut to_node, mut from_node) = node.split();
    let down = async {
        while let Some(Ok(message)) = from_node.next().await {
            let is_log = message.to_text().is_ok_and(|text| text.contains("logsNotification"));
            let take = |left: usize| left.checked_sub(1);
            if is_log && to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
                continue;
            }
            if to_client.send(message).await.is_err() {
                return;
            }
        }
    };
    let up = async {
        while let Some(Ok(message)) = from_client.next().await {
            if to_node.send(message).await.is_err() {
                return;
            }
        }
    };
    tokio::select! { () = down => {}, () = up => {} }
}

/// The node's JSON-RPC, as of a node that has lost part of its history.
#[derive(Debug, Clone)]
pub struct ForgetfulRpc {
    /// Where it listens.
    pub url: String,
    forgotten: Arc<Mutex<HashSet<String>>>,
}

impl ForgetfulRpc {
    /// Before the chain's own.
    pub async fn before(chain: &Chain) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (forgotten, node) = (Arc::new(Mutex::new(HashSet::new())), chain.client().rpc_url.clone());
        let hidden = forgotten.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (node, hidden) = (node.clone(), hidden.clone());
                tokio::spawn(async move {
                    // A client that goes away in the middle of an answer is its own affair.
                    let _ = answer(socket, &node, &hidden).await;
                });
            }
        });
        Self { url, forgotten }
    }

    /// It never heard of this transaction.
    pub fn forget(&self, signature: TxSignature) {
        self.forgotten.lock().unwrap().insert(signature.to_string());
    }
}

/// One request a connection.
async fn answer(mut socket: TcpStream, node: &str, hidden: &Mutex<HashSet<String>>) -> std::io::Result<()> {
    let mut raw = Vec::new();
    let (head, length) = loop {
        if socket.read_buf(&mut raw).await? == 0 {
            return Ok(());
        }
        if let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&raw[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            break (end + 4, length.unwrap_or(0usize));
        }
    };
    while raw.len() < head + length {
        if socket.read_buf(&mut raw).await? == 0 {
            return Ok(());
        }
    }
    let body = &raw[head..head + length];
    let ask: Value = serde_json::from_slice(body).unwrap_or_default();
    let is_hidden = |signature: &Value| signature.as_str().is_some_and(|text| hidden.lock().unwrap().contains(text));
    let mut said = try_request("POST", node, "/", &[("Content-Type", "application/json")], body).await?.json();
    match ask["method"].as_str() {
        Some("getSignaturesForAddress") => {
            if let Some(list) = said["result"].as_array_mut() {
                list.retain(|entry| !is_hidden(&entry["signature"]));
            }
        }
        Some("getTransaction") if is_hidden(&ask["params"][0]) => said["result"] = json!(null),
        _ => {}
    }
    let body = said.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await?;
    socket.write_all(body.as_bytes()).await?;
    socket.shutdown().await
}
