//! Registry: which stream has an actor, and the way to it.
//!
//! Owns the map of running stream actors and starts them when somebody asks: a market in the journal costs nothing until
//! it is asked for. Streams are spread over a few arbiters by their address. A stream's actor that dies is taken off the
//! map at once and started again when it is next found; one that dies again and again is started later and later. One
//! that nobody needs for a while is asked to leave ([`upkeep`]). Never holds a stream's state, never answers for it.
//!
//! At most [`STREAMS_MAX`] streams run: beyond it readers of others are told to come again ([`ReadError::Loading`]) until
//! some have left. What the chain tells is let through: the listener's window bounds it.
//!
//! A life of it belongs to one role of the node: when that changes, root ends it and begins the next, and so each stream is
//! read again in the new role. What a leader has committed is passed on to those that run here ([`following`]).
//!
//! When it dies its children end with it: a stream whose name nobody knows would keep its subscribers and hear nothing.

mod child;
mod following;
mod handle;
mod looking_up;
mod seen;
mod upkeep;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;
pub use child::Child;
use deadpool_postgres::Pool;
pub use following::{HearCommitted, HearHeads, StreamsInUse};
pub use handle::{ConfigHandle, FindConfig, FindMarket, MarketHandle, RegistryHandle};
pub use looking_up::CHECKS_MAX;
pub use seen::{MarketSeen, RestartStream, SeeMarkets};
pub use upkeep::{CrashStream, Leave, WakeStream};

use self::{
    child::{Death, Parent},
    looking_up::Checks,
};
use super::{
    role::Role,
    stream::{
        ConfigActor, MarketActor, ReadError, StreamActor, StreamEnvironment, follow::HeardHead, pulse::Pulse,
        subject::Subject,
    },
    supervision::{DeathGuard, Link, start_tended},
};
use crate::{
    domain::{
        config::ProgramConfig,
        ids::{AccountAddress, Epoch, MarketAddress},
        market::Market,
    },
    telemetry::census::{Record, STREAMS},
};

/// Streams that may run.
pub const STREAMS_MAX: usize = 262_144;

/// Deaths of one stream within [`DEATHS_WINDOW`] that cost no waiting.
const DEATHS_FREE: usize = 3;
/// Deaths that are remembered.
const DEATHS_WINDOW: Duration = Duration::from_secs(60);
/// Deaths of one stream that are remembered.
const DEATHS_OF_ONE_KEPT: usize = 16;
/// Streams whose deaths are remembered; more that die within the window are started again at once.
const DEATHS_KEPT: usize = 10_000;
/// The longest wait.
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(10);

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

/// A stream's running actor.
struct Running<S: Subject> {
    addr: Addr<StreamActor<S>>,
    pulse: Arc<Pulse>,
    /// Unique in the registry's own life.
    life: u64,
}

/// See the module.
pub struct Registry {
    homes: Arc<[StreamHome]>,
    pool: Pool,
    config_address: AccountAddress,
    config: Option<Running<ProgramConfig>>,
    markets: HashMap<MarketAddress, Running<Market>>,
    deaths: HashMap<AccountAddress, Vec<Instant>>,
    checks: Checks,
    lives: u64,
    idle_after: Duration,
    streams_max: usize,
    role: Option<Role>,
    epoch: Option<Epoch>,
    /// Heads of streams that were too busy to hear of them.
    unheard: HashMap<AccountAddress, HeardHead>,
    parent: Parent,
    /// What all of them show, to operators.
    record: Option<Arc<Record>>,
    _guard: DeathGuard,
}

impl Registry {
    /// A registry without any stream yet. `homes` must not be empty.
    pub fn new(homes: Arc<[StreamHome]>, pool: Pool, config_address: AccountAddress, guard: DeathGuard) -> Self {
        let idle_after = homes.iter().map(|home| home.env.idle_after).min().unwrap_or(Duration::MAX);
        let record = homes.first().map(|home| home.env.health.census().streams());
        Self {
            homes,
            pool,
            config_address,
            record,
            config: None,
            markets: HashMap::new(),
            deaths: HashMap::new(),
            checks: Checks::default(),
            lives: 0,
            idle_after,
            streams_max: STREAMS_MAX,
            role: None,
            epoch: None,
            unheard: HashMap::new(),
            parent: Parent::new(),
            _guard: guard,
        }
    }

