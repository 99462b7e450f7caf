//! Deliveries of the webhook, from the sender to the journal: what is believed, what is lost (nothing), and what becomes of what
//! was made up.

mod crashes;
mod hints;
mod register;

use serde_json::Value;
use zmart::domain::ids::{MarketAddress, TxSignature};
use zmart_testkit::{
    chain::{Chain, ChainClient, SOL},
    engine::Engine,
    helius::{AUTH, Sender},
    patience::wait_for,
    postgres::Database,
    proxy::{Proxy, When, Which},
};

/// An engine that hears of nothing by itself: notifications are withheld, and coverage is looked at once in ten minutes. What
/// it learns after its start, deliveries told it.
struct Deaf {
    engine: Engine,
    database: Database,
    client: ChainClient,
    market: MarketAddress,
    proxy: Proxy,
    chain: Chain,
}

const COVERAGE_MS: &str = "600000";

impl Deaf {
    /// With a market that the engine knows, and these settings.
    async fn set(database: Database, settings: &[(&str, &str)]) -> Self {
        let chain = Chain::start().await;
        let client = chain.client().clone();
        let creator = client.funded_wallet().await;
        let market = chain.active_market(&creator, 100 * SOL).await;
        let proxy = Proxy::before(&client.rpc_url, &chain.ws_url).await;
        let mut engine = Engine::on(&chain, &database);
        engine.set("SOLANA_RPC_URL", &proxy.rpc_url);
        engine.set("SOLANA_WS_URL", &proxy.ws_url);
        engine.set("COVERAGE_INTERVAL_MS", COVERAGE_MS);
        engine.set("HELIUS_AUTH_HEADER", AUTH);
        for (name, value) in settings {
            engine.set(name, value);
        }
        drop(proxy.handle().withhold(Which::Logs, When::Always));
        let deaf = Self { engine, database, client, market, proxy, chain };
        deaf.knows_the_market().await
    }

    async fn knows_the_market(mut self) -> Self {
        self.engine.start().await;
        self.engine.ready().await;
        wait_for("the market to be known", || async {
            let known = recorded(&self.database, self.market).await.len();
            // Created, approved, activated.
            if known >= 3 { Ok(()) } else { Err(known) }
        })
        .await;
        self
    }

    fn sender(&self) -> Sender {
        Sender::to(&self.engine.indexer)
    }

    /// Waits until these are in the market's journal, and gives all that is.
    async fn has(&self, signatures: &[TxSignature]) -> Vec<TxSignature> {
        wait_for("deliveries to reach the journal", || async {
            let recorded = recorded(&self.database, self.market).await;
            let has_all = signatures.iter().all(|signature| recorded.contains(signature));
            if has_all { Ok(recorded) } else { Err(format!("{recorded:?}")) }
        })
        .await
    }
}

/// The transactions of a market's journal, one for each event, in order.
async fn recorded(database: &Database, market: MarketAddress) -> Vec<TxSignature> {
    const SQL: &str = "SELECT signature::text FROM chain_events WHERE stream = $1::text AND NOT orphaned ORDER BY seq";
    let rows = database.connect().await.query(SQL, &[&market.to_string()]).await.unwrap();
    rows.iter().map(|row| row.get::<_, &str>(0).parse().unwrap()).collect()
}

/// Waits until so many deliveries are settled, and all that there are; what became of each, in the order in which they came.
async fn settled(database: &Database, count: usize) -> Vec<Value> {
    const SQL: &str = "SELECT outcome, attempts, body FROM webhook_deliveries ORDER BY id";
    wait_for("deliveries to be settled", || async {
        let rows = database.connect().await.query(SQL, &[]).await.unwrap();
        let outcomes: Vec<Option<Value>> = rows.iter().map(|row| row.get(0)).collect();
        match outcomes.iter().cloned().collect::<Option<Vec<Value>>>() {
            Some(settled) if settled.len() == count => Ok(settled),
            _ => Err(format!("{outcomes:?}")),
        }
    })
    .await
}
