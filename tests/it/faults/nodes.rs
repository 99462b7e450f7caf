//! Two nodes of one chain: everything goes on by the second while the first is away, and nothing that can't be taken back is
//! concluded from the second alone.

use serde_json::Value;
use zmart::domain::event::Outcome;
use zmart_testkit::{
    audit,
    chain::{Chain, SOL},
    http::get,
    patience::wait_for,
    postgres::Database,
    proxy::{Bad, Fault, Handle, Methods, Proxy, Side, When},
};

use super::{
    journal_with,
    rig::Rig,
    scene::{Cast, Scene},
};

/// Trades while something lasts.
const TRADES: usize = 12;

/// Proxies before the same chain.
struct Nodes {
    first: Proxy,
    second: Proxy,
}

impl Nodes {
    async fn before(chain: &Chain) -> Self {
        let proxy = || Proxy::before(&chain.client().rpc_url, &chain.ws_url);
        Self { first: proxy().await, second: proxy().await }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SOLANA_RPC_URL", self.first.rpc_url.clone()),
            ("SOLANA_WS_URL", self.first.ws_url.clone()),
            ("SOLANA_RPC_URL_FALLBACK", self.second.rpc_url.clone()),
            ("SOLANA_WS_URL_FALLBACK", self.second.ws_url.clone()),
        ]
    }

    async fn scene(chain: Chain) -> (Self, Scene) {
        let nodes = Self::before(&chain).await;
        let scene = Scene::set(Cast::default(), chain, Database::fresh().await, &nodes.settings()).await;
        (nodes, scene)
    }
}

/// Cuts a node off, and who is connected to it.
fn cut_off(hand: &Handle) -> [Fault; 2] {
    [Side::Http, Side::Ws].map(|side| {
        let fault = hand.refuse_connections(side);
        hand.drop_connections(side);
        fault
    })
}

