//! Faults of every kind of actor, one by one: its thread hangs, it panics, it is slow; that each took effect, and that the process
//! goes on.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use solana_sdk::signature::Keypair;
use zmart::domain::ids::MarketAddress;
use zmart_testkit::{
    chain::{Chain, SOL},
    engine::Engine,
    http::get,
    patience::wait_for,
    pins::Pins,
    postgres::Database,
    socket::Connection,
};

use super::{actor, actor_becomes, order, told};

/// A kind of actor: by which name faults are ordered, what the census calls it, and which of the two nodes has it.
type Kind = (&'static str, &'static str, usize);

const LEADER: usize = 0;
const FOLLOWER: usize = 1;

/// All kinds, in waves: who is struck in one takes nobody along who is struck in the same. A registry that ends takes its streams
/// along, a keeper of a lease all that work in its office.
const WAVES: [&[Kind]; 3] = [
    &[("config", "streams", LEADER), ("hub", "hub", LEADER)],
    &[
        ("lease", "keeper of the lease", LEADER),
        ("governance", "keeper of the lease of governance", LEADER),
        ("snapshots", "keeper of the lease of snapshots", LEADER),
    ],
    &[
        ("herald", "herald", LEADER),
        ("marker", "dirty marker", LEADER),
        ("writer", "journal writer", LEADER),
        ("reader", "chain reader", LEADER),
        ("registry", "registry", LEADER),
        ("listener", "listener", LEADER),
        ("stats", "stats keeper", LEADER),
        ("outbox", "outbox reader", LEADER),
        ("ledgers", "keeper of ledgers", LEADER),
        ("submissions", "submissions", LEADER),
        ("clock", "clock", LEADER),
        ("sweeper", "sweeper", LEADER),
        ("feeds", "feeds", LEADER),
        ("deliveries", "deliveries", LEADER),
        ("verifier", "verifier", LEADER),
        ("aggregator", "aggregator", LEADER),
        ("monitor", "monitor", LEADER),
        ("submitter", "submitter", LEADER),
        ("snapshotter", "snapshotter", LEADER),
        ("lookout", "lookout", LEADER),
        ("follower", "follower", FOLLOWER),
    ],
];

/// Their threads stand still for so long.
const HANGS: Duration = Duration::from_millis(300);
/// A panic that was ordered after a hang may come before it, where the thread was busy just then; not so often.
const TRIES: usize = 5;
/// Each of their turns takes so much longer.
const SLOW_MS: u64 = 4;
/// Who ends takes others along, or is begun by those who need it: they have turns enough by themselves.
const NOT_BY_HAND: [&str; 5] =
    ["streams", "hub", "keeper of the lease", "keeper of the lease of governance", "keeper of the lease of snapshots"];

