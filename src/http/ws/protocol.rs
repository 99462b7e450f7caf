//! What a client may say: JSON text parsed into typed actions, or refused with a reason.
//!
//! Pure. Never asks whether a market exists: that is answered where markets are known.

use std::{ops::RangeInclusive, time::Duration};

use serde_json::{Map, Value};

use super::{
    commands::{Command, CommandName},
    errors::WsErrorCode,
};
use crate::{
    domain::{
        counted::Counted,
        ids::{Epoch, Seq, Wallet},
    },
    http::gateway::MarketRef,
};

/// A message's id, echoed in its answer.
pub type RequestId = Option<Value>;

/// Longest id, as JSON text, in bytes: it is kept until the answer goes out.
const MAX_ID_BYTES: usize = 256;

/// Between two prices of who wants them less often and does not say how often, in milliseconds.
const CONFLATE_MS: u64 = 250;
/// What he may say.
const CONFLATE_MS_BOUNDS: RangeInclusive<u64> = 50..=5_000;

/// How a client names a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelRef {
    /// `market:<address or seed>`.
    Market(MarketRef),
    /// `config`.
    Config,
    /// `markets`, `trades`.
    Counted(Counted),
    /// `ticker`.
    Ticker,
    /// `wallet:<address>`.
    Wallet(Wallet),
}

/// Where a client wants to resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// The journal's life that it knows.
    pub epoch: Epoch,
    /// The newest entry that it has.
    pub seq: Seq,
}

/// A channel to subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// Which.
    pub channel: ChannelRef,
    /// As the client wrote it, for errors about it.
    pub name: String,
    /// From where.
    pub since: Option<Since>,
    /// Prices at most so often.
    pub conflate: Option<Duration>,
}

/// What a client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Frames of these channels, each once.
    Subscribe(Vec<Want>),
    /// No more frames of these; empty = of none.
    Unsubscribe(Vec<ChannelRef>),
    /// Which channels am I subscribed to?
    List,
    /// Are you there?
    Ping,
    /// I am here.
    Pong,
    /// No more of this quote stream, named by the id that began it.
    Unquote(Value),
    /// Anything else: its fields are read where it is answered.
    Perform(Command),
}

/// A message that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientMessage {
    /// To be echoed.
    pub id: RequestId,
    /// What is wanted.
    pub action: Action,
}

/// A message that was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// To be echoed, where it could be read.
    pub id: RequestId,
    /// Why, for programs.
    pub code: WsErrorCode,
    /// Why, for people.
    pub message: String,
}

type Fields = Map<String, Value>;
type Reason = (WsErrorCode, String);

fn invalid(message: impl Into<String>) -> Reason {
    (WsErrorCode::ValidationError, message.into())
}

/// Read a message. `max_channels` bounds a list of channels.
///
/// # Errors
/// [`Refusal`], with the id where it could be read.
pub fn parse(text: &str, max_channels: usize) -> Result<ClientMessage, Refusal> {
    if text.trim() == "ping" {
        return Ok(ClientMessage { id: None, action: Action::Ping });
    }
    let bad = |id, (code, message)| Refusal { id, code, message };
    let mut fields = match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Err(bad(None, (WsErrorCode::BadMessage, "A message is a JSON object.".into()))),
        Err(error) => return Err(bad(None, (WsErrorCode::BadMessage, format!("This is not JSON: {error}")))),
    };
    let id = fields.remove("id").filter(|id| !id.is_null());
    if id.as_ref().is_some_and(|id| !is_exact(id)) {
        return Err(bad(None, invalid("id: a number in it must be a whole one of 64 bits.")));
    }
    if id.as_ref().is_some_and(|id| !fits(id)) {
        return Err(bad(None, invalid(format!("id: longer than {MAX_ID_BYTES} bytes."))));
    }
    match action(fields, max_channels) {
        Ok(action) => Ok(ClientMessage { id, action }),
        Err(reason) => Err(bad(id, reason)),
    }
}

/// Other numbers would come back rounded, and a client would not know its own id again. The parser bounds the depth.
fn is_exact(id: &Value) -> bool {
    match id {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.is_u64() || number.is_i64(),
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(fields) => fields.values().all(is_exact),
    }
}

fn fits(id: &Value) -> bool {
    match id {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.len() <= MAX_ID_BYTES,
        Value::Array(_) | Value::Object(_) => id.to_string().len() <= MAX_ID_BYTES,
    }
}

fn action(mut fields: Fields, max_channels: usize) -> Result<Action, Reason> {
    let name = match fields.remove("action") {
        Some(Value::String(name)) => name,
        Some(_) => return Err((WsErrorCode::BadMessage, "action: must be a string.".into())),
        None => return Err((WsErrorCode::BadMessage, "action: missing.".into())),
    };
    if let Some(name) = CommandName::of(&name) {
        return Ok(Action::Perform(Command { name, fields }));
    }
    match name.as_str() {
        "subscribe" => subscribe(&fields, max_channels),
        "unsubscribe" if fields.get("quote").is_some_and(|quote| !quote.is_null()) => unquote(fields),
        "unsubscribe" => {
            Ok(Action::Unsubscribe(channels(&fields, max_channels)?.into_iter().map(|(at, _)| at).collect()))
        }
        "list" => Ok(Action::List),
        "ping" => Ok(Action::Ping),
        "pong" => Ok(Action::Pong),
        other => Err((WsErrorCode::UnknownAction, format!("action: there is no {:?}.", short(other)))),
    }
}

