//! The engine's wiring: which actor runs on which arbiter, with what.
//!
//! The clock has an arbiter that nobody busy shares; the chain's parts, the writer and the registry have one each;
//! streams are spread over a few. Pools and RPC clients are made per arbiter: connections live on the runtime that made
//! them.
//!
//! What only one node of a database may do is wired on every node, and runs under a lease: each kind says in which role of
//! the node there is one, and gets the role of its office with each of its lives. How a kind is made is in `kinds`; those who
//! govern are wired in `governing`, the snapshotter in `snapshotting`.

mod ending;
mod faults;
mod retiring;

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use actix::prelude::*;
use tokio::sync::broadcast;

use super::{
    chain_reader::ChainReader,
    clock::Clock,
    committed::COMMITTED_MAX,
    dirty_marker::{DirtyMarker, MarkerParts},
    feeds::{FeedParts, Feeds},
    follower::{Follower, FollowerParts},
    governing::{Governing, GoverningParts},
    herald::{Herald, HeraldParts},
    indexing::{Indexing, IndexingParts},
    journal_writer::JournalWriter,
    kinds::{NewTerms, hand, kind},
    lease_keeper::{Held, LeaseKeeper, LeaseParts},
    ledger_keeper::{LedgerKeeper, LedgerTick},
    listener::{Listener, ListenerParts, ListenerTick},
    lookout::{self, Lookout},
    monitor::webhook::WebhookError,
    outbox::{OutboxParts, OutboxReader, electorate::Electorate},
    pressure::Pressure,
    registry::{self, Registry, RegistryHandle, StreamHome},
    role::{Role, Runs},
    root::Root,
    snapshotting::Snapshotting,
    stats_keeper::{StatsKeeper, StatsTick},
    stream::{StreamEnvironment, StreamTick},
    submissions::{NEWS_MAX, SubmissionParts, Submissions, SubmissionsTick},
    submitter::SubmitterTick,
    supervision::Link,
    sweeper::Sweeper,
    verifier::{Verifier, VerifierParts, verifier},
    watchdog,
};
use crate::{
    bus::{
        Bus,
        dirty::{DirtyMarkets, MemoryDirty},
    },
    chain::{
        keys::KeyError,
        program::ProgramAddresses,
        pubsub::LiveOptions,
        rpc::{ChainRpc, Endpoints, RpcBudget, RpcOptions, RpcSetupError, Standing},
    },
    config::Config,
    domain::{fee_timeline::FeeTimeline, ids::AccountAddress},
    ipfs::ClientError,
    journal::{
        PoolSettingsError,
        current_life::{CurrentLife, LivingDatabase},
        lease::{Leased, Office, Term},
    },
    telemetry::health::{Health, Part},
};

/// Arbiters for streams.
const STREAM_ARBITERS: usize = 2;
/// Connections of the listener, and of the registry.
const SERVICE_CONNECTIONS: usize = 4;
const FEED_CONNECTIONS: usize = 2;
const LISTENER_TICK: Duration = Duration::from_millis(250);
const STREAM_TICK: Duration = Duration::from_secs(1);
const LEDGER_TICK: Duration = Duration::from_millis(250);
const STATS_TICK: Duration = Duration::from_secs(1);
const SUBMISSIONS_TICK: Duration = Duration::from_millis(500);
const SUBMITTER_TICK: Duration = Duration::from_millis(500);

