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
    clock::Clock,
    journal_writer::JournalWriter,
    listener::{Listener, ListenerParts, ListenerTick},
    outbox::{OutboxParts, OutboxReader},
    pressure::Pressure,
    registry::{self, CrashStream, Registry, RegistryHandle, StreamHome},
    root::{Ending, Kind, Root},
    stream::{StreamEnvironment, StreamTick},
    submissions::{NEWS_MAX, SubmissionNews, SubmissionParts, Submissions, SubmissionsTick},
    supervision::{Crash, Link},
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
const LISTENER_TICK: Duration = Duration::from_millis(250);
const STREAM_TICK: Duration = Duration::from_secs(1);
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
    writer: Link<JournalWriter>,
    reader: Link<ChainReader>,
    listener: Link<Listener>,
    registry_link: Link<Registry>,
    clock: Link<Clock>,
    outbox: Link<OutboxReader>,
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
        let (registry_link, clock): (Link<Registry>, Link<Clock>) = (Link::default(), Link::default());
        let submissions = Link::default();
        let (submission_news, _) = broadcast::channel(NEWS_MAX);
        let outbox = Link::default();

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
        let kinds = vec![
            writer_kind(&writer, arbiter("writer"), database.writer_pool()?, &health, &pressure),
            reader_kind(&reader, arbiter("reader"), rpc()?, program),
            registry_kind(
                &registry_link,
                arbiter("registry"),
                &homes,
                database.pool(SERVICE_CONNECTIONS)?,
                config_address,
            ),
            listener_kind(
                &listener,
                arbiter("listener"),
                ListenerParts {
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
                },
            ),
            submissions_kind(
                &submissions,
                arbiter("submissions"),
                SubmissionParts {
                    rpc: rpc()?,
                    pool: database.pool(SERVICE_CONNECTIONS)?,
                    resend_after: Duration::from_millis(config.trading.resend_ms),
                    news: submission_news.clone(),
                },
            ),
            outbox_kind(
                &outbox,
                arbiter("outbox"),
                OutboxParts {
                    pool: database.pool(SERVICE_CONNECTIONS)?,
                    listen: database.parse()?,
                    registry: registry_link.clone(),
                    health: health.clone(),
                    signatures_required: config.votes.signatures_required,
                },
            ),
            clock_kind(&clock, arbiter("clock"), &listener, &registry_link, &submissions),
        ];
        watchdog::start(health.clone())?;
        Ok(Self {
            registry: registry::handle_of(&registry_link),
            writer,
            reader,
            listener,
            registry_link,
            clock,
            outbox,
            config_address,
            root: Root::new(kinds, health.clone()).start(),
            rpc_budget: budget,
            submissions,
            submission_news,
            health,
        })
    }

    /// Makes an actor panic, for fault tests: `writer`, `reader`, `listener`, `registry`, `clock`, `submissions`,
    /// `outbox`, `config`, or the address of a market. False if there is none of that name.
    pub fn crash(&self, name: &str) -> bool {
        match name {
            "writer" => crash(&self.writer),
            "reader" => crash(&self.reader),
            "listener" => crash(&self.listener),
            "registry" => crash(&self.registry_link),
            "clock" => crash(&self.clock),
            "submissions" => crash(&self.submissions),
            "outbox" => crash(&self.outbox),
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

fn writer_kind(
    link: &Link<JournalWriter>,
    arbiter: ArbiterHandle,
    pool: deadpool_postgres::Pool,
    health: &Health,
    pressure: &Pressure,
) -> Kind {
    let (link, health, pressure) = (link.clone(), health.clone(), pressure.clone());
    Kind {
        name: "journal writer",
        start: Box::new(move |guard| {
            let (pool, health, pressure) = (pool.clone(), health.clone(), pressure.clone());
            link.set(JournalWriter::start_in_arbiter(&arbiter, move |_| {
                JournalWriter::new(pool, health, guard).telling(pressure)
            }));
        }),
    }
}

fn reader_kind(
    link: &Link<ChainReader>,
    arbiter: ArbiterHandle,
    rpc: ChainRpc,
    program: crate::domain::ids::ProgramId,
) -> Kind {
    let link = link.clone();
    Kind {
        name: "chain reader",
        start: Box::new(move |guard| {
            let rpc = rpc.clone();
            link.set(ChainReader::start_in_arbiter(&arbiter, move |_| ChainReader::new(rpc, program, guard)));
        }),
    }
}

fn registry_kind(
    link: &Link<Registry>,
    arbiter: ArbiterHandle,
    homes: &Arc<[StreamHome]>,
    pool: deadpool_postgres::Pool,
    config_address: AccountAddress,
) -> Kind {
    let (link, homes) = (link.clone(), Arc::clone(homes));
    Kind {
        name: "registry",
        start: Box::new(move |guard| {
            let (homes, pool) = (Arc::clone(&homes), pool.clone());
            let make = move |_: &mut Context<Registry>| Registry::new(homes, pool, config_address, guard);
            link.set(Registry::start_in_arbiter(&arbiter, make));
        }),
    }
}

fn listener_kind(link: &Link<Listener>, arbiter: ArbiterHandle, parts: ListenerParts) -> Kind {
    let link = link.clone();
    Kind {
        name: "listener",
        start: Box::new(move |guard| {
            let parts = parts.clone();
            link.set(Listener::start_in_arbiter(&arbiter, move |_| Listener::new(parts, guard)));
        }),
    }
}

fn submissions_kind(link: &Link<Submissions>, arbiter: ArbiterHandle, parts: SubmissionParts) -> Kind {
    let link = link.clone();
    Kind {
        name: "submissions",
        start: Box::new(move |guard| {
            let parts = parts.clone();
            link.set(Submissions::start_in_arbiter(&arbiter, move |_| Submissions::new(parts, guard)));
        }),
    }
}

fn outbox_kind(link: &Link<OutboxReader>, arbiter: ArbiterHandle, parts: OutboxParts) -> Kind {
    let link = link.clone();
    Kind {
        name: "outbox reader",
        start: Box::new(move |guard| {
            let parts = parts.clone();
            link.set(OutboxReader::start_in_arbiter(&arbiter, move |_| OutboxReader::new(parts, guard)));
        }),
    }
}

fn clock_kind(
    link: &Link<Clock>,
    arbiter: ArbiterHandle,
    listener: &Link<Listener>,
    registry: &Link<Registry>,
    submissions: &Link<Submissions>,
) -> Kind {
    let (link, listener, registry) = (link.clone(), listener.clone(), registry.clone());
    let submissions = submissions.clone();
    Kind {
        name: "clock",
        start: Box::new(move |guard| {
            let (listener, registry) = (listener.clone(), registry.clone());
            let submissions = submissions.clone();
            link.set(Clock::start_in_arbiter(&arbiter, move |_| {
                // A tick that finds its actor dead or full is left out.
                let to_listener: Box<dyn Fn() + Send> = Box::new(move || {
                    let _ = listener.get().map(|addr| addr.try_send(ListenerTick));
                });
                let to_streams: Box<dyn Fn() + Send> = Box::new(move || {
                    let _ = registry.get().map(|addr| addr.try_send(StreamTick));
                });
                let to_submissions: Box<dyn Fn() + Send> = Box::new(move || {
                    let _ = submissions.get().map(|addr| addr.try_send(SubmissionsTick));
                });
                let hands =
                    vec![(LISTENER_TICK, to_listener), (STREAM_TICK, to_streams), (SUBMISSIONS_TICK, to_submissions)];
                Clock::new(hands, guard)
            }));
        }),
    }
}
