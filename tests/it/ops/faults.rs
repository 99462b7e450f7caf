//! Faults of every kind of actor, one by one: it panics, it is slow, its thread hangs; and the process goes on.

use std::time::Duration;

use solana_sdk::signature::Keypair;
use zmart_testkit::{
    chain::{Chain, SOL},
    engine::Engine,
    postgres::Database,
    stage::Stage,
};

use super::{actor, actor_becomes, order, told};

/// By which name faults are ordered, and what the census calls it.
const KINDS: [(&str, &str); 22] = [
    ("lease", "keeper of the lease"),
    ("herald", "herald"),
    ("marker", "dirty marker"),
    ("writer", "journal writer"),
    ("reader", "chain reader"),
    ("registry", "registry"),
    ("listener", "listener"),
    ("stats", "stats keeper"),
    ("outbox", "outbox reader"),
    ("ledgers", "keeper of ledgers"),
    ("submissions", "submissions"),
    ("clock", "clock"),
    ("sweeper", "sweeper"),
    ("feeds", "feeds"),
    ("deliveries", "deliveries"),
    ("verifier", "verifier"),
    ("governance", "keeper of the lease of governance"),
    ("aggregator", "aggregator"),
    ("monitor", "monitor"),
    ("submitter", "submitter"),
    ("hub", "hub"),
    ("config", "streams"),
];

/// Kinds that have no life where this node leads, or is not configured so.
const WITHOUT_A_LIFE: [&str; 1] = ["follower"];

/// The thread of a kind, where it has another name than faults have.
fn thread_of(name: &str) -> &str {
    match name {
        "hub" => "websocket",
        "config" => "streams-0",
        own => own,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_actor_may_panic_hang_or_be_slow_and_the_process_goes_on() {
    let mut stage = Stage::set().await;
    let all = told(&stage.engine, "/actors").await;
    let names = all["actors"].as_array().unwrap().iter().map(|actor| actor["name"].as_str().unwrap());
    let known = |name: &&str| {
        // Panics of a gateway are a unit test's: `a_gateway_that_died_is_replaced`.
        ["root", "gateway"].contains(name)
            || WITHOUT_A_LIFE.contains(name)
            || KINDS.iter().any(|(_, kind)| kind == name)
    };
    let unknown: Vec<&str> = names.filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}: add them to KINDS, and a way to make them panic");

    for (fault, _) in KINDS {
        stage.engine.crash(fault).await;
    }
    for (_, kind) in KINDS {
        // The config's actor is begun when it is next needed; hubs, too.
        actor_becomes(&stage.engine, kind, "has panicked and lives again", |actor| {
            actor["panics"].as_u64() >= Some(1)
                && actor["status"] == "running"
                && (kind == "hub" || actor["restarts"].as_u64() >= Some(1))
                && actor["last_panic"]["message"].as_str().is_some_and(|message| message.contains("asked to crash"))
        })
        .await;
    }
    stage.engine.ready().await;

    for (fault, _) in KINDS {
        stage.engine.slow(thread_of(fault), Duration::from_millis(3)).await;
        stage.engine.hang(thread_of(fault), Duration::from_millis(200)).await;
    }
    // All that an entry goes through, with every one of them slow.
    let creator: Keypair = stage.chain.client().funded_wallet().await;
    let market = stage.chain.active_market(&creator, 100 * SOL).await;
    stage.shown_active(market).await;
    for (fault, kind) in KINDS {
        assert_eq!(actor(&stage.engine, kind).await["status"], "running", "{kind}");
        stage.engine.slow(thread_of(fault), Duration::ZERO).await;
    }
    assert_eq!(told(&stage.engine, "/actors").await["panics_elsewhere"], 0);
    stage.engine.ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_used_up_its_restarts_and_can_be_spared_waits_for_an_operator() {
    let chain = Chain::start().await;
    let mut engine = Engine::on(&chain, &Database::fresh().await);
    engine.set("RESTARTS_OF", "stats keeper=1/3600/1..1");
    engine.start().await;
    engine.ready().await;
    engine.crash("stats").await;
    actor_becomes(&engine, "stats keeper", "lives again", |keeper| {
        keeper["restarts"] == 1 && keeper["status"] == "running"
    })
    .await;
    engine.crash("stats").await;
    actor_becomes(&engine, "stats keeper", "waits for an operator", |keeper| keeper["status"] == "failed").await;
    let all = told(&engine, "/actors").await;
    let service =
        all["services"].as_array().unwrap().iter().find(|service| service["name"] == "event-indexer").unwrap();
    assert_eq!(service["status"], "failed", "{service:#}");
    let ready = told(&engine, "/ready").await;
    assert_eq!(ready["parts"]["restarts"]["status"], "degraded", "{ready:#}");
    assert_eq!(order(&engine, "POST", "/actors/stats%20keeper/start", "").await.0, 202);
    actor_becomes(&engine, "stats keeper", "lives again", |keeper| keeper["status"] == "running").await;
    assert_eq!(told(&engine, "/ready").await["parts"]["restarts"]["status"], "up");
}
