//! The document and the routes are the same.

use serde_json::Value;

use super::*;

fn json() -> Value {
    serde_json::from_str(&text().unwrap()).unwrap()
}

/// Everything that a `$ref` of the document names.
fn references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, into));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let document = json();
    let mut named = Vec::new();
    references(&document, &mut named);
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        let pointer = name.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{name}");
    }
}

#[test]
fn every_operation_tells_its_success_and_the_errors_that_any_may_answer() {
    let document = json();
    for (path, item) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/api/") {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{method} {path}");
            for status in ["400", "401", "413", "429", "500", "503", "504"] {
                assert!(responses.contains_key(status), "{method} {path}: {status}");
            }
            assert!(operation["tags"][0].is_string(), "{method} {path}");
            assert_ne!(operation["summary"], "The handler.", "{method} {path}: summary = \"…\"");
        }
    }
}
