//! Everything that a soak runs: PostgreSQL and the way to it, a chain and two nodes of it, the engine between them, traders
//! and subscribers.

use std::time::Duration;

use crate::{
    chain::{Chain, ChainClient},
    engine::Engine,
    helius::{self, Following, Form, Sender},
    load::{Load, Pace, subscribers},
    network::Network,
    patience::wait_for,
    postgres::{Cluster, Database},
    proxy::{Handle, Proxy},
    subscriber::Subscriber,
};

/// Wallets that trade at the same time.
const WALLETS: usize = 8;
/// Subscribers from the beginning.
const SUBSCRIBERS: usize = 3;
/// Trades a second, as far as the chain can.
const TRADES_A_SECOND: u64 = 40;

/// See the module. The engine goes first when it is dropped.
#[derive(Debug)]
pub struct World {
    /// The engine.
    pub engine: Engine,
    /// PostgreSQL's server.
    pub cluster: Cluster,
    /// The database, without the network before it.
    pub database: Database,
    /// The network before it.
    pub network: Network,
    /// The hand on the proxy before the chain.
    pub hand: Handle,
    /// The hand on another proxy before the same chain: the second node.
    pub second_hand: Handle,
    /// Markets and traders.
    pub load: Load,
    /// A client of the chain, without the proxy.
    pub client: ChainClient,
    /// Those who listen from the beginning: they hear every trade.
    pub listening: Vec<Subscriber>,
    /// Those who came later.
    pub joined: Vec<Subscriber>,
    /// Who delivers what happens, as Helius does.
    pub sender: Sender,
    /// Deliveries under way; `None` while nobody delivers.
    pub following: Option<Following>,
    /// The traders, as long as they trade.
    pub pace: Pace,
    _proxies: [Proxy; 2],
    _chain: Chain,
}

impl World {
    /// Starts everything; a longer soak has more markets, so that none has very many trades.
    pub async fn begin(length: Duration) -> Self {
        let markets = 8 + 2 * usize::try_from(length.as_secs() / 60).unwrap_or(0);
        let (cluster, chain) = (Cluster::start().await, Chain::start().await);
        let database = cluster.database().await;
        let network = Network::before(&database).await;
        let proxy = Proxy::before(&chain.client().rpc_url, &chain.ws_url).await;
        let second = Proxy::before(&chain.client().rpc_url, &chain.ws_url).await;
        let mut engine = Engine::on(&chain, &database);
        for (name, value) in [
            ("DATABASE_URL", network.database().url.as_str()),
            ("SOLANA_RPC_URL", &proxy.rpc_url),
            ("SOLANA_WS_URL", &proxy.ws_url),
            ("SOLANA_RPC_URL_FALLBACK", &second.rpc_url),
            ("SOLANA_WS_URL_FALLBACK", &second.ws_url),
            ("COVERAGE_INTERVAL_MS", "1000"),
            ("CHAIN_SILENT_AFTER_MS", "2000"),
            ("WS_HEARTBEAT_MS", "1000"),
            ("LOG_LEVEL", "info"),
            ("HELIUS_AUTH_HEADER", helius::AUTH),
        ] {
            engine.set(name, value);
        }
        let load = Load::prepare(&chain, markets, WALLETS, usize::MAX).await;
        engine.start().await;
        engine.ready().await;
        let rows = database.connect().await;
        wait_for("the engine to know every market", || async {
            let known: i64 = rows.query_one("SELECT count(*) FROM markets", &[]).await.unwrap().get(0);
            if known as usize == markets { Ok(()) } else { Err(known) }
        })
        .await;
        let listening = subscribers(&engine.ws, SUBSCRIBERS, &load.markets).await;
        let (client, hand, second_hand) = (chain.client().clone(), proxy.handle(), second.handle());
        let pace = load.start_at(&client, TRADES_A_SECOND);
        let sender = Sender::to(&engine.indexer);
        let mut world = Self {
            engine,
            cluster,
            database,
            network,
            hand,
            second_hand,
            load,
            client,
            listening,
            joined: Vec::new(),
            sender,
            following: None,
            pace,
            _proxies: [proxy, second],
            _chain: chain,
        };
        world.follow();
        world
    }

    /// Delivers what happens from now on.
    pub fn follow(&mut self) {
        self.following = Some(self.sender.follow(&self.client.rpc_url, self.client.program, Form::Mixed));
    }
}
