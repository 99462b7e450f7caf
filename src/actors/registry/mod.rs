//! Registry: which stream has an actor, and the way to it.
//!
//! Owns the map of running stream actors and starts them when somebody asks: a market in the journal costs nothing until
//! it is asked for. Streams are spread over a few arbiters by their address. A stream's actor that dies is taken off the
//! map at once and started again when it is next found; one that dies again and again is started later and later. One
//! that nobody needs for a while ends by itself. Never holds a stream's state, never answers for it.
//!
//! When it dies its children end with it: a stream whose name nobody knows would keep its subscribers and hear nothing.

mod handle;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use deadpool_postgres::Pool;
pub use handle::{ConfigHandle, FindConfig, FindMarket, MarketHandle, RegistryHandle};
use tokio::sync::watch;

use super::{
    stream::{
        ConfigActor, Finalized, MarketActor, ReadError, StreamActor, StreamEnvironment, StreamTick, subject::Subject,
    },
    supervision::{Crash, DeathGuard, Link},
};
use crate::domain::ids::{AccountAddress, MarketAddress};

/// Deaths of one stream within [`DEATHS_WINDOW`] that cost no waiting.
const DEATHS_FREE: usize = 3;
/// Deaths that are remembered.
const DEATHS_WINDOW: Duration = Duration::from_secs(60);
/// The longest wait.
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(10);
/// Existence checks that may be in flight; beyond it, readers are told to come again.
const CHECKS_MAX: usize = 256;

/// The handle of a market's actor for the listener: started even if the journal has never heard of it.
#[derive(Message)]
#[rtype(result = "Result<Addr<MarketActor>, ReadError>")]
pub struct OpenMarket(pub MarketAddress);

/// The config's actor, for the listener.
#[derive(Message)]
#[rtype(result = "Result<Addr<ConfigActor>, ReadError>")]
pub struct OpenConfig;

/// An arbiter for streams, and what its streams share.
pub struct StreamHome {
    /// The arbiter.
    pub arbiter: ArbiterHandle,
    /// Its environment.
    pub env: StreamEnvironment,
}

/// See the module.
pub struct Registry {
    homes: Arc<[StreamHome]>,
    pool: Pool,
    config_address: AccountAddress,
    config: Option<Addr<ConfigActor>>,
    markets: HashMap<MarketAddress, Addr<MarketActor>>,
    deaths: HashMap<AccountAddress, Vec<Instant>>,
    checks: usize,
    /// Children watch it: it is dropped with the registry.
    life: watch::Sender<()>,
    _guard: DeathGuard,
}

impl Registry {
    /// A registry without any stream yet. `homes` must not be empty.
    pub fn new(homes: Arc<[StreamHome]>, pool: Pool, config_address: AccountAddress, guard: DeathGuard) -> Self {
        Self {
            homes,
            pool,
            config_address,
            config: None,
            markets: HashMap::new(),
            deaths: HashMap::new(),
            checks: 0,
            life: watch::channel(()).0,
            _guard: guard,
        }
    }

    fn start<S: Subject>(&mut self, address: AccountAddress, ctx: &mut Context<Self>) -> Option<Addr<StreamActor<S>>> {
        if self.must_wait(address) {
            return None;
        }
        // Addresses are hashes or points of a curve: any byte spreads them evenly.
        let home = self.homes.get(usize::from(address.0[31]) % self.homes.len().max(1))?;
        let (guard, death) = DeathGuard::new();
        let (env, parent) = (home.env.clone(), self.life.subscribe());
        let addr = StreamActor::start_in_arbiter(&home.arbiter, move |_| StreamActor::new(address, env, parent, guard));
        ctx.spawn(death.into_actor(self).map(move |(), actor, _| actor.died(address)));
        Some(addr)
    }

    fn died(&mut self, address: AccountAddress) {
        log::info!("the actor of stream {address} has ended");
        let market = MarketAddress(address.0);
        if self.markets.get(&market).is_some_and(|addr| !addr.connected()) {
            self.markets.remove(&market);
        }
        if self.deaths.len() < 10_000 || self.deaths.contains_key(&address) {
            self.deaths.entry(address).or_default().push(Instant::now());
        }
    }

    fn must_wait(&mut self, address: AccountAddress) -> bool {
        let Some(deaths) = self.deaths.get_mut(&address) else { return false };
        deaths.retain(|death| death.elapsed() < DEATHS_WINDOW);
        let Some(last) = deaths.last() else {
            self.deaths.remove(&address);
            return false;
        };
        let over = deaths.len().saturating_sub(DEATHS_FREE) as u32;
        let pause = Duration::from_millis(250).saturating_mul(1 << over.min(6)).min(RESTART_PAUSE_MAX);
        over > 0 && last.elapsed() < pause
    }

    fn market(&mut self, address: MarketAddress, ctx: &mut Context<Self>) -> Result<Addr<MarketActor>, ReadError> {
        if let Some(addr) = self.markets.get(&address).filter(|addr| addr.connected()) {
            return Ok(addr.clone());
        }
        let addr = self.start(address.account(), ctx).ok_or(ReadError::Loading)?;
        self.markets.insert(address, addr.clone());
        Ok(addr)
    }

