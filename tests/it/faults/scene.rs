//! Trades that go on while faults strike, and everything that must hold afterwards.
//!
//! A scene is a chain, a database, an engine with whatever stands between them, traders who trade as far as they are let,
//! and subscribers who check what they hear. One scene may live through many faults: after each, [`Scene::is_well`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;
use zmart_testkit::{
    audit,
    chain::{Chain, ChainClient},
    load::{Load, heard_everything, rows_equal_accounts, subscribers},
    patience::wait_for,
    postgres::Database,
    subscriber::{Notebook, Subscriber},
};

use super::{journal_of, rig::Rig};

/// How many of everything there are.
#[derive(Debug, Clone, Copy)]
pub struct Cast {
    /// Markets that are traded.
    pub markets: usize,
    /// Wallets that trade at the same time.
    pub wallets: usize,
    /// Subscribers that follow all markets.
    pub subscribers: usize,
}

impl Default for Cast {
    fn default() -> Self {
        Self { markets: 3, wallets: 4, subscribers: 2 }
    }
}

/// See the module. The engine goes first when it is dropped.
#[derive(Debug)]
pub struct Scene {
    /// The engine.
    pub rig: Rig,
    /// Its database, as it is reached without whatever stands between.
    pub database: Database,
    /// Its chain.
    pub chain: Chain,
    /// Markets and traders.
    pub load: Load,
    /// A client of the chain.
    pub client: ChainClient,
    listening: Vec<Subscriber>,
    permits: Arc<Semaphore>,
    allowed: AtomicUsize,
}

impl Scene {
    /// Sets it; `settings` tell the engine what stands between it and its servers.
    pub async fn set(cast: Cast, chain: Chain, database: Database, settings: &[(&str, String)]) -> Self {
        let mut rig = Rig::prepare(&chain, &database, settings).await;
        let client = chain.client().clone();
        let load = Load::prepare(&chain, cast.markets, cast.wallets, usize::MAX).await;
        rig.engine.start().await;
        rig.engine.ready().await;
        for market in &load.markets {
            // Who asks for a market that is not known yet is told so, and would have to ask again.
            wait_for("a market to be known", || async {
                if journal_of(&database, *market).await.is_empty() { Err("not yet") } else { Ok(()) }
            })
            .await;
        }
        let listening = subscribers(&rig.engine.ws, cast.subscribers, &load.markets).await;
        let permits = Arc::new(Semaphore::new(0));
        // They end with the runtime.
        drop(load.start(&client, &permits));
        Self { rig, database, chain, load, client, listening, permits, allowed: AtomicUsize::new(0) }
    }

    /// Lets so many more trades go, and waits for none.
    pub fn let_trade(&self, trades: usize) {
        self.allowed.fetch_add(trades, Ordering::SeqCst);
        self.permits.add_permits(trades);
    }

    /// Waits until all that may trade has traded.
    pub async fn traded(&self) {
        self.traded_but(0).await;
    }

    /// Waits until only so many trades are left.
    pub async fn traded_but(&self, left: usize) {
        let wanted = self.allowed.load(Ordering::SeqCst).saturating_sub(left);
        wait_for("trades to land", || async {
            let done = self.load.done();
            if done >= wanted { Ok(()) } else { Err(format!("{done} of {wanted}")) }
        })
        .await;
    }

    /// Lets so many more trades go, and waits for them.
    pub async fn trade(&self, trades: usize) {
        self.let_trade(trades);
        self.traded().await;
    }

    /// Trades that were let go so far.
    pub fn allowed(&self) -> usize {
        self.allowed.load(Ordering::SeqCst)
    }

    /// What each subscriber has heard.
    pub fn notebooks(&self) -> Vec<Notebook> {
        self.listening.iter().map(Subscriber::notebook).collect()
    }

    /// How often each subscriber had to connect.
    pub fn connections(&self) -> Vec<u32> {
        self.listening.iter().map(|one| one.notebook().connections).collect()
    }

    /// Waits until everybody has heard every trade, once and in the chain's order.
    pub async fn everything_is_heard(&self) {
        self.traded().await;
        heard_everything(&self.listening, &self.load.sent(), &self.database, &self.client).await;
    }

    /// What must hold after any fault that leaves the chain's history whole: ready, everybody heard every trade once and
    /// in the chain's order, rows are accounts, no seq is missing or used twice, nothing is dead, nothing was adopted.
    pub async fn is_well(&self, after: &str) {
        eprintln!("after {after}: {} trades", self.load.done());
        self.journal_is_the_chain().await;
        assert_eq!(audit::dead_letters(&self.database).await, [], "after {after}");
        assert_eq!(audit::adoptions(&self.database).await, 0, "all of the history was there, after {after}");
    }

    /// As [`Self::is_well`], where something may be dead or adopted.
    pub async fn journal_is_the_chain(&self) {
        self.everything_is_heard().await;
        self.rig.engine.ready().await;
        rows_equal_accounts(&self.load, &self.database, &self.client).await;
        self.rig.agrees_with_the_chain().await;
        // A staged signature is forgotten a moment after its effect is durable.
        wait_for("the journal's rules to hold", || async {
            let breaches = audit::breaches(&self.database).await;
            if breaches.is_empty() { Ok(()) } else { Err(format!("{breaches:#?}")) }
        })
        .await;
    }
}

/// A moment in which things happen.
pub async fn moment(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
