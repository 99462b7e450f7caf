//! The end of the process: in order, and in time.

use std::time::Duration;

use zmart_testkit::{
    chain::Chain,
    engine::Engine,
    postgres::Database,
    socket::{Connection, Ended},
    stage::Stage,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_end_tells_clients_then_ends_sources_then_writers_and_gives_the_leases_up() {
    let mut stage = Stage::set().await;
    let mut connection = Connection::open(&stage.engine.ws).await;
    let told = tokio::spawn(async move { connection.end().await });
    let said = stage.engine.stop_and_tell().await;
    assert_eq!(told.await.unwrap(), Ended::Code(1012), "it is told to come back");
    let at = |what: &str| said.find(what).unwrap_or_else(|| panic!("no {what:?} in {said}"));
    let steps = ["nothing new is taken", "were told to come back", "sources end", "writers end", "stopping] stopped"];
    assert!(steps.windows(2).all(|two| at(two[0]) < at(two[1])), "{said}");
    for wrong in ["not all that was under way", "cut off"] {
        assert!(!said.contains(wrong), "{said}");
    }
    const HELD: &str = "SELECT count(*) FROM leases WHERE expires_at > now()";
    let held: i64 = stage.database.connect().await.query_one(HELD, &[]).await.unwrap().get(0);
    assert_eq!(held, 0, "another node need not wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_does_not_come_is_cut_off_at_its_deadline() {
    let chain = Chain::start().await;
    let mut engine = Engine::on(&chain, &Database::fresh().await);
    engine.set("STOP_WITHIN_MS", "1500");
    engine.start().await;
    engine.ready().await;
    engine.hang("api", Duration::from_secs(3_600)).await;
    engine.hang("listener", Duration::from_secs(3_600)).await;
    assert_eq!(engine.stop().await.code(), Some(75));
    assert!(engine.said().contains("cut off"));
}
