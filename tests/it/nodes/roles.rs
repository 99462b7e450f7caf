//! What a node runs is what it is told to.

use serde_json::{Value, json};
use zmart::domain::event::Outcome;
use zmart_testkit::{
    chain::{Chain, SOL},
    engine::Engine,
    http::try_request,
    load::subscribers,
    patience::wait_for,
    postgres::Database,
};

use super::stage::reason;

async fn ready(at: &str) -> Value {
    try_request("GET", at, "/ready", &[], b"").await.map(|answer| answer.json()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_has_the_servers_of_its_roles_and_never_leads_without_the_indexers() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let mut nodes = Vec::new();
    for (name, roles) in [("reader", "api,ws"), ("writer", "indexer,monitor")] {
        let mut engine = Engine::on(&chain, &database);
        engine.set("NODE_ID", name);
        engine.set("ROLES", roles);
        engine.set("COVERAGE_INTERVAL_MS", "500");
        engine.start().await;
        nodes.push(engine);
    }
    let [reader, writer] = &mut nodes[..] else { panic!("two nodes") };
    assert!(reader.indexer.is_empty() && writer.api.is_empty() && writer.ws.is_empty(), "only what the roles name");
    wait_for("the writer to lead", || async {
        let told = ready(&writer.indexer).await;
        if told["lease"] == json!({"node": "writer", "role": "leader", "leader": "writer", "term": 1}) {
            Ok(())
        } else {
            Err(told)
        }
    })
    .await;
    reader.ready().await;
    let (client, creator) = (chain.client().clone(), chain.client().funded_wallet().await);
    let market = chain.active_market(&creator, 100 * SOL).await;
    let listening = subscribers(&reader.ws, 1, &[market]).await;
    client.buy(market, &creator, Outcome::Yes, SOL).await;
    wait_for("the reader's client to hear of the trade", || async {
        match listening[0].trades_heard() {
            1 => Ok(()),
            heard => Err(heard),
        }
    })
    .await;
    writer.kill();
    let told = wait_for("the reader to say that nobody leads", || async {
        let told = ready(&reader.api).await;
        if told["lease"]["role"] == "nobody" { Ok(told) } else { Err(told) }
    })
    .await;
    assert!(reason(&told, "lease").contains("this node may not (ROLES)"), "{told}");
    assert_eq!(told["status"], "ready", "it serves what is in the journal: {told}");
    let rows = database.connect().await;
    let term: i64 = rows.query_one("SELECT term FROM leases WHERE name = 'engine'", &[]).await.unwrap().get(0);
    assert_eq!(term, 1);
    assert_eq!(listening.into_iter().next().unwrap().stop().await.faults, Vec::<String>::new());
}
