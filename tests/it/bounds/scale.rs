//! Many markets in the journal, some of them in use: `scripts/scale` in small, without a watch.

use serde_json::json;
use zmart::domain::ids::{Epoch, MarketAddress};
use zmart_testkit::{http::get, patience::wait_for, seed, socket::Connection, stage::Stage};

const MARKETS: u64 = 2_000;
const TOUCHED: usize = 500;
/// Channels that one connection may have, and the look-ups that the registry makes at once.
const AT_ONCE: usize = 100;

async fn streams_are(stage: &Stage, what: &str, wanted: impl Fn(u64) -> bool) {
    wait_for(what, || async {
        let running = get(&stage.engine.api, "/ready").await.json()["streams"].as_u64().unwrap();
        if wanted(running) { Ok(()) } else { Err(format!("{running} streams run")) }
    })
    .await;
}

/// Subscribes to each and reads its snapshot; stays subscribed to the last [`AT_ONCE`].
async fn touch(stage: &Stage, markets: &[MarketAddress]) -> Connection {
    let mut connection = Connection::open(&stage.engine.ws).await;
    for (round, some) in markets.chunks(AT_ONCE).enumerate() {
        if round > 0 {
            connection.send(json!({"id": round, "action": "unsubscribe"})).await;
            connection.answer_to(&json!(round)).await;
        }
        let channels: Vec<String> = some.iter().map(|market| format!("market:{market}")).collect();
        connection.send(json!({"action": "subscribe", "channels": channels})).await;
        for _ in some {
            let answer = connection.next_of("subscribed").await;
            assert_eq!((&answer["recovered"], &answer["seq"]), (&json!(false), &json!(1)), "{answer}");
        }
    }
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn only_markets_in_use_run_and_those_that_were_used_come_to_rest() {
    let mut stage = Stage::set().await;
    // The journal is of this chain and covered by now: what is seeded is history that nobody asks for.
    stage.engine.stop().await;
    let client = stage.database.connect().await;
    let epoch: i32 = client.query_one("SELECT max(epoch) FROM journal_epochs", &[]).await.unwrap().get(0);
    seed::markets(&client, Epoch(epoch as u32), MARKETS).await;
    stage.engine.set("STREAM_IDLE_MS", "2000");
    stage.engine.start().await;
    stage.engine.ready().await;
    streams_are(&stage, "only the config to run", |running| running <= 1).await;

    let markets = seed::addresses(&client, TOUCHED as u64).await;
    let connection = touch(&stage, &markets).await;
    streams_are(&stage, "those that somebody listens to, and no others", |running| running == AT_ONCE as u64 + 1).await;
    drop(connection);
    streams_are(&stage, "all but the config to rest", |running| running <= 1).await;

    // Found again, each is as it was; nothing was healed, adopted or given up on the way, though the chain has none of them.
    drop(touch(&stage, &markets[..AT_ONCE]).await);
    let odd = "SELECT (SELECT count(*) FROM dead_letters) + (SELECT count(*) FROM journal WHERE kind = 'resync')
                    + (SELECT count(*) FROM markets WHERE last_seq <> 1)";
    assert_eq!(client.query_one(odd, &[]).await.unwrap().get::<_, i64>(0), 0);
}
