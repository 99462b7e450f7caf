//! `trades` and `markets`: every market's entries with numbers of the channel's own.

use serde_json::{Value, json};
use zmart::domain::event::Outcome;
use zmart_testkit::{chain::SOL, patience::wait_for, stage::Stage};

use super::{seqs, stage_with, subscribe, texts, welcomed};

const TRADES: u64 = 8;

async fn stored(stage: &Stage, column: &str) -> u64 {
    let sql = format!("SELECT coalesce(max({column}), 0)::bigint FROM journal");
    stage.database.connect().await.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0).unsigned_abs()
}

#[tokio::test(flavor = "multi_thread")]
async fn trades_of_all_markets_come_once_in_one_order_and_are_the_same_on_every_connection_and_in_every_replay() {
    let (mut stage, made) = stage_with(3).await;
    let mut watchers = [welcomed(&stage).await, welcomed(&stage).await];
    let mut epoch = 0;
    for watcher in &mut watchers {
        let answer = subscribe(watcher, "trades", None, json!({})).await;
        assert_eq!((&answer["recovered"], &answer["seq"]), (&json!(false), &json!(0)), "{answer}");
        assert_eq!(answer["snapshot"]["trades"], json!([]), "{answer}");
        assert!(answer.get("market_id").is_none(), "{answer}");
        epoch = answer["epoch"].as_u64().unwrap();
    }
    let client = stage.chain.client().clone();
    let trade = async |count: u64| {
        let one = |at: usize| client.buy(made[at].0, &made[at].1, Outcome::Yes, SOL + count);
        tokio::join!(one(0), one(1), one(2));
    };
    // The feeds die in the middle: hubs attach to the next life, and nobody notices.
    for count in 0..TRADES {
        if count == TRADES / 2 {
            stage.engine.crash("feeds").await;
        }
        trade(count).await;
    }
    let all = TRADES * 3;
    let [first, second] = &mut watchers;
    let live = texts(first, "trades", all).await;
    assert_eq!(seqs(&live), (1..=all).collect::<Vec<_>>());
    assert_eq!(texts(second, "trades", all).await, live);
    for text in &live {
        let frame: Value = serde_json::from_str(text).unwrap();
        assert_eq!((&frame["type"], &frame["market_id"]), (&json!("trade_executed"), &frame["data"]["market_id"]));
        assert_eq!(frame["market_seq"], frame["data"]["seq"], "{frame}");
    }

    let replayed = async |stage: &Stage, since: u64| {
        let mut connection = welcomed(stage).await;
        let answer = subscribe(&mut connection, "trades", Some((epoch, since)), json!({})).await;
        assert_eq!(
            (&answer["recovered"], &answer["seq"], &answer["head_seq"]),
            (&json!(true), &json!(since), &json!(all))
        );
        texts(&mut connection, "trades", all).await
    };
    assert_eq!(replayed(&stage, 0).await, live);
    assert_eq!(replayed(&stage, all - 2).await, live[live.len() - 2..]);
    stage.engine.crash("feeds").await;
    assert_eq!(replayed(&stage, 0).await, live, "by another life of the feeds");
    stage.engine.kill();
    stage.engine.start().await;
    stage.engine.ready().await;
    assert_eq!(replayed(&stage, 0).await, live, "by another life of the engine");
    let mut late = welcomed(&stage).await;
    let answer = subscribe(&mut late, "trades", Some((epoch, all + 1)), json!({})).await;
    assert_eq!((&answer["recovered"], &answer["seq"]), (&json!(false), &json!(all)), "an entry of the future");
    let newest: Vec<_> = answer["snapshot"]["trades"].as_array().unwrap().iter().map(|trade| &trade["seq"]).collect();
    assert_eq!(newest.len() as u64, all);
    // And on it goes.
    trade(99).await;
    assert_eq!(seqs(&texts(&mut late, "trades", all + 3).await), [all + 1, all + 2, all + 3]);
    assert_eq!(stored(&stage, "trades_seq").await, all + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn markets_tells_what_a_list_shows_and_no_prices() {
    let (stage, made) = stage_with(1).await;
    let mut watcher = welcomed(&stage).await;
    let answer = subscribe(&mut watcher, "markets", None, json!({})).await;
    let known = answer["seq"].as_u64().unwrap();
    assert_eq!(answer["snapshot"]["markets"][0]["id"], json!(made[0].0.to_string()), "{answer}");
    assert_eq!(answer["snapshot"]["markets"][0]["state"], "ACTIVE");
    let client = stage.chain.client();
    // Trades are not among it; a market's life is.
    client.buy(made[0].0, &made[0].1, Outcome::Yes, SOL).await;
    let creator = client.funded_wallet().await;
    let market = stage.chain.active_market(&creator, 100 * SOL).await;
    wait_for("the new market's entries", || async {
        let head = stored(&stage, "markets_seq").await;
        if head >= known + 4 { Ok(()) } else { Err(head) }
    })
    .await;
    let head = stored(&stage, "markets_seq").await;
    let live = texts(&mut watcher, "markets", head).await;
    assert_eq!(seqs(&live), (known + 1..=head).collect::<Vec<_>>());
    let frames: Vec<Value> = live.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert!(frames.iter().all(|frame| frame["type"] == "market_update" && frame["market_id"] == market.to_string()));
    let market_seqs: Vec<_> = frames.iter().map(|frame| frame["market_seq"].as_u64().unwrap()).collect();
    assert_eq!(market_seqs, (1..=head - known).collect::<Vec<_>>());
    assert_eq!(frames[0]["data"]["action"], "created");
    assert_eq!(frames[0]["data"]["market"]["seq"], json!(1), "the market's own number: {}", frames[0]);
    let mut again = welcomed(&stage).await;
    let epoch = answer["epoch"].as_u64().unwrap();
    let answer = subscribe(&mut again, "markets", Some((epoch, known)), json!({})).await;
    assert_eq!(answer["recovered"], json!(true), "{answer}");
    assert_eq!(texts(&mut again, "markets", head).await, live);
    // A heartbeat names it with the newest that was sent.
    let beat = again.next_of("heartbeat").await;
    assert_eq!(beat["channels"]["markets"], json!({"epoch": epoch, "seq": head}), "{beat}");
}
