//! Deliveries of a webhook beside the notifications: of every transaction, some in a body, as Helius sends them under load.
//!
//! Transactions are heard as anybody hears them, by a subscription at the node. A delivery that is not taken (503) is sent
//! again later, as Helius does; what this falls behind is what a busy sender falls behind: the chain knows it all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_tungstenite::{connect_async, tungstenite::Message};
use zmart::domain::ids::ProgramId;
use zmart_testkit::helius::{Sender, body, claim};

/// Transactions in a body.
const ITEMS: usize = 50;
/// Bodies on their way at once.
const SENDERS: usize = 4;
/// Bodies that wait to be sent; more are left out, and counted.
const WAITING: usize = 4_096;
const PAUSE: Duration = Duration::from_millis(200);

/// Who delivers, until it is dropped.
pub struct Deliveries {
    taken: Arc<AtomicU64>,
    again: Arc<AtomicU64>,
    left_out: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Deliveries {
    /// Of all that the node notifies from now on, to an engine's indexer.
    pub async fn start(ws: &str, program: ProgramId, indexer: &str) -> Self {
        let (taken, again, left_out) = <(Arc<AtomicU64>, Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let (bodies, waiting) = mpsc::channel(WAITING);
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        let mut tasks = vec![tokio::spawn(hear(heard(ws, program).await, bodies, Arc::clone(&left_out)))];
        for _ in 0..SENDERS {
            let sending = send(Sender::to(indexer), Arc::clone(&waiting), Arc::clone(&taken), Arc::clone(&again));
            tasks.push(tokio::spawn(sending));
        }
        Self { taken, again, left_out, tasks }
    }

    /// For the report: bodies that were taken, that were sent again, and that were left out because too many waited.
    pub fn told(&self) -> String {
        let number = |count: &AtomicU64| count.load(Ordering::Relaxed);
        format!("taken={} again={} left_out={}", number(&self.taken), number(&self.again), number(&self.left_out))
    }
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn heard(ws: &str, program: ProgramId) -> Socket {
    let (mut socket, _) = connect_async(ws).await.expect("the node's notifications");
    let params = json!([{"mentions": [program.to_string()]}, {"commitment": "confirmed"}]);
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "logsSubscribe", "params": params});
    socket.send(Message::text(ask.to_string())).await.expect("a subscription");
    socket
}

async fn hear(mut socket: Socket, bodies: mpsc::Sender<Vec<u8>>, left_out: Arc<AtomicU64>) {
    let mut items = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let told: Value = serde_json::from_str(&text).unwrap_or_default();
        let result = &told["params"]["result"];
        let signature = result["value"]["signature"].as_str().and_then(|signature| signature.parse().ok());
        let (Some(signature), Some(slot)) = (signature, result["context"]["slot"].as_u64()) else { continue };
        items.push(claim(signature, slot));
        if items.len() >= ITEMS {
            let full = bodies.try_send(body(&std::mem::take(&mut items)));
            left_out.fetch_add(u64::from(full.is_err()), Ordering::Relaxed);
        }
    }
}

async fn send(
    sender: Sender,
    waiting: Arc<tokio::sync::Mutex<mpsc::Receiver<Vec<u8>>>>,
    taken: Arc<AtomicU64>,
    again: Arc<AtomicU64>,
) {
    loop {
        let Some(body) = waiting.lock().await.recv().await else { return };
        while !sender.try_deliver(&body).await.is_ok_and(|answer| answer.status == 200) {
            again.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PAUSE).await;
        }
        taken.fetch_add(1, Ordering::Relaxed);
    }
}
