//! The PubSub side: what the client says goes up as it is, what the node says goes down through the pipeline.
//!
//! Each client has a socket of its own to the node. Messages that are held back keep their order: what comes behind one
//! waits behind it. While the side is silent neither socket is read, so the node's own buffers fill.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, Utf8Bytes},
};

use super::{
    message::Note,
    rules::{Rules, SocketId},
    sockets::{Side, Sockets, WAITING_MAX, reset},
};

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, node: String, rules: Arc<Rules>, sockets: Arc<Sockets>) {
    while let Ok((stream, _)) = listener.accept().await {
        if sockets.refuses(Side::Ws) {
            reset(stream);
            continue;
        }
        let (node, rules, sockets) = (node.clone(), rules.clone(), sockets.clone());
        tokio::spawn(async move {
            let mut life = sockets.opened(Side::Ws);
            let (sender, notes) = mpsc::channel(WAITING_MAX);
            let id = sockets.join(sender);
            tokio::select! {
                () = Socket::run(stream, &node, &rules, &sockets, id, notes) => {}
                () = life.dropped() => {}
            }
            sockets.leave(id);
        });
    }
}

struct Socket<'a> {
    client: WebSocketStream<TcpStream>,
    node: WebSocketStream<MaybeTlsStream<TcpStream>>,
    rules: &'a Rules,
    sockets: &'a Sockets,
    id: SocketId,
    /// On their way, with the moment when each may go on.
    waiting: VecDeque<(Instant, Note)>,
    /// The number of the client's question for logs, until it is answered.
    asked_for_logs: Option<Value>,
}

/// What happens next on a socket.
enum Next {
    FromClient(Message),
    FromNode(Message),
    Injected(Note),
    Due,
    Silenced,
    Gone,
}

impl Socket<'_> {
    async fn run(
        stream: TcpStream,
        node: &str,
        rules: &Rules,
        sockets: &Sockets,
        id: SocketId,
        mut notes: mpsc::Receiver<Note>,
    ) {
        sockets.may_pass(Side::Ws).await;
        // Small messages must not wait for more.
        let _ = stream.set_nodelay(true);
        let (Ok(client), Ok((node, _))) =
            (tokio_tungstenite::accept_async(stream).await, tokio_tungstenite::connect_async(node).await)
        else {
            return;
        };
        let waiting = VecDeque::new();
        let mut socket = Socket { client, node, rules, sockets, id, waiting, asked_for_logs: None };
        loop {
            sockets.may_pass(Side::Ws).await;
            let goes_on = match socket.next(&mut notes).await {
                Next::FromClient(message) => socket.up(message).await,
                Next::FromNode(message) => socket.down(message),
                Next::Injected(note) => socket.push(note),
                Next::Due => socket.deliver().await,
                Next::Silenced => true,
                Next::Gone => false,
            };
            if !goes_on {
                return;
            }
        }
    }

    async fn next(&mut self, notes: &mut mpsc::Receiver<Note>) -> Next {
        let due = self.waiting.front().map(|(due, _)| *due);
        tokio::select! {
            biased;
            () = self.sockets.silenced(Side::Ws) => Next::Silenced,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Next::Due,
            message = self.client.next() => match message {
                Some(Ok(message)) => Next::FromClient(message),
                _ => Next::Gone,
            },
            Some(note) = notes.recv() => Next::Injected(note),
            message = self.node.next() => match message {
                Some(Ok(message)) => Next::FromNode(message),
                _ => Next::Gone,
            },
        }
    }

    async fn up(&mut self, message: Message) -> bool {
        if let Message::Text(text) = &message
            && text.contains("logsSubscribe")
        {
            let ask: Value = serde_json::from_str(text).unwrap_or_default();
            self.asked_for_logs = Some(ask["id"].clone());
        }
        match message {
            // Answered by the library on each side for itself.
            Message::Ping(_) | Message::Pong(_) => true,
            Message::Close(_) => false,
            message => self.node.send(message).await.is_ok(),
        }
    }

    fn down(&mut self, message: Message) -> bool {
        match message {
            Message::Text(text) => {
                let mut note = Note::new(text.as_str());
                if let Some(asked) = &self.asked_for_logs
                    && note.payload.value()["id"] == *asked
                    && let Some(logs) = note.payload.value()["result"].as_u64()
                {
                    self.sockets.subscribed(self.id, logs);
                    self.asked_for_logs = None;
                }
                self.rules.notes(self.id, note).into_iter().all(|note| self.push(note))
            }
            Message::Close(_) => false,
            // PubSub has no binary messages.
            _ => true,
        }
    }

    fn push(&mut self, note: Note) -> bool {
        let due = Instant::now() + note.after;
        let behind = self.waiting.back().map_or(due, |(last, _)| due.max(*last));
        self.waiting.push_back((behind, note));
        self.waiting.len() <= WAITING_MAX
    }

    async fn deliver(&mut self) -> bool {
        let Some((_, note)) = self.waiting.pop_front() else { return true };
        let cut = note.cut;
        let Ok(text) = Utf8Bytes::try_from(note.payload.into_bytes()) else { return false };
        if cut {
            self.break_off(text.as_bytes()).await;
            return false;
        }
        self.client.send(Message::Text(text)).await.is_ok()
    }

    /// Announces the whole message, sends half of it, and ends.
    async fn break_off(&mut self, text: &[u8]) {
        let _ = self.client.flush().await;
        let length = u64::try_from(text.len()).unwrap_or_default();
        // A final text frame, unmasked, its length in eight bytes (a reader takes the long form for any length).
        let mut frame = vec![0x81, 127];
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&text[..text.len() / 2]);
        let _ = self.client.get_mut().write_all(&frame).await;
    }
}
