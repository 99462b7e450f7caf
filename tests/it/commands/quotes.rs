//! Quote streams: what a trade would do, again at every change, until it is not wanted any more.

use serde_json::{Value, json};
use solana_sdk::signer::Signer;
use zmart::domain::{event::Outcome, ids::MarketAddress};
use zmart_testkit::{chain::SOL, patience::wait_for, socket::Connection, stage::Stage};

use super::welcomed;

fn stream(id: &Value, market: MarketAddress, spend: u64) -> Value {
    json!({"id": id, "action": "quote", "stream": true, "market_id": market.to_string(), "trade_type": "buy",
           "outcome": "YES", "spend": spend.to_string()})
}

/// What is said in a stream next.
async fn next_in(connection: &mut Connection, id: &Value) -> Value {
    loop {
        let frame = connection.next().await.unwrap();
        if frame.get("stream") == Some(id) {
            return frame;
        }
    }
}

async fn shows_a_trade(stage: &Stage, market: MarketAddress) {
    wait_for("the trade to be shown", || async {
        let shown = zmart_testkit::http::get(&stage.engine.api, &format!("/api/markets/{market}")).await.json();
        if shown["trades_count"] == 1 { Ok(()) } else { Err(shown) }
    })
    .await;
}

async fn estimated(stage: &Stage, market: MarketAddress, spend: u64) -> Value {
    let path = format!("/api/trades/estimate?market_id={market}&trade_type=buy&outcome=YES&spend={spend}");
    zmart_testkit::http::get(&stage.engine.api, &path).await.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_stream_follows_trades_fees_and_pauses_until_it_is_left() {
    let stage = Stage::set().await;
    let client = stage.chain.client();
    let (creator, buyer) = (client.funded_wallet().await, client.funded_wallet().await);
    let market = stage.chain.active_market(&creator, 100 * SOL).await;
    // Away from exact balance, where small trades are refused.
    client.buy(market, &buyer, Outcome::Yes, 10 * SOL).await;
    shows_a_trade(&stage, market).await;
    let mut connection = welcomed(&stage.engine.ws).await;
    let id = json!({"my": "stream"});
    connection.send(stream(&id, market, SOL)).await;
    let first = connection.answer_to(&id).await;
    assert_eq!((&first["type"], &first["stream"]), (&json!("quote"), &id), "{first}");
    assert_eq!(first["data"], estimated(&stage, market, SOL).await);
    connection.send(json!({"id": 1, "action": "list"})).await;
    assert_eq!(connection.answer_to(&json!(1)).await["quotes"], json!([id]));

    let mut seq = first["seq"].as_u64().unwrap();
    for outcome in [Outcome::Yes, Outcome::No, Outcome::Yes] {
        client.buy(market, &buyer, outcome, 2 * SOL).await;
        let next = next_in(&mut connection, &id).await;
        assert_eq!(next["type"], "quote", "{next}");
        assert!(next.get("id").is_none(), "only the answer bears the id: {next}");
        assert!(next["seq"].as_u64().unwrap() > seq, "{next}");
        assert_eq!((&next["seq"], &next["slot"]), (&next["data"]["seq"], &next["data"]["slot"]), "{next}");
        seq = next["seq"].as_u64().unwrap();
        assert_eq!(next["data"], estimated(&stage, market, SOL).await);
    }
    // Other fees: the market has not moved.
    stage.chain.set_protocol_fee(250).await;
    let dearer = next_in(&mut connection, &id).await;
    assert_eq!(dearer["seq"].as_u64(), Some(seq), "{dearer}");
    assert_eq!(dearer["data"], estimated(&stage, market, SOL).await);
    // Impossible for a while: said inside, and the stream goes on.
    stage.chain.toggle_pause().await;
    let paused = next_in(&mut connection, &id).await;
    assert_eq!((&paused["type"], &paused["code"]), (&json!("error"), &json!("CHAIN_REFUSED")), "{paused}");
    assert_eq!(paused["program_error"]["name"], json!("ProtocolPaused"), "{paused}");
    assert_eq!(paused["seq"].as_u64(), Some(seq), "{paused}");
    stage.chain.toggle_pause().await;
    let resumed = next_in(&mut connection, &id).await;
    assert_eq!((&resumed["type"], &resumed["data"]), (&json!("quote"), &dearer["data"]), "{resumed}");

    connection.send(json!({"id": 2, "action": "unsubscribe", "quote": id})).await;
    let left = connection.answer_to(&json!(2)).await;
    assert_eq!((&left["quotes"], &left["channels"]), (&json!([id]), &json!([])), "{left}");
    let mut other = welcomed(&stage.engine.ws).await;
    other.send(stream(&json!("other"), market, SOL)).await;
    other.answer_to(&json!("other")).await;
    client.buy(market, &buyer, Outcome::Yes, 2 * SOL).await;
    next_in(&mut other, &json!("other")).await;
    connection.send(json!({"id": 3, "action": "list"})).await;
    let answer = loop {
        let frame = connection.next().await.unwrap();
        assert!(frame.get("stream").is_none(), "it was left: {frame}");
        if frame["id"] == json!(3) {
            break frame;
        }
    };
    assert!(answer.get("quotes").is_none(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn quote_streams_are_bounded_named_once_and_begin_where_the_program_refuses() {
    let stage = Stage::set().await;
    let creator = stage.chain.client().funded_wallet().await;
    let market = stage.chain.client().proposed_market(&creator, 100 * SOL).await;
    stage.shown(market).await;
    let mut connection = welcomed(&stage.engine.ws).await;
    // Nobody can buy before it is active, and the stream tells when.
    connection.send(stream(&json!(0), market, SOL)).await;
    let refused = connection.answer_to(&json!(0)).await;
    assert_eq!((&refused["code"], &refused["stream"]), (&json!("CHAIN_REFUSED"), &json!(0)), "{refused}");
    assert_eq!(refused["program_error"]["name"], json!("InvalidMarketState"), "{refused}");

    for (changed, value, code) in [
        ("id", json!(0), "VALIDATION_ERROR"),
        ("id", Value::Null, "VALIDATION_ERROR"),
        ("stream", json!("yes"), "VALIDATION_ERROR"),
        ("market_id", json!(MarketAddress([7; 32]).to_string()), "NOT_FOUND"),
    ] {
        let mut ask = stream(&json!("bad"), market, SOL);
        ask[changed] = value;
        connection.send(ask.clone()).await;
        let error = connection.next_of("error").await;
        assert_eq!(error["code"], json!(code), "{ask}: {error}");
        assert!(error.get("stream").is_none(), "there is none: {error}");
        connection.send_text("ping").await;
    }
    for n in 1..32 {
        connection.send(stream(&json!(n), market, SOL)).await;
        connection.answer_to(&json!(n)).await;
    }
    connection.send(stream(&json!(32), market, SOL)).await;
    assert_eq!(connection.answer_to(&json!(32)).await["code"], json!("TOO_MANY_QUOTES"));

    stage.chain.approve(market).await;
    stage.chain.client().activate(market, &creator).await;
    let mut left: Vec<bool> = vec![true; 32];
    while left.contains(&true) {
        let frame = connection.next_of("quote").await;
        left[usize::try_from(frame["stream"].as_u64().unwrap()).unwrap()] = false;
    }
    connection.send(json!({"id": "all", "action": "unsubscribe"})).await;
    let answer = connection.answer_to(&json!("all")).await;
    assert_eq!(answer["quotes"].as_array().unwrap().len(), 32, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_trades_is_one_quote_of_the_newest() {
    const BURST: u64 = 8;
    let stage = Stage::set().await;
    let client = stage.chain.client();
    let (creator, buyer) = (client.funded_wallet().await, client.funded_wallet().await);
    let market = stage.chain.active_market(&creator, 100 * SOL).await;
    client.buy(market, &buyer, Outcome::Yes, 10 * SOL).await;
    shows_a_trade(&stage, market).await;
    let mut connection = welcomed(&stage.engine.ws).await;
    let id = json!("burst");
    connection.send(stream(&id, market, SOL)).await;
    let first = connection.answer_to(&id).await["seq"].as_u64().unwrap();
    let buy = client.buy_instruction(market, buyer.pubkey(), Outcome::No, SOL);
    client.must_send(&vec![buy; usize::try_from(BURST).unwrap()], &[&buyer]).await;
    let mut heard = 0;
    loop {
        let next = next_in(&mut connection, &id).await;
        heard += 1;
        let seq = next["seq"].as_u64().unwrap();
        assert!(seq <= first + BURST, "{next}");
        if next["data"] == estimated(&stage, market, SOL).await && seq >= first + BURST {
            break;
        }
    }
    assert!(heard < BURST, "{heard} quotes of {BURST} trades of one transaction");
}