/// Waits until readiness says so of the second node: (status, a part of the reason).
async fn second_is(rig: &Rig, status: &str, reason: &str) {
    wait_for(&format!("the second node to be {status}: {reason}"), || async {
        let told = get(&rig.engine.api, "/ready").await.json()["parts"]["fallback"].clone();
        let says = told["reason"].as_str().unwrap_or_default().contains(reason);
        if told["status"] == status && says { Ok(()) } else { Err(told) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_on_by_a_second_node_that_is_behind_while_the_first_is_away() {
    let (nodes, scene) = Nodes::scene(Chain::start().await).await;
    let behind = nodes.second.handle().rpc_behind(60, false, When::Always);
    second_is(&scene.rig, "degraded", "is known here").await;
    scene.trade(TRADES).await;
    let cut = cut_off(&nodes.first.handle());
    scene.let_trade(TRADES);
    // It is used when it has come to where the first was.
    second_is(&scene.rig, "degraded", "in use").await;
    scene.trade(TRADES).await;
    scene.everything_is_heard().await;
    scene.rig.engine.ready().await;
    assert!(cut.iter().map(Fault::struck).sum::<u64>() > 0);

    cut.iter().for_each(Fault::lift);
    behind.lift();
    second_is(&scene.rig, "up", "").await;
    scene.trade(TRADES).await;
    scene.is_well("the first node was away").await;
}

/// Waits until readiness says that something is down for that reason.
async fn told_down(scene: &Scene, why: &str) {
    wait_for(&format!("a part to be down: {why}"), || async {
        let down = scene.rig.engine.parts_down().await.unwrap_or_default();
        if down.iter().any(|(_, reason)| reason.contains(why)) { Ok(()) } else { Err(format!("{down:?}")) }
    })
    .await;
}

/// How far coverage has come, and what the journal knows.
async fn cursor(scene: &Scene) -> (Option<String>, i64) {
    let rows = scene.database.connect().await;
    let row = rows.query_one("SELECT signature::text, slot FROM chain_cursor", &[]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_ends_too_early_on_one_node_is_read_from_the_other_and_is_lost_on_neither() {
    let (nodes, mut scene) = Nodes::scene(Chain::start().await).await;
    scene.trade(TRADES).await;
    scene.is_well("nothing").await;

    // The first keeps too little. The second reaches back: it is waited for while it is away, however far it is behind, and
    // although a page of its list fails.
    scene.rig.engine.kill();
    scene.trade(2 * TRADES).await;
    let short = nodes.first.handle().history_begins(scene.client.slot().await);
    scene.trade(TRADES).await;
    let before = cursor(&scene).await;
    let hand = nodes.second.handle();
    let cut = cut_off(&hand);
    scene.rig.engine.start().await;
    told_down(&scene, "the second one does not answer").await;
    assert_eq!(cursor(&scene).await, before);
    assert_eq!(audit::dead_letters(&scene.database).await, []);
    // So far that it knows nothing of what the first one does not know.
    let behind = hand.rpc_behind(3_000, false, When::Always);
    // More often than a call is tried.
    let fails = hand.answer_badly(Methods::Of(&["getSignaturesForAddress"]), Bad::Status(503), When::Next(6));
    cut.iter().for_each(Fault::lift);
    told_down(&scene, "the first one's history begins at").await;
    assert_eq!(cursor(&scene).await, before);
    assert_eq!(audit::dead_letters(&scene.database).await, []);
    behind.lift();
    scene.is_well("a first node that keeps too little").await;
    assert!(short.struck() > 0);
    assert_eq!(fails.struck(), 6);
    short.lift();
    second_is(&scene.rig, "up", "").await;

    // The second does, and the first is away: nobody knows what was missed, so nothing is concluded.
    scene.rig.engine.kill();
    scene.trade(2 * TRADES).await;
    let before = cursor(&scene).await;
    let short = nodes.second.handle().history_begins(scene.client.slot().await);
    scene.trade(TRADES).await;
    let cut = cut_off(&nodes.first.handle());
    scene.rig.engine.start().await;
    second_is(&scene.rig, "degraded", "in use").await;
    told_down(&scene, "ends above the cursor").await;
    assert_eq!(cursor(&scene).await, before);
    assert_eq!(audit::dead_letters(&scene.database).await, []);
    assert!(short.struck() > 0);

    cut.iter().for_each(Fault::lift);
    scene.is_well("a second node that keeps too little").await;
}

/// Its entries in the journal: whether each was taken back.
async fn orphaned(database: &Database, signature: &str) -> Vec<bool> {
    let rows = database.connect().await;
    const SQL: &str = "SELECT orphaned FROM chain_events WHERE signature = $1::text ORDER BY seq";
    rows.query(SQL, &[&signature]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_has_as_final_and_the_other_lacks_is_reported_and_falls_only_when_both_lack_it() {
    let (chain, database) = (Chain::with_slots_of("150").await, Database::fresh().await);
    let nodes = Nodes::before(&chain).await;
    let client = chain.client().clone();
    let trader = client.funded_wallet().await;
    let rig = Rig::start(&chain, &database, &nodes.settings()).await;
    let market = chain.active_market(&trader, 100 * SOL).await;
    let first = nodes.first.handle().freeze().await;
    let second = nodes.second.handle().freeze().await;
    second_is(&rig, "up", "").await;

    let bought = client.buy(market, &trader, Outcome::Yes, SOL).await;
    journal_with(&database, market, bought).await;
    first.hide(bought).await;
    wait_for("the disagreement to be reported", || async {
        let letters = audit::dead_letters(&database).await;
        let told = letters.iter().any(|(source, reason, _)| source == "finality" && reason == "nodes disagree");
        if told { Ok(()) } else { Err(format!("{letters:?}")) }
    })
    .await;
    let signature = bought.to_string();
    assert_eq!(orphaned(&database, &signature).await, [false]);
    let rows = database.connect().await;
    let row =
        rows.query_one("SELECT finalized_slot < (SELECT max(slot) FROM chain_events) FROM chain_cursor", &[]).await;
    assert!(row.unwrap().get::<_, bool>(0), "finality waits");

    second.hide(bought).await;
    wait_for("it to be taken back", || async {
        let found = orphaned(&database, &signature).await;
        if found == [true] { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
    wait_for("finality to go on", || async {
        let ready: Value = get(&rig.engine.api, "/ready").await.json();
        let row = rows.query_one("SELECT finalized_slot > (SELECT max(slot) FROM chain_events) FROM chain_cursor", &[]);
        if row.await.unwrap().get::<_, bool>(0) { Ok(()) } else { Err(ready) }
    })
    .await;
    assert_eq!(audit::dead_letters(&database).await.len(), 1, "it is reported once");
}
