//! The document, put together. Pure: the same on every machine.

use serde_json::{Map, Value, json};

use super::{
    said::{self, DescribedAction},
    strict::{self, Named},
};
use crate::{
    http::ws::{
        codes::Close,
        messages::{
            WsErrorCode,
            described::{DescribedMessage, messages},
        },
    },
    view::frame::described::{ChannelKind, DescribedFrame, frames},
};

/// The one connection, whatever comes over it.
const SOCKET: &str = "socket";

/// A message of the document.
struct Told {
    /// Its key: `client.<action>`, `client.<action>_<kind>`, `server.<type>`, `server.reply_<action>`, `<channel>.<type>`.
    key: String,
    /// Its schema's name.
    schema_name: String,
    /// The `action` or `type`.
    name: String,
    about: String,
    schema: Value,
    examples: Vec<Value>,
}

pub fn build() -> Value {
    let mut described = Vec::new();
    let told_frames = frames(&mut described);
    let heard: Vec<_> = messages(&mut described).into_iter().map(message).collect();
    let said: Vec<_> = said::actions(&mut described).into_iter().map(action).collect();
    let raw: Named = described.into_iter().map(|(name, schema)| (name, value(&schema))).collect();

    let of_channels: Vec<_> = told_frames.into_iter().map(|frame| (frame.channel, frame_message(frame))).collect();

    let mut channels = Map::new();
    let on_socket: Vec<_> = said.iter().chain(&heard).map(|message| message.key.as_str()).collect();
    channels.insert(SOCKET.into(), socket(&on_socket));
    for kind in ChannelKind::ALL {
        let own = of_channels.iter().filter(|(channel, _)| *channel == kind);
        channels.insert(kind.described().key.into(), channel(kind, own.map(|(_, message)| message.key.as_str())));
    }

    let mut operations = Map::new();
    for message in &said {
        let key = message.key.trim_start_matches("client.");
        operations.insert(key.to_owned(), received(message));
    }
    operations.insert("tell".into(), sent(SOCKET, "What is said to one connection.", &heard));
    for kind in ChannelKind::ALL {
        let key = kind.described().key;
        let own: Vec<_> = of_channels.iter().filter(|(channel, _)| *channel == kind).map(|(_, told)| told).collect();
        operations.insert(format!("feed_{key}"), sent(key, kind.described().about, own));
    }

    let all = said.iter().chain(&heard).chain(of_channels.iter().map(|(_, message)| message));
    let (mut messages, mut schemas) = (Map::new(), raw.clone());
    for message in all {
        messages.insert(message.key.clone(), message_object(message));
        schemas.insert(message.schema_name.clone(), message.schema.clone());
    }
    let schemas = only_named(strict::all(&schemas), &messages);

    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "zmart",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Live markets over one WebSocket. JSON text frames; on a channel every journal entry comes exactly \
                            once and in the order of `seq`, across reconnects with `since`. Amounts are decimal strings of base \
                            units (1e-9), prices strings with nine decimals, moments RFC 3339 in UTC. See docs/websocket.md.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "development": {"host": "127.0.0.1:4001", "protocol": "ws", "description": "As scripts/dev starts it."},
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
        "x-errors": errors(),
        "x-closes": closes(),
    })
}

fn value<T: serde::Serialize>(schema: &T) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

fn action(described: DescribedAction) -> Told {
    Told {
        key: format!("client.{}", described.key),
        schema_name: format!("{}Action", pascal(&described.key)),
        about: described.schema["description"].as_str().unwrap_or_default().to_owned(),
        examples: said::examples().into_iter().filter(|example| said::key_of(example) == described.key).collect(),
        name: described.action,
        schema: described.schema,
    }
}

fn message(mut described: DescribedMessage) -> Told {
    described.schema["description"] = described.about.into();
    Told {
        key: format!("server.{}", described.key),
        schema_name: format!("{}Message", pascal(described.key)),
        name: described.message_type.to_owned(),
        about: described.about.to_owned(),
        schema: described.schema,
        examples: Vec::new(),
    }
}

