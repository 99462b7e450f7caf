//! What the server says besides the frames of entries: typed, one struct a message.

pub mod described;

use std::{collections::BTreeMap, sync::Arc};

use bytestring::ByteString;
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use utoipa::ToSchema;
use uuid::Uuid;

pub use super::errors::WsErrorCode;
use super::{WsLimits, snapshots::ManySnapshot};
use crate::{
    domain::{
        amount::{PriceE9, ShareUnits},
        ids::{Epoch, MarketAddress, Seq, Slot, TxSignature},
    },
    http::error::{ApiError, FieldError, ProgramRefusal},
    journal::rows::timestamp,
    view::{
        config::ConfigView,
        frame::{Channel, text},
        market::MarketView,
        quote::QuoteView,
    },
};

fn now() -> String {
    timestamp(chrono::Utc::now().timestamp_millis())
}

/// The first message of a connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "welcome")]
#[allow(missing_docs)] // the names are those of the protocol
pub struct Welcome {
    pub client_id: Uuid,
    pub server_time: String,
    pub version: &'static str,
    pub heartbeat_seconds: u64,
    pub limits: Limits,
}

/// The bounds of a connection, as it is told them.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the protocol
pub struct Limits {
    pub message_bytes: usize,
    pub messages_per_second: u32,
    pub message_burst: u32,
    pub channels: usize,
    pub outbox_frames: usize,
    pub outbox_bytes: usize,
    pub resume_entries: u64,
    /// Actions that may wait for their answers at once.
    pub actions_in_flight: usize,
    pub quote_streams: usize,
}

/// [`Subscribed`], with the id of what it answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "subscribed")]
struct SubscribedMessage<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    #[serde(flatten)]
    answer: &'a Subscribed,
}

/// The answer to an action about channels.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "reply")]
struct ChannelsReply<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    action: &'static str,
    channels: Vec<ChannelHead>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    quotes: &'a [Value],
}

/// The answer to any other action; `data` is what REST answers to the same.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "reply")]
#[allow(missing_docs)] // the names are those of the protocol
pub struct Reply<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a Value>,
    pub action: &'static str,
    #[schema(value_type = Object)]
    pub data: &'a RawValue,
}

/// A quote: the answer to `quote`, or the next of its stream.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "quote")]
#[allow(missing_docs)] // the names are those of the protocol
pub struct Quote<'a> {
    /// Of the action that is answered; only on its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a Value>,
    /// The stream: the id of the action that began it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<&'a Value>,
    pub market_id: MarketAddress,
    pub epoch: Epoch,
    pub seq: Seq,
    pub slot: Slot,
    pub data: &'a QuoteView,
}

/// The answer to `ping`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "pong")]
#[allow(missing_docs)] // the names are those of the protocol
pub struct Pong<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a Value>,
    pub server_time: String,
}

/// A sign of life, and of how far it reaches.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "heartbeat")]
struct Heartbeat {
    timestamp: String,
    counter: u64,
    slot: Slot,
    channels: BTreeMap<String, Position>,
}

/// A refusal. What is not about it is left out.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "error")]
pub struct Refusal<'a> {
    /// Of the action that is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a Value>,
    /// The channel that it is about, as the client wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<&'a str>,
    /// The quote stream that it is said in, which goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<&'a Value>,
    /// Why, for programs.
    pub code: WsErrorCode,
    /// Why, for people.
    pub message: &'a str,
    /// The same action may succeed a little later.
    pub retryable: bool,
    /// When to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u32>,
    /// The fields that were refused, and why.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub details: &'a [FieldError],
    /// The program's own error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program_error: Option<&'a ProgramRefusal>,
    /// The transaction that is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub signature: Option<&'a TxSignature>,
    /// Where a quote is refused.
    #[serde(flatten)]
    pub at: Option<Held>,
}

/// The entry of a market at which something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the protocol
pub struct Held {
    pub market_id: MarketAddress,
    pub epoch: Epoch,
    pub seq: Seq,
    pub slot: Slot,
}

impl<'a> Refusal<'a> {
    /// Without anything more.
    pub fn new(id: Option<&'a Value>, code: WsErrorCode, message: &'a str) -> Self {
        Self {
            id,
            channel: None,
            stream: None,
            code,
            message,
            retryable: code.is_retryable(),
            retry_after_seconds: None,
            details: &[],
            program_error: None,
            signature: None,
            at: None,
        }
    }

    /// As REST would tell it.
    pub fn of(id: Option<&'a Value>, error: &'a ApiError) -> Self {
        Self {
            retry_after_seconds: error.retry_after_seconds,
            details: &error.details,
            program_error: error.program_error.as_deref(),
            signature: error.signature.as_deref(),
            ..Self::new(id, error.code.into(), &error.message)
        }
    }
}

/// The connection is signed in no more: private channels have stopped.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "auth_expired")]
struct AuthExpired {
    reason: SignedOut,
}

/// Why a connection is signed in no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignedOut {
    /// The token's time is over.
    TokenExpired,
    /// The session was ended: a logout, here or elsewhere.
    SessionEnded,
}