    fn config(&mut self, ctx: &mut Context<Self>) -> Result<Addr<ConfigActor>, ReadError> {
        if let Some(addr) = self.config.as_ref().filter(|addr| addr.connected()) {
            return Ok(addr.clone());
        }
        let addr = self.start(self.config_address, ctx).ok_or(ReadError::Loading)?;
        self.config = Some(addr.clone());
        Ok(addr)
    }
}

/// The handle that always leads to the newest life of the registry.
pub fn handle_of(link: &Link<Registry>) -> RegistryHandle {
    let (markets, config) = (link.clone(), link.clone());
    RegistryHandle::new(move || markets.get().map(Addr::recipient), move || config.get().map(Addr::recipient))
}

impl Actor for Registry {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1_024);
    }
}

impl Handler<OpenMarket> for Registry {
    type Result = Result<Addr<MarketActor>, ReadError>;

    fn handle(&mut self, OpenMarket(address): OpenMarket, ctx: &mut Self::Context) -> Self::Result {
        self.market(address, ctx)
    }
}

impl Handler<OpenConfig> for Registry {
    type Result = Result<Addr<ConfigActor>, ReadError>;

    fn handle(&mut self, _: OpenConfig, ctx: &mut Self::Context) -> Self::Result {
        self.config(ctx)
    }
}

fn market_handle(address: MarketAddress, addr: &Addr<MarketActor>) -> MarketHandle {
    MarketHandle {
        address,
        reads: addr.clone().recipient(),
        attach: addr.clone().recipient(),
        detach: addr.clone().recipient(),
        replay: addr.clone().recipient(),
    }
}

impl Handler<FindMarket> for Registry {
    type Result = ResponseActFuture<Self, Result<MarketHandle, ReadError>>;

    /// Anybody may ask for any address: a market that is not running is looked up before an actor is made for it.
    fn handle(&mut self, FindMarket(address): FindMarket, _: &mut Self::Context) -> Self::Result {
        if let Some(addr) = self.markets.get(&address).filter(|addr| addr.connected()) {
            let handle = market_handle(address, addr);
            return Box::pin(std::future::ready(Ok(handle)).into_actor(self));
        }
        if self.checks >= CHECKS_MAX {
            return Box::pin(std::future::ready(Err(ReadError::Loading)).into_actor(self));
        }
        self.checks += 1;
        let pool = self.pool.clone();
        let check = async move { crate::journal::open::market_exists(&pool, address).await };
        Box::pin(check.into_actor(self).map(move |exists, actor, ctx| {
            actor.checks -= 1;
            match exists {
                Ok(true) => actor.market(address, ctx).map(|addr| market_handle(address, &addr)),
                Ok(false) => Err(ReadError::Unknown),
                Err(error) => {
                    log::warn!("market {address} can't be looked up: {error}");
                    Err(ReadError::Loading)
                }
            }
        }))
    }
}

impl Handler<FindConfig> for Registry {
    type Result = Result<ConfigHandle, ReadError>;

    fn handle(&mut self, _: FindConfig, ctx: &mut Self::Context) -> Self::Result {
        let addr = self.config(ctx)?;
        Ok(ConfigHandle {
            address: self.config_address,
            reads: addr.clone().recipient(),
            attach: addr.clone().recipient(),
            detach: addr.clone().recipient(),
            replay: addr.recipient(),
        })
    }
}

impl Handler<Finalized> for Registry {
    type Result = ();

    /// A stream whose mailbox is full hears of the next.
    fn handle(&mut self, finalized: Finalized, _: &mut Self::Context) {
        for addr in self.markets.values() {
            let _ = addr.try_send(finalized);
        }
        if let Some(config) = &self.config {
            let _ = config.try_send(finalized);
        }
    }
}

impl Handler<StreamTick> for Registry {
    type Result = ();

    /// As with [`Finalized`].
    fn handle(&mut self, tick: StreamTick, _: &mut Self::Context) {
        self.deaths.retain(|_, deaths| deaths.last().is_some_and(|death| death.elapsed() < DEATHS_WINDOW));
        for addr in self.markets.values() {
            let _ = addr.try_send(tick);
        }
        if let Some(config) = &self.config {
            let _ = config.try_send(tick);
        }
    }
}

/// Crash a stream's actor, for fault tests.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct CrashStream(pub AccountAddress);

impl Handler<CrashStream> for Registry {
    type Result = ();

    fn handle(&mut self, CrashStream(address): CrashStream, _: &mut Self::Context) {
        if let Some(addr) = self.markets.get(&MarketAddress(address.0)) {
            let _ = addr.try_send(Crash);
        }
        if address == self.config_address
            && let Some(addr) = &self.config
        {
            let _ = addr.try_send(Crash);
        }
    }
}

impl Handler<Crash> for Registry {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the registry was asked to crash");
    }
}
