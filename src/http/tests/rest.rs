//! REST: the error body on every way to be refused, and what is answered without the journal.

use serde_json::{Value, json};

use super::fakes::{World, limits, market, market_at, request};
use crate::{actors::stream::ReadError, http::bounds::MAX_TARGET_BYTES, telemetry::health::Part, view::frame::Channel};

fn assert_error(status: u16, body: &Value, code: &str, path: &str) {
    assert_eq!((body["error"].as_str(), body["status"].as_u64()), (Some(code), Some(status.into())), "{body}");
    assert_eq!(body["path"], path, "{body}");
    assert!(body["details"].is_array(), "{body}");
    let fields: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["details", "error", "message", "path", "request_id", "status", "timestamp"]);
}

#[actix_web::test]
async fn every_refusal_has_the_error_body_and_names_its_request() {
    let world = World::new(limits()).await;
    let unknown = market(77);
    let long = "x".repeat(MAX_TARGET_BYTES);
    let cases = [
        ("GET", "/", 404, "NOT_FOUND", None),
        ("GET", "/api/nothing", 404, "NOT_FOUND", None),
        ("GET", "/api/markets/a/b/c", 404, "NOT_FOUND", None),
        ("POST", "/api/config", 405, "METHOD_NOT_ALLOWED", None),
        ("DELETE", "/health", 405, "METHOD_NOT_ALLOWED", None),
        ("BREW", "/ready", 405, "METHOD_NOT_ALLOWED", None),
        ("GET", "/api/markets/0OIl", 400, "VALIDATION_ERROR", Some("market")),
        ("GET", "/api/markets/%00", 400, "VALIDATION_ERROR", Some("market")),
        ("GET", "/api/markets/%FF/prices", 400, "VALIDATION_ERROR", Some("market")),
        ("GET", "/api/markets?limit=0", 400, "VALIDATION_ERROR", Some("limit")),
        ("GET", "/api/markets?state=9", 400, "VALIDATION_ERROR", Some("state")),
        ("GET", "/api/markets?cursor=x", 400, "VALIDATION_ERROR", Some("cursor")),
        ("GET", "/api/markets?limit=%FF", 400, "VALIDATION_ERROR", Some("limit")),
        ("GET", &format!("/api/markets/{}/trades?offset=-1", market(1)), 400, "VALIDATION_ERROR", Some("offset")),
        ("GET", &format!("/api/markets/{unknown}"), 404, "NOT_FOUND", None),
        ("GET", &format!("/api/markets/{unknown}/prices"), 404, "NOT_FOUND", None),
        ("GET", &format!("/api/markets?x={long}"), 400, "VALIDATION_ERROR", Some("path")),
        // The journal can't be reached.
        ("GET", "/api/markets", 503, "UNAVAILABLE", None),
        ("GET", &format!("/api/markets/{}", "ab".repeat(32)), 503, "UNAVAILABLE", None),
    ];
    for (method, target, status, code, field) in cases {
        let (answered, head, body) = world.request(method, target, "").await;
        let body: Value =
            serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{method} {target:.99}: {error}"));
        assert_eq!(answered, status, "{method} {target:.99}: {body}");
        assert_error(status, &body, code, target.split('?').next().unwrap());
        assert_eq!(body["details"][0]["field"].as_str(), field, "{method} {target:.99}: {body}");
        assert!(head.contains(&format!("x-request-id: {}", body["request_id"].as_str().unwrap())), "{head}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert_eq!(head.contains("retry-after: 1"), status == 503, "{head}");
        assert_eq!(head.contains("allow: get, head, options"), status == 405, "{head}");
    }
    let (status, _, body) = world.request("GET", "/health", "Content-Length: 70000\r\n").await;
    assert_error(status, &serde_json::from_slice(&body).unwrap(), "PAYLOAD_TOO_LARGE", "/health");
    assert_eq!(status, 413);
}

#[actix_web::test]
async fn the_other_ports_have_the_same_error_body() {
    let world = World::new(limits()).await;
    let (ws, indexer) = (world.servers.ws, world.servers.indexer);
    for (at, target, expected) in
        [(ws, "/", 400), (ws, "/ws", 400), (ws, "/other", 404), (indexer, "/", 404), (indexer, "/api/config", 404)]
    {
        let (status, head, body) = request(at, "GET", target, "").await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        let code = if expected == 400 { "VALIDATION_ERROR" } else { "NOT_FOUND" };
        assert_error(expected, &body, code, target);
        assert!(status == expected && head.contains("x-request-id"), "{head}");
    }
    for (at, service) in [(world.servers.api, "api-gateway"), (ws, "websocket-server"), (indexer, "event-indexer")] {
        let (status, _, body) = request(at, "GET", "/health", "").await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &body["status"], &body["service"]), (200, &json!("healthy"), &json!(service)));
        assert!(body["version"].is_string() && body["uptime"].is_u64(), "{body}");
        // A node need not have all of them.
        assert_eq!(request(at, "GET", "/ready", "").await.0, 503, "{service}: nothing is up yet");
    }
}

