//! What a client may say, for readers of the document: each variant is an action, its comment the description there.
//!
//! `ws::protocol` reads messages by hand, to name what is wrong with them; tests hold the two against each other.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::ws::messages::Position;

/// An action. `id` is any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; the one answer bears it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
#[allow(missing_docs)] // the names are those of the protocol
pub enum Said {
    /// Frames of these channels, each once. Names `market_id`, or `channels`, or both; answered by `subscribed` for each.
    Subscribe {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        market_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        channels: Option<Vec<String>>,
        /// Where to resume: the newest place that is known, by channel, named as it is subscribed to.
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<BTreeMap<String, Position>>,
        /// One price for several, at most every `interval_ms`; everything else as it comes.
        #[serde(skip_serializing_if = "Option::is_none")]
        conflate: Option<bool>,
        /// From 50 to 5,000; 250 unless said otherwise.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(minimum = 50, maximum = 5_000)]
        interval_ms: Option<u64>,
    },
    /// No more frames of these channels, or of none where none is named; answered by `reply`.
    Unsubscribe {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        market_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        channels: Option<Vec<String>>,
    },
    /// Which channels am I subscribed to? Answered by `reply`.
    List {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
    },
    /// Signs the connection in, or on: answered by `reply`. A connection is one wallet's.
    Auth {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
        /// An access token of POST /api/auth/login or /refresh.
        token: String,
    },
    /// Are you there? Answered by `pong`; so is the bare text `ping`.
    Ping {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
    },
    /// I am here. Not answered.
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
    },
}

/// One of each: what the document shows, and what the parser is given by a test.
pub fn examples() -> Vec<Said> {
    let id = || Some(Value::from(1));
    let market = || "market:GthTyfd3EV9Y8wN6zhZeES5PgT2jQVzLrZizfZquAY5S".to_owned();
    let at = Position { epoch: crate::domain::ids::Epoch(1), seq: crate::domain::ids::Seq(12) };
    vec![
        Said::Subscribe {
            id: id(),
            market_id: None,
            channels: Some(vec![market(), "config".into()]),
            since: Some(BTreeMap::from([(market(), at)])),
            conflate: Some(true),
            interval_ms: Some(250),
        },
        Said::Unsubscribe { id: id(), market_id: None, channels: Some(vec![market()]) },
        Said::List { id: id() },
        Said::Auth { id: id(), token: "eyJ…".into() },
        Said::Ping { id: id() },
        Said::Pong { id: None },
    ]
}

/// By which messages an action is answered; beside `error`, and for `pong` by none.
pub fn answers(action: &str) -> &'static [&'static str] {
    match action {
        "subscribe" => &["subscribed"],
        "unsubscribe" | "list" => &["reply"],
        "auth" => &["reply_auth"],
        "ping" => &["pong"],
        _ => &[],
    }
}
