//! The WebSocket port, from the wire: what any client may rely on, whatever the implementation behind is.
//!
//! Everything here goes over TCP to an engine that runs as its own process; the chain behind it is a feeder, which tells
//! as many trades as fast as a test wants.

mod bounds;
mod resume;
mod rfc6455;
mod storm;

use zmart::domain::{amount::Lamports, ids::MarketAddress};
use zmart_testkit::{
    engine::Engine,
    feeder::{Feeder, Generated, GeneratedStory, Options, Source},
    patience::wait_for,
    postgres::Database,
};

/// A feeder, and an engine on it that knows its markets.
struct Scene {
    engine: Engine,
    feeder: Feeder,
    markets: Vec<MarketAddress>,
    /// As a test reads it, past any network.
    database: Database,
}

impl Scene {
    /// With so many markets, on which so many trades can be told.
    async fn set(markets: u32, trades: u32) -> Self {
        let database = Database::fresh().await;
        Self::behind(&database, &database, markets, trades).await
    }

    /// As [`Self::set`], where the engine reaches its database in another way.
    async fn behind(database: &Database, reached: &Database, markets: u32, trades: u32) -> Self {
        let story = Generated {
            markets,
            wallets: 50,
            trades,
            initial_liquidity: Lamports(200_000_000_000),
            ..Generated::default()
        };
        let setup = u64::from(GeneratedStory::setup_len(&story));
        let feeder = Feeder::start(Options::new(Source::Generated(story))).await;
        let mut engine = Engine::on_node(&feeder.rpc_url, &feeder.ws_url, feeder.program(), reached);
        engine.set("COVERAGE_INTERVAL_MS", "500");
        feeder.emit(setup);
        engine.start().await;
        engine.ready().await;
        let rows = database.connect().await;
        let markets = wait_for("the markets", || async {
            const SQL: &str = "SELECT address::text FROM markets WHERE last_seq >= 4 ORDER BY 1";
            let found = rows.query(SQL, &[]).await.map_err(|error| error.to_string())?;
            let found: Vec<MarketAddress> = found.iter().map(|row| row.get::<_, &str>(0).parse().unwrap()).collect();
            if found.len() == markets as usize { Ok(found) } else { Err(format!("{} of {markets}", found.len())) }
        })
        .await;
        Self { engine, feeder, markets, database: Database { url: database.url.clone() } }
    }

    /// The newest entry of each market, once everything that was told is in the journal: `(epoch, seq)`.
    async fn heads(&self) -> Vec<(u64, u64)> {
        let rows = self.database.connect().await;
        wait_for("every transaction in the journal", || async {
            const SQL: &str = "SELECT count(DISTINCT signature) FROM chain_events";
            let seen: i64 = rows.query_one(SQL, &[]).await.map_err(|error| error.to_string())?.get(0);
            let landed = self.feeder.landed();
            if u64::try_from(seen) == Ok(landed) { Ok(()) } else { Err(format!("{seen} of {landed}")) }
        })
        .await;
        let mut heads = Vec::new();
        for market in &self.markets {
            const SQL: &str = "SELECT max(epoch)::bigint, max(seq) FROM journal WHERE stream = $1::text";
            let row = rows.query_one(SQL, &[&market.to_string()]).await.unwrap();
            let [epoch, seq] = [0, 1].map(|column| u64::try_from(row.get::<_, i64>(column)).unwrap());
            heads.push((epoch, seq));
        }
        heads
    }

    /// The port that clients connect to.
    fn port(&self) -> u16 {
        self.engine.ws.trim_end_matches('/').rsplit_once(':').unwrap().1.parse().unwrap()
    }
}
