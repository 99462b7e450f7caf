//! The document and the code are the same.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::PartialSchema;

use super::{document, said, strict, text};
use crate::http::ws::{
    codes::Close,
    commands::CommandName,
    messages::WsErrorCode,
    protocol::{RequestId, parse},
};

fn whole() -> Value {
    serde_json::from_str(&text().unwrap()).unwrap()
}

fn pointers(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|part| pointers(part, into));
        }
        Value::Array(parts) => parts.iter().for_each(|part| pointers(part, into)),
        _ => {}
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let whole = whole();
    let mut named = Vec::new();
    pointers(&whole, &mut named);
    assert!(named.len() > 50, "{named:?}");
    for name in named {
        assert!(whole.pointer(name.strip_prefix('#').unwrap()).is_some(), "{name}");
    }
}

#[test]
fn no_object_of_the_document_takes_a_field_that_it_does_not_tell() {
    fn check(value: &Value, at: &str) {
        match value {
            Value::Object(fields) => {
                assert!(!fields.contains_key("allOf"), "{at}");
                if fields.get("properties").is_some_and(Value::is_object) && fields.contains_key("type") {
                    assert!(fields.contains_key("additionalProperties"), "{at}");
                }
                fields.iter().for_each(|(name, part)| check(part, &format!("{at}/{name}")));
            }
            Value::Array(parts) => parts.iter().for_each(|part| check(part, at)),
            _ => {}
        }
    }
    let schemas = &document()["components"]["schemas"];
    assert!(schemas.as_object().unwrap().len() > 30);
    schemas.as_object().unwrap().iter().for_each(|(name, schema)| check(schema, name));
}

#[test]
fn every_action_has_an_example_that_the_parser_takes_and_an_answer_that_is_told() {
    let whole = whole();
    let actions: BTreeSet<_> = whole["operations"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, operation)| operation["action"] == "receive")
        .map(|(name, _)| name.clone())
        .collect();
    let mut shown = BTreeSet::new();
    for example in said::examples() {
        let parsed = parse(&example.to_string(), 200).unwrap_or_else(|refusal| panic!("{example}: {refusal:?}"));
        let id: RequestId = example.get("id").cloned();
        assert_eq!(parsed.id, id);
        shown.insert(said::key_of(&example));
    }
    assert_eq!(shown, actions);
    let names =
        actions.iter().map(|key| whole["components"]["messages"][format!("client.{key}")]["name"].as_str().unwrap());
    for action in names {
        for answer in said::answers(action) {
            assert!(whole["components"]["messages"][format!("server.{answer}")].is_object(), "{action}: {answer}");
        }
        assert_eq!(said::answers(action).is_empty(), action == "pong", "{action}");
    }
}

#[test]
fn every_command_is_told() {
    let whole = whole();
    let messages = whole["components"]["messages"].as_object().unwrap();
    let told: BTreeSet<_> = messages.values().filter_map(|message| message["name"].as_str()).collect();
    for command in CommandName::ALL {
        assert!(told.contains(command.as_str()), "{command:?}");
    }
}

#[test]
fn every_message_is_told_apart_by_its_type_or_action() {
    let whole = whole();
    for (key, message) in whole["components"]["messages"].as_object().unwrap() {
        let place = message["payload"]["$ref"].as_str().unwrap();
        let schema = whole.pointer(place.strip_prefix('#').unwrap()).unwrap();
        let tag = if key.starts_with("client.") { "action" } else { "type" };
        assert_eq!(schema["properties"][tag]["enum"], json!([message["name"]]), "{key}");
        assert!(schema["required"].as_array().unwrap().contains(&json!(tag)), "{key}");
        assert!(message["summary"].as_str().unwrap().len() > 5, "{key}");
    }
}

#[test]
fn every_error_code_is_told() {
    let schema = serde_json::to_value(WsErrorCode::schema()).unwrap();
    let told: Vec<_> = document()["x-errors"].as_array().unwrap().iter().map(|error| error["code"].clone()).collect();
    assert_eq!(schema["enum"], Value::Array(told));
}

#[test]
fn closes_say_what_their_range_means() {
    for close in Close::ALL {
        let expected = matches!(close.code(), 1012 | 4000..4500);
        assert_eq!(close.is_passing(), expected, "{close:?}");
    }
}

#[test]
fn a_flattened_struct_becomes_one_object_and_an_optional_one_requires_nothing() {
    let named = strict::Named::from([
        ("A".to_owned(), json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}})),
        (
            "B".to_owned(),
            json!({"allOf": [
                {"oneOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]},
                {"type": "object", "required": ["b"], "properties": {"b": {"type": "integer"}}},
            ]}),
        ),
        (
            "C".to_owned(),
            json!({"allOf": [
                {"$ref": "#/components/schemas/B"},
                {"$ref": "#/components/schemas/A"},
            ]}),
        ),
    ]);
    let all = strict::all(&named);
    assert_eq!(all["B"]["required"], json!(["b"]));
    assert_eq!(all["B"]["additionalProperties"], false);
    assert_eq!(all["C"]["required"], json!(["b", "a"]));
    assert_eq!(all["C"]["properties"].as_object().unwrap().len(), 2);
}
