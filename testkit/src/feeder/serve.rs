//! The feeder's sockets. Each notification is made once; a socket that falls too far behind loses some, as at a node.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast::{self, error::RecvError},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, Utf8Bytes},
};

use super::Shared;
use crate::http_server::{HttpConnection, Writing};

/// The number of each socket's subscription to logs: the same for all, so that all are told the same bytes.
pub const LOGS: u64 = 1;
/// The number of each socket's subscription to slots.
pub const SLOTS: u64 = 2;
/// Messages that are written before the socket is flushed.
const BATCH: usize = 64;

/// What all sockets are told.
#[derive(Debug, Clone)]
pub enum Frame {
    /// A transaction's logs.
    Logs(Utf8Bytes),
    /// A slot.
    Slot(Utf8Bytes),
}

/// Serves JSON-RPC until it is dropped.
pub async fn http(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let mut ended = shared.ended.subscribe();
            tokio::select! {
                () = answer_all(stream, &shared) => {}
                _ = ended.changed() => {}
            }
        });
    }
}

/// A client that goes away in the middle is its own affair.
async fn answer_all(stream: TcpStream, shared: &Shared) {
    let mut connection = HttpConnection::new(stream);
    while let Ok(Some(body)) = connection.request().await {
        let answer = shared.answer(&body);
        let headers = [("content-type", "application/json".to_owned())];
        if !connection.answer(200, &headers, answer.as_bytes(), Writing::Whole).await.unwrap_or(false) {
            return;
        }
    }
}

/// Serves PubSub until it is dropped.
pub async fn ws(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let mut ended = shared.ended.subscribe();
            let _ = stream.set_nodelay(true);
            let Ok(socket) = tokio_tungstenite::accept_async(stream).await else { return };
            let (frames, lost) = (shared.frames.subscribe(), &shared.lost);
            let mut socket = Socket { socket, program: shared.program.to_string(), logs: false, slots: false };
            tokio::select! {
                () = socket.run(frames, lost) => {}
                _ = ended.changed() => {}
            }
        });
    }
}

struct Socket {
    socket: WebSocketStream<TcpStream>,
    program: String,
    logs: bool,
    slots: bool,
}

impl Socket {
    async fn run(&mut self, mut frames: broadcast::Receiver<Frame>, lost: &AtomicU64) {
        loop {
            tokio::select! {
                biased;
                message = self.socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        let answer = self.subscribe(&text);
                        if self.socket.send(Message::text(answer)).await.is_err() {
                            return;
                        }
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                },
                frame = frames.recv() => {
                    let mut next = Some(frame);
                    for _ in 0..BATCH {
                        match next.take() {
                            Some(Ok(frame)) => if self.tell(frame).await.is_err() {
                                return;
                            },
                            Some(Err(RecvError::Lagged(count))) => drop(lost.fetch_add(count, Ordering::Relaxed)),
                            Some(Err(RecvError::Closed)) => return,
                            None => break,
                        }
                        next = match frames.try_recv() {
                            Ok(frame) => Some(Ok(frame)),
                            Err(broadcast::error::TryRecvError::Lagged(count)) => Some(Err(RecvError::Lagged(count))),
                            Err(_) => None,
                        };
                    }
                    if let Some(Ok(frame)) = next
                        && self.tell(frame).await.is_err()
                    {
                        return;
                    }
                    if self.socket.flush().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    async fn tell(&mut self, frame: Frame) -> Result<(), tokio_tungstenite::tungstenite::Error> {
        let text = match frame {
            Frame::Logs(text) if self.logs => text,
            Frame::Slot(text) if self.slots => text,
            _ => return Ok(()),
        };
        self.socket.feed(Message::Text(text)).await
    }

    fn subscribe(&mut self, text: &str) -> String {
        let ask: Value = serde_json::from_str(text).unwrap_or_default();
        let result = match ask["method"].as_str().unwrap_or_default() {
            "slotSubscribe" => {
                self.slots = true;
                json!(SLOTS)
            }
            "logsSubscribe" => {
                let wanted = &ask["params"][0];
                if wanted != "all" && wanted["mentions"] != json!([self.program]) {
                    return refusal(&ask["id"], "the feeder tells the logs of its own program only");
                }
                self.logs = true;
                json!(LOGS)
            }
            "slotUnsubscribe" => {
                self.slots = false;
                json!(true)
            }
            "logsUnsubscribe" => {
                self.logs = false;
                json!(true)
            }
            other => return refusal(&ask["id"], &format!("{other}: the feeder does not know this subscription")),
        };
        json!({"jsonrpc": "2.0", "result": result, "id": ask["id"]}).to_string()
    }
}

fn refusal(id: &Value, message: &str) -> String {
    json!({"jsonrpc": "2.0", "error": {"code": -32601, "message": message}, "id": id}).to_string()
}
