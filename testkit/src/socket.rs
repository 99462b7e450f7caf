//! A WebSocket client that writes down what it hears, and one that lives through restarts and checks every number.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, protocol::CloseFrame},
};
use zmart::domain::ids::MarketAddress;

use crate::patience::within;

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With a close frame.
    Code(u16),
    /// Without one.
    Cut(String),
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Connection {
    /// Connects; the welcome is the first frame.
    pub async fn open(url: &str) -> Self {
        match within(&format!("a connection to {url}"), Self::try_open(url)).await {
            Ok(connection) => connection,
            Err(error) => panic!("{url}: {error}"),
        }
    }

    /// As [`Self::open`], where nobody may be listening.
    pub async fn try_open(url: &str) -> Result<Self, tungstenite::Error> {
        Ok(Self { stream: connect_async(url).await?.0 })
    }

    /// Sends a text as it is.
    pub async fn send_text(&mut self, text: &str) {
        within("a frame to be sent", self.stream.send(Message::text(text))).await.unwrap();
    }

    /// Sends any message; a connection that is gone shows at the next read.
    pub async fn send_message(&mut self, message: Message) {
        let _ = within("a frame to be sent", self.stream.send(message)).await;
    }

    /// Sends JSON.
    pub async fn send(&mut self, value: Value) {
        self.send_text(&value.to_string()).await;
    }

    /// The next frame.
    pub async fn next(&mut self) -> Result<Value, Ended> {
        let text = self.next_text().await?;
        Ok(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    /// The next frame, to the byte.
    pub async fn next_text(&mut self) -> Result<String, Ended> {
        loop {
            let message = match within("a frame", self.stream.next()).await {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Err(Ended::Cut(error.to_string())),
                None => return Err(Ended::Cut("the end of the stream".to_owned())),
            };
            match message {
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Close(Some(CloseFrame { code, .. })) => return Err(Ended::Code(code.into())),
                Message::Close(None) => return Err(Ended::Cut("a close frame without a code".to_owned())),
                Message::Binary(bytes) => panic!("a binary frame of {} bytes", bytes.len()),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// The next frame that is no heartbeat and no commitment: those come by the clock.
    ///
    /// # Panics
    /// If the connection ends first.
    pub async fn next_frame(&mut self) -> Value {
        self.next_where(|frame| frame["type"] != "heartbeat" && frame["type"] != "commitment").await
    }

    /// The next frame of a type.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        self.next_where(|frame| frame["type"] == kind).await
    }

    /// The next frame that answers.
    pub async fn answer_to(&mut self, id: &Value) -> Value {
        self.next_where(|frame| frame.get("id") == Some(id)).await
    }

    async fn next_where(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            match self.next().await {
                Ok(frame) if wanted(&frame) => return frame,
                Ok(_) => {}
                Err(ended) => panic!("the connection ended: {ended:?}"),
            }
        }
    }

    /// Waits for the end.
    pub async fn end(&mut self) -> Ended {
        loop {
            if let Err(ended) = self.next().await {
                return ended;
            }
        }
    }

    /// Subscribes to a market, after an entry if one is given, and gives the answer.
    pub async fn subscribe(&mut self, market: MarketAddress, since: Option<(u64, u64)>) -> Value {
        let id = json!(format!("subscribe {market}"));
        self.send(subscription(&id, market, since)).await;
        self.answer_to(&id).await
    }
}

/// The text of a subscription; `since` is (epoch, seq).
pub fn subscription(id: &Value, market: MarketAddress, since: Option<(u64, u64)>) -> Value {
    let mut ask = json!({"id": id, "action": "subscribe", "market_id": market.to_string()});
    if let Some((epoch, seq)) = since {
        ask["since"] = json!({ format!("market:{market}"): {"epoch": epoch, "seq": seq} });
    }
    ask
}

/// How long a client waits before it connects again.
pub const RECONNECT_AFTER: Duration = Duration::from_millis(100);
