//! The set of changed markets in a real Redis: from whoever leads to whoever governs.

use std::time::Duration;

use zmart::{
    bus::{
        Bus,
        dirty::{DIRTY_BATCH, DIRTY_MAX},
        redis::RedisBus,
    },
    domain::ids::MarketAddress,
    journal::identity,
};
use zmart_testkit::{
    chain::{Chain, SOL},
    engine::Engine,
    http::get,
    patience::wait_for,
    postgres::Database,
    redis::Redis,
};

/// Slots long enough for a vote to be seen durable before it is final.
const SLOT_MS: &str = "100";

fn market(n: u32) -> MarketAddress {
    let mut bytes = [1; 32];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    MarketAddress(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_changed_market_is_given_to_one_taker_of_its_journal_and_so_many_are_kept_for_an_hour() {
    let redis = Redis::start().await;
    let bus = |name| RedisBus::new(&redis.url, name).unwrap();
    let (leader, one, other) = (bus("here").dirty(), bus("here").dirty(), bus("here").dirty());
    let markets: Vec<MarketAddress> = (0..40).map(market).collect();
    for _ in 0..2 {
        leader.mark(&markets).await.unwrap();
    }
    leader.mark(&[]).await.unwrap();
    assert_eq!(bus("elsewhere").dirty().take(9).await, Ok(vec![]), "another journal's nodes hear nothing of it");
    let left = redis.command("TTL zmart:changed:here").await.unwrap();
    let left: u64 = left.trim_start_matches(':').parse().unwrap();
    assert!((3_500..=3_600).contains(&left), "{left} s");
    let mut taken = Vec::new();
    for taker in [&one, &other, &one] {
        let some = taker.take(15).await.unwrap();
        assert!(some.len() <= 15);
        taken.extend(some);
    }
    taken.sort();
    assert_eq!(taken, markets, "each once");
    // What somebody else put there is no market.
    redis.command("SADD zmart:changed:here nonsense").await.unwrap();
    assert_eq!(one.take(5).await, Ok(vec![]));

    let many: Vec<MarketAddress> = (0..DIRTY_MAX as u32 + 1_000).map(market).collect();
    for batch in many.chunks(DIRTY_BATCH) {
        leader.mark(batch).await.unwrap();
    }
    assert_eq!(redis.command("SCARD zmart:changed:here").await, Some(format!(":{DIRTY_MAX}")));
    assert_eq!(one.take(usize::MAX).await.unwrap().len(), DIRTY_BATCH);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_is_out_of_reach_says_so_in_time_and_is_used_again_when_it_is_back() {
    let mut redis = Redis::start().await;
    let set = RedisBus::new(&redis.url, "here").unwrap().dirty();
    set.mark(&[market(1)]).await.unwrap();
    redis.hold();
    let asked = tokio::time::timeout(Duration::from_secs(30), set.take(1)).await.expect("an answer in time");
    assert!(asked.unwrap_err().to_string().starts_with("the set of changed markets is out of reach: "));
    redis.release();
    wait_for("it to answer again", || async { set.mark(&[market(2)]).await }).await;
    redis.kill();
    assert!(set.mark(&[market(3)]).await.is_err() && set.take(1).await.is_err());
    redis.up().await;
    wait_for("a new one to be used", || async { set.mark(&[market(4)]).await }).await;
    assert_eq!(set.take(9).await, Ok(vec![market(4)]), "what was in the old one is found by looking");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_is_marked_when_a_vote_on_it_is_durable_and_again_when_it_is_final() {
    let (chain, database, redis) = (Chain::with_slots_of(SLOT_MS).await, Database::fresh().await, Redis::start().await);
    let client = chain.client().clone();
    let mut engine = Engine::on(&chain, &database);
    engine.set("REDIS_URL", &redis.url);
    engine.set("COVERAGE_INTERVAL_MS", "500");
    // Nobody here takes from the set.
    engine.set("ROLES", "api,ws,indexer");
    engine.start().await;
    engine.ready().await;
    let creator = client.funded_wallet().await;
    let market = client.proposed_market(&creator, 100 * SOL).await;
    let quiet = client.proposed_market(&creator, 100 * SOL).await;
    for market in [market, quiet] {
        wait_for("the market to be shown", || async {
            let status = get(&engine.api, &format!("/api/markets/{market}")).await.status;
            if status == 200 { Ok(()) } else { Err(status) }
        })
        .await;
    }
    let rows = database.connect().await;
    let name = identity::stored_life(&rows).await.unwrap().unwrap().name();
    let set = RedisBus::new(&redis.url, &name).unwrap().dirty();
    assert_eq!(set.take(9).await, Ok(vec![]), "no vote, no news");
    client.vote(market, &creator, true).await;
    for step in ["durable", "final"] {
        wait_for(&format!("the market to be marked when its vote is {step}"), || async {
            match set.take(9).await {
                Ok(taken) if taken == [market] => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
}
