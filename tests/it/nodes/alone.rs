//! Two engines on one database without a Redis: by mistake, or while it is not there yet.

use std::time::Duration;

use serde_json::json;
use zmart::domain::event::Outcome;
use zmart_testkit::{
    audit,
    chain::{Chain, SOL, wallet_of},
    compare::differences,
    engine::Engine,
    http::{get, try_request},
    load::subscribers,
    patience::wait_for,
    postgres::{Cluster, Database},
    socket::Connection,
    stage::Stage,
};

use super::stage::{Nodes, reason};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_engines_without_redis_one_writes_the_other_says_why_it_does_not_and_both_show_the_same() {
    let mut nodes = Nodes::set(2, false).await;
    let [leader, follower] = [
        nodes.told(0).await.unwrap(),
        nodes.says(1, "it follows", |told| told["parts"]["bus"]["status"] == "degraded").await,
    ];
    assert_eq!((&leader["status"], &follower["status"]), (&json!("ready"), &json!("ready")));
    assert_eq!(leader["parts"]["lease"]["status"], "up", "{leader}");
    assert!(reason(&leader, "bus").contains("REDIS_URL is not set, single node"), "{leader}");
    assert!(
        reason(&follower, "lease").contains("node-0 leads, term 1: this one follows and writes nothing"),
        "{follower}"
    );
    assert!(
        reason(&follower, "bus").contains("REDIS_URL is not set") && reason(&follower, "bus").contains("PostgreSQL")
    );
    for part in ["journal", "live", "coverage", "rpc", "outbox"] {
        assert_eq!(follower["parts"][part]["status"], "off", "{follower}");
    }

    let client = nodes.chain.client().clone();
    let creator = client.funded_wallet().await;
    let market = nodes.chain.active_market(&creator, 100 * SOL).await;
    nodes.shown(1, market).await;
    let listening = subscribers(&nodes.engines[1].ws, 2, &[market]).await;
    for step in 0..5 {
        client.buy(market, &creator, Outcome::Yes, SOL / 2 + step).await;
    }
    wait_for("the follower's clients to hear every trade", || async {
        let heard: Vec<usize> = listening.iter().map(|one| one.trades_heard()).collect();
        if heard.iter().all(|trades| *trades == 5) { Ok(()) } else { Err(format!("{heard:?}")) }
    })
    .await;
    for one in listening {
        let notebook = one.stop().await;
        assert_eq!((notebook.faults, notebook.connections), (Vec::new(), 1));
    }

    // Who leads and is told to end gives the lease up: the other need not wait for its end.
    let status = nodes.engines[0].stop().await;
    assert!(status.success(), "{status}");
    // Given up, the lease has no end that could come by itself; or the other has taken it since, whose term it is then.
    const GIVEN_UP: &str = "SELECT expires_at = '-infinity' OR term = 2 FROM leases WHERE name = 'engine'";
    let given_up: bool = nodes.database.connect().await.query_one(GIVEN_UP, &[]).await.unwrap().get(0);
    assert!(given_up, "it was left to run out");
    let (node, term) = nodes.another_leads(&[1]).await;
    assert_eq!((node, term), (1, 2));
    client.buy(market, &creator, Outcome::No, SOL).await;
    wait_for("the new leader to write", || async {
        let path = format!("/api/markets/{market}");
        let shown = try_request("GET", &nodes.engines[1].api, &path, &[], b"").await.unwrap().json();
        if shown["trades_count"] == 6 { Ok(()) } else { Err(shown) }
    })
    .await;
    // It comes back as what it is now: one that follows. And its own name is no reason to take over.
    nodes.engines[0].start().await;
    nodes.is(0, "follower").await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(
        nodes.told(1).await.unwrap()["lease"],
        json!({"node": "node-1", "role": "leader", "leader": "node-1", "term": 2})
    );
    assert_eq!(audit::breaches(&nodes.database).await, Vec::<String>::new());
    let found = differences(&nodes.database, &client, &[market], &[wallet_of(&creator)]).await;
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_killed_and_started_again_under_its_name_leads_again_at_once() {
    let mut nodes = Nodes::set(1, false).await;
    let valid = "SELECT expires_at > now() + interval '3 s' FROM leases WHERE name = 'engine'";
    for term in 2..4 {
        nodes.engines[0].kill();
        let is_valid: bool = nodes.database.connect().await.query_one(valid, &[]).await.unwrap().get(0);
        nodes.engines[0].start().await;
        nodes.engines[0].ready().await;
        let told = nodes.told(0).await.unwrap();
        assert_eq!((&told["lease"]["role"], &told["lease"]["term"]), (&json!("leader"), &json!(term)), "{told}");
        assert!(is_valid, "the lease of the killed one was good for longer than this took");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_of_one_name_the_second_holds_both_offices_and_the_first_does_not_say_that_it_does() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let start = async || {
        let mut engine = Engine::on(&chain, &database);
        engine.set("NODE_ID", "twin");
        engine.start().await;
        engine.ready().await;
        engine
    };
    let (first, second) = (start().await, start().await);
    let says = async |engine: &Engine, role: &'static str| {
        wait_for(&format!("one to say that it is {role} in both offices, term 2"), || async {
            let told = get(&engine.api, "/ready").await.json();
            let is = |office: &str| told[office]["role"] == role && told[office]["term"] == 2;
            if is("lease") && is("governance") { Ok(told) } else { Err(told) }
        })
        .await
    };
    says(&second, "leader").await;
    let told = says(&first, "follower").await;
    assert!(reason(&told, "lease").contains("another process named twin leads, term 2"), "{told}");
    assert!(reason(&told, "governance").contains("another process named twin governs, term 2"), "{told}");
    assert!(reason(&told, "governance").contains("each node needs a NODE_ID of its own"), "{told}");
}

/// Longer than others: the lease has to expire while nobody can renew it.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_database_was_away_for_longer_than_its_lease_goes_on_in_the_same_term_with_its_memory() {
    let mut cluster = Cluster::start().await;
    let stage = Stage::on_cluster(&cluster).await;
    let client = stage.chain.client().clone();
    let creator = client.funded_wallet().await;
    let market = stage.chain.active_market(&creator, 100 * SOL).await;
    stage.shown_active(market).await;
    let term = async || get(&stage.engine.api, "/ready").await.json()["lease"]["term"].clone();
    assert_eq!(term().await, 1);
    cluster.kill();
    let reason = stage.engine.down("lease").await;
    assert!(reason.contains("nothing is written until it is, or another node leads"), "{reason}");
    client.buy(market, &creator, Outcome::Yes, SOL).await;
    // It ran out a second after that, and has nobody to say so.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let subscribed = Connection::open(&stage.engine.ws).await.subscribe(market, None).await;
    assert_eq!(subscribed["snapshot"]["state"], "ACTIVE", "what was durable is shown all the while: {subscribed}");
    cluster.up().await;
    stage.engine.ready().await;
    assert_eq!(term().await, 1, "nobody has taken it");
    wait_for("the trade that was made meanwhile", || async {
        let shown = get(&stage.engine.api, &format!("/api/markets/{market}")).await.json();
        if shown["trades_count"] == 1 { Ok(()) } else { Err(shown) }
    })
    .await;
    assert_eq!(audit::breaches(&stage.database).await, Vec::<String>::new());
}