/// The threads that a kind may be on.
fn threads_of(fault: &'static str) -> Vec<&'static str> {
    match fault {
        "hub" => vec!["websocket"],
        "config" => vec!["streams-0", "streams-1"],
        "snapshots" => vec!["snapshots-lease"],
        "snapshotter" => vec!["snapshots"],
        own => vec![own],
    }
}

fn kinds() -> impl Iterator<Item = Kind> {
    WAVES.into_iter().flatten().copied()
}

/// A node that leads and has every kind of actor but one, and one that follows and has that. Engines go first.
struct Nodes {
    engines: [Engine; 2],
    chain: Chain,
    _pins: Pins,
}

impl Nodes {
    async fn set() -> Self {
        let (chain, database, pins) = (Chain::start().await, Database::fresh().await, Pins::open().await);
        let node = |number: usize| {
            let mut engine = Engine::on(&chain, &database);
            engine.set("NODE_ID", &format!("node-{number}"));
            engine.set("WORKERS", "1");
            pins.serve(&mut engine, "0 0 1 1 *");
            // There is somebody who looks at both nodes of the chain.
            engine.set("SOLANA_RPC_URL_FALLBACK", &format!("{}/?second", chain.client().rpc_url));
            engine.set("SOLANA_WS_URL_FALLBACK", &chain.ws_url);
            engine
        };
        let mut engines = [node(LEADER), node(FOLLOWER)];
        for engine in &mut engines {
            engine.start().await;
            engine.ready().await;
        }
        Self { engines, chain, _pins: pins }
    }

    /// Has the threads of a kind stand still, and its actor panic then. Since when.
    async fn hang_and_crash(&mut self, (fault, _, node): Kind) -> DateTime<Utc> {
        let since = Utc::now();
        for thread in threads_of(fault) {
            self.engines[node].hang(thread, HANGS).await;
        }
        self.engines[node].crash(fault).await;
        since
    }

    /// Waits until a kind has panicked once more than before, and lives again; when it panicked.
    async fn panicked(&self, (_, kind, node): Kind, before: u64) -> DateTime<Utc> {
        let shown = actor_becomes(&self.engines[node], kind, "has panicked and lives again", |actor| {
            actor["panics"].as_u64() > Some(before)
                && actor["status"] == "running"
                // The config's actor is begun when it is next needed; hubs, too.
                && (kind == "hub" || actor["restarts"].as_u64() >= Some(1))
                && actor["last_panic"]["message"].as_str().is_some_and(|message| message.contains("asked to crash"))
        })
        .await;
        shown["last_panic"]["at"].as_str().unwrap().parse().unwrap()
    }

    async fn panics(&self, (_, kind, node): Kind) -> u64 {
        actor(&self.engines[node], kind).await["panics"].as_u64().unwrap()
    }

    async fn are_ready(&self) {
        for engine in &self.engines {
            engine.ready().await;
        }
    }

    async fn slow(&mut self, time: Duration) {
        for (fault, _, node) in kinds() {
            for thread in threads_of(fault) {
                self.engines[node].slow(thread, time).await;
            }
        }
    }

    /// A market, once the leader shows it: its entries went through all that entries go through.
    async fn market(&self) -> MarketAddress {
        let creator: Keypair = self.chain.client().funded_wallet().await;
        let market = self.chain.active_market(&creator, 100 * SOL).await;
        wait_for("the market to be shown", || async {
            let answer = get(&self.engines[LEADER].api, &format!("/api/markets/{market}")).await;
            let state = if answer.status == 200 { answer.json()["state"].clone() } else { answer.status.into() };
            if state == "ACTIVE" { Ok(()) } else { Err(state) }
        })
        .await;
        market
    }
}

/// Turns so far, and the milliseconds that they took.
fn spent(actor: &Value) -> (u64, u64) {
    let number = |name: &str| actor[name].as_u64().unwrap();
    (number("processed"), number("busy_ms"))
}

/// Waits until an actor has had some turns, since a moment or later, each of which took as long as it was told to.
async fn is_slow(engine: &Engine, kind: &str, since: (u64, u64)) {
    let from = std::cell::Cell::new(since);
    actor_becomes(engine, kind, "has slow turns", |actor| {
        let (turns, busy) = spent(actor);
        let (turns_before, busy_before) = from.get();
        // The last one may be counted and its time not yet.
        let (turns_since, busy_since) = (turns - turns_before, busy - busy_before + 1);
        let is_so = turns_since >= 2 && busy_since >= SLOW_MS * (turns_since - 1);
        if turns_since >= 2 {
            // It was told so in between.
            from.set((turns, busy));
        }
        is_so
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_actor_may_panic_hang_or_be_slow_and_the_process_goes_on() {
    let mut nodes = Nodes::set().await;
    for engine in &nodes.engines {
        let all = told(engine, "/actors").await;
        let names = all["actors"].as_array().unwrap().iter().map(|actor| actor["name"].as_str().unwrap());
        // Panics of a gateway are a unit test's: `a_gateway_that_died_is_replaced`.
        let known = |name: &&str| ["root", "gateway"].contains(name) || kinds().any(|(_, kind, _)| kind == *name);
        let unknown: Vec<&str> = names.filter(|name| !known(name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}: add them to WAVES, and a way to make them panic");
    }

    for wave in WAVES {
        let mut struck = Vec::new();
        for kind in wave {
            let before = nodes.panics(*kind).await;
            struck.push((*kind, before, nodes.hang_and_crash(*kind).await));
        }
        for (kind, mut before, mut since) in struck {
            // It panicked, and not before its thread went on.
            for tried in 1.. {
                if nodes.panicked(kind, before).await - since >= chrono::Duration::from_std(HANGS).unwrap() {
                    break;
                }
                assert!(tried < TRIES, "{kind:?}: its thread never stood still");
                before = nodes.panics(kind).await;
                since = nodes.hang_and_crash(kind).await;
            }
        }
        nodes.are_ready().await;
    }

    nodes.slow(Duration::from_millis(SLOW_MS)).await;
    let market = nodes.market().await;
    let mut connection = Connection::open(&nodes.engines[LEADER].ws).await;
    connection.subscribe(market, None).await;
    for (_, kind, node) in kinds() {
        let engine = &nodes.engines[node];
        let since = spent(&actor(engine, kind).await);
        // Who has nothing to do has turns when it ends and when it begins.
        if !NOT_BY_HAND.contains(&kind) {
            let path = format!("/actors/{}/restart", kind.replace(' ', "%20"));
            let (status, body) = order(engine, "POST", &path, "").await;
            assert_eq!(status, 202, "{kind}: {body}");
        }
        is_slow(engine, kind, since).await;
    }
    nodes.slow(Duration::ZERO).await;
    for engine in &nodes.engines {
        assert_eq!(told(engine, "/actors").await["panics_elsewhere"], 0);
    }
    nodes.are_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_used_up_its_restarts_and_can_be_spared_waits_for_an_operator() {
    let chain = Chain::start().await;
    let mut engine = Engine::on(&chain, &Database::fresh().await);
    engine.set("RESTARTS_OF", "stats keeper=1/3600/1..1");
    engine.start().await;
    engine.ready().await;
    engine.crash("stats").await;
    actor_becomes(&engine, "stats keeper", "lives again", |keeper| {
        keeper["restarts"] == 1 && keeper["status"] == "running"
    })
    .await;
    engine.crash("stats").await;
    actor_becomes(&engine, "stats keeper", "waits for an operator", |keeper| keeper["status"] == "failed").await;
    let all = told(&engine, "/actors").await;
    let service =
        all["services"].as_array().unwrap().iter().find(|service| service["name"] == "event-indexer").unwrap();
    assert_eq!(service["status"], "failed", "{service:#}");
    let ready = told(&engine, "/ready").await;
    assert_eq!(ready["parts"]["restarts"]["status"], "degraded", "{ready:#}");
    assert_eq!(order(&engine, "POST", "/actors/stats%20keeper/start", "").await.0, 202);
    actor_becomes(&engine, "stats keeper", "lives again", |keeper| keeper["status"] == "running").await;
    assert_eq!(told(&engine, "/ready").await["parts"]["restarts"]["status"], "up");
}
