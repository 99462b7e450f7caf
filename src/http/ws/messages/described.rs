//! What the WebSocket's document says of messages that are no frames: a table, whose schemas are those of the structs that
//! the messages are written from. A new message, or a new action's reply, is a line.

use serde_json::{Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::{
    AuthExpired, ChannelsReply, Commitment, Heartbeat, Pong, Quote, Refusal, Reply, Shutdown, SubscribedMessage,
    Welcome, WsErrorCode,
};
use crate::{
    http::{
        routes::{
            config::show::ProgramView,
            markets::{create::CreateReply, list::MarketPage, resolve::ResolveReply, steps::StepReply},
            trades::{buy::BuyReply, history::OwnTradeView, sell::SellReply},
            transactions::submit::SubmitReply,
            users::{portfolio::Portfolio, trades::WalletTradePage},
            votes::{cast::VoteReply, show::MarketVotes},
        },
        ws::{commands::get::PositionPage, identity::SignedInView},
    },
    view::{frame::described::Schemas, market::MarketDetail, order::SubmissionView},
};

/// A message, for readers.
#[derive(Debug, Clone)]
pub struct DescribedMessage {
    /// Its key in the document.
    pub key: &'static str,
    /// Its `type`.
    pub message_type: &'static str,
    /// What it tells.
    pub about: &'static str,
    /// The whole of it.
    pub schema: Value,
}

macro_rules! messages {
    ($($key:literal: $type:literal, $message:ty, $about:literal;)+) => {
        fn plain(schemas: &mut Schemas) -> Vec<DescribedMessage> {
            vec![$({
                <$message>::schemas(schemas);
                DescribedMessage {
                    key: $key,
                    message_type: $type,
                    about: $about,
                    schema: tagged(value(&<$message>::schema()), $type),
                }
            }),+]
        }
    };
}

macro_rules! replies {
    ($($action:literal as $key:literal: [$($data:ty),+], $about:literal;)+) => {
        fn replies(schemas: &mut Schemas) -> Vec<DescribedMessage> {
            Reply::<'static>::schemas(schemas);
            vec![$({
                let mut data = Vec::new();
                $(
                    <$data>::schemas(schemas);
                    schemas.push((<$data>::name().into_owned(), <$data>::schema()));
                    data.push(json!({"$ref": format!("#/components/schemas/{}", <$data>::name())}));
                )+
                let mut schema = tagged(value(&Reply::<'static>::schema()), "reply");
                schema["properties"]["action"] = json!({"type": "string", "enum": [$action]});
                schema["properties"]["data"] = json!({"anyOf": data});
                DescribedMessage { key: $key, message_type: "reply", about: $about, schema }
            }),+]
        }
    };
}

messages! {
    "welcome": "welcome", Welcome, "The first message of a connection.";
    "subscribed": "subscribed", SubscribedMessage<'static>,
        "What a subscription begins with: a snapshot at `seq`, or, with `recovered: true`, nothing: the entries after `seq` \
         follow. With a snapshot and without an id it can come by itself.";
    "reply": "reply", ChannelsReply<'static>,
        "The answer to `unsubscribe` (the channels that were left) and `list` (those that are subscribed).";
    "quote": "quote", Quote<'static>,
        "The answer to `quote`, and the next ones of its stream: what the trade would do after entry `seq`.";
    "pong": "pong", Pong<'static>, "The answer to `ping`.";
    "heartbeat": "heartbeat", Heartbeat,
        "A sign of life: how far the chain is covered, and the newest `seq` of each channel that was sent on this connection.";
    "error": "error", Refusal<'static>, "A refusal of one message; the connection goes on. See `x-errors`.";
    "auth_expired": "auth_expired", AuthExpired, "The connection is signed in no more: private channels have stopped.";
    "commitment": "commitment", Commitment,
        "Everything of a channel up to `seq` is final on the chain. No entry, so it has no number of its own.";
    "shutdown": "shutdown", Shutdown, "The last message before a close with 1012.";
}

replies! {
    "auth" as "reply_auth": [SignedInView], "The answer to `auth`: whose the connection is now.";
    "build" as "reply_build": [BuyReply, SellReply, CreateReply, ResolveReply, StepReply],
        "The answer to `build`: an unsigned transaction, and what it does.";
    "submit" as "reply_submit": [SubmitReply], "The answer to `submit`: it is durable, and being sent.";
    "vote" as "reply_vote": [VoteReply], "The answer to `vote`: it is counted.";
    "get" as "reply_get": [
        MarketDetail, MarketPage, ProgramView, MarketVotes, PositionPage, Portfolio, WalletTradePage<OwnTradeView>, SubmissionView
    ], "The answer to `get`: what its route answers.";
}

/// All of them; the schemas that they name are added to `schemas`.
pub fn messages(schemas: &mut Schemas) -> Vec<DescribedMessage> {
    schemas.push((WsErrorCode::name().into_owned(), WsErrorCode::schema()));
    // A page tells what its items are made of, and not them.
    OwnTradeView::schemas(schemas);
    schemas.push((OwnTradeView::name().into_owned(), OwnTradeView::schema()));
    let mut all = plain(schemas);
    all.extend(replies(schemas));
    all
}

fn value<T: serde::Serialize>(schema: &T) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

/// With its `type`, wherever the properties stand.
fn tagged(mut schema: Value, message_type: &str) -> Value {
    let parts = schema.get("allOf").and_then(Value::as_array);
    let place = parts.and_then(|parts| parts.iter().position(|part| part.get("properties").is_some()));
    let pointer = place.map_or_else(String::new, |place| format!("/allOf/{place}"));
    if let Some(own) = schema.pointer_mut(&pointer) {
        own["properties"]["type"] = json!({"type": "string", "enum": [message_type]});
        match own["required"].as_array_mut() {
            Some(required) => required.push("type".into()),
            None => own["required"] = json!(["type"]),
        }
    }
    schema
}
