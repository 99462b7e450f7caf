//! The first start and what may not be started: migrations, another chain, a clean end.

use zmart_testkit::{chain::Chain, engine::Engine, patience::within, postgres::Database, stage::Stage};

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_migrate_at_once_both_succeed() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let engine = Engine::on(&chain, &database);
    let (one, other) = tokio::join!(engine.run(&["migrate"]), engine.run(&["migrate"]));
    for output in [one, other] {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let rows = database.connect().await;
    let twice = rows
        .query("SELECT version FROM refinery_schema_history GROUP BY version HAVING count(*) > 1", &[])
        .await
        .unwrap();
    assert!(twice.is_empty());
    let again = engine.run(&["migrate"]).await;
    assert!(again.status.success(), "a second time: {}", String::from_utf8_lossy(&again.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_another_chain_is_refused() {
    let mut stage = Stage::set().await;
    assert!(stage.engine.stop().await.success(), "a clean end is a success");

    let other = Chain::start().await;
    let engine = Engine::on(&other, &stage.database);
    let output = within("an engine on the wrong chain to give up", engine.run(&["serve"])).await;

    assert!(!output.status.success());
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for genesis in [&stage.chain.genesis, &other.genesis] {
        assert!(said.contains(genesis.as_str()), "{genesis} is not named: {said}");
    }
    let rows = stage.database.connect().await;
    let kept: String = rows.query_one("SELECT genesis_hash FROM chain_identity", &[]).await.unwrap().get(0);
    assert_eq!(kept, stage.chain.genesis);
}
