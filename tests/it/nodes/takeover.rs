//! The leader dies under load.

use std::sync::Arc;

use tokio::sync::Semaphore;
use zmart_testkit::{
    audit,
    load::{Load, everybody_heard_everything, finish, rows_equal_accounts},
    patience::wait_for,
    subscriber::Subscriber,
};

use super::stage::Nodes;

const MARKETS: usize = 3;
const WALLETS: usize = 4;
const TRADES: usize = 160;

#[tokio::test(flavor = "multi_thread")]
async fn when_the_leader_is_killed_under_load_another_takes_over_and_no_client_misses_or_repeats_anything() {
    let mut nodes = Nodes::set(3, true).await;
    let client = nodes.chain.client().clone();
    let load = Load::prepare(&nodes.chain, MARKETS, WALLETS, TRADES).await;
    for market in &load.markets {
        for node in 0..3 {
            nodes.shown(node, *market).await;
        }
    }
    // Each begins on another node; whoever loses his comes back to the next, with what he has.
    let listening: Vec<Subscriber> =
        (0..6).map(|number| Subscriber::start_on(nodes.sockets_from(number), &load.markets)).collect();
    wait_for("every subscriber to have a first state", || async {
        let waiting = listening.iter().filter(|one| !one.follows(MARKETS)).count();
        if waiting == 0 { Ok(()) } else { Err(waiting) }
    })
    .await;
    let permits = Arc::new(Semaphore::new(TRADES / 4));
    let traders = load.start(&client, &permits);
    let mut alive = vec![0, 1, 2];
    let mut leader = 0;
    for kill in 1..=2 {
        wait_for("trades to go on", || async {
            let done = load.done();
            if done >= kill * TRADES / 4 - 10 { Ok(()) } else { Err(done) }
        })
        .await;
        permits.add_permits(TRADES / 4);
        // In the middle of them.
        nodes.engines[leader].kill();
        alive.retain(|node| *node != leader);
        let (next, term) = nodes.another_leads(&alive).await;
        assert_eq!(term, i64::try_from(kill).unwrap() + 1, "each takeover is the next term");
        if kill == 1 {
            // It comes back, and follows: the second time there is somebody to take over again.
            nodes.engines[leader].start().await;
            nodes.is(leader, "follower").await;
            alive.push(leader);
        }
        leader = next;
    }
    permits.add_permits(TRADES);
    let sent = finish(traders).await;
    assert_eq!(sent.values().map(Vec::len).sum::<usize>(), TRADES);
    let connections: Vec<u32> = listening.iter().map(|one| one.notebook().connections).collect();
    assert!(connections.iter().any(|count| *count > 1), "somebody lost his node: {connections:?}");
    everybody_heard_everything(listening, &sent, &nodes.database, &client).await;
    rows_equal_accounts(&load, &nodes.database, &client).await;
    wait_for("all to be settled", || async {
        let breaches = audit::breaches(&nodes.database).await;
        if breaches.is_empty() { Ok(()) } else { Err(format!("{breaches:?}")) }
    })
    .await;
    assert_eq!(audit::dead_letters(&nodes.database).await, []);
    assert_eq!(audit::adoptions(&nodes.database).await, 0, "all of the history was there");
}
