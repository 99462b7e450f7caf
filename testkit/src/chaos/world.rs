//! Everything that chaos falls on: PostgreSQL, Redis, a chain, the engine, the stretches of network between them, and those
//! who use it all the time.
//!
//! ```text
//! users, subscribers -- link --> engine -- link --> PostgreSQL
//!                                  |  \--- link --> Redis
//!                                  \------ link --> fault proxy --> chain <-- traders
//! ```
//!
//! Traders go to the chain themselves: what they do has to be heard of, whatever state the engine is in. What is judged is
//! read past every link.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use zmart::domain::ids::MarketAddress;

use super::{
    crowd::Crowd,
    kind::Kind,
    users::{Places, Users},
};
use crate::{
    chain::{Chain, ChainClient, SOL},
    engine::Engine,
    host_clock::HostClock,
    link::Link,
    load::{Load, Pace},
    patience::wait_for,
    postgres::{Cluster, Database},
    proxy::{Handle, Proxy},
    redis::Redis,
    subscriber::{Habits, Subscriber},
};

/// Long enough to sign a transaction in time on a busy machine, short enough to see a blockhash expire (150 of them).
const SLOT_MS: &str = "100";
/// As on a real chain, where thousands of clients leave little of the machine.
const SLOT_MS_OF_MANY: &str = "400";
/// Wallets that trade on the chain.
const WALLETS: usize = 6;
/// Markets that they trade on.
const MARKETS: usize = 4;
/// Markets that they trade on where thousands listen, each to one of them.
const MARKETS_OF_MANY: usize = 20;
/// Markets that users vote and comment on, and that they trade on through the API.
const PROPOSALS: usize = 2;
const FLOOR: usize = 2;
/// Subscribers of all markets, on each node.
const SUBSCRIBERS: usize = 3;
/// Room for what is written to tables, and little more.
const SMALL_DISK_MIB: u32 = 96;
/// Room for what is written to the log between two checkpoints.
const SMALL_LOG_MIB: u32 = 128;
/// A subscriber takes a connection that is silent for so long for dead; heartbeats come each second.
const SILENT_AFTER: Duration = Duration::from_millis(2_500);
/// Where thousands listen, heartbeats come each 10 s.
const SILENT_AFTER_OF_MANY: Duration = Duration::from_secs(25);
/// What users and traders do is not to be refused for its rate; each request is counted by Redis all the same.
const RATES: [&str; 8] = [
    "RATE_LIMIT_ANONYMOUS",
    "RATE_LIMIT_SIGNED_IN",
    "RATE_LIMIT_AUTH",
    "RATE_LIMIT_MARKETS",
    "RATE_LIMIT_VOTES",
    "RATE_LIMIT_COMMENTS",
    "RATE_LIMIT_TRADES",
    "RATE_LIMIT_SUBMITS",
];

/// How much of it there is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Trades a second on the chain, as far as it can.
    pub trades_a_second: u64,
    /// Clients that lose their server and come back, of [`Kind::Clients`].
    pub clients: usize,
    /// No blow lasts longer.
    pub longest_blow: Duration,
}

impl Default for Size {
    fn default() -> Self {
        Self { trades_a_second: 10, clients: 5_000, longest_blow: Duration::MAX }
    }
}

