//! The WebSocket protocol: sign-on, resuming, and what is refused and how.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use zmart::domain::{event::Outcome, ids::MarketAddress};
use zmart_testkit::{
    chain::SOL,
    socket::{Connection, Ended},
    stage::Stage,
};

/// So many bad messages in a row end a connection.
const BAD_MESSAGES: usize = 10;

/// An address that is well formed and no market's.
const NOBODY: &str = "So11111111111111111111111111111111111111112";

async fn stage_with_market() -> (Stage, MarketAddress, solana_sdk::signature::Keypair) {
    let stage = Stage::set().await;
    let creator = stage.chain.client().funded_wallet().await;
    let market = stage.chain.active_market(&creator, 100 * SOL).await;
    stage.shown(market).await;
    (stage, market, creator)
}

async fn welcomed(stage: &Stage) -> Connection {
    let mut connection = Connection::open(&stage.engine.ws).await;
    let welcome = connection.next_frame().await;
    assert_eq!(welcome["type"], "welcome");
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn the_welcome_says_what_a_client_must_know() {
    let stage = Stage::set().await;
    for path in ["", "/", "/ws"] {
        let mut connection = Connection::open(&format!("{}{path}", stage.engine.ws)).await;
        let welcome = connection.next_frame().await;
        assert_eq!(welcome["type"], "welcome");
        for name in ["client_id", "server_time", "version", "heartbeat_seconds", "limits"] {
            assert!(!welcome[name].is_null(), "no {name}: {welcome}");
        }
        connection.send_text("ping").await;
        assert_eq!(connection.next_frame().await["type"], "pong");
        connection.send(json!({"id": [1, {"a": "b"}], "action": "ping"})).await;
        let pong = connection.next_frame().await;
        assert_eq!((&pong["type"], &pong["id"]), (&json!("pong"), &json!([1, {"a": "b"}])));
        if path.is_empty() {
            let heartbeat = connection.next_of("heartbeat").await;
            assert!(heartbeat["slot"].is_u64() && heartbeat["counter"].is_u64(), "{heartbeat}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_gets_exactly_what_it_missed() {
    let (stage, market, trader) = stage_with_market().await;
    let client = stage.chain.client();

    let mut first = welcomed(&stage).await;
    let subscribed = first.subscribe(market, None).await;
    assert_eq!((&subscribed["type"], &subscribed["recovered"]), (&json!("subscribed"), &json!(false)));
    assert_eq!(subscribed["snapshot"]["id"], json!(market.to_string()), "{subscribed}");
    client.buy(market, &trader, Outcome::Yes, SOL).await;
    let trade = first.next_of("trade_executed").await;
    let (epoch, seq) = (trade["epoch"].as_u64().unwrap(), trade["seq"].as_u64().unwrap());
    drop(first);

    let mut watcher = welcomed(&stage).await;
    watcher.subscribe(market, None).await;
    let mut missed = Vec::new();
    for count in 1..=3 {
        client.buy(market, &trader, Outcome::No, SOL + count).await;
        missed.push(watcher.next_of("trade_executed").await);
        missed.push(watcher.next_of("price_update").await);
    }

    let mut second = welcomed(&stage).await;
    let subscribed = second.subscribe(market, Some((epoch, seq))).await;
    assert_eq!(subscribed["recovered"], json!(true), "{subscribed}");
    assert_eq!(subscribed["seq"], json!(seq), "{subscribed}");
    for live in &missed {
        assert_eq!(&second.next_frame().await, live, "a replayed frame is not the live one");
    }

    for (what, since) in
        [("another life of the journal", (epoch + 1, seq)), ("an entry of the future", (epoch, seq + 1000))]
    {
        let mut third = welcomed(&stage).await;
        let subscribed = third.subscribe(market, Some(since)).await;
        assert_eq!(subscribed["recovered"], json!(false), "{what}: {subscribed}");
        assert!(subscribed["snapshot"].is_object(), "{what}: {subscribed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_understood_gets_an_error_and_the_connection_lives() {
    let (stage, market, _) = stage_with_market().await;
    let mut connection = welcomed(&stage).await;
    for (text, id) in [
        ("not JSON".to_owned(), Value::Null),
        ("{".to_owned(), Value::Null),
        ("[]".to_owned(), Value::Null),
        ("null".to_owned(), Value::Null),
        ("7".to_owned(), Value::Null),
        (json!({}).to_string(), Value::Null),
        (json!({"id": 1}).to_string(), json!(1)),
        (json!({"id": 2, "action": "fly"}).to_string(), json!(2)),
        (json!({"id": 3, "action": 7}).to_string(), json!(3)),
        (json!({"id": 4, "action": "subscribe"}).to_string(), json!(4)),
        (json!({"id": 5, "action": "subscribe", "market_id": 7}).to_string(), json!(5)),
        (json!({"id": 6, "action": "subscribe", "market_id": "0OIl"}).to_string(), json!(6)),
        (json!({"id": "seven", "action": "subscribe", "market_id": NOBODY}).to_string(), json!("seven")),
        (json!({"id": 8, "action": "subscribe", "channels": ["nonsense"]}).to_string(), json!(8)),
        (json!({"id": 9, "action": "subscribe", "channels": "ticker"}).to_string(), json!(9)),
        (
            json!({"id": 10, "action": "subscribe", "market_id": market.to_string(), "since": "yesterday"}).to_string(),
            json!(10),
        ),
    ] {
        connection.send_text(&text).await;
        let error = connection.next_frame().await;
        assert_eq!(error["type"], "error", "{text}: {error}");
        assert_eq!(error.get("id").unwrap_or(&Value::Null), &id, "{text}: {error}");
        assert!(error["code"].is_string() && error["message"].is_string(), "{text}: {error}");
        assert_eq!(error["retryable"], json!(false), "{text}: {error}");
        // A good message between bad ones: they are not in a row.
        connection.send_text("ping").await;
        assert_eq!(connection.next_frame().await["type"], "pong", "after {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_bad_messages_in_a_row_end_the_connection() {
    let stage = Stage::set().await;
    let mut connection = welcomed(&stage).await;
    for _ in 1..BAD_MESSAGES {
        connection.send_text("nonsense").await;
        assert_eq!(connection.next_frame().await["type"], "error");
    }
    connection.send_text("ping").await;
    assert_eq!(connection.next_frame().await["type"], "pong", "nine are not ten");
    for _ in 0..BAD_MESSAGES {
        connection.send_text("nonsense").await;
    }
    assert_eq!(connection.end().await, Ended::Code(4502));
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_no_json_text_end_the_connection_with_their_own_code() {
    let stage = Stage::set().await;
    for (message, code) in
        [(Message::binary(vec![1, 2, 3]), 1003), (Message::text(format!("\"{}\"", "x".repeat(64 * 1024))), 1009)]
    {
        let mut connection = welcomed(&stage).await;
        connection.send_message(message).await;
        assert_eq!(connection.end().await, Ended::Code(code));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_end_of_the_engine_is_announced() {
    let mut stage = Stage::set().await;
    let mut connection = welcomed(&stage).await;
    let ends = tokio::spawn(async move {
        let mut announced = false;
        loop {
            match connection.next().await {
                Ok(frame) => announced |= frame["type"] == "shutdown",
                Err(ended) => return (announced, ended),
            }
        }
    });
    assert!(stage.engine.stop().await.success());
    assert_eq!(ends.await.unwrap(), (true, Ended::Code(1012)));
}
