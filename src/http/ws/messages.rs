//! What the server says besides the frames of entries: typed, one struct a message.

use std::collections::BTreeMap;

use bytestring::ByteString;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::WsLimits;
use crate::{
    domain::ids::{Epoch, MarketAddress, Seq, Slot},
    journal::rows::timestamp,
    view::{
        config::ConfigView,
        frame::{Channel, text},
        market::MarketView,
    },
};

fn now() -> String {
    timestamp(chrono::Utc::now().timestamp_millis())
}

/// Each variant is a message of the document (`http::asyncapi`), its comment the description there.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::http) enum Message<'a> {
    /// The first message of a connection.
    Welcome {
        client_id: Uuid,
        server_time: String,
        version: &'static str,
        heartbeat_seconds: u64,
        limits: Limits,
    },
    /// What a subscription begins with: a snapshot at `seq`, or, with `recovered: true`, nothing: the entries after `seq` follow.
    Subscribed {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a Value>,
        #[serde(flatten)]
        answer: &'a Subscribed,
    },
    /// The answer to `unsubscribe` (the channels that were left) and `list` (those that are subscribed).
    Reply {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a Value>,
        action: &'static str,
        channels: Vec<ChannelHead>,
    },
    /// The answer to `ping`.
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a Value>,
        server_time: String,
    },
    /// A sign of life: how far the chain is covered, and the newest `seq` of each channel that was sent on this connection.
    Heartbeat {
        timestamp: String,
        counter: u64,
        slot: Slot,
        channels: BTreeMap<String, Position>,
    },
    /// A refusal of one message; the connection goes on.
    Error {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        channel: Option<&'a str>,
        code: WsErrorCode,
        message: &'a str,
        retryable: bool,
    },
    /// The last message before a close with 1012.
    Shutdown {
        reconnect_after_ms: u64,
    },
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Limits {
    message_bytes: usize,
    messages_per_second: u32,
    message_burst: u32,
    channels: usize,
    outbox_frames: usize,
    outbox_bytes: usize,
    resume_entries: u64,
}

/// A place in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)] // the names say it
pub struct Position {
    pub epoch: Epoch,
    pub seq: Seq,
}

/// A channel, and the newest of it that was sent on this connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the protocol
pub struct ChannelHead {
    pub channel: Channel,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market_id: Option<MarketAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
}

impl ChannelHead {
    /// A channel at a place, if anything of it was sent yet.
    pub fn new(channel: Channel, at: Option<Position>) -> Self {
        Self { channel, market_id: channel.market(), epoch: at.map(|at| at.epoch), seq: at.map(|at| at.seq) }
    }
}

/// The state of a channel at a place.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Snapshot {
    /// A market.
    Market(Box<MarketView>),
    /// The config; `None` before the program has one.
    Config(Option<Box<ConfigView>>),
}

/// What a subscription begins with. Without `snapshot` it is a resumed one: the entries after `seq` follow.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the protocol
pub struct Subscribed {
    pub channel: Channel,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market_id: Option<MarketAddress>,
    pub epoch: Epoch,
    pub seq: Seq,
    /// The newest entry at this moment.
    pub head_seq: Seq,
    pub recovered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Snapshot>,
}

/// Why an action was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WsErrorCode {
    /// Not JSON, not an object, or without an action.
    BadMessage,
    /// No such action.
    UnknownAction,
    /// A field is missing or malformed.
    ValidationError,
    /// No such market.
    NotFound,
    /// Part of the protocol, but not offered yet.
    NotOffered,
    /// More channels than a connection may have.
    TooManyChannels,
    /// A later action of the same connection took it back before it was answered.
    Cancelled,
    /// A part that is needed does not answer now.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl WsErrorCode {
    /// All, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::BadMessage,
        Self::UnknownAction,
        Self::ValidationError,
        Self::NotFound,
        Self::NotOffered,
        Self::TooManyChannels,
        Self::Cancelled,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The same action may succeed a little later.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable)
    }

    /// It is the client's mistake: ten in a row close the connection.
    pub fn is_strike(self) -> bool {
        !matches!(self, Self::Unavailable | Self::Internal | Self::Cancelled)
    }
}

/// The first message of a connection.
pub fn welcome(client_id: Uuid, limits: &WsLimits) -> ByteString {
    text(&Message::Welcome {
        client_id,
        server_time: now(),
        version: env!("CARGO_PKG_VERSION"),
        heartbeat_seconds: limits.heartbeat.as_millis().div_ceil(1_000) as u64,
        limits: Limits {
            message_bytes: limits.message_bytes,
            messages_per_second: limits.messages_per_second,
            message_burst: limits.message_burst,
            channels: limits.channels,
            outbox_frames: limits.outbox_frames,
            outbox_bytes: limits.outbox_bytes,
            resume_entries: limits.resume_entries,
        },
    })
}

/// The answer to a subscription.
pub fn subscribed(id: Option<&Value>, answer: &Subscribed) -> ByteString {
    text(&Message::Subscribed { id, answer })
}

/// The answer to `unsubscribe` (the channels that were left) and `list` (those that are subscribed).
pub fn reply(id: Option<&Value>, action: &'static str, channels: Vec<ChannelHead>) -> ByteString {
    text(&Message::Reply { id, action, channels })
}

/// The answer to `ping`.
pub fn pong(id: Option<&Value>) -> ByteString {
    text(&Message::Pong { id, server_time: now() })
}

/// A sign of life, and of how far it reaches.
pub fn heartbeat(counter: u64, slot: Slot, channels: BTreeMap<String, Position>) -> ByteString {
    text(&Message::Heartbeat { timestamp: now(), counter, slot, channels })
}

/// A refusal.
pub fn error(id: Option<&Value>, channel: Option<&str>, code: WsErrorCode, message: &str) -> ByteString {
    text(&Message::Error { id, channel, code, message, retryable: code.is_retryable() })
}

/// The last message before a shutdown's close.
pub fn shutdown(reconnect_after_ms: u64) -> ByteString {
    text(&Message::Shutdown { reconnect_after_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_echoed_as_it_came_and_left_out_where_there_was_none() {
        let id = serde_json::json!({"a": [1, "x"]});
        let with = error(Some(&id), None, WsErrorCode::NotOffered, "no");
        let expected = r#"{"type":"error","id":{"a":[1,"x"]},"code":"NOT_OFFERED","message":"no","retryable":false}"#;
        assert_eq!(with, expected);
        let without = error(None, Some("config"), WsErrorCode::Unavailable, "wait");
        let expected = r#"{"type":"error","channel":"config","code":"UNAVAILABLE","message":"wait","retryable":true}"#;
        assert_eq!(without, expected);
    }

    #[test]
    fn a_resumed_subscription_has_no_snapshot() {
        let answer = Subscribed {
            channel: Channel::Market(MarketAddress([7; 32])),
            market_id: Some(MarketAddress([7; 32])),
            epoch: Epoch(1),
            seq: Seq(4),
            head_seq: Seq(9),
            recovered: true,
            slot: None,
            timestamp: None,
            snapshot: None,
        };
        let expected = r#"{"type":"subscribed","id":1,"channel":"market:US517G5965aydkZ46HS38QLi7UQiSojurfbQfKCELFx","market_id":"US517G5965aydkZ46HS38QLi7UQiSojurfbQfKCELFx","epoch":1,"seq":4,"head_seq":9,"recovered":true}"#;
        assert_eq!(subscribed(Some(&1.into()), &answer), expected);
    }
}
