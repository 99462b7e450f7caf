//! The document and the routes are the same.

use std::collections::BTreeSet;

use actix_web::{
    App, HttpRequest,
    http::{Method, header},
    test as server, web,
};
use serde_json::Value;

use super::*;
use crate::http::routes;

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
            for name in operation["security"].as_array().into_iter().flatten().filter_map(Value::as_object) {
                assert!(name.keys().all(|name| name == BEARER), "{method} {path}: {name:?}");
            }
            assert!(operation["tags"][0].is_string(), "{method} {path}");
            assert_ne!(operation["summary"], "The handler.", "{method} {path}: summary = \"…\"");
        }
    }
}

/// Registered for people's convenience, and no part of the API.
const NOT_DESCRIBED: [&str; 1] = ["/docs"];

/// The patterns of all that is registered, whoever registered it: the framework tells them in its map of resources only.
async fn registered() -> BTreeSet<String> {
    async fn map(request: HttpRequest) -> String {
        format!("{:?}", request.resource_map())
    }
    let app = server::init_service(App::new().configure(routes::api).default_service(web::to(map))).await;
    let map = server::call_and_read_body(&app, server::TestRequest::get().uri("/no/such/path").to_request()).await;
    let map = String::from_utf8(map.to_vec()).unwrap();
    let patterns = map.split("Single(\"").skip(1).filter_map(|rest| rest.split('"').next());
    // `{file:.*}` is `{file}` to the document.
    let named = |pattern: &str| pattern.replace(":.*}", "}");
    patterns.filter(|pattern| pattern.starts_with('/')).map(named).collect()
}

#[actix_web::test]
async fn every_route_is_described_with_its_methods_and_nothing_else_is() {
    let registered = registered().await;
    let document = json();
    let described = document["paths"].as_object().unwrap();
    let paths: BTreeSet<_> = described.keys().cloned().chain(NOT_DESCRIBED.map(str::to_owned)).collect();
    assert_eq!(registered, paths);

    let app = server::init_service(App::new().configure(routes::api)).await;
    for (path, item) in described {
        let words = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
        let target = words.collect::<Vec<_>>().join("/");
        let ask = server::TestRequest::with_uri(&target).method(Method::OPTIONS).to_request();
        let reply = server::call_service(&app, ask).await;
        let allowed = reply.headers().get(header::ALLOW).and_then(|allowed| allowed.to_str().ok());
        let allowed = allowed.unwrap_or_else(|| panic!("OPTIONS {path} names no methods"));
        let allowed: BTreeSet<_> = allowed.split(',').map(|method| method.trim().to_lowercase()).collect();
        let mut expected: BTreeSet<_> = item.as_object().unwrap().keys().cloned().collect();
        if expected.contains("get") {
            expected.insert("head".to_owned());
        }
        expected.insert("options".to_owned());
        assert_eq!(allowed, expected, "{path}");
    }
}