#[actix_web::test]
async fn a_market_is_shown_as_it_is_released() {
    let world = World::new(limits()).await;
    let address = market(2);
    let (status, shown) = world.get(&format!("/api/markets/{address}")).await;
    let sample = market_at(address);
    assert_eq!(status, 200);
    for (field, value) in [
        ("id", json!(address.to_string())),
        ("market_seed", json!(sample.seed.to_string())),
        ("state", json!("PROPOSED")),
        ("state_code", json!(0)),
        ("b_parameter", json!("1000000000000")),
        ("initial_liquidity", json!("50000000000")),
        ("question", Value::Null),
        ("tags", json!([])),
        ("volume_24h", Value::Null),
        ("dispute_deadline", Value::Null),
        ("resolution_criteria", Value::Null),
        ("closes_at", Value::Null),
        ("seq", json!(5)),
        ("slot", json!(50)),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown["warnings"][0]["code"], "NO_METADATA", "{shown}");
    let (_, prices) = world.get(&format!("/api/markets/{address}/prices")).await;
    assert_eq!((&prices["seq"], &prices["slot"]), (&json!(5), &json!(50)), "{prices}");
    assert_eq!(prices["price_yes"], shown["current_price_yes"]);
    assert!(prices["b_parameter"].is_string() && prices["shares_no"].is_string(), "{prices}");
}

#[actix_web::test]
async fn a_market_that_is_loading_is_unavailable_and_one_that_died_is_found_again() {
    let world = World::new(limits()).await;
    let channel = Channel::Market(market(1));
    let target = format!("/api/markets/{}", market(1));
    world.change(channel, |store| store.answer = Some(ReadError::Loading));
    let (status, head, body) = world.request("GET", &target, "").await;
    assert_error(status, &serde_json::from_slice(&body).unwrap(), "UNAVAILABLE", &target);
    assert!(head.contains("retry-after: 1"), "{head}");

    world.change(channel, |store| store.answer = Some(ReadError::Gone));
    assert_eq!(world.get(&target).await.0, 503);

    world.change(channel, |store| store.answer = None);
    world.kill(channel).await;
    assert_eq!(world.get(&target).await.0, 200);
}

#[actix_web::test]
async fn head_options_and_etags_work() {
    let world = World::new(limits()).await;
    let target = format!("/api/markets/{}", market(1));
    let (status, full, body) = world.request("GET", &target, "").await;
    assert!(status == 200 && !body.is_empty());
    let (status, head, body) = world.request("HEAD", &target, "").await;
    assert_eq!((status, body.len()), (200, 0));
    let length = |head: &str| head.lines().find(|line| line.starts_with("content-length")).map(str::to_owned);
    assert_eq!(length(&head), length(&full));
    let (status, head, _) = world.request("OPTIONS", &target, "").await;
    assert!(status == 204 && head.contains("allow: get, head, options"), "{head}");

    let etag = full.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    for tags in [etag.to_owned(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".into()] {
        let (status, head, body) = world.request("GET", &target, &format!("If-None-Match: {tags}\r\n")).await;
        assert_eq!((status, body.len()), (304, 0), "{tags}");
        assert!(head.contains("x-request-id"), "{head}");
    }
    assert_eq!(world.request("GET", &target, "If-None-Match: \"x\"\r\n").await.0, 200);
    world.emit(Channel::Market(market(1)), 1).await;
    assert_eq!(world.request("GET", &target, &format!("If-None-Match: {etag}\r\n")).await.0, 200);
}

#[actix_web::test]
async fn readiness_tells_each_part_and_how_far_the_chain_is_covered() {
    let world = World::new(limits()).await;
    let (status, body) = world.get("/ready").await;
    assert_eq!((status, &body["status"]), (503, &json!("not_ready")));
    assert_eq!(body["parts"]["journal"], json!({"status": "down", "reason": "starting"}), "{body}");
    world.all_up();
    let (status, body) = world.get("/ready").await;
    assert_eq!((status, &body["status"]), (200, &json!("ready")), "{body}");
    assert_eq!((&body["covered_slot"], &body["head_slot"], &body["lag_slots"]), (&json!(70), &json!(72), &json!(2)));
    world.health.down(Part::Rpc, "no answer");
    let (status, body) = world.get("/ready").await;
    assert_eq!((status, &body["parts"]["rpc"]["reason"]), (503, &json!("no answer")), "{body}");
}