/// The engine can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// See there.
    #[error(transparent)]
    Database(#[from] PoolSettingsError),
    /// See there.
    #[error(transparent)]
    Rpc(#[from] RpcSetupError),
    /// A key that is configured can't be had.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// See there.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// See there.
    #[error(transparent)]
    Ipfs(#[from] ClientError),
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
    /// The keepers of the leases.
    lease: Link<LeaseKeeper>,
    governing: Governing,
    snapshotting: Snapshotting,
    indexing: Indexing,
    marker: Link<DirtyMarker>,
    herald: Link<Herald>,
    follower: Link<Follower>,
    lookout: Link<Lookout>,
    verifier: Link<Verifier>,
    config_address: AccountAddress,
    root: Addr<Root>,
}

impl Engine {
    /// Starts every actor; `endpoints` are the nodes of the chain, `bus` leads to the other nodes of the database. Must be
    /// called inside an actix system.
    ///
    /// # Errors
    /// [`WiringError`]: nothing was started.
    pub fn start(
        config: &Config,
        life: CurrentLife,
        endpoints: &Endpoints,
        bus: Option<Arc<dyn Bus>>,
        health: Health,
    ) -> Result<Self, WiringError> {
        // The epoch of what is made here is only the first one's: each life of an actor gets that of its time.
        let epoch = life.epoch();
        let database = LivingDatabase { settings: config.database.settings(), life: life.clone() };
        let budget = RpcBudget::new(config.chain.rpc_calls_per_second).measured_by(health.metrics());
        let pools = health.pools().clone();
        let options = RpcOptions::new(&config.chain.rpc_url, config.chain.program).beside(endpoints);
        let rpc_with = |budget| ChainRpc::new(options.clone(), budget);
        let rpc = || rpc_with(budget.clone());
        let program = config.chain.program;
        let config_address = ProgramAddresses::new(program).config().0;
        let fees = Arc::new(RwLock::new(FeeTimeline::default()));
        let (writer, reader, listener) = (Link::default(), Link::default(), Link::default());
        let feeds = Link::default();
        let (registry_link, clock, outbox) = (Link::default(), Link::default(), Link::default());
        let (ledgers, stats, submissions, sweeper) =
            (Link::default(), Link::default(), Link::default(), Link::default());
        let (lease, herald, follower) = (Link::default(), Link::default(), Link::default());
        let (marker, governing, snapshotting, indexing) =
            (Link::default(), Governing::default(), Snapshotting::default(), Indexing::default());
        let lookout = Link::default();
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
                pool: pools.watched("streams", database.pool(config.database.stream_connections)?),
                writer: writer.clone(),
                reader: reader.clone(),
                fees: Arc::clone(&fees),
                epoch,
                role: Role::Following,
                health: health.clone(),
                idle_after: Duration::from_millis(config.streams.idle_ms),
                is_heard: true,
            };
            homes.push(StreamHome { arbiter: arbiter(&format!("streams-{number}")), env });
        }
        let homes: Arc<[StreamHome]> = homes.into();

        let pressure = Pressure::default();
        // Nobody's, until a term begins.
        let leased = |pool| Leased::new(pool, Term::NONE);
        let listening = ListenerParts {
            live: LiveOptions {
                url: config.chain.ws_url.clone(),
                program,
                connect_timeout: Duration::from_secs(10),
                silent_after: Duration::from_millis(config.chain.silent_after_ms),
            },
            second_ws: config.chain.fallback.as_ref().map(|second| second.ws_url.clone()),
            program,
            config_address,
            coverage_interval: Duration::from_millis(config.chain.coverage_interval_ms),
            rpc: rpc()?,
            pool: leased(pools.watched("listener", database.pool(SERVICE_CONNECTIONS)?)),
            registry: registry_link.clone(),
            pressure: pressure.clone(),
            fees: Arc::clone(&fees),
            epoch,
            health: health.clone(),
            backfill: None,
        };
        let reading_outbox = OutboxParts {
            pool: leased(pools.watched("outbox", database.pool(SERVICE_CONNECTIONS)?)),
            listen: database.connector()?,
            registry: registry_link.clone(),
            health: health.clone(),
            electorate: Arc::new(Electorate::new(config.votes, config.governance.periods(0), reader.clone())),
        };
        let submitting = SubmissionParts {
            rpc: rpc()?,
            pool: leased(pools.watched("submissions", database.pool(SERVICE_CONNECTIONS)?)),
            resend_after: Duration::from_millis(config.trading.resend_ms),
            news: submission_news.clone(),
            metrics: health.metrics().clone(),
            committed: committed.clone(),
            epoch,
        };
        let feeding = FeedParts {
            pool: pools.watched("feeds", database.pool(FEED_CONNECTIONS)?),
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
            hand(SUBMITTER_TICK, &governing.submitter, || SubmitterTick),
        ];
        let root_link = Link::default();
        let keeping = |office, may_lead| {
            Ok::<_, WiringError>(LeaseParts {
                // They alone may meet another database: they look.
                pool: database.settings.pool(1)?,
                database: database.clone(),
                office,
                node: config.node.id.clone(),
                may_lead,
                root: root_link.clone(),
                health: health.clone(),
                held: Held::default(),
            })
        };
        let keeping_lease = keeping(Office::Engine, config.node.roles.indexer)?;
        let written_by = leased(pools.watched("writer", database.writer_pool()?));
        let writing = (written_by, health.clone(), pressure.clone(), committed.clone(), life.clone());
        let finding =
            (homes, pools.watched("registry", database.pool(SERVICE_CONNECTIONS)?), config_address, life.clone());
        let telling = HeraldParts {
            bus: bus.clone(),
            committed: committed.clone(),
            news: submission_news.clone(),
            health: health.clone(),
        };
        // Without a bus there is one node, or others find what has changed by looking.
        let within = MemoryDirty::default();
        let dirty = || match &bus {
            Some(bus) => bus.dirty(),
            None => Arc::new(within.clone()) as Arc<dyn DirtyMarkets>,
        };
        let marking = MarkerParts { dirty: dirty(), committed: committed.clone() };
        let hearing = FollowerParts {
            bus: bus.clone(),
            pool: database.pool(1)?,
            registry: registry_link.clone(),
            committed: committed.clone(),
            news: submission_news.clone(),
            epoch,
            program,
            health: health.clone(),
        };
        let begins = NewTerms::new(fees, life.clone());
        let mut kinds = vec![
            kind("keeper of the lease", Runs::Always, &lease, arbiter("lease"), keeping_lease, |parts, _, guard| {
                LeaseKeeper::new(parts, guard)
            }),
            // Before the writer: it is to hear all that is committed.
            kind("herald", Runs::Leading, &herald, arbiter("herald"), telling, |parts, role, guard| {
                Herald::new(parts, role.term(), guard)
            }),
            kind("dirty marker", Runs::Leading, &marker, arbiter("marker"), marking, |parts, _, guard| {
                DirtyMarker::new(parts, guard)
            }),
            kind("journal writer", Runs::Holding, &writer, arbiter("writer"), writing, |parts, role, guard| {
                let (pool, health, pressure, committed, life) = parts;
                JournalWriter::new(pool.under(role.term()), health, guard)
                    .telling(pressure)
                    .announcing(committed, life.epoch())
            }),
            kind("chain reader", Runs::Always, &reader, arbiter("reader"), (rpc()?, program), |parts, _, guard| {
                let (rpc, program) = parts;
                ChainReader::new(rpc, program, guard)
            }),
            begins.before(kind(
                "registry",
                Runs::InEach,
                &registry_link,
                arbiter("registry"),
                finding,
                |(homes, pool, config_address, life), role, guard| {
                    Registry::new(homes, pool, config_address, guard).within(role).living_in(life.epoch())
                },
            )),
            kind(
                "follower",
                Runs::Following,
                &follower,
                arbiter("follower"),
                (hearing, life.clone()),
                |of, _, guard| {
                    let (parts, life) = of;
                    Follower::new(FollowerParts { epoch: life.epoch(), ..parts }, guard)
                },
            ),
            kind(
                "listener",
                Runs::Leading,
                &listener,
                arbiter("listener"),
                (listening, life.clone()),
                |of, role, guard| {
                    let (parts, life) = of;
                    let (pool, epoch) = (parts.pool.under(role.term()), life.epoch());
                    Listener::new(ListenerParts { pool, epoch, ..parts }, guard)
                },
            ),
            kind(
                "stats keeper",
                Runs::Leading,
                &stats,
                arbiter("stats"),
                leased(database.keeper_pool(false)?),
                |pool, role, guard| StatsKeeper::new(pool.under(role.term()), guard),
            ),
            kind("outbox reader", Runs::Leading, &outbox, arbiter("outbox"), reading_outbox, |parts, role, guard| {
                OutboxReader::new(OutboxParts { pool: parts.pool.under(role.term()), ..parts }, guard)
            }),
            kind(
                "keeper of ledgers",
                Runs::Leading,
                &ledgers,
                arbiter("ledgers"),
                leased(database.keeper_pool(true)?),
                |pool, role, guard| LedgerKeeper::new(pool.under(role.term()), guard),
            ),
            kind(
                "submissions",
                Runs::Leading,
                &submissions,
                arbiter("submissions"),
                (submitting, life.clone()),
                |(parts, life), role, guard| {
                    let (pool, epoch) = (parts.pool.under(role.term()), life.epoch());
                    Submissions::new(SubmissionParts { pool, epoch, ..parts }, guard)
                },
            ),
            kind("clock", Runs::Always, &clock, arbiter("clock"), hands, |hands, _, guard| Clock::new(hands, guard)),
            kind(
                "sweeper",
                Runs::Leading,
                &sweeper,
                arbiter("sweeper"),
                (leased(database.pool(1)?), config.retention),
                |(pool, retention), role, guard| Sweeper::new(pool.under(role.term()), retention, guard),
            ),
            kind("feeds", Runs::InEachLife, &feeds, arbiter("feeds"), (feeding, life), |(parts, life), _, guard| {
                Feeds::new(FeedParts { epoch: life.epoch(), ..parts }, guard)
            }),
        ];
        lookout::tell(&health, endpoints.standing());
        if endpoints.standing() != Standing::Alone {
            let parts = (rpc()?, health.clone());
            kinds.push(kind(
                "lookout",
                Runs::Always,
                &lookout,
                arbiter("lookout"),
                parts,
                |(rpc, health), _, guard| Lookout::new(rpc, health, guard),
            ));
        }
        kinds.extend(indexing.kinds(IndexingParts {
            database: &database,
            rpc: &|| rpc_with(budget.for_users()),
            arbiter: &arbiter,
            listener: &listener,
            health: &health,
        })?);
        let verifying = VerifierParts {
            rpc: rpc_with(budget.share(config.verify.rpc_calls_per_second))?,
            pool: leased(database.pool(SERVICE_CONNECTIONS)?),
            registry: registry_link.clone(),
            config_address,
            schedule: config.verify.schedule.clone(),
            health: health.clone(),
        };
        let verifies = Link::default();
        kinds.push(verifier(&verifies, arbiter("verifier"), verifying));
        if config.node.roles.governs() {
            kinds.extend(governing.kinds(GoverningParts {
                config,
                database: &database,
                rpc: &rpc,
                arbiter: &arbiter,
                keeping: keeping(Office::Governance, true)?,
                committed: committed.clone(),
                dirty: dirty(),
                health: &health,
            })?);
        } else {
            health.off(Part::Governance, "another node's affair (ROLES names neither aggregator nor monitor)");
        }
        let keeping_snapshots = keeping(Office::Snapshots, true)?;
        kinds.extend(snapshotting.kinds(config, &database, &arbiter, keeping_snapshots, &health)?);
        let root = Root::new(kinds, health.clone()).under(&config.ops.restarts).start();
        root_link.set(root.clone());
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
            lease,
            governing,
            snapshotting,
            indexing,
            marker,
            herald,
            follower,
            lookout,
            verifier: verifies,
            root,
            rpc_budget: budget,
            submissions,
            feeds,
            health,
        })
    }

    /// The way to whoever reads from the chain what a wallet holds, and what time it is there.
    pub fn chain_reader(&self) -> Link<ChainReader> {
        self.reader.clone()
    }

    /// Whoever knows which markets run.
    pub fn markets(&self) -> Link<Registry> {
        self.registry_link.clone()
    }
}
