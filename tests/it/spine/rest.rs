//! The REST API: health, the objects and their pages, and what every refusal looks like.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use zmart::domain::event::Outcome;
use zmart_testkit::{
    chain::SOL,
    http::{Response, get, request},
    patience::wait_for,
    stage::Stage,
};

/// An address that is well formed and no market's.
const NOBODY: &str = "So11111111111111111111111111111111111111112";

fn assert_error(answer: &Response, status: u16, code: &str, path: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", String::from_utf8_lossy(&answer.body));
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")), "{what}");
    let body = answer.json();
    assert_eq!(body["error"], code, "{what}: {body}");
    assert_eq!(body["status"], status, "{what}: {body}");
    assert_eq!(body["path"], path, "{what}: {body}");
    for text in ["message", "timestamp", "request_id"] {
        assert!(body[text].as_str().is_some_and(|text| !text.is_empty()), "{what}: no {text} in {body}");
    }
    let timestamp = body["timestamp"].as_str().unwrap();
    assert!(timestamp.len() == 24 && timestamp.ends_with('Z'), "{what}: {timestamp}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_the_one_error_body() {
    let stage = Stage::set().await;
    let seed = "ab".repeat(32);
    for (method, target, status, code) in [
        ("GET", "/api/nothing", 404, "NOT_FOUND"),
        ("GET", "/console/nothing.js", 404, "NOT_FOUND"),
        ("GET", &format!("/api/markets/{NOBODY}"), 404, "NOT_FOUND"),
        ("GET", &format!("/api/markets/{seed}"), 404, "NOT_FOUND"),
        ("GET", &format!("/api/markets/{NOBODY}/trades"), 404, "NOT_FOUND"),
        ("GET", "/api/markets/not-an-address", 400, "VALIDATION_ERROR"),
        ("GET", "/api/markets/%00", 400, "VALIDATION_ERROR"),
        ("GET", "/api/markets/0OIl", 400, "VALIDATION_ERROR"),
        ("GET", &format!("/api/markets/{seed}0"), 400, "VALIDATION_ERROR"),
        ("GET", "/api/markets?limit=0", 400, "VALIDATION_ERROR"),
        ("GET", "/api/markets?limit=101", 400, "VALIDATION_ERROR"),
        ("GET", "/api/markets?limit=-1", 400, "VALIDATION_ERROR"),
        ("GET", "/api/markets?limit=ten", 400, "VALIDATION_ERROR"),
        ("GET", "/api/markets?limit=99999999999999999999999", 400, "VALIDATION_ERROR"),
        ("GET", "/api/markets?offset=10001", 400, "VALIDATION_ERROR"),
        ("GET", "/api/markets?cursor=garbage", 400, "VALIDATION_ERROR"),
        ("GET", "/api/markets?state=OPEN", 400, "VALIDATION_ERROR"),
        ("GET", "/api/markets?state=7", 400, "VALIDATION_ERROR"),
        ("DELETE", "/api/markets", 405, "METHOD_NOT_ALLOWED"),
    ] {
        let answer = request(method, &stage.engine.api, target, &[], b"").await;
        let path = target.split('?').next().unwrap();
        assert_error(&answer, status, code, path, &format!("{method} {target}"));
        if code == "VALIDATION_ERROR" {
            let body = answer.json();
            assert!(body["details"][0]["field"].is_string(), "{target}: which field? {body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_on_every_port_and_readiness_part_by_part() {
    let stage = Stage::set().await;
    let ws = stage.engine.ws.replacen("ws://", "http://", 1);
    for (base, service) in
        [(&stage.engine.api, "api-gateway"), (&ws, "websocket-server"), (&stage.engine.indexer, "event-indexer")]
    {
        let answer = get(base, "/health").await;
        assert_eq!(answer.status, 200);
        let body = answer.json();
        assert_eq!((&body["status"], &body["service"]), (&json!("healthy"), &json!(service)), "{body}");
    }
    let ready = get(&stage.engine.api, "/ready").await;
    assert_eq!(ready.status, 200, "{:?}", String::from_utf8_lossy(&ready.body));
    assert!(ready.json().to_string().contains("covered_slot"), "{}", ready.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_is_shown_by_its_address_and_by_its_seed_and_equals_the_chain() {
    let stage = Stage::set().await;
    let (chain, api) = (&stage.chain, &stage.engine.api);
    let creator = chain.client().funded_wallet().await;
    let market = chain.active_market(&creator, 100 * SOL).await;
    let signature = chain.client().buy(market, &creator, Outcome::Yes, SOL).await;
    let account = chain.client().market(market).await;

    let shown = wait_for("the trade to be shown", || async {
        let body = get(api, &format!("/api/markets/{market}")).await.json();
        if body["trades_count"] == 1 { Ok(body) } else { Err(body) }
    })
    .await;

    for (field, value) in [
        ("id", json!(market.to_string())),
        ("on_chain_address", json!(market.to_string())),
        ("market_seed", json!(account.market_id.to_string())),
        ("creator_wallet", json!(account.creator.to_string())),
        ("state", json!("ACTIVE")),
        ("state_code", json!(2)),
        ("b_parameter", json!(account.b_parameter.to_string())),
        ("initial_liquidity", json!(account.initial_liquidity.to_string())),
        ("current_liquidity", json!(account.current_liquidity.to_string())),
        ("shares_yes", json!(account.shares_yes.to_string())),
        ("shares_no", json!(account.shares_no.to_string())),
        ("total_volume", json!(account.total_volume.to_string())),
        ("proposal_likes", json!(account.proposal_likes)),
        ("final_outcome", Value::Null),
    ] {
        assert_eq!(shown[field], value, "{field}: {shown}");
    }
    let by_seed = get(api, &format!("/api/markets/{}", account.market_id)).await;
    assert_eq!(by_seed.status, 200);
    assert_eq!(by_seed.json()["id"], shown["id"]);

    let trades = get(api, &format!("/api/markets/{market}/trades")).await.json();
    let trade = if trades.is_array() { &trades[0] } else { &trades["trades"][0] };
    assert_eq!(trade["tx_signature"], json!(signature.to_string()), "{trades}");
    assert_eq!(trade["cost"], json!(account.total_volume.to_string()), "{trades}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_each_market_once() {
    const MARKETS: usize = 5;
    let stage = Stage::set().await;
    let (chain, api) = (&stage.chain, &stage.engine.api);
    let creator = chain.client().funded_wallet().await;
    let mut made = BTreeSet::new();
    for _ in 0..MARKETS {
        made.insert(chain.client().proposed_market(&creator, 100 * SOL).await.to_string());
    }
    wait_for("the markets to be shown", || async {
        let body = get(api, "/api/markets?state=PROPOSED&limit=100").await.json();
        if body["count"] == MARKETS { Ok(()) } else { Err(body) }
    })
    .await;

    let mut seen = Vec::new();
    let mut cursor = String::new();
    for page in 0.. {
        assert!(page < MARKETS, "the pages do not end");
        let body = get(api, &format!("/api/markets?limit=2{cursor}")).await.json();
        let markets = body["markets"].as_array().unwrap();
        assert_eq!(body["count"], markets.len());
        assert!(markets.len() <= 2);
        seen.extend(markets.iter().map(|market| market["id"].as_str().unwrap().to_owned()));
        match body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), MARKETS, "{seen:?}");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), made);
}
