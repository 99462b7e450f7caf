//! Everything at once: a chain, a database, an engine on both.

use zmart::domain::ids::MarketAddress;

use super::{
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

    /// Waits until the engine shows a market in the phase that it has on the chain: it learns of it a moment later.
    pub async fn shown(&self, market: MarketAddress) {
        let phase = self.chain.client().market(market).await.state;
        wait_for(&format!("market {market} to be shown in phase {phase}"), || async {
            let answer = get(&self.engine.api, &format!("/api/markets/{market}")).await;
            let is_there = answer.status == 200 && answer.json()["state_code"] == phase;
            if is_there { Ok(()) } else { Err(String::from_utf8_lossy(&answer.body).into_owned()) }
        })
        .await;
    }
}