    /// Another bound than [`STREAMS_MAX`].
    pub fn with_streams_max(self, streams_max: usize) -> Self {
        Self { streams_max, ..self }
    }

    /// Streams of this role, whatever their homes say.
    pub fn within(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }

    /// Streams of this life of the journal, whatever their homes say.
    pub fn living_in(self, epoch: Epoch) -> Self {
        Self { epoch: Some(epoch), ..self }
    }

    fn start<S: Subject>(&mut self, address: AccountAddress, ctx: &mut Context<Self>) -> Option<Running<S>> {
        if self.must_wait(address) {
            return None;
        }
        // Addresses are hashes or points of a curve: any byte spreads them evenly.
        let home = self.homes.get(usize::from(address.0[31]) % self.homes.len().max(1))?;
        self.lives += 1;
        let (life, mut env, pulse) = (self.lives, home.env.clone(), Arc::<Pulse>::default());
        env.role = self.role.unwrap_or(env.role);
        env.epoch = self.epoch.unwrap_or(env.epoch);
        let child = self.parent.child(address, life, ctx.address().recipient(), env.health.clone());
        let shown = Arc::clone(&pulse);
        let gauge = self.record.as_ref().map(|record| Arc::clone(record.gauge())).unwrap_or_default();
        let make = move || StreamActor::new(address, env, shown, child);
        let addr = start_tended(STREAMS, &gauge, &home.arbiter, make);
        Some(Running { addr, pulse, life })
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

    fn market(&mut self, address: MarketAddress, ctx: &mut Context<Self>) -> Result<&Running<Market>, ReadError> {
        if !self.markets.get(&address).is_some_and(Running::is_alive) {
            let running = self.start(address.account(), ctx).ok_or(ReadError::Loading)?;
            self.markets.insert(address, running);
        }
        let running = self.markets.get(&address).ok_or(ReadError::Loading)?;
        running.pulse.needed();
        Ok(running)
    }

    fn config(&mut self, ctx: &mut Context<Self>) -> Result<Addr<ConfigActor>, ReadError> {
        if let Some(running) = self.config.as_ref().filter(|running| running.is_alive()) {
            return Ok(running.addr.clone());
        }
        let running = self.start(self.config_address, ctx).ok_or(ReadError::Loading)?;
        let addr = running.addr.clone();
        self.config = Some(running);
        Ok(addr)
    }
}

impl<S: Subject> Running<S> {
    fn is_alive(&self) -> bool {
        self.addr.connected()
    }
}

impl StreamHandler<Death> for Registry {
    fn handle(&mut self, death: Death, _: &mut Context<Self>) {
        if death.orderly {
            return;
        }
        let address = death.address;
        log::info!("the actor of stream {address} has ended");
        self.record.iter().for_each(|record| record.restarted());
        let market = MarketAddress(address.0);
        if self.markets.get(&market).is_some_and(|running| running.life == death.life) {
            self.markets.remove(&market);
        }
        if self.deaths.len() < DEATHS_KEPT || self.deaths.contains_key(&address) {
            let deaths = self.deaths.entry(address).or_default();
            deaths.push(death.at);
            let surplus = deaths.len().saturating_sub(DEATHS_OF_ONE_KEPT);
            deaths.drain(..surplus);
        }
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
        if let Some(mut notices) = self.parent.inbox() {
            ctx.add_stream(futures_util::stream::poll_fn(move |cx| notices.poll_recv(cx)));
        }
    }
}

impl Handler<OpenMarket> for Registry {
    type Result = Result<Addr<MarketActor>, ReadError>;

    fn handle(&mut self, OpenMarket(address): OpenMarket, ctx: &mut Self::Context) -> Self::Result {
        self.market(address, ctx).map(|running| running.addr.clone())
    }
}

impl Handler<OpenConfig> for Registry {
    type Result = Result<Addr<ConfigActor>, ReadError>;

    fn handle(&mut self, _: OpenConfig, ctx: &mut Self::Context) -> Self::Result {
        self.config(ctx)
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
