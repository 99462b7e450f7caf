//! Prices for who wants them less often: no trade is missed, and the last price is the same.

use serde_json::{Value, json};
use zmart::domain::event::Outcome;
use zmart_testkit::chain::SOL;

use super::{stage_with, subscribe, welcomed};

const TRADES: u64 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_prices_less_often_misses_no_trade_and_ends_at_the_same_price() {
    let (stage, made) = stage_with(1).await;
    let (market, trader) = (made[0].0, &made[0].1);
    let channel = format!("market:{market}");
    let (mut all, mut some) = (welcomed(&stage).await, welcomed(&stage).await);
    let known = subscribe(&mut all, &channel, None, json!({})).await["seq"].as_u64().unwrap();
    subscribe(&mut some, &channel, None, json!({"conflate": true, "interval_ms": 400})).await;
    let client = stage.chain.client().clone();
    for count in 0..TRADES {
        client.buy(market, trader, if count % 3 == 0 { Outcome::No } else { Outcome::Yes }, SOL + count).await;
    }
    let head = known + TRADES;
    let (mut trades, mut prices) = (Vec::new(), Vec::new());
    while prices.len() < TRADES as usize {
        let frame = all.next_frame().await;
        match frame["type"].as_str().unwrap() {
            "trade_executed" => trades.push(frame),
            "price_update" => prices.push(frame),
            _ => {}
        }
    }
    let (mut own_trades, mut own_prices, mut last) = (Vec::new(), Vec::<Value>::new(), known);
    while own_prices.last().is_none_or(|price| price["seq"] != head) {
        let frame = some.next_frame().await;
        let seq = frame["seq"].as_u64().unwrap_or(last);
        assert!(seq >= last, "{frame} after {last}");
        last = seq;
        match frame["type"].as_str().unwrap() {
            "trade_executed" => own_trades.push(frame),
            "price_update" => own_prices.push(frame),
            _ => {}
        }
    }
    assert_eq!(own_trades, trades, "all of them, as they are");
    assert!(own_prices.len() < prices.len(), "{} prices for {TRADES} trades", own_prices.len());
    // Together they stand for all.
    let mut next = known + 1;
    for price in &own_prices {
        let (seq, from) = (price["seq"].as_u64().unwrap(), price["from_seq"].as_u64());
        assert_eq!(from.unwrap_or(seq), next, "{price}");
        assert_eq!(price["data"]["conflated"].as_u64().unwrap_or(1), seq + 1 - next, "{price}");
        next = seq + 1;
    }
    let newest = |prices: &[Value]| {
        let data = &prices.last().unwrap()["data"];
        (data["price_yes"].clone(), data["shares_yes"].clone(), data["shares_no"].clone())
    };
    assert_eq!(newest(&own_prices), newest(&prices));
    // Who lost a price with his connection is told it when he resumes.
    let mut back = welcomed(&stage).await;
    let epoch = prices[0]["epoch"].as_u64().unwrap();
    let answer = subscribe(&mut back, &channel, Some((epoch, head)), json!({"conflate": true})).await;
    let price = &answer["price"];
    assert_eq!((price["price_yes"].clone(), price["shares_yes"].clone(), price["shares_no"].clone()), newest(&prices));
}
