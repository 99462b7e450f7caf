//! A handler that does not return: every actor of its thread stands still. Readiness names the thread while it lasts,
//! everything catches up afterwards, and a thread that never returns ends the process.

use std::time::Duration;

use zmart::actors::root::EXIT_CODE;
use zmart_testkit::{chain::Chain, postgres::Database};

use super::scene::{Cast, Scene};

const TRADES: usize = 12;
/// Longer than readiness puts up with.
const LONG: Duration = Duration::from_secs(8);
/// Nobody need notice.
const SHORT: Duration = Duration::from_millis(1_500);
const FOR_EVER: Duration = Duration::from_secs(3_600);

const THREADS: [&str; 13] = [
    "listener",
    "writer",
    "registry",
    "reader",
    "clock",
    "sweeper",
    "outbox",
    "root",
    "streams-0",
    "streams-1",
    "api",
    "websocket",
    "indexer",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_hangs_is_named_and_nothing_is_lost() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let mut scene = Scene::set(Cast::default(), chain, database, &[]).await;
    for thread in THREADS {
        scene.let_trade(TRADES);
        scene.rig.engine.hang(thread, SHORT).await;
    }
    scene.is_well("a short hang of each thread").await;
    for thread in ["listener", "writer", "streams-0", "websocket"] {
        scene.let_trade(TRADES);
        scene.rig.engine.hang(thread, LONG).await;
        let reason = scene.rig.engine.down("actors").await;
        assert!(reason.contains(thread), "{reason}");
        scene.let_trade(TRADES);
        scene.is_well(&format!("a long hang of {thread}")).await;
    }
    assert!(scene.connections().iter().all(|connections| *connections == 1), "a subscriber had to connect again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_hangs_for_ever_ends_the_process_and_the_next_life_goes_on() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let mut scene = Scene::set(Cast::default(), chain, database, &[]).await;
    scene.let_trade(TRADES);
    scene.rig.engine.hang("streams-1", FOR_EVER).await;
    scene.let_trade(TRADES);
    let status = scene.rig.engine.end().await;
    assert_eq!(status.code(), Some(EXIT_CODE));
    scene.rig.engine.start().await;
    scene.is_well("a process that ended itself").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_panics_sends_its_clients_back_to_its_successor() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let mut scene = Scene::set(Cast::default(), chain, database, &[]).await;
    scene.let_trade(3 * TRADES);
    scene.traded_but(2 * TRADES).await;
    scene.rig.engine.crash("hub").await;
    scene.is_well("a panic of every hub").await;
    assert!(scene.connections().iter().all(|connections| *connections == 2), "{:?}", scene.connections());
}
