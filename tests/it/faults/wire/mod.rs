//! The wire to the chain lies, loses, delays and breaks, one fault at a time, while trades go on.
//!
//! Each fault is set on the proxy, must really have struck, and is lifted; then everything must hold ([`Scene::is_well`]).
//! What an engine has to cope with while it lasts (a lossy stream, a node that often fails) must not even hold up the
//! subscribers: they hear everything before it is lifted.

mod accounts;
mod answers;
mod history;
mod notifications;
mod sockets;

use zmart_testkit::{
    chain::Chain,
    patience::wait_for,
    postgres::Database,
    proxy::{Fault, Handle, Proxy},
};

use super::scene::{Cast, Scene};

/// Trades while a fault lasts.
const TRADES: usize = 16;

/// A fault's name, and how it is set.
type Named = (&'static str, fn(&Handle) -> Fault);

/// A scene with a proxy before its chain.
struct Wire {
    scene: Scene,
    _proxy: Proxy,
    hand: Handle,
}

impl Wire {
    async fn set(cast: Cast, settings: &[(&str, &str)]) -> Self {
        Self::prepare(Chain::start().await, cast, settings).await
    }

    async fn on(chain: Chain, cast: Cast) -> Self {
        Self::prepare(chain, cast, &[]).await
    }

    async fn prepare(chain: Chain, cast: Cast, settings: &[(&str, &str)]) -> Self {
        let database = Database::fresh().await;
        let proxy = Proxy::before(&chain.client().rpc_url, &chain.ws_url).await;
        let mut all = vec![("SOLANA_RPC_URL", proxy.rpc_url.clone()), ("SOLANA_WS_URL", proxy.ws_url.clone())];
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let scene = Scene::set(cast, chain, database, &all).await;
        let hand = proxy.handle();
        Self { scene, _proxy: proxy, hand }
    }

    /// Trades until every one of these has struck so often.
    async fn strike(&self, name: &str, faults: &[Fault], times: u64) {
        self.scene.let_trade(TRADES);
        wait_for(&format!("{name} to strike"), || async {
            if self.scene.load.done() >= self.scene.allowed() {
                self.scene.let_trade(1);
            }
            let waiting: Vec<_> = faults.iter().filter(|fault| fault.struck() < times).collect();
            if waiting.is_empty() { Ok(()) } else { Err(format!("{waiting:?}")) }
        })
        .await;
    }

    /// Everybody hears everything while it lasts, and all is well afterwards.
    async fn bears(&self, name: &str, faults: &[Fault]) {
        self.strike(name, faults, 3).await;
        self.scene.everything_is_heard().await;
        self.survives(name, faults).await;
    }

    /// All is well after it.
    async fn survives(&self, name: &str, faults: &[Fault]) {
        self.strike(name, faults, 1).await;
        faults.iter().for_each(Fault::lift);
        self.scene.is_well(name).await;
    }
}
