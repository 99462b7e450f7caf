//! A sender who is told 200 never loses: whatever dies afterwards, and wherever the delivery came in.

use std::time::Duration;

use zmart::domain::event::Outcome;
use zmart_testkit::{
    audit,
    chain::SOL,
    engine::Engine,
    helius::{AUTH, Sender, body, landed, raw},
    patience::wait_for,
    postgres::{Cluster, Database},
};

use super::{Deaf, recorded, settled};

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_outlives_a_kill_after_its_commit_and_one_before_its_row_says_so() {
    let mut deaf = Deaf::set(Database::fresh().await, &[]).await;
    let buyer = deaf.client.funded_wallet().await;
    let mut trades = Vec::new();
    for point in ["webhook:kept", "deliveries:brought"] {
        deaf.engine.die_at(point).await;
        let mut last = Vec::new();
        // The second point is passed only where no pass of coverage, of the engine's start, was quicker.
        while deaf.engine.is_running() && trades.len() < 50 {
            let trade = deaf.client.buy(deaf.market, &buyer, Outcome::Yes, SOL).await;
            last = body(&[raw(&landed(&deaf.client.rpc_url, trade).await)]);
            trades.push(trade);
            // At the first point its sender gets no answer, at the second it may have got one. What is refused is sent again.
            for _ in 0..100 {
                let Ok(answer) = deaf.sender().try_deliver(&last).await else { break };
                tokio::time::sleep(Duration::from_millis(500)).await;
                if answer.status == 200 {
                    break;
                }
            }
        }
        deaf.engine.has_died().await;
        deaf.engine.start().await;
        let again = deaf.sender().deliver(&last).await;
        assert_eq!(again.status, 200, "{again:?}");
        deaf.engine.ready().await;
    }
    // The actor that works them off panics in between.
    deaf.engine.crash("deliveries").await;
    let trade = deaf.client.buy(deaf.market, &buyer, Outcome::No, SOL).await;
    deaf.sender().until_taken(&body(&[raw(&landed(&deaf.client.rpc_url, trade).await)])).await;
    trades.push(trade);
    let known = deaf.has(&trades).await;
    assert_eq!(known[known.len() - trades.len()..], trades[..], "each once");
    settled(&deaf.database, trades.len()).await;
    assert_eq!(audit::breaches(&deaf.database).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_nobody_is_told_200_and_what_is_sent_again_is_taken() {
    let mut cluster = Cluster::start().await;
    let deaf = Deaf::set(cluster.database().await, &[]).await;
    let buyer = deaf.client.funded_wallet().await;
    let trade = deaf.client.buy(deaf.market, &buyer, Outcome::Yes, SOL).await;
    let delivery = body(&[raw(&landed(&deaf.client.rpc_url, trade).await)]);
    cluster.stop();
    let away = deaf.sender().deliver(&delivery).await;
    assert_eq!((away.status, away.body["error"].as_str()), (503, Some("UNAVAILABLE")), "{away:?}");
    assert!(away.retry_after.is_some(), "{away:?}");
    cluster.up().await;
    deaf.sender().until_taken(&delivery).await;
    deaf.has(&[trade]).await;
    // The engine goes before its server.
    drop(deaf);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_lead_takes_a_delivery_and_the_leader_works_it_off() {
    let deaf = Deaf::set(Database::fresh().await, &[("NODE_ID", "leader")]).await;
    let mut other = Engine::on(&deaf.chain, &deaf.database);
    for (name, value) in [("NODE_ID", "other"), ("ROLES", "indexer"), ("HELIUS_AUTH_HEADER", AUTH)] {
        other.set(name, value);
    }
    other.start().await;
    let buyer = deaf.client.funded_wallet().await;
    let trade = deaf.client.buy(deaf.market, &buyer, Outcome::Yes, SOL).await;
    let delivery = body(&[raw(&landed(&deaf.client.rpc_url, trade).await)]);
    wait_for("the other node to follow", || async {
        let told = zmart_testkit::http::get(&other.indexer, "/ready").await.json();
        if told["lease"]["leader"] == "leader" { Ok(()) } else { Err(told) }
    })
    .await;
    assert_eq!(Sender::to(&other.indexer).deliver(&delivery).await.status, 200);
    deaf.has(&[trade]).await;
    // The same at the other door: it is one table.
    let again = deaf.sender().deliver(&delivery).await;
    assert_eq!(again.body["status"], "known");
    assert_eq!(recorded(&deaf.database, deaf.market).await.iter().filter(|one| **one == trade).count(), 1);
}