/// Everything of a channel up to an entry is final: not an entry, so it has no number of its own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "commitment")]
struct Commitment {
    channel: Channel,
    #[serde(skip_serializing_if = "Option::is_none")]
    market_id: Option<MarketAddress>,
    epoch: Epoch,
    seq: Seq,
}

/// The last message before a shutdown's close.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "shutdown")]
struct Shutdown {
    reconnect_after_ms: u64,
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
    /// Of many markets.
    #[serde(serialize_with = "shared")]
    #[schema(value_type = ManySnapshot)]
    Many(Arc<ManySnapshot>),
}

fn shared<S: serde::Serializer>(snapshot: &ManySnapshot, serializer: S) -> Result<S::Ok, S::Error> {
    snapshot.serialize(serializer)
}

/// The price of a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of `price_update`
pub struct PriceNow {
    pub price_yes: PriceE9,
    pub price_no: PriceE9,
    pub shares_yes: ShareUnits,
    pub shares_no: ShareUnits,
}

/// What a subscription begins with. Without `snapshot` it is a resumed one: the entries after `seq` follow.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the protocol
pub struct Subscribed {
    pub channel: Channel,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market_id: Option<MarketAddress>,
    pub epoch: Epoch,
    /// Left out on channels without numbers, as `head_seq`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// The newest entry at this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_seq: Option<Seq>,
    pub recovered: bool,
    /// Everything up to here is final on the chain; left out where that is more than `seq`, or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finalized_seq: Option<Seq>,
    /// Of a market that is resumed: the price at `head_seq`. Who was told prices for several entries at once may have lost
    /// the last of them with his connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceNow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Snapshot>,
}

/// What the answer to a subscription begins with; its id follows, if it has one.
const SUBSCRIBED_HEAD: &str = r#"{"type":"subscribed""#;

/// [`Welcome`].
pub fn welcome(client_id: Uuid, limits: &WsLimits) -> ByteString {
    text(&Welcome {
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
            actions_in_flight: limits.actions_in_flight,
            quote_streams: limits.quote_streams,
        },
    })
}

/// The answer to a subscription, for everybody: without an id.
pub fn subscribed(answer: &Subscribed) -> ByteString {
    text(&SubscribedMessage { id: None, answer })
}

/// The answer to a subscription, with the id of what it answers.
pub fn with_id(id: Option<&Value>, subscribed: ByteString) -> ByteString {
    let Some(id) = id else { return subscribed };
    let Some(rest) = subscribed.strip_prefix(SUBSCRIBED_HEAD) else { return subscribed };
    let id = text(id);
    let mut whole = String::with_capacity(subscribed.len() + id.len() + r#","id":"#.len());
    [SUBSCRIBED_HEAD, r#","id":"#, &id, rest].into_iter().for_each(|part| whole.push_str(part));
    whole.into()
}

/// The answer to `unsubscribe` (what was left) and `list` (what there is): channels and quote streams.
pub fn reply_with_quotes(
    id: Option<&Value>,
    action: &'static str,
    channels: Vec<ChannelHead>,
    quotes: &[Value],
) -> ByteString {
    text(&ChannelsReply { id, action, channels, quotes })
}

/// [`Pong`].
pub fn pong(id: Option<&Value>) -> ByteString {
    text(&Pong { id, server_time: now() })
}

/// A sign of life, and of how far it reaches.
pub fn heartbeat(counter: u64, slot: Slot, channels: BTreeMap<String, Position>) -> ByteString {
    text(&Heartbeat { timestamp: now(), counter, slot, channels })
}

/// A refusal, perhaps of a channel.
pub fn error(id: Option<&Value>, channel: Option<&str>, code: WsErrorCode, message: &str) -> ByteString {
    text(&Refusal { channel, ..Refusal::new(id, code, message) })
}

/// The connection is signed in no more.
pub fn auth_expired(reason: SignedOut) -> ByteString {
    text(&AuthExpired { reason })
}

/// Everything up to an entry is final.
pub fn commitment(channel: Channel, epoch: Epoch, seq: Seq) -> ByteString {
    text(&Commitment { channel, market_id: channel.market(), epoch, seq })
}

/// The last message before a shutdown's close.
pub fn shutdown(reconnect_after_ms: u64) -> ByteString {
    text(&Shutdown { reconnect_after_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_echoed_as_it_came_and_left_out_where_there_was_none() {
        let id = serde_json::json!({"a": [1, "x"]});
        let with = error(Some(&id), None, WsErrorCode::NotFound, "no");
        let expected = r#"{"type":"error","id":{"a":[1,"x"]},"code":"NOT_FOUND","message":"no","retryable":false}"#;
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
            seq: Some(Seq(4)),
            head_seq: Some(Seq(9)),
            recovered: true,
            finalized_seq: None,
            price: None,
            slot: None,
            timestamp: None,
            snapshot: None,
        };
        let expected = r#"{"type":"subscribed","id":1,"channel":"market:US517G5965aydkZ46HS38QLi7UQiSojurfbQfKCELFx","market_id":"US517G5965aydkZ46HS38QLi7UQiSojurfbQfKCELFx","epoch":1,"seq":4,"head_seq":9,"recovered":true}"#;
        assert_eq!(with_id(Some(&1.into()), subscribed(&answer)), expected);
    }
}
