//! Everything at once: a chain, a database, an engine on both.

use serde_json::Value;
use zmart::domain::ids::MarketAddress;

use crate::{
    chain::Chain,
    engine::Engine,
    http::get,
    patience::wait_for,
    postgres::{Cluster, Database},
};

/// A chain, a database and an engine that is ready.
///
/// The engine goes first when the stage is struck: it is to be judged while its servers still stand.
#[derive(Debug)]
pub struct Stage {
    /// The engine.
    pub engine: Engine,
    /// Its database.
    pub database: Database,
    /// Its chain.
    pub chain: Chain,
}

impl Stage {
    /// With a database in the cluster that all tests share.
    pub async fn set() -> Self {
        Self::on(Database::fresh().await).await
    }

    /// With a database in a cluster of the test's own.
    pub async fn on_cluster(cluster: &Cluster) -> Self {
        Self::on(cluster.database().await).await
    }

    async fn on(database: Database) -> Self {
        let chain = Chain::start().await;
        let mut engine = Engine::on(&chain, &database);
        let migrated = engine.run(&["migrate"]).await;
        assert!(migrated.status.success(), "migrate: {}", String::from_utf8_lossy(&migrated.stderr));
        engine.start().await;
        engine.ready().await;
        Self { engine, database, chain }
    }

    /// Waits until the engine shows a market: it learns of it a moment after the chain has it.
    pub async fn shown(&self, market: MarketAddress) {
        self.shown_as(market, |_| true).await;
    }

    /// Waits until the engine shows a market as active.
    pub async fn shown_active(&self, market: MarketAddress) {
        self.shown_as(market, |state| state == "ACTIVE").await;
    }

    async fn shown_as(&self, market: MarketAddress, wanted: impl Fn(&Value) -> bool) {
        wait_for(&format!("market {market} to be shown"), || async {
            let answer = get(&self.engine.api, &format!("/api/markets/{market}")).await;
            let state = if answer.status == 200 { answer.json()["state"].clone() } else { answer.status.into() };
            if answer.status == 200 && wanted(&state) { Ok(()) } else { Err(state) }
        })
        .await;
    }
}