/// The stretches of network, each with what it leads to.
#[derive(Debug)]
pub struct Links(pub [(&'static str, Link); 6]);

/// See the module. The engine goes first when it is dropped.
#[derive(Debug)]
pub struct World {
    /// The engine.
    pub engine: Engine,
    /// A second node, which hears over Redis what the first one writes; only with [`Kind::Redis`].
    pub follower: Option<Engine>,
    /// Those who use the API.
    pub users: Users,
    /// Those who listen to all markets, by name.
    pub listening: Vec<(String, Subscriber)>,
    /// Those who lose their server together, each on one market.
    pub crowd: Crowd,
    /// Traders on the chain.
    pub pace: Pace,
    /// Their markets and wallets.
    pub load: Load,
    /// All markets.
    pub markets: Vec<MarketAddress>,
    /// Markets that are voted on.
    pub proposals: Vec<MarketAddress>,
    /// A client of the chain, without anything between.
    pub client: ChainClient,
    /// The hand on the proxy before the chain.
    pub hand: Handle,
    /// Between the engine and its servers, and before the engine.
    pub links: Links,
    /// The engine's clock; only with [`Kind::Clock`].
    pub clock: Option<HostClock>,
    /// Redis's server.
    pub redis: Redis,
    /// No blow lasts longer.
    pub longest_blow: Duration,
    /// Once it is raised, no more blows are dealt.
    pub enough: Arc<AtomicBool>,
    /// PostgreSQL's server.
    pub cluster: Cluster,
    /// The database, past the link.
    pub database: Database,
    _proxy: Proxy,
    _chain: Chain,
}

impl World {
    /// Starts everything that these kinds fall on, and those who use it.
    ///
    /// # Panics
    /// If something is not to be had here: nothing is left out.
    pub async fn begin(kinds: &[Kind], size: Size) -> Self {
        let has = |kind: Kind| kinds.contains(&kind);
        let many = if has(Kind::Clients) { size.clients } else { 0 };
        let (cluster, database) = servers(kinds).await;
        let slot_ms = if many > 0 { SLOT_MS_OF_MANY } else { SLOT_MS };
        let (redis, chain) = (Redis::start().await, Chain::with_slots_of(slot_ms).await);
        let client = chain.client().clone();
        let proxy = Proxy::before(&client.rpc_url, &chain.ws_url).await;
        let before = [
            ("the chain's JSON-RPC", &proxy.rpc_url),
            ("the chain's notifications", &proxy.ws_url),
            ("PostgreSQL", &database.url),
            ("Redis", &redis.url),
        ];
        let [rpc, ws, sql, counters] = before.map(|(name, url)| async move { (name, Link::before(url).await) });
        let (rpc, ws, sql, counters) = tokio::join!(rpc, ws, sql, counters);

        let urls = [&sql.1.url, &rpc.1.url, &ws.1.url, &counters.1.url].map(String::as_str);
        let mut engine = engine_on(&chain, &database, urls, many > 0);
        let clock = has(Kind::Clock).then(HostClock::new);
        if let Some(clock) = &clock {
            clock.shown_to(&mut engine);
        }
        let migrated = engine.run(&["migrate"]).await;
        assert!(migrated.status.success(), "migrate: {}", String::from_utf8_lossy(&migrated.stderr));

        let count = if many > 0 { MARKETS_OF_MANY } else { MARKETS };
        let load = Load::prepare(&chain, count, WALLETS, usize::MAX).await;
        let creator = client.funded_wallet().await;
        let (mut proposals, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..PROPOSALS {
            proposals.push(client.proposed_market(&creator, 100 * SOL).await);
        }
        for _ in 0..FLOOR {
            floor.push(chain.active_market(&creator, 100 * SOL).await);
        }
        let markets = [&load.markets[..], &proposals, &floor].concat();
        engine.start().await;
        engine.ready().await;
        known(&database, markets.len()).await;
        let mut follower = has(Kind::Redis).then(|| engine_on(&chain, &database, urls, many > 0));
        if let Some(node) = &mut follower {
            node.set("NODE_ID", "node-1");
            node.set("ROLES", "api,ws");
            node.start().await;
            node.ready().await;
        }

        let (api, door) = tokio::join!(Link::before(&engine.api), Link::before(&engine.ws));
        let nodes = [Some((&door.url, &api.url)), follower.as_ref().map(|node| (&node.ws, &node.api))];
        let nodes: Vec<(String, String)> =
            nodes.into_iter().flatten().map(|(ws, api)| (ws.clone(), api.clone())).collect();
        let silent_after = Some(if many > 0 { SILENT_AFTER_OF_MANY } else { SILENT_AFTER });
        let habits = Habits { silent_after, ..Habits::default() };
        let mut listening = Vec::new();
        for (node, (ws, _)) in nodes.iter().enumerate() {
            for number in 0..SUBSCRIBERS {
                let one = Subscriber::start_with(habits, vec![ws.clone()], &markets);
                listening.push((format!("{number} of node {node}"), one));
            }
        }
        let crowd = Crowd::start(many, habits, &engine.ws, &load.markets);
        have_begun(&listening, markets.len(), &crowd).await;
        let places =
            Places { apis: nodes.into_iter().map(|(_, api)| api).collect(), proposals: proposals.clone(), floor };
        let users = Users::start(places, &client).await;
        let pace = load.start_at(&client, size.trades_a_second);
        let (api, door) = (("the API's clients", api), ("the subscribers", door));
        Self {
            engine,
            follower,
            users,
            listening,
            crowd,
            pace,
            load,
            markets,
            proposals,
            client,
            hand: proxy.handle(),
            links: Links([rpc, ws, sql, counters, api, door]),
            clock,
            redis,
            longest_blow: size.longest_blow,
            enough: Arc::default(),
            cluster,
            database,
            _proxy: proxy,
            _chain: chain,
        }
    }

    /// How often subscribers had to connect, all together, beyond the first time.
    pub fn reconnects(&self) -> u64 {
        let all = self.listening.iter().map(|(_, one)| one).chain(self.crowd.clients());
        all.map(|one| one.look(|notebook| u64::from(notebook.connections.saturating_sub(1)))).sum()
    }
}

/// An engine, not started, that reaches its servers by these URLs: PostgreSQL, JSON-RPC, notifications, Redis.
fn engine_on(chain: &Chain, database: &Database, urls: [&str; 4], is_for_many: bool) -> Engine {
    let mut engine = Engine::on(chain, database);
    let [sql, rpc, ws, counters] = urls;
    for (name, value) in RATES.map(|name| (name, "100000/s")).into_iter().chain([
        ("DATABASE_URL", sql),
        ("SOLANA_RPC_URL", rpc),
        ("SOLANA_WS_URL", ws),
        ("REDIS_URL", counters),
        ("TRUSTED_CLIENTS", "none"),
        ("WS_CONNECTIONS_PER_IP", "1000000"),
        ("WS_HEARTBEAT_MS", if is_for_many { "10000" } else { "1000" }),
        ("COVERAGE_INTERVAL_MS", "1000"),
        ("CHAIN_SILENT_AFTER_MS", "2000"),
        ("RESEND_MS", "500"),
        ("SLOT_MS", if is_for_many { SLOT_MS_OF_MANY } else { SLOT_MS }),
        // Nothing that is voted on is decided meanwhile: votes are taken until the end.
        ("MIN_PROPOSAL_VOTES", "1000000"),
        ("NODE_ID", "node-0"),
        ("LOG_LEVEL", "info"),
    ]) {
        engine.set(name, value);
    }
    engine
}

/// PostgreSQL: on a small disk where that is to be filled, else with its own settings where it is killed.
async fn servers(kinds: &[Kind]) -> (Cluster, Database) {
    let (has_disk, has_wal) = (kinds.contains(&Kind::Disk), kinds.contains(&Kind::Wal));
    assert!(!(has_disk && has_wal), "{} and {} need worlds of their own", Kind::Disk, Kind::Wal);
    if has_disk || has_wal {
        let small = if has_wal {
            Cluster::with_small_log(SMALL_LOG_MIB).await
        } else {
            Cluster::with_small_disk(SMALL_DISK_MIB).await
        };
        return small.expect("a small disk for PostgreSQL: mounting one takes root");
    }
    let cluster = if kinds == [Kind::Database] { Cluster::start_durable().await } else { Cluster::start().await };
    let database = cluster.database().await;
    (cluster, database)
}

/// Waits until the engine knows so many markets: who asks for one that is not known yet would be refused.
async fn known(database: &Database, markets: usize) {
    let rows = database.connect().await;
    wait_for("the engine to know every market", || async {
        let known: i64 = rows.query_one("SELECT count(*) FROM markets", &[]).await.unwrap().get(0);
        if known as usize == markets { Ok(()) } else { Err(known) }
    })
    .await;
}

/// Waits until everybody has a first state of all that they listen to.
async fn have_begun(listening: &[(String, Subscriber)], markets: usize, crowd: &Crowd) {
    crowd.has_begun().await;
    wait_for("every subscriber to have a first state", || async {
        match listening.iter().filter(|(_, one)| !one.follows(markets)).count() {
            0 => Ok(()),
            waiting => Err(format!("{waiting} have not")),
        }
    })
    .await;
}
