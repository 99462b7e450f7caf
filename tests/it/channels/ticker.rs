//! The ticker: every market's newest price, without numbers.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use zmart::domain::event::Outcome;
use zmart_testkit::{chain::SOL, http::get, patience::wait_for};

use super::{stage_with, subscribe, welcomed};

#[tokio::test(flavor = "multi_thread")]
async fn the_ticker_tells_the_newest_price_of_every_market_and_fewer_prices_than_trades() {
    const TRADES: u64 = 12;
    let (mut stage, made) = stage_with(2).await;
    let client = stage.chain.client().clone();
    client.buy(made[0].0, &made[0].1, Outcome::Yes, SOL).await;
    let mut watcher = welcomed(&stage).await;
    // A place to resume at is not served: there are no numbers.
    let answer = subscribe(&mut watcher, "ticker", Some((1, 1)), json!({})).await;
    assert_eq!(answer["recovered"], json!(false), "{answer}");
    assert!(answer.get("seq").is_none() && answer.get("head_seq").is_none(), "{answer}");
    assert!(answer["snapshot"]["prices"].as_array().unwrap().len() <= 2, "{answer}");

    for count in 0..TRADES {
        tokio::join!(
            client.buy(made[0].0, &made[0].1, Outcome::Yes, SOL + count),
            client.buy(made[1].0, &made[1].1, Outcome::No, SOL + count)
        );
    }
    let mut newest = BTreeMap::new();
    for ((market, _), trades) in made.iter().zip([TRADES + 1, TRADES]) {
        let shown = wait_for("all trades to be shown", || async {
            let shown = get(&stage.engine.api, &format!("/api/markets/{market}")).await.json();
            if shown["trades_count"] == json!(trades) { Ok(shown) } else { Err(shown) }
        })
        .await;
        newest.insert(market.to_string(), (shown["current_price_yes"].clone(), shown["shares_yes"].clone()));
    }
    let mut heard: BTreeMap<String, (Value, Value)> = BTreeMap::new();
    let mut frames = 0;
    while heard != newest {
        let frame = watcher.next_frame().await;
        if frame["type"] != "price_update" {
            continue;
        }
        assert_eq!(frame["channel"], "ticker");
        assert!(frame.get("seq").is_none() && frame["market_seq"].is_u64(), "{frame}");
        let market = frame["market_id"].as_str().unwrap().to_owned();
        heard.insert(market, (frame["data"]["price_yes"].clone(), frame["data"]["shares_yes"].clone()));
        frames += 1;
    }
    assert!(frames < 2 * TRADES, "{frames} prices for {} trades", 2 * TRADES);
    // Another life of the feeds: the snapshot comes by itself, and has these prices.
    stage.engine.crash("feeds").await;
    let anew = watcher.next_of("subscribed").await;
    assert_eq!((&anew["channel"], anew.get("id")), (&json!("ticker"), None));
    for price in anew["snapshot"]["prices"].as_array().unwrap() {
        let known = &newest[price["market_id"].as_str().unwrap()];
        assert_eq!((&price["price_yes"], &price["shares_yes"]), (&known.0, &known.1));
    }
    assert!(watcher.next_of("heartbeat").await["channels"].get("ticker").is_none());
}
