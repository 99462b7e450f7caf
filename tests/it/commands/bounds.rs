//! What is refused: who is nobody, what is no action, and what is too much.

use std::time::Duration;

use serde_json::{Value, json};
use solana_sdk::signature::Keypair;
use zmart_testkit::{
    chain::{Chain, SOL},
    engine::Engine,
    postgres::Database,
    proxy::{Delay, Methods, Proxy, When},
    socket::Ended,
    stage::Stage,
};

use super::{Trader, welcomed};

const NOBODY: &str = "US517G5965aydkZ46HS38QLi7UQiSojurfbQfKCELFx";

#[tokio::test(flavor = "multi_thread")]
async fn every_action_with_an_id_is_answered_exactly_once_whatever_is_said() {
    let stage = Stage::set().await;
    let anonymous = [
        json!({"action": "build", "op": "buy", "market_id": NOBODY, "outcome": "YES", "spend": "1"}),
        json!({"action": "build", "op": "create_market"}),
        json!({"action": "submit", "transaction": "x"}),
        json!({"action": "vote", "vote_type": "proposal", "market_id": NOBODY, "vote": true}),
        json!({"action": "get", "what": "positions"}),
        json!({"action": "get", "what": "trades"}),
        json!({"action": "get", "what": "transaction", "signature": "x"}),
    ];
    let mut connection = welcomed(&stage.engine.ws).await;
    for message in &anonymous {
        let mut message = message.clone();
        message["id"] = json!(1);
        connection.send(message.clone()).await;
        let error = connection.next_frame().await;
        assert_eq!((&error["id"], &error["code"]), (&json!(1), &json!("UNAUTHORIZED")), "{message}: {error}");
        connection.send_text("ping").await;
        assert_eq!(connection.next_frame().await["type"], "pong");
    }

    let mut trader = Trader::signed_in(&stage.engine, Keypair::new()).await;
    let buy = json!({"op": "buy", "market_id": NOBODY, "outcome": "YES", "spend": "1000000000"});
    let with = |base: &Value, field: &str, value: Value| {
        let mut changed = base.clone();
        changed[field] = value;
        changed
    };
    let quote = json!({"market_id": NOBODY, "outcome": "YES", "trade_type": "buy", "spend": "5"});
    let vote = json!({"vote_type": "proposal", "market_id": NOBODY, "vote": true});
    let garbage: Vec<(&str, Value, &str, &str)> = vec![
        ("auth", json!({}), "VALIDATION_ERROR", "token"),
        ("quote", json!({}), "VALIDATION_ERROR", "market_id"),
        ("quote", with(&quote, "outcome", json!("MAYBE")), "VALIDATION_ERROR", "outcome"),
        ("quote", with(&quote, "shares", json!("5")), "VALIDATION_ERROR", "shares"),
        ("quote", with(&quote, "spend", json!(-5)), "VALIDATION_ERROR", "spend"),
        ("quote", with(&quote, "spend", json!([5])), "VALIDATION_ERROR", "spend"),
        ("quote", with(&quote, "stream", json!(1)), "VALIDATION_ERROR", "stream"),
        ("quote", quote.clone(), "NOT_FOUND", ""),
        ("build", json!({}), "VALIDATION_ERROR", "op"),
        ("build", with(&buy, "op", json!("steal")), "VALIDATION_ERROR", "op"),
        ("build", with(&buy, "op", json!({"buy": 1})), "VALIDATION_ERROR", "op"),
        ("build", with(&buy, "market_id", json!("x")), "VALIDATION_ERROR", "market_id"),
        ("build", with(&buy, "spend", json!({})), "VALIDATION_ERROR", "spend"),
        ("build", with(&buy, "more", json!(1)), "VALIDATION_ERROR", "more"),
        ("build", with(&buy, "priority_fee", json!("some")), "VALIDATION_ERROR", "priority_fee"),
        ("build", buy.clone(), "NOT_FOUND", ""),
        ("build", json!({"op": "claim"}), "VALIDATION_ERROR", "market_id"),
        ("build", json!({"op": "claim", "market_id": NOBODY, "x": 1}), "VALIDATION_ERROR", "x"),
        ("build", json!({"op": "resolve", "market_id": NOBODY}), "VALIDATION_ERROR", "outcome"),
        ("build", json!({"op": "create_market", "question": "?"}), "VALIDATION_ERROR", "category"),
        ("submit", json!({}), "VALIDATION_ERROR", "transaction"),
        ("submit", json!({"transaction": "no base64"}), "VALIDATION_ERROR", "transaction"),
        ("submit", json!({"transaction": "AAAA", "client_ref": ""}), "VALIDATION_ERROR", "client_ref"),
        ("submit", json!({"transaction": "AAAA", "idempotency_key": "a b"}), "VALIDATION_ERROR", "idempotency_key"),
        ("vote", json!({}), "VALIDATION_ERROR", "vote_type"),
        ("vote", with(&vote, "vote", json!("yes")), "VALIDATION_ERROR", "vote"),
        ("vote", with(&vote, "signature", json!("x")), "VALIDATION_ERROR", "signature"),
        ("vote", vote.clone(), "NOT_FOUND", ""),
        ("get", json!({}), "VALIDATION_ERROR", "what"),
        ("get", json!({"what": "everything"}), "VALIDATION_ERROR", "what"),
        ("get", json!({"what": "market"}), "VALIDATION_ERROR", "market_id"),
        ("get", json!({"what": "market", "market_id": NOBODY}), "NOT_FOUND", ""),
        ("get", json!({"what": "markets", "limit": 101}), "VALIDATION_ERROR", "limit"),
        ("get", json!({"what": "markets", "state": ["ACTIVE"]}), "VALIDATION_ERROR", "state"),
        ("get", json!({"what": "positions", "wallet": "me"}), "VALIDATION_ERROR", "wallet"),
        ("get", json!({"what": "portfolio", "points": 1}), "VALIDATION_ERROR", "points"),
        ("get", json!({"what": "trades", "cursor": "x"}), "VALIDATION_ERROR", "cursor"),
        ("get", json!({"what": "transaction", "signature": 5}), "VALIDATION_ERROR", "signature"),
        ("unsubscribe", json!({"quote": 1, "channels": ["config"]}), "VALIDATION_ERROR", ""),
        ("fly", json!({}), "UNKNOWN_ACTION", ""),
    ];
    for (action, fields, code, field) in &garbage {
        let error = trader.ask(action, fields.clone()).await;
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!(code)), "{action} {fields}: {error}");
        let told = error["details"].as_array().is_some_and(|all| all.iter().any(|one| one["field"] == json!(field)));
        assert!(field.is_empty() || told, "{action} {fields}: {error}");
        assert_eq!(error["retryable"], json!(false), "{error}");
        // A good one between: they are not in a row.
        assert_eq!(trader.ask("ping", json!({})).await["type"], "pong");
    }

    // Together, as fast as they go in: each id comes back once. In whatever order: so there are fewer than ten mistakes.
    let mut ids: Vec<Value> = Vec::new();
    for (action, fields, ..) in garbage.iter().filter(|(_, _, code, _)| *code == "VALIDATION_ERROR").take(4) {
        ids.push(trader.say(action, fields.clone()).await);
        ids.push(trader.say("quote", quote.clone()).await);
        ids.push(trader.say("get", json!({"what": "markets"})).await);
        ids.push(trader.say("ping", json!({})).await);
    }
    let mut heard: Vec<Value> = Vec::new();
    while heard.len() < ids.len() {
        match trader.connection.next().await {
            Ok(frame) => heard.extend(frame.get("id").cloned()),
            Err(ended) => panic!("{ended:?}"),
        }
    }
    assert_eq!(trader.ask("list", json!({})).await["channels"], json!([]), "nothing came twice before this");
    heard.sort_by_key(Value::as_u64);
    assert_eq!(heard, ids);

    // Ten mistakes in a row, whoever finds them.
    for _ in 0..10 {
        trader.say("get", json!({"what": "everything"})).await;
    }
    assert_eq!(trader.connection.end().await, Ended::Code(4502));
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_draw_on_the_buckets_of_rest() {
    let chain = Chain::start().await;
    let database = Database::fresh().await;
    let mut engine = Engine::on(&chain, &database);
    for (name, value) in [
        ("TRUSTED_CLIENTS", "none"),
        // Two sign-ins are four requests.
        ("RATE_LIMIT_ANONYMOUS", "6/h"),
        ("RATE_LIMIT_SIGNED_IN", "5/h"),
        ("RATE_LIMIT_VOTES", "1/h"),
    ] {
        engine.set(name, value);
    }
    engine.start().await;
    engine.ready().await;
    // Presenting a token is a request of its wallet.
    let mut trader = Trader::signed_in(&engine, Keypair::new()).await;
    let mut other = Trader::signed_in(&engine, Keypair::new()).await;
    let answer = trader.client.get("/api/users/me").await;
    assert_eq!((answer.status, answer.header("ratelimit-remaining")), (200, Some("3")));
    let vote = json!({"vote_type": "proposal", "market_id": NOBODY, "vote": true});
    assert_eq!(trader.refused("vote", vote.clone()).await, "NOT_FOUND");
    let refused = trader.ask("vote", vote).await;
    assert_eq!((&refused["code"], &refused["retryable"]), (&json!("RATE_LIMITED"), &json!(true)), "{refused}");
    assert!(refused["retry_after_seconds"].as_u64().is_some_and(|seconds| seconds > 60), "{refused}");
    trader.get("get", json!({"what": "config"})).await;
    assert_eq!(trader.refused("get", json!({"what": "config"})).await, "RATE_LIMITED");
    assert_eq!(trader.client.get("/api/users/me").await.status, 429, "the same bucket");
    other.get("get", json!({"what": "config"})).await;

    // Nobody's is counted by address: four of six are gone by signing in.
    let mut nobody = welcomed(&engine.ws).await;
    for (id, code) in [(1, Value::Null), (2, Value::Null), (3, json!("RATE_LIMITED"))] {
        nobody.send(json!({"id": id, "action": "get", "what": "config"})).await;
        assert_eq!(nobody.answer_to(&json!(id)).await["code"], code, "{id}");
    }
    nobody.send(json!({"id": 4, "action": "auth", "token": "x.y.z"})).await;
    assert_eq!(nobody.answer_to(&json!(4)).await["code"], json!("RATE_LIMITED"), "also who guesses");
    // It is no mistake: nobody is closed for it.
    for id in 5..20 {
        nobody.send(json!({"id": id, "action": "get", "what": "config"})).await;
        assert_eq!(nobody.answer_to(&json!(id)).await["code"], json!("RATE_LIMITED"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_that_wait_are_bounded_and_each_is_answered_once() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let client = chain.client();
    let proxy = Proxy::before(&client.rpc_url, &chain.ws_url).await;
    let mut engine = Engine::on(&chain, &database);
    engine.set("SOLANA_RPC_URL", &proxy.rpc_url);
    engine.set("SOLANA_WS_URL", &proxy.ws_url);
    engine.start().await;
    engine.ready().await;
    let creator = client.funded_wallet().await;
    let market = chain.active_market(&creator, 100 * SOL).await;
    let stage = Stage { engine, database, chain };
    stage.shown_active(market).await;
    let mut trader = Trader::signed_in(&stage.engine, creator).await;
    let build = json!({"op": "buy", "market_id": market.to_string(), "outcome": "YES",
                       "spend": SOL.to_string(), "accept_unsound": true});
    let slow = proxy.handle().delay_answers(
        Methods::Of(&["simulateTransaction"]),
        Delay::Fixed(Duration::from_secs(3)),
        When::Always,
    );
    let waiting: Vec<Value> = {
        let mut ids = Vec::new();
        for _ in 0..16 {
            ids.push(trader.say("build", build.clone()).await);
        }
        ids
    };
    let refused = trader.ask("build", build.clone()).await;
    assert_eq!((&refused["code"], &refused["retryable"]), (&json!("TOO_MANY_REQUESTS"), &json!(true)), "{refused}");
    // What needs no waiting is answered meanwhile.
    assert_eq!(trader.ask("ping", json!({})).await["type"], "pong");
    slow.lift();
    let mut answered = Vec::new();
    while answered.len() < waiting.len() {
        let frame = trader.connection.next_frame().await;
        assert_eq!(frame["type"], "reply", "{frame}");
        answered.push(frame["id"].clone());
    }
    answered.sort_by_key(Value::as_u64);
    assert_eq!(answered, waiting);
    trader.get("build", build).await;
}
