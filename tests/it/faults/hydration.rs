//! A market that is read from the journal slowly: it holds up nobody else, and whoever asks for it meanwhile is told to
//! wait, or gets everything once.

use serde_json::json;
use zmart::domain::ids::MarketAddress;
use zmart_testkit::{
    chain::Chain,
    network::Network,
    patience::wait_for,
    postgres::Database,
    socket::{Connection, subscription},
    subscriber::Subscriber,
};

use super::{
    journal_of,
    scene::{Cast, Scene},
};

const TRADES: usize = 24;

async fn trades_of_others(scene: &Scene, slow: MarketAddress) {
    let sent = scene.load.sent();
    let wanted: usize = sent.iter().filter(|(market, _)| **market != slow).map(|(_, trades)| trades.len()).sum();
    wait_for("the other markets' trades", || async {
        const SQL: &str = "SELECT count(*) FROM trades WHERE market <> $1::text";
        let rows = scene.database.connect().await;
        let trades: i64 = rows.query_one(SQL, &[&slow.to_string()]).await.unwrap().get(0);
        if trades as usize >= wanted { Ok(()) } else { Err(format!("{trades} of {wanted}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_that_hydrates_slowly_holds_up_no_other_and_loses_no_subscriber() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let network = Network::before(&database).await;
    let settings = [("DATABASE_URL", network.database().url)];
    let mut scene = Scene::set(Cast::default(), chain, database, &settings).await;
    let slow = scene.load.markets[0];
    scene.trade(TRADES).await;
    scene.is_well("nothing").await;

    // Its actor dies, and its row does not come.
    network.hold(&slow.to_string());
    scene.rig.engine.crash(&slow.to_string()).await;
    scene.let_trade(TRADES);
    wait_for("the market to be read", || async { if network.waiting() > 0 { Ok(()) } else { Err("nobody reads it") } })
        .await;
    scene.traded().await;
    trades_of_others(&scene, slow).await;
    // Who subscribes now waits, and is then told to ask again; nobody is sent away.
    let mut asking = Connection::open(&scene.rig.engine.ws).await;
    asking.send_text(&subscription(&json!("slow"), slow, None).to_string()).await;
    let answer = asking.answer_to(&json!("slow")).await;
    assert!(answer["type"] == "error" && answer["retryable"] == true, "{answer}");
    let during = Subscriber::start(&scene.rig.engine.ws, &scene.load.markets);
    let before = journal_of(&scene.database, slow).await.len();
    network.release();
    scene.is_well("a slow hydration").await;
    assert!(journal_of(&scene.database, slow).await.len() > before);

    // The same while the whole engine comes back: subscribers resume while their market is being read.
    network.hold(&slow.to_string());
    scene.rig.engine.kill();
    scene.let_trade(TRADES);
    scene.rig.engine.start().await;
    scene.traded().await;
    trades_of_others(&scene, slow).await;
    network.release();
    scene.is_well("a restart with a slow market").await;

    wait_for("the late subscriber to follow", || async { if during.follows(3) { Ok(()) } else { Err("not all") } })
        .await;
    scene.trade(TRADES).await;
    scene.is_well("nothing more").await;
    let heads = journal_heads(&scene).await;
    wait_for("the late subscriber to be at every head", || async {
        let notebook = during.notebook();
        let at = heads.iter().all(|(market, head)| notebook.markets.get(market).is_some_and(|h| h.last == *head));
        if at { Ok(()) } else { Err(format!("{notebook:?}")) }
    })
    .await;
    let notebook = during.stop().await;
    assert!(notebook.faults.is_empty(), "{:#?}", notebook.faults);
}

/// More than a lane and its queue hold: the rest is left staged.
const MISSED_TRADES: usize = 800;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_market_that_missed_much_holds_up_no_other_after_a_restart() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let network = Network::before(&database).await;
    let settings = [("DATABASE_URL", network.database().url)];
    let cast = Cast { markets: 2, wallets: 8, subscribers: 1 };
    let mut scene = Scene::set(cast, chain, database, &settings).await;
    let slow = scene.load.markets[0];

    scene.rig.engine.kill();
    network.hold(&slow.to_string());
    scene.trade(MISSED_TRADES).await;
    scene.rig.engine.start().await;
    trades_of_others(&scene, slow).await;
    // What is traded from now on is heard live: the slow market's younger trades stay behind its older ones.
    scene.trade(TRADES).await;
    trades_of_others(&scene, slow).await;
    assert!(journal_of(&scene.database, slow).await.len() < MISSED_TRADES / 4, "it is still held");
    network.release();
    scene.is_well("much was missed").await;
}

async fn journal_heads(scene: &Scene) -> Vec<(MarketAddress, u64)> {
    let mut heads = Vec::new();
    for market in &scene.load.markets {
        heads.push((*market, journal_of(&scene.database, *market).await.len() as u64));
    }
    heads
}
