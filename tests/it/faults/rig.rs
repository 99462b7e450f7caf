//! An engine between the chain and whatever a test puts in its way.

use zmart_testkit::{chain::Chain, engine::Engine, patience::wait_for, postgres::Database};

/// How often coverage is proved, unless a test says otherwise.
const COVERAGE_MS: &str = "500";

/// An engine with settings of the test's own.
#[derive(Debug)]
pub struct Rig {
    /// The engine.
    pub engine: Engine,
}

impl Rig {
    /// Starts one with these settings beside the harness's own, and waits until it is ready.
    pub async fn start(chain: &Chain, database: &Database, settings: &[(&str, String)]) -> Self {
        let mut rig = Self::prepare(chain, database, settings).await;
        rig.engine.start().await;
        rig.engine.ready().await;
        rig
    }

    /// Prepares one on a migrated database.
    pub async fn prepare(chain: &Chain, database: &Database, settings: &[(&str, String)]) -> Self {
        let mut engine = Engine::on(chain, database);
        engine.set("COVERAGE_INTERVAL_MS", COVERAGE_MS);
        for (name, value) in settings {
            engine.set(name, value);
        }
        let migrated = engine.run(&["migrate"]).await;
        assert!(migrated.status.success(), "migrate: {}", String::from_utf8_lossy(&migrated.stderr));
        Self { engine }
    }

    /// Waits until `zmart verify` finds no difference.
    pub async fn agrees_with_the_chain(&self) {
        wait_for("verify to agree", || async {
            let checked = self.engine.run(&["verify"]).await;
            if checked.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&checked.stdout).into_owned()) }
        })
        .await;
    }
}
