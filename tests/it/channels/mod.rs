//! Channels beside those of single markets, what becomes final, and prices for who wants them less often: on a real chain,
//! a real database and an engine that is killed.

mod commitments;
mod conflation;
mod many;
mod ticker;
mod wallets;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use solana_sdk::signature::Keypair;
use zmart::domain::ids::MarketAddress;
use zmart_testkit::{
    chain::SOL,
    socket::{Connection, Ended},
    stage::Stage,
};

/// A stage with markets that can be traded, and who made and trades each.
async fn stage_with(markets: usize) -> (Stage, Vec<(MarketAddress, Keypair)>) {
    let stage = Stage::set().await;
    let mut made = Vec::new();
    for _ in 0..markets {
        let creator = stage.chain.client().funded_wallet().await;
        let market = stage.chain.active_market(&creator, 100 * SOL).await;
        stage.shown_active(market).await;
        made.push((market, creator));
    }
    (stage, made)
}

async fn welcomed(stage: &Stage) -> Connection {
    let mut connection = Connection::open(&stage.engine.ws).await;
    assert_eq!(connection.next_frame().await["type"], "welcome");
    connection
}

/// Subscribes to a channel by its name; `since` is (epoch, seq).
async fn subscribe(connection: &mut Connection, channel: &str, since: Option<(u64, u64)>, more: Value) -> Value {
    let mut ask = json!({"id": channel, "action": "subscribe", "channels": [channel]});
    if let Some((epoch, seq)) = since {
        ask["since"] = json!({ channel: {"epoch": epoch, "seq": seq} });
    }
    let more: BTreeMap<String, Value> = serde_json::from_value(more).unwrap();
    more.into_iter().for_each(|(name, value)| ask[name] = value);
    connection.send(ask).await;
    connection.answer_to(&json!(channel)).await
}

/// The frames of a channel up to an entry, to the byte; what else comes is left out.
async fn texts(connection: &mut Connection, channel: &str, upto: u64) -> Vec<String> {
    let mut texts = Vec::new();
    let mut last = 0;
    while last < upto {
        let text = match connection.next_text().await {
            Ok(text) => text,
            Err(Ended::Code(code)) => panic!("closed with {code} after {last}"),
            Err(ended) => panic!("{ended:?} after {last}"),
        };
        let frame: Value = serde_json::from_str(&text).unwrap();
        let of_an_entry = frame["channel"] == channel && frame["type"] != "commitment" && frame["type"] != "subscribed";
        if of_an_entry {
            last = frame["seq"].as_u64().unwrap();
            texts.push(text);
        }
    }
    texts
}

fn seqs(texts: &[String]) -> Vec<u64> {
    texts.iter().map(|text| serde_json::from_str::<Value>(text).unwrap()["seq"].as_u64().unwrap()).collect()
}
