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
use zmart_testkit::{
    helius::{Sender, body, claim},
    postgres::Database,
};

/// Transactions in a body; what is left over at the end is not sent.
const ITEMS: usize = 50;
/// Bodies on their way at once.
const SENDERS: usize = 4;
/// Bodies that wait to be sent; more are left out, and counted.
const WAITING: usize = 4_096;
const PAUSE: Duration = Duration::from_millis(200);

/// Who delivers, until it is dropped.
pub struct Deliveries {
    counts: Arc<Counts>,
    tasks: Vec<JoinHandle<()>>,
}

/// Bodies.
#[derive(Default)]
struct Counts {
    made: AtomicU64,
    taken: AtomicU64,
    again: AtomicU64,
    left_out: AtomicU64,
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Deliveries {
    /// Of all that the node notifies from now on, to an engine's indexer.
    pub async fn start(ws: &str, program: ProgramId, indexer: &str) -> Self {
        let counts = Arc::<Counts>::default();
        let (bodies, waiting) = mpsc::channel(WAITING);
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        let mut tasks = vec![tokio::spawn(hear(heard(ws, program).await, bodies, Arc::clone(&counts)))];
        for _ in 0..SENDERS {
            tasks.push(tokio::spawn(send(Sender::to(indexer), Arc::clone(&waiting), Arc::clone(&counts))));
        }
        Self { counts, tasks }
    }

    /// Bodies that are still to be taken.
    pub fn waiting(&self) -> u64 {
        let Counts { made, taken, left_out, .. } = &*self.counts;
        // What is gone is read first: never too few are told.
        let gone = number(taken) + number(left_out);
        number(made).saturating_sub(gone)
    }

    /// Prints what became of the bodies, and of the transactions in them; answers with what is wrong with that.
    pub async fn judge(&self, database: &Database) -> Vec<String> {
        let Counts { made, taken, again, left_out } = &*self.counts;
        let (taken, left_out) = (number(taken), number(left_out));
        println!("load deliveries made={} taken={taken} again={} left_out={left_out}", number(made), number(again));
        const OUTCOMES: &str = "SELECT key, sum(value::bigint)::bigint FROM webhook_deliveries, jsonb_each_text(outcome) \
                                GROUP BY key ORDER BY key";
        for row in database.connect().await.query(OUTCOMES, &[]).await.unwrap() {
            println!("load delivered {}={}", row.get::<_, &str>(0), row.get::<_, i64>(1));
        }
        let mut faults = Vec::new();
        if taken == 0 {
            faults.push("no delivery was taken".to_owned());
        }
        if left_out > 0 {
            faults.push(format!("{left_out} deliveries were left out: too many waited to be taken"));
        }
        faults
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

fn number(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

async fn hear(mut socket: Socket, bodies: mpsc::Sender<Vec<u8>>, counts: Arc<Counts>) {
    let mut items = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let told: Value = serde_json::from_str(&text).unwrap_or_default();
        let result = &told["params"]["result"];
        let signature = result["value"]["signature"].as_str().and_then(|signature| signature.parse().ok());
        let (Some(signature), Some(slot)) = (signature, result["context"]["slot"].as_u64()) else { continue };
        items.push(claim(signature, slot));
        if items.len() >= ITEMS {
            counts.made.fetch_add(1, Ordering::Relaxed);
            let full = bodies.try_send(body(&std::mem::take(&mut items)));
            counts.left_out.fetch_add(u64::from(full.is_err()), Ordering::Relaxed);
        }
    }
}

async fn send(sender: Sender, waiting: Arc<tokio::sync::Mutex<mpsc::Receiver<Vec<u8>>>>, counts: Arc<Counts>) {
    loop {
        let Some(body) = waiting.lock().await.recv().await else { return };
        while !sender.try_deliver(&body).await.is_ok_and(|answer| answer.status == 200) {
            counts.again.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PAUSE).await;
        }
        counts.taken.fetch_add(1, Ordering::Relaxed);
    }
}
