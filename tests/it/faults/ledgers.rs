//! The keeper of ledgers panics, its thread hangs, the engine is killed: what wallets gained is exact all the same.

use std::time::Duration;

use zmart_testkit::{chain::Chain, patience::wait_for, postgres::Database};

use super::scene::{Cast, Scene};
use crate::journal::ledgers::assert_exact;

const TRADES: usize = 18;

#[tokio::test(flavor = "multi_thread")]
async fn what_wallets_gained_is_exact_whatever_its_keeper_dies_of() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let mut scene = Scene::set(Cast::default(), chain, database, &[]).await;
    for _ in 0..3 {
        scene.let_trade(TRADES);
        scene.rig.engine.crash("ledgers").await;
    }
    scene.let_trade(TRADES);
    scene.rig.engine.hang("ledgers", Duration::from_millis(1_500)).await;
    scene.traded_but(TRADES / 2).await;
    scene.rig.engine.kill();
    scene.rig.engine.start().await;
    scene.rig.engine.ready().await;
    scene.let_trade(TRADES);
    scene.is_well("deaths of the keeper of ledgers").await;
    let client = scene.database.connect().await;
    wait_for("all notes to be worked off", || async {
        let left: i64 = client.query_one("SELECT count(*) FROM position_changes", &[]).await.unwrap().get(0);
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
    assert_exact(&client, "deaths of the keeper").await;
    let realised: i64 =
        client.query_one("SELECT count(*) FROM wallet_hours WHERE realised <> 0", &[]).await.unwrap().get(0);
    assert!(realised > 0, "somebody sold");
}