fn frame_message(frame: DescribedFrame) -> Told {
    let channel = frame.channel.described();
    Told {
        key: format!("{}.{}", channel.key, frame.frame_type),
        schema_name: format!("{}{}Frame", pascal(channel.key), pascal(&frame.frame_type)),
        name: frame.frame_type,
        about: frame.about.to_owned(),
        schema: frame.schema,
        examples: Vec::new(),
    }
}

fn pascal(name: &str) -> String {
    name.split('_').filter_map(|word| Some(word.get(..1)?.to_uppercase() + word.get(1..)?)).collect()
}

fn message_object(message: &Told) -> Value {
    let mut object = json!({
        "name": message.name,
        "title": message.schema_name,
        "summary": message.about,
        "payload": {"$ref": format!("#/components/schemas/{}", message.schema_name)},
    });
    if !message.examples.is_empty() {
        object["examples"] = message.examples.iter().map(|example| json!({"payload": example})).collect();
    }
    object
}

fn messages_of<'a>(keys: impl IntoIterator<Item = &'a str>) -> Value {
    let link = |key: &str| (key.to_owned(), json!({"$ref": format!("#/components/messages/{key}")}));
    Value::Object(keys.into_iter().map(link).collect())
}

fn socket(keys: &[&str]) -> Value {
    json!({
        "address": "/",
        "description": "The connection, also at `/ws`. Closes are told in `x-closes`, refusals in `x-errors`.",
        "messages": messages_of(keys.iter().copied()),
        "bindings": {"ws": {
            "method": "GET",
            "query": {
                "type": "object",
                "properties": {"token": {"type": "string", "description": "An access token; one that is no good is refused with 401."}},
            },
            "bindingVersion": "0.1.0",
        }},
    })
}

fn channel<'a>(kind: ChannelKind, keys: impl IntoIterator<Item = &'a str>) -> Value {
    let channel = kind.described();
    let mut object = json!({
        "address": channel.address,
        "description": format!("Within the connection, by `subscribe`. {}", channel.about),
        "messages": messages_of(keys),
    });
    if !channel.parameters.is_empty() {
        let told = |(name, about): &(&str, &str)| ((*name).to_owned(), json!({"description": about}));
        object["parameters"] = Value::Object(channel.parameters.iter().map(told).collect());
    }
    object
}

fn link(channel: &str, key: &str) -> Value {
    json!({"$ref": format!("#/channels/{channel}/messages/{key}")})
}

fn received(message: &Told) -> Value {
    let mut operation = json!({
        "action": "receive",
        "channel": {"$ref": format!("#/channels/{SOCKET}")},
        "summary": message.about,
        "messages": [link(SOCKET, &message.key)],
    });
    let answers = said::answers(&message.name);
    if !answers.is_empty() {
        let links = answers.iter().chain(&["error"]).map(|name| link(SOCKET, &format!("server.{name}")));
        operation["reply"] =
            json!({"channel": {"$ref": format!("#/channels/{SOCKET}")}, "messages": links.collect::<Vec<_>>()});
    }
    operation
}

fn sent<'a>(channel: &str, about: &str, messages: impl IntoIterator<Item = &'a Told>) -> Value {
    json!({
        "action": "send",
        "channel": {"$ref": format!("#/channels/{channel}")},
        "summary": about,
        "messages": messages.into_iter().map(|message| link(channel, &message.key)).collect::<Vec<_>>(),
    })
}

/// The schemas that messages name, and those that these name.
fn only_named(mut schemas: Named, messages: &Map<String, Value>) -> Named {
    let mut kept = Named::new();
    let mut wanted = Vec::new();
    messages.values().for_each(|message| strict::references(message, &mut wanted));
    while let Some(name) = wanted.pop() {
        if let Some(schema) = schemas.remove(&name) {
            strict::references(&schema, &mut wanted);
            kept.insert(name, schema);
        }
    }
    kept
}

fn errors() -> Value {
    let told =
        |code: WsErrorCode| json!({"code": code, "retryable": code.is_retryable(), "is_mistake": code.is_strike()});
    WsErrorCode::ALL.map(told).to_vec().into()
}

fn closes() -> Value {
    let told =
        |close: Close| json!({"code": close.code(), "reason": close.sentence(), "reconnect": close.is_passing()});
    Close::ALL.map(told).to_vec().into()
}
