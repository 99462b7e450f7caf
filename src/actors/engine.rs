//! The engine's wiring: which actor runs on which arbiter, with what.
//!
//! The clock has an arbiter that nobody busy shares; the chain's parts, the writer and the registry have one each;
//! streams are spread over a few. Pools and RPC clients are made per arbiter: connections live on the runtime that made
//! them.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use actix::prelude::*;
use tokio::sync::broadcast;

use super::{
    chain_reader::{ChainReader, ReadLamports},
    clock::{Clock, Hand},
    committed::{COMMITTED_MAX, Committed},
    feeds::{FeedParts, Feeds},
    journal_writer::JournalWriter,
    ledger_keeper::{LedgerKeeper, LedgerTick},
    listener::{Listener, ListenerParts, ListenerTick},
    outbox::{OutboxParts, OutboxReader},
    pressure::Pressure,
    registry::{self, CrashStream, Registry, RegistryHandle, StreamHome},
    root::{Ending, Kind, Root},
    stats_keeper::{StatsKeeper, StatsTick},
    stream::{StreamEnvironment, StreamTick},
    submissions::{NEWS_MAX, SubmissionNews, SubmissionParts, Submissions, SubmissionsTick},
    supervision::{Crash, DeathGuard, Link},
    sweeper::Sweeper,
    watchdog,
};
use crate::{
    chain::{
        program::ProgramAddresses,
        pubsub::LiveOptions,
        rpc::{ChainRpc, RpcBudget, RpcOptions, RpcSetupError},
    },
    config::Config,
    domain::{
        fee_timeline::FeeTimeline,
        ids::{AccountAddress, Epoch},
    },
    journal::PoolSettingsError,
    telemetry::health::Health,
};

/// Arbiters for streams.
const STREAM_ARBITERS: usize = 2;
/// Connections of the listener, and of the registry.
const SERVICE_CONNECTIONS: usize = 4;
const STATS_CONNECTIONS: usize = 1;
const FEED_CONNECTIONS: usize = 2;
const LISTENER_TICK: Duration = Duration::from_millis(250);
const STREAM_TICK: Duration = Duration::from_secs(1);
const LEDGER_TICK: Duration = Duration::from_millis(250);
const STATS_TICK: Duration = Duration::from_secs(1);
const SUBMISSIONS_TICK: Duration = Duration::from_millis(500);

