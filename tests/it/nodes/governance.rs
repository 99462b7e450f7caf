//! The office of governance is its own: it need not be the leader's node, and it passes on without the engine's.

use serde_json::json;
use zmart_testkit::{chain::Chain, engine::Engine, http::try_request, patience::wait_for, postgres::Database};

use super::stage::reason;

/// Waits until that node holds the office of governance in that term, as PostgreSQL knows it.
async fn governs(database: &Database, node: &str, term: i64) {
    const SQL: &str = "SELECT node, term, expires_at > clock_timestamp() FROM leases WHERE name = 'governance'";
    let rows = database.connect().await;
    wait_for(&format!("{node} to govern in term {term}"), || async {
        match rows.query_opt(SQL, &[]).await.unwrap() {
            Some(row) => {
                let is = (row.get::<_, String>(0), row.get::<_, i64>(1), row.get::<_, bool>(2));
                if is == (node.to_owned(), term, true) { Ok(()) } else { Err(format!("{is:?}")) }
            }
            None => Err("nobody ever did".into()),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn governance_is_held_by_a_node_of_its_roles_that_need_not_lead_and_passes_to_another_without_the_leaders() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let start = async |name: &str, roles: &str| {
        let mut engine = Engine::on(&chain, &database);
        engine.set("NODE_ID", name);
        engine.set("ROLES", roles);
        engine.set("COVERAGE_INTERVAL_MS", "500");
        engine.start().await;
        engine
    };
    let leader = start("leader", "api,ws,indexer").await;
    leader.ready().await;
    let mut governor = start("governor", "api,aggregator,monitor").await;
    governor.ready().await;
    governs(&database, "governor", 1).await;
    let ready = async |engine: &Engine| try_request("GET", &engine.api, "/ready", &[], b"").await.unwrap().json();
    let told = ready(&governor).await;
    assert_eq!(told["lease"], json!({"node": "governor", "role": "follower", "leader": "leader", "term": 1}));
    assert_eq!(told["governance"], json!({"node": "governor", "role": "leader", "leader": "governor", "term": 1}));
    assert_eq!(told["parts"]["governance"]["status"], "up", "{told}");
    let told = ready(&leader).await;
    assert_eq!((&told["lease"]["role"], told.get("governance")), (&json!("leader"), None), "{told}");
    assert!(reason(&told, "governance").contains("ROLES names neither aggregator nor monitor"), "{told}");

    // One that has no server at all stands by, and takes over when the other is gone.
    let mut spare = start("spare", "monitor").await;
    governor.kill();
    governs(&database, "spare", 2).await;
    // Whoever comes back under a name that governed before is told who does now.
    governor.start().await;
    let told = wait_for("the one that was killed to stand by", || async {
        let told = ready(&governor).await;
        if told["governance"]["role"] == "follower" { Ok(told) } else { Err(told) }
    })
    .await;
    assert!(reason(&told, "governance").contains("node spare governs, term 2: this one stands by"), "{told}");
    // Told to end, it gives the office up: the other has it though the lease would have been good for longer.
    assert!(spare.stop().await.success());
    governs(&database, "governor", 3).await;
    assert_eq!(ready(&leader).await["lease"]["term"], 1, "the leader has led all the while");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_can_not_be_had_ends_the_start_of_a_node_that_governs_and_no_other_node_opens_it() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let mut engine = Engine::on(&chain, &database);
    engine.set("BACKEND_KEYPAIR_PATH", "/nowhere/backend.json");
    let ended = engine.run(&["serve"]).await;
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("/nowhere/backend.json can't be read"), "{said}");

    let keys = async |engine: &Engine| {
        let told = try_request("GET", &engine.api, "/ready", &[], b"").await.unwrap().json();
        told["parts"]["keys"].clone()
    };
    engine.set("ROLES", "api,ws,indexer");
    engine.start().await;
    engine.ready().await;
    assert!(keys(&engine).await.is_null());
    assert!(engine.stop().await.success());

    // Without any it runs, and says what it can't do.
    engine.set("ROLES", "api,ws,indexer,aggregator");
    engine.set("BACKEND_KEYPAIR_PATH", "");
    engine.start().await;
    engine.ready().await;
    let told = keys(&engine).await;
    assert_eq!(told["status"], "degraded", "{told}");
    assert!(told["reason"].as_str().unwrap().contains("no backend authority's key"), "{told}");
}