fn unquote(mut fields: Fields) -> Result<Action, Reason> {
    let is_named = |field: &str| fields.get(field).is_some_and(|value| !value.is_null());
    if is_named("market_id") || is_named("channels") {
        return Err(invalid("quote: a quote stream is left alone, not with channels."));
    }
    Ok(Action::Unquote(fields.remove("quote").unwrap_or_default()))
}

/// At most so much of a client's text is shown back.
fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

/// `market_id` or `channels`, each channel once, in their order.
fn channels(fields: &Fields, max_channels: usize) -> Result<Vec<(ChannelRef, String)>, Reason> {
    let mut found: Vec<(ChannelRef, String)> = Vec::new();
    match fields.get("market_id") {
        None | Some(Value::Null) => {}
        Some(Value::String(id)) => {
            let market = id.parse().map_err(|error| invalid(format!("market_id: {error}")))?;
            found.push((ChannelRef::Market(market), format!("market:{id}")));
        }
        Some(_) => return Err(invalid("market_id: must be a string.")),
    }
    match fields.get("channels") {
        None | Some(Value::Null) => {}
        Some(Value::Array(names)) => {
            if names.len() > max_channels {
                let message = format!("channels: at most {max_channels} a connection.");
                return Err((WsErrorCode::TooManyChannels, message));
            }
            for name in names {
                let Value::String(name) = name else { return Err(invalid("channels: must be a list of strings.")) };
                let channel = channel(name)?;
                if !found.iter().any(|(known, _)| *known == channel) {
                    found.push((channel, name.clone()));
                }
            }
        }
        Some(_) => return Err(invalid("channels: must be a list of strings.")),
    }
    Ok(found)
}

fn channel(name: &str) -> Result<ChannelRef, Reason> {
    if name == "config" {
        return Ok(ChannelRef::Config);
    }
    if let Some(id) = name.strip_prefix("market:") {
        let market = id.parse().map_err(|error| invalid(format!("channels: market:…: {error}")))?;
        return Ok(ChannelRef::Market(market));
    }
    if let Some(counted) = Counted::ALL.into_iter().find(|counted| counted.as_str() == name) {
        return Ok(ChannelRef::Counted(counted));
    }
    if name == "ticker" {
        return Ok(ChannelRef::Ticker);
    }
    if let Some(wallet) = name.strip_prefix("wallet:") {
        let wallet = wallet.parse().map_err(|error| invalid(format!("channels: wallet:…: {error}")))?;
        return Ok(ChannelRef::Wallet(wallet));
    }
    Err(invalid(format!("channels: there is no channel {:?}.", short(name))))
}

fn subscribe(fields: &Fields, max_channels: usize) -> Result<Action, Reason> {
    let conflate = conflate(fields)?;
    let found = channels(fields, max_channels)?;
    if found.is_empty() {
        return Err(invalid("Name a market_id or channels."));
    }
    let mut since = positions(fields)?;
    let wants = found
        .into_iter()
        .map(|(channel, name)| {
            let place = since.iter().position(|(at, _)| *at == channel);
            Want { channel, name, since: place.map(|place| since.swap_remove(place).1), conflate }
        })
        .collect();
    if since.is_empty() {
        return Ok(Action::Subscribe(wants));
    }
    Err(invalid("since: names a channel that is not being subscribed to, or one of them twice."))
}

/// `conflate` and `interval_ms`: prices at most so often.
fn conflate(fields: &Fields) -> Result<Option<Duration>, Reason> {
    let interval_ms = match fields.get("interval_ms") {
        None | Some(Value::Null) => CONFLATE_MS,
        Some(value) => value.as_u64().filter(|ms| CONFLATE_MS_BOUNDS.contains(ms)).ok_or_else(|| {
            let (least, most) = CONFLATE_MS_BOUNDS.into_inner();
            invalid(format!("interval_ms: must be a whole number from {least} to {most}."))
        })?,
    };
    match fields.get("conflate") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(Value::Bool(true)) => Ok(Some(Duration::from_millis(interval_ms))),
        Some(_) => Err(invalid("conflate: must be true or false.")),
    }
}

/// `since`: places by channel, named in the same way as the channel is.
fn positions(fields: &Fields) -> Result<Vec<(ChannelRef, Since)>, Reason> {
    let entries = match fields.get("since") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(entries)) => entries,
        Some(_) => return Err(invalid("since: must be an object of channels.")),
    };
    let mut found = Vec::with_capacity(entries.len());
    for (name, place) in entries {
        let channel = channel(name).map_err(|(code, message)| (code, message.replacen("channels", "since", 1)))?;
        let number = |field: &str| place.get(field).and_then(Value::as_u64);
        let epoch = number("epoch").and_then(|epoch| u32::try_from(epoch).ok());
        match (epoch, number("seq")) {
            (Some(epoch), Some(seq)) => found.push((channel, Since { epoch: Epoch(epoch), seq: Seq(seq) })),
            _ => return Err(invalid("since: a place is {\"epoch\": number, \"seq\": number}.")),
        }
    }
    Ok(found)
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