/// The engine can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// See there.
    #[error(transparent)]
    Database(#[from] PoolSettingsError),
    /// See there.
    #[error(transparent)]
    Rpc(#[from] RpcSetupError),
    /// The watchdog has no thread.
    #[error("no thread for the watchdog: {0}")]
    Watchdog(#[from] std::io::Error),
}

/// The running actors, as the rest of the process knows them.
pub struct Engine {
    /// The way to every stream.
    pub registry: RegistryHandle,
    /// What the parts say of themselves.
    pub health: Health,
    /// What all who ask the node share.
    pub rpc_budget: RpcBudget,
    /// Who sends users' transactions.
    pub submissions: Link<Submissions>,
    /// What becomes of them.
    pub submission_news: broadcast::Sender<SubmissionNews>,
    /// What the journal's writer has committed, batch by batch.
    pub committed: broadcast::Sender<Arc<Committed>>,
    /// Who tells of channels over many markets.
    pub feeds: Link<Feeds>,
    writer: Link<JournalWriter>,
    reader: Link<ChainReader>,
    listener: Link<Listener>,
    registry_link: Link<Registry>,
    clock: Link<Clock>,
    stats: Link<StatsKeeper>,
    outbox: Link<OutboxReader>,
    ledgers: Link<LedgerKeeper>,
    sweeper: Link<Sweeper>,
    config_address: AccountAddress,
    root: Addr<Root>,
}

impl Engine {
    /// Starts every actor. Must be called inside an actix system.
    ///
    /// # Errors
    /// [`WiringError`]: nothing was started.
    pub fn start(config: &Config, epoch: Epoch, health: Health) -> Result<Self, WiringError> {
        let database = config.database.settings();
        let budget = RpcBudget::new(config.chain.rpc_calls_per_second);
        let rpc = || ChainRpc::new(RpcOptions::new(&config.chain.rpc_url, config.chain.program), budget.clone());
        let program = config.chain.program;
        let config_address = ProgramAddresses::new(program).config().0;
        let fees = Arc::new(RwLock::new(FeeTimeline::default()));
        let (writer, reader, listener) = (Link::default(), Link::default(), Link::default());
        let feeds = Link::default();
        let (registry_link, clock, outbox) = (Link::default(), Link::default(), Link::default());
        let (ledgers, stats, submissions, sweeper) =
            (Link::default(), Link::default(), Link::default(), Link::default());
        let (submission_news, _) = broadcast::channel(NEWS_MAX);
        let (committed, _) = broadcast::channel(COMMITTED_MAX);
        let arbiter = |name: &str| {
            let handle = Arbiter::new().handle();
            health.threads().watch(name, handle.clone());
            handle
        };
        health.threads().watch("root", Arbiter::current());
        let mut homes = Vec::new();
        for number in 0..STREAM_ARBITERS {
            let env = StreamEnvironment {
                pool: database.pool(config.database.stream_connections)?,
                writer: writer.clone(),
                reader: reader.clone(),
                fees: Arc::clone(&fees),
                epoch,
                health: health.clone(),
                idle_after: Duration::from_millis(config.streams.idle_ms),
            };
            homes.push(StreamHome { arbiter: arbiter(&format!("streams-{number}")), env });
        }
        let homes: Arc<[StreamHome]> = homes.into();

        let pressure = Pressure::default();
        let listening = ListenerParts {
            live: LiveOptions {
                url: config.chain.ws_url.clone(),
                program,
                connect_timeout: Duration::from_secs(10),
                silent_after: Duration::from_millis(config.chain.silent_after_ms),
            },
            program,
            config_address,
            coverage_interval: Duration::from_millis(config.chain.coverage_interval_ms),
            rpc: rpc()?,
            pool: database.pool(SERVICE_CONNECTIONS)?,
            registry: registry_link.clone(),
            pressure: pressure.clone(),
            fees,
            epoch,
            health: health.clone(),
        };
        let reading_outbox = OutboxParts {
            pool: database.pool(SERVICE_CONNECTIONS)?,
            listen: database.parse()?,
            registry: registry_link.clone(),
            health: health.clone(),
            signatures_required: config.votes.signatures_required,
        };
        let submitting = SubmissionParts {
            rpc: rpc()?,
            pool: database.pool(SERVICE_CONNECTIONS)?,
            resend_after: Duration::from_millis(config.trading.resend_ms),
            news: submission_news.clone(),
        };
        let feeding = FeedParts {
            pool: database.pool(FEED_CONNECTIONS)?,
            epoch,
            committed: committed.clone(),
            news: submission_news.clone(),
        };
        let hands = vec![
            hand(LISTENER_TICK, &listener, || ListenerTick),
            hand(STREAM_TICK, &registry_link, || StreamTick),
            hand(STATS_TICK, &stats, || StatsTick),
            hand(LEDGER_TICK, &ledgers, || LedgerTick),
            hand(SUBMISSIONS_TICK, &submissions, || SubmissionsTick),
        ];
        let kinds = vec![
            kind(
                "journal writer",
                &writer,
                arbiter("writer"),
                (database.writer_pool()?, health.clone(), pressure.clone(), committed.clone()),
                |(pool, health, pressure, committed), guard| {
                    JournalWriter::new(pool, health, guard).telling(pressure).announcing(committed)
                },
            ),
            kind("chain reader", &reader, arbiter("reader"), (rpc()?, program), |(rpc, program), guard| {
                ChainReader::new(rpc, program, guard)
            }),
            kind(
                "registry",
                &registry_link,
                arbiter("registry"),
                (homes, database.pool(SERVICE_CONNECTIONS)?, config_address),
                |(homes, pool, config_address), guard| Registry::new(homes, pool, config_address, guard),
            ),
            kind("listener", &listener, arbiter("listener"), listening, Listener::new),
            kind("stats keeper", &stats, arbiter("stats"), database.pool(STATS_CONNECTIONS)?, StatsKeeper::new),
            kind("outbox reader", &outbox, arbiter("outbox"), reading_outbox, OutboxReader::new),
            kind("keeper of ledgers", &ledgers, arbiter("ledgers"), database.writer_pool()?, LedgerKeeper::new),
            kind("submissions", &submissions, arbiter("submissions"), submitting, Submissions::new),
            kind("feeds", &feeds, arbiter("feeds"), feeding, Feeds::new),
            kind("clock", &clock, arbiter("clock"), hands, Clock::new),
            kind("sweeper", &sweeper, arbiter("sweeper"), database.pool(1)?, Sweeper::new),
        ];
        watchdog::start(health.clone())?;
        Ok(Self {
            registry: registry::handle_of(&registry_link),
            writer,
            reader,
            listener,
            registry_link,
            clock,
            stats,
            outbox,
            ledgers,
            sweeper,
            config_address,
            root: Root::new(kinds, health.clone()).start(),
            rpc_budget: budget,
            submissions,
            submission_news,
            committed,
            feeds,
            health,
        })
    }

    /// Makes an actor panic, for fault tests: `writer`, `reader`, `listener`, `registry`, `clock`, `stats`, `outbox`,
    /// `ledgers`, `submissions`, `feeds`, `sweeper`, `config`, or the address of a market. False if there is none of that name.
    pub fn crash(&self, name: &str) -> bool {
        match name {
            "writer" => crash(&self.writer),
            "reader" => crash(&self.reader),
            "listener" => crash(&self.listener),
            "registry" => crash(&self.registry_link),
            "clock" => crash(&self.clock),
            "stats" => crash(&self.stats),
            "outbox" => crash(&self.outbox),
            "ledgers" => crash(&self.ledgers),
            "submissions" => crash(&self.submissions),
            "feeds" => crash(&self.feeds),
            "sweeper" => crash(&self.sweeper),
            "config" => self.crash_stream(self.config_address),
            address => address.parse().is_ok_and(|address| self.crash_stream(address)),
        }
    }

    /// The way to whoever reads from the chain what a wallet holds.
    pub fn balances(&self) -> impl Fn() -> Option<Recipient<ReadLamports>> + Send + Sync + 'static {
        let reader = self.reader.clone();
        move || reader.get().map(Addr::recipient)
    }

    /// The process is about to end: actors that end from now on are not started again.
    pub async fn ends(&self) {
        // A root that is gone starts nobody.
        let _ = self.root.send(Ending).await;
    }

    fn crash_stream(&self, address: AccountAddress) -> bool {
        self.registry_link.get().is_some_and(|registry| registry.try_send(CrashStream(address)).is_ok())
    }
}

fn crash<A: Actor<Context = Context<A>> + Handler<Crash>>(link: &Link<A>) -> bool {
    link.get().is_some_and(|addr| addr.try_send(Crash).is_ok())
}

/// An actor that root starts, and starts again with the same parts: on its own arbiter, known by its link.
fn kind<A, P>(
    name: &'static str,
    link: &Link<A>,
    arbiter: ArbiterHandle,
    parts: P,
    make: fn(P, DeathGuard) -> A,
) -> Kind
where
    A: Actor<Context = Context<A>>,
    P: Clone + Send + 'static,
{
    let link = link.clone();
    let start = move |guard| {
        let parts = parts.clone();
        link.set(A::start_in_arbiter(&arbiter, move |_| make(parts, guard)));
    };
    Kind { name, start: Box::new(start) }
}

/// A tick that finds its actor dead or full is left out.
fn hand<A, M>(every: Duration, link: &Link<A>, tick: fn() -> M) -> Hand
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: Message<Result = ()> + Send + 'static,
{
    let link = link.clone();
    (every, Arc::new(move || drop(link.get().map(|addr| addr.try_send(tick())))))
}
