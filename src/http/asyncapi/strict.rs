//! From schemas as they are derived to schemas that a validator of any draft from 07 on holds to the letter: no `allOf` (a
//! flattened struct becomes one object), no property that is not told, and no `oneOf` (`null` is a state of some parts, and may
//! be left to choose beside them).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Schemas by name.
pub type Named = BTreeMap<String, Value>;

const PLACE: &str = "#/components/schemas/";

/// All of them, strict.
pub fn all(schemas: &Named) -> Named {
    schemas.iter().map(|(name, schema)| (name.clone(), strict(schema.clone(), schemas))).collect()
}

/// One, which may refer to the others.
pub fn strict(schema: Value, named: &Named) -> Value {
    match schema {
        Value::Object(fields) => {
            let fields = if fields.contains_key("allOf") { flat(&fields, named) } else { fields };
            let mut fields: Map<_, _> =
                fields.into_iter().map(|(name, part)| (any_of(name), strict(part, named))).collect();
            // `example` is OpenAPI's own; JSON Schema has a list.
            if fields.get("type").is_some_and(|kind| !kind.is_object())
                && let Some(example) = fields.remove("example")
            {
                fields.insert("examples".into(), json!([example]));
            }
            if fields.get("type") == Some(&json!("object")) && fields.get("properties").is_some_and(Value::is_object) {
                fields.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            Value::Object(fields)
        }
        Value::Array(parts) => Value::Array(parts.into_iter().map(|part| strict(part, named)).collect()),
        other => other,
    }
}

fn any_of(name: String) -> String {
    if name == "oneOf" { "anyOf".into() } else { name }
}

/// One object with the properties of all parts.
fn flat(fields: &Map<String, Value>, named: &Named) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for part in fields.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        let (part, is_optional) = resolve(part, named);
        if let Some(own) = part.get("properties").and_then(Value::as_object) {
            properties.extend(own.clone());
        }
        if !is_optional {
            for name in part.get("required").and_then(Value::as_array).into_iter().flatten() {
                if !required.contains(name) {
                    required.push(name.clone());
                }
            }
        }
    }
    let mut whole = fields.clone();
    whole.remove("allOf");
    whole.insert("type".into(), json!("object"));
    whole.insert("properties".into(), Value::Object(properties));
    whole.insert("required".into(), Value::Array(required));
    whole
}

/// What a part refers to, flattened itself; and whether all of it may be left out (an `Option` that is flattened).
fn resolve(part: &Value, named: &Named) -> (Map<String, Value>, bool) {
    let empty = Map::new;
    if let Some(choices) = part.get("oneOf").and_then(Value::as_array) {
        let found = choices.iter().find(|choice| choice.get("type") != Some(&json!("null")));
        return (found.map_or_else(empty, |choice| resolve(choice, named).0), true);
    }
    let target = part.get("$ref").and_then(Value::as_str).and_then(|to| named.get(to.strip_prefix(PLACE)?));
    let fields = target.unwrap_or(part).as_object().cloned().unwrap_or_default();
    (if fields.contains_key("allOf") { flat(&fields, named) } else { fields }, false)
}

/// The names that a value refers to.
pub fn references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(PLACE));
            into.extend(name.map(str::to_owned));
            fields.values().for_each(|part| references(part, into));
        }
        Value::Array(parts) => parts.iter().for_each(|part| references(part, into)),
        _ => {}
    }
}
