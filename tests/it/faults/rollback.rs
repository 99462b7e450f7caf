//! Roll-backs: confirmed transactions vanish with their fork, and may land again. The journal keeps them, marked; what is
//! shown is what the chain holds; whoever listens is told. A node that is only behind, or fails, causes none.

use std::time::Duration;

use serde_json::{Value, json};
use solana_sdk::signature::Keypair;
use zmart::domain::{
    event::Outcome,
    ids::{MarketAddress, TxSignature},
};
use zmart_testkit::{
    chain::{Chain, ChainClient, SOL, wallet_of},
    http::{get, request},
    patience::wait_for,
    postgres::Database,
    proxy::{Bad, Frozen, Methods, Proxy, When},
    socket::Connection,
    subscriber::Subscriber,
};

use super::{dead_letters, journal_of, journal_with, rig::Rig};

/// Slots long enough for a transaction to be recorded, and hidden, before it is final.
const SLOT_MS: &str = "150";

struct Scene {
    chain: Chain,
    database: Database,
    proxy: Proxy,
    client: ChainClient,
    trader: Keypair,
    settings: [(&'static str, String); 2],
}

impl Scene {
    async fn set() -> Self {
        let (chain, database) = (Chain::with_slots_of(SLOT_MS).await, Database::fresh().await);
        let client = chain.client().clone();
        let trader = client.funded_wallet().await;
        let proxy = Proxy::before(&client.rpc_url, &chain.ws_url).await;
        let settings = [("SOLANA_RPC_URL", proxy.rpc_url.clone()), ("SOLANA_WS_URL", proxy.ws_url.clone())];
        Self { chain, database, proxy, client, trader, settings }
    }

    async fn market(&self) -> MarketAddress {
        self.chain.active_market(&self.trader, 100 * SOL).await
    }

    /// The market's roll-backs: the numbers that each takes back, once there are so many.
    async fn rolled_back(&self, market: MarketAddress, times: usize) -> Vec<Vec<u64>> {
        const SQL: &str = "SELECT payload -> 'reverted' FROM journal \
                           WHERE stream = $1::text AND kind = 'rollback' ORDER BY seq";
        wait_for("a roll-back", || async {
            let rows = self.database.connect().await.query(SQL, &[&market.to_string()]).await.unwrap();
            if rows.len() < times {
                return Err(format!("{:?}", journal_of(&self.database, market).await));
            }
            Ok(rows.iter().map(|row| serde_json::from_value(row.get(0)).unwrap()).collect())
        })
        .await
    }

    /// How a transaction stands in the journal: (slot, orphaned) of each of its entries, in order.
    async fn entries_of(&self, signature: TxSignature) -> Vec<(i64, bool)> {
        const SQL: &str = "SELECT slot, orphaned FROM chain_events WHERE signature = $1::text ORDER BY seq";
        let rows = self.database.connect().await.query(SQL, &[&signature.to_string()]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Waits until it is in the journal for the second time.
    async fn landed_again(&self, signature: TxSignature, slot: u64) {
        wait_for(&format!("{signature} to be recorded again"), || async {
            match self.entries_of(signature).await.as_slice() {
                [(_, true), (again, false)] if *again == slot as i64 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }

    /// Lets it land again in the newest slot, tells it, and waits until it is in the journal.
    async fn let_land_again(&self, frozen: &Frozen, signature: TxSignature) {
        let slot = self.slot().await;
        frozen.land_again(signature, slot);
        frozen.notify_again(signature).await;
        self.landed_again(signature, slot).await;
    }

    /// Waits until everything up to that slot was found to be final.
    async fn final_at_least(&self, slot: u64) {
        wait_for("all of it to be final", || async {
            let row = self.database.connect().await.query_one("SELECT finalized_slot FROM chain_cursor", &[]).await;
            let finalized: i64 = row.unwrap().get(0);
            if finalized >= slot as i64 { Ok(()) } else { Err(format!("{finalized} of {slot}")) }
        })
        .await;
    }

    async fn slot(&self) -> u64 {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "getSlot", "params": [{"commitment": "confirmed"}]});
        let (body, headers) = (body.to_string(), [("Content-Type", "application/json")]);
        let said = request("POST", &self.client.rpc_url, "/", &headers, body.as_bytes()).await;
        said.json()["result"].as_u64().unwrap()
    }
}

async fn rest(rig: &Rig, path: &str) -> Value {
    get(&rig.engine.api, path).await.json()
}

/// What REST shows of a market: its figures without what moves by itself, and its trades.
async fn shown(rig: &Rig, market: MarketAddress) -> (Vec<Value>, Vec<String>) {
    let detail = rest(rig, &format!("/api/markets/{market}")).await;
    let fields = ["shares_yes", "shares_no", "total_volume", "trades_count", "current_price_yes"];
    let figures = fields.iter().map(|field| detail[*field].clone()).collect();
    let trades = rest(rig, &format!("/api/markets/{market}/trades")).await;
    let trades = trades["trades"].as_array().unwrap_or_else(|| panic!("{trades}")).iter();
    (figures, trades.map(|trade| trade["tx_signature"].as_str().unwrap().to_owned()).collect())
}

fn texts(signatures: &[TxSignature]) -> Vec<String> {
    signatures.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn trades_that_vanish_are_taken_back_and_come_again_as_new_entries_where_they_land_again() {
    let scene = Scene::set().await;
    let (client, trader) = (&scene.client, &scene.trader);
    let market = scene.market().await;
    let rig = Rig::start(&scene.chain, &scene.database, &scene.settings).await;
    let kept = client.buy(market, trader, Outcome::Yes, SOL).await;
    journal_with(&scene.database, market, kept).await;
    let before = shown(&rig, market).await;
    let position = format!("/api/users/{}/positions", wallet_of(trader));
    let holding = wait_for("the position to have its cost", || async {
        let shown = rest(&rig, &position).await;
        if shown[0]["unrealized_pnl"].is_null() { Err(shown) } else { Ok(shown) }
    })
    .await;
    let listening = Subscriber::start(&rig.engine.ws, &[market]);
    wait_for("a first state", || async { if listening.follows(1) { Ok(()) } else { Err("none yet") } }).await;

    let frozen = scene.proxy.handle().freeze().await;
    let bought = client.buy(market, trader, Outcome::No, 2 * SOL).await;
    let sold = client.sell(market, trader, Outcome::Yes, 1_000_000).await;
    let with_both = journal_with(&scene.database, market, sold).await;
    for signature in [bought, sold] {
        frozen.hide(signature).await;
    }
    let head = with_both.len() as u64;
    assert_eq!(scene.rolled_back(market, 1).await, [[head - 1, head]]);
    assert_eq!(shown(&rig, market).await, before, "REST shows what the chain holds");
    wait_for("the position to be what it was", || async {
        let shown = rest(&rig, &position).await;
        if shown == holding { Ok(()) } else { Err(format!("{shown} instead of {holding}")) }
    })
    .await;
    for signature in [bought, sold] {
        assert!(matches!(scene.entries_of(signature).await.as_slice(), [(_, true)]), "kept, and marked");
    }
    wait_for("the subscriber to hear of it", || async {
        let heard = listening.notebook().markets[&market].clone();
        if heard.rollbacks == [(head + 1, vec![head - 1, head])] { Ok(()) } else { Err(format!("{heard:?}")) }
    })
    .await;
    assert_eq!(listening.trades_heard(), 0, "none of them stands");
    rig.agrees_with_the_chain().await;

    // One is notified again, the other one only listed.
    let slot = scene.slot().await;
    frozen.land_again(bought, slot);
    frozen.land_again(sold, slot + 1);
    assert_eq!(frozen.notify_again(bought).await, 1);
    scene.landed_again(bought, slot).await;
    scene.landed_again(sold, slot + 1).await;
    let after = journal_of(&scene.database, market).await;
    assert_eq!(after.len(), with_both.len() + 3, "the roll-back, and both again: {after:?}");
    assert_eq!(shown(&rig, market).await.1, texts(&[sold, bought, kept]));
    rig.agrees_with_the_chain().await;
    rig.engine.ready().await;
    let heard = listening.stop().await;
    assert!(heard.faults.is_empty(), "{:#?}", heard.faults);
    assert_eq!(heard.connections, 1);
    let told: Vec<(u64, String)> = heard.markets[&market].trades.clone();
    assert_eq!(told, [(head + 2, bought.to_string()), (head + 3, sold.to_string())]);
    assert_eq!(dead_letters(&scene.database).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_markets_roll_back_with_the_engine_killed_in_the_middle_and_a_resume_goes_over_it() {
    let scene = Scene::set().await;
    let (client, trader) = (&scene.client, &scene.trader);
    let markets = [scene.market().await, scene.market().await, scene.market().await];
    let mut rig = Rig::start(&scene.chain, &scene.database, &scene.settings).await;
    for market in markets {
        let kept = client.buy(market, trader, Outcome::Yes, SOL).await;
        journal_with(&scene.database, market, kept).await;
    }
    let listening = Subscriber::start(&rig.engine.ws, &markets);
    wait_for("a first state", || async { if listening.follows(3) { Ok(()) } else { Err("none yet") } }).await;
    let frozen = scene.proxy.handle().freeze().await;
    let mut gone = Vec::new();
    for market in &markets[..2] {
        gone.push(client.buy(*market, trader, Outcome::No, SOL).await);
    }
    let mut heads = Vec::new();
    for (market, gone) in markets.iter().zip(&gone) {
        heads.push(journal_with(&scene.database, *market, *gone).await.len() as u64);
        frozen.hide(*gone).await;
    }
    // Nobody remembers what was in doubt.
    rig.engine.kill();
    rig.engine.start().await;
    for (market, head) in markets.iter().zip(&heads) {
        assert_eq!(scene.rolled_back(*market, 1).await, [[*head]]);
    }
    let mut live = Connection::open(&rig.engine.ws).await;
    live.next_frame().await;
    live.subscribe(markets[0], None).await;
    let slot = scene.slot().await;
    for (at, gone) in gone.iter().enumerate() {
        frozen.land_again(*gone, slot + at as u64);
        scene.landed_again(*gone, slot + at as u64).await;
    }
    let again = [live.next_frame().await, live.next_frame().await];
    assert_eq!([&again[0]["type"], &again[1]["type"]], ["trade_executed", "price_update"]);
    rig.engine.kill();
    rig.engine.start().await;
    rig.engine.ready().await;

    // From before it, over it, to the head: each entry once, and those that were heard as they were heard.
    let mut resumed = Connection::open(&rig.engine.ws).await;
    resumed.next_frame().await;
    let answer = resumed.subscribe(markets[0], Some((again[0]["epoch"].as_u64().unwrap(), heads[0] - 1))).await;
    assert_eq!((&answer["recovered"], &answer["head_seq"]), (&json!(true), &json!(heads[0] + 2)), "{answer}");
    let mut replayed = Vec::new();
    for _ in 0..6 {
        replayed.push(resumed.next_frame().await);
    }
    let kinds: Vec<(&str, u64)> =
        replayed.iter().map(|frame| (frame["type"].as_str().unwrap(), frame["seq"].as_u64().unwrap())).collect();
    let (head, pair) = (heads[0], ["trade_executed", "price_update"]);
    assert_eq!(
        kinds,
        [
            (pair[0], head),
            (pair[1], head),
            ("rollback", head + 1),
            (pair[1], head + 1),
            (pair[0], head + 2),
            (pair[1], head + 2)
        ]
    );
    assert_eq!(replayed[2]["data"]["reverted_seqs"], json!([head]));
    assert_eq!(replayed[3]["data"]["cause"], "rollback");
    assert_eq!(replayed[4..], again);

    wait_for("the subscriber to have heard all", || async {
        let notebook = listening.notebook();
        let last = |at: usize| notebook.markets[&markets[at]].last;
        if (last(0), last(1)) == (heads[0] + 2, heads[1] + 2) { Ok(()) } else { Err(format!("{notebook:?}")) }
    })
    .await;
    let heard = listening.stop().await;
    assert!(heard.faults.is_empty(), "{:#?}", heard.faults);
    assert_eq!(heard.markets[&markets[2]].rollbacks, [], "a market that nothing happened to hears nothing");
    rig.agrees_with_the_chain().await;
    assert_eq!(dead_letters(&scene.database).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_whose_creation_vanishes_is_shown_as_vanished_until_it_is_created_again() {
    let scene = Scene::set().await;
    let (client, trader) = (&scene.client, &scene.trader);
    let other = scene.market().await;
    let rig = Rig::start(&scene.chain, &scene.database, &scene.settings).await;
    // Lists are kept ready for a moment.
    let lists = async |wanted: &[MarketAddress]| {
        let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        wait_for("the list", || async {
            let page = rest(&rig, "/api/markets").await;
            let ids = page["markets"].as_array().unwrap().iter().map(|market| market["id"].as_str().unwrap());
            if ids.eq(wanted.iter().map(String::as_str)) { Ok(()) } else { Err(page) }
        })
        .await;
    };
    let frozen = scene.proxy.handle().freeze().await;
    let market = client.proposed_market(trader, 100 * SOL).await;
    let created = client.signatures(market).await[0];
    journal_with(&scene.database, market, created).await;
    lists(&[market, other]).await;
    frozen.hide(created).await;
    assert_eq!(scene.rolled_back(market, 1).await, [[1]]);
    wait_for("the market to be shown as vanished", || async {
        let shown = rest(&rig, &format!("/api/markets/{market}")).await;
        if shown["vanished"] == true { Ok(()) } else { Err(shown) }
    })
    .await;
    lists(&[other]).await;
    rig.agrees_with_the_chain().await;

    scene.let_land_again(&frozen, created).await;
    let shown = rest(&rig, &format!("/api/markets/{market}")).await;
    assert_eq!((&shown["vanished"], &shown["seq"]), (&Value::Null, &json!(3)), "{shown}");
    lists(&[market, other]).await;
    rig.agrees_with_the_chain().await;
    assert_eq!(dead_letters(&scene.database).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_fees_that_vanishes_is_taken_back_and_trades_pay_it_once_it_landed_again() {
    let scene = Scene::set().await;
    let (client, trader) = (&scene.client, &scene.trader);
    let market = scene.market().await;
    let rig = Rig::start(&scene.chain, &scene.database, &scene.settings).await;
    let kept = client.buy(market, trader, Outcome::Yes, SOL).await;
    journal_with(&scene.database, market, kept).await;
    let mut listening = Connection::open(&rig.engine.ws).await;
    listening.next_frame().await;
    listening.send(json!({"id": 1, "action": "subscribe", "channels": ["config"]})).await;
    let subscribed = listening.answer_to(&json!(1)).await;
    assert_eq!(subscribed["snapshot"]["fees"]["protocol_bps"], 300, "{subscribed}");
    let protocol_fee = |frame: &Value| frame["data"]["fees"]["protocol_bps"].as_u64();

    let frozen = scene.proxy.handle().freeze().await;
    let changed = scene.chain.set_protocol_fee(200).await;
    assert_eq!(protocol_fee(&listening.next_of("config_update").await), Some(200));
    frozen.hide(changed).await;
    let rollback = listening.next_of("rollback").await;
    assert_eq!(rollback["data"]["config"]["fees"]["protocol_bps"], 300, "{rollback}");
    let update = listening.next_of("config_update").await;
    assert_eq!((protocol_fee(&update), &update["data"]["reason"]), (Some(300), &json!("rollback")));
    assert!(matches!(scene.entries_of(changed).await.as_slice(), [(_, true)]));
    rig.agrees_with_the_chain().await;

    scene.let_land_again(&frozen, changed).await;
    assert_eq!(protocol_fee(&listening.next_of("config_update").await), Some(200));
    let paid = client.buy(market, trader, Outcome::No, SOL).await;
    let journal = journal_with(&scene.database, market, paid).await;
    assert!(journal.iter().all(|(kind, _)| kind == "trade" || kind == "event"), "the rates were known: {journal:?}");
    rig.agrees_with_the_chain().await;
    assert_eq!(dead_letters(&scene.database).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_of_what_vanished_that_comes_after_finality_is_not_recorded() {
    let scene = Scene::set().await;
    let (client, trader) = (&scene.client, &scene.trader);
    let market = scene.market().await;
    let rig = Rig::start(&scene.chain, &scene.database, &scene.settings).await;
    let kept = client.buy(market, trader, Outcome::Yes, SOL).await;
    let before = journal_with(&scene.database, market, kept).await;
    let frozen = scene.proxy.handle().freeze().await;
    frozen.hide_all();
    let gone = client.buy(market, trader, Outcome::No, SOL).await;
    scene.final_at_least(scene.slot().await).await;
    assert_eq!(frozen.notify_again(gone).await, 1);
    // The next pass has begun after it came.
    scene.final_at_least(scene.slot().await).await;
    assert_eq!(journal_of(&scene.database, market).await, before);
    assert_eq!(scene.entries_of(gone).await, []);
    rig.agrees_with_the_chain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_behind_or_fails_causes_no_roll_back() {
    let scene = Scene::set().await;
    let (client, trader) = (&scene.client, &scene.trader);
    let market = scene.market().await;
    let rig = Rig::start(&scene.chain, &scene.database, &scene.settings).await;
    let handle = scene.proxy.handle();
    let mut sent = vec![client.buy(market, trader, Outcome::Yes, SOL).await];
    journal_with(&scene.database, market, sent[0]).await;
    // Lists, transactions and statuses of a node that is far behind, the slots of one that is not; then one that is
    // behind in everything, and one that answers nothing of it.
    for (what, tells_head) in [("head", true), ("behind", false)] {
        sent.push(client.buy(market, trader, Outcome::No, SOL).await);
        journal_with(&scene.database, market, sent[sent.len() - 1]).await;
        // Far enough for several passes, on however busy a machine.
        let fault = handle.rpc_behind(1_000, tells_head, When::Always);
        // The transaction becomes final, and the readings come that would prove that it is not there.
        let final_at = scene.slot().await + 31;
        wait_for(what, || async {
            let (slot, struck) = (scene.slot().await, fault.struck());
            if slot > final_at && struck > 2 { Ok(()) } else { Err(format!("{slot}, {struck}")) }
        })
        .await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        fault.lift();
    }
    sent.push(client.buy(market, trader, Outcome::Yes, SOL).await);
    journal_with(&scene.database, market, sent[3]).await;
    let errors = handle.answer_badly(Methods::Of(&["getSignatureStatuses", "getBlock"]), Bad::Garbage, When::Always);
    let forgotten = handle.forget(&[sent[3]]);
    let final_at = scene.slot().await + 31;
    wait_for("statuses to be asked for in vain", || async {
        let slot = scene.slot().await;
        if slot > final_at && errors.struck() > 2 { Ok(()) } else { Err(format!("{slot}, {}", errors.struck())) }
    })
    .await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    forgotten.lift();
    errors.lift();

    scene.final_at_least(scene.slot().await).await;
    let kinds: i64 = scene
        .database
        .connect()
        .await
        .query_one("SELECT count(*) FROM journal WHERE kind IN ('rollback', 'resync')", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(kinds, 0, "{:?}", journal_of(&scene.database, market).await);
    assert_eq!(rest(&rig, &format!("/api/markets/{market}")).await["trades_count"], json!(4));
    assert!(client.position(market, wallet_of(trader)).await.is_some());
    rig.agrees_with_the_chain().await;
}
