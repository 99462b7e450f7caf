//! The leader stands still, and wakes up when another leads.

use zmart::domain::event::Outcome;
use zmart_testkit::{audit, chain::SOL, load::subscribers, patience::wait_for, process::signal};

use super::stage::Nodes;

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_paused_finds_its_term_over_writes_nothing_and_follows() {
    let mut nodes = Nodes::set(2, true).await;
    let client = nodes.chain.client().clone();
    let creator = client.funded_wallet().await;
    let market = nodes.chain.active_market(&creator, 100 * SOL).await;
    nodes.shown(0, market).await;
    let listening = subscribers(&nodes.engines[0].ws, 2, &[market]).await;
    client.buy(market, &creator, Outcome::Yes, SOL).await;
    wait_for("the first trade to be heard", || async {
        let heard = listening[0].trades_heard();
        if heard == 1 { Ok(()) } else { Err(heard) }
    })
    .await;

    signal("STOP", nodes.engines[0].id());
    let (node, term) = nodes.another_leads(&[1]).await;
    assert_eq!((node, term), (1, 2));
    for step in 0..4 {
        client.buy(market, &creator, Outcome::from(step % 2 == 0), SOL + step).await;
    }
    const WRITTEN: &str = "SELECT count(*) FROM trades WHERE market = $1::text";
    let rows = nodes.database.connect().await;
    wait_for("the new leader to write", || async {
        let written: i64 = rows.query_one(WRITTEN, &[&market.to_string()]).await.unwrap().get(0);
        if written == 5 { Ok(()) } else { Err(written) }
    })
    .await;

    signal("CONT", nodes.engines[0].id());
    nodes.is(0, "follower").await;
    client.buy(market, &creator, Outcome::Yes, SOL / 3).await;
    // Its own clients kept their connections: they hear all of it from the node that it is now.
    wait_for("the clients of the paused node to hear every trade", || async {
        let heard: Vec<usize> = listening.iter().map(|one| one.trades_heard()).collect();
        if heard.iter().all(|trades| *trades == 6) { Ok(()) } else { Err(format!("{heard:?}")) }
    })
    .await;
    for one in listening {
        let notebook = one.stop().await;
        assert!(notebook.faults.is_empty(), "{:#?}", notebook.faults);
    }
    assert!(nodes.engines[0].is_running(), "it goes on as a node that follows");
    assert_eq!(nodes.told(1).await.unwrap()["lease"]["term"], 2, "it took nothing back");
    assert_eq!(audit::breaches(&nodes.database).await, Vec::<String>::new());
}
