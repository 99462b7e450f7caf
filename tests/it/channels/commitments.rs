//! What has become final is told, and never before it was sent.

use serde_json::{Value, json};
use zmart::domain::event::Outcome;
use zmart_testkit::chain::SOL;

use super::{stage_with, welcomed};

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_final_is_told_to_who_was_sent_it_and_never_before() {
    let (stage, made) = stage_with(1).await;
    let (market, trader) = (made[0].0, &made[0].1);
    let channel = format!("market:{market}");
    let client = stage.chain.client().clone();
    let mut watcher = welcomed(&stage).await;
    let answer = watcher.subscribe(market, None).await;
    let known = answer["seq"].as_u64().unwrap();
    assert!(answer["finalized_seq"].as_u64().is_none_or(|seq| seq <= known), "{answer}");
    for count in 0..3 {
        client.buy(market, trader, Outcome::Yes, SOL + count).await;
    }
    let (mut sent, mut told) = (known, answer["finalized_seq"].as_u64().unwrap_or(0));
    while told < known + 3 {
        let frame: Value = watcher.next().await.unwrap();
        match frame["type"].as_str().unwrap() {
            "trade_executed" => sent = frame["seq"].as_u64().unwrap(),
            "commitment" => {
                let seq = frame["seq"].as_u64().unwrap();
                assert!(seq > told && seq <= sent, "{frame} after {told}, sent is {sent}");
                let expected = json!({"type": "commitment", "channel": channel, "market_id": market.to_string(),
                                      "epoch": answer["epoch"], "seq": seq});
                assert_eq!(frame, expected);
                told = seq;
            }
            _ => {}
        }
    }
    // Who comes now is told at once; who resumes from before is told when he has it.
    let mut late = welcomed(&stage).await;
    let snapshot = late.subscribe(market, None).await;
    assert_eq!(snapshot["finalized_seq"], json!(known + 3), "{snapshot}");
    let mut back = welcomed(&stage).await;
    let resumed = back.subscribe(market, Some((answer["epoch"].as_u64().unwrap(), known))).await;
    assert!(resumed.get("finalized_seq").is_none(), "{resumed}");
    let mut order = Vec::new();
    while order.last() != Some(&("commitment".to_owned(), known + 3)) {
        let frame = back.next().await.unwrap();
        if let ("trade_executed" | "commitment", Some(seq)) = (frame["type"].as_str().unwrap(), frame["seq"].as_u64()) {
            order.push((frame["type"].as_str().unwrap().to_owned(), seq));
        }
    }
    let trades = (1..=3).map(|count| ("trade_executed".to_owned(), known + count));
    let expected: Vec<_> = trades.chain([("commitment".to_owned(), known + 3)]).collect();
    assert_eq!(order, expected);
}
