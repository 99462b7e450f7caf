//! The part of the engine that a backfill needs, in a process of its own: the keeper of the lease, the writer, the reader of
//! the chain, the streams, and a listener that hears nothing live.
//!
//! Wired as in `engine`, by the same kinds and under the same root: a part that dies is started again, and what is written is
//! written under the lease. Nobody hears of it: there is no bus, no feed and no port. What others derive from the journal (ledgers,
//! figures of markets) is noted in it, and worked off by the engine that leads next.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use actix::prelude::*;

use super::{
    chain_reader::ChainReader,
    clock::Clock,
    engine::WiringError,
    journal_writer::JournalWriter,
    kinds::{NewTerms, hand, kind},
    lease_keeper::{GiveUp, Held, LeaseKeeper, LeaseParts},
    listener::{Backfill, Listener, ListenerParts, ListenerTick},
    pressure::Pressure,
    registry::{Registry, StreamHome},
    role::{Role, Runs},
    root::{Ending, Root},
    stream::{StreamEnvironment, StreamTick},
    supervision::Link,
    watchdog,
};
use crate::{
    chain::{
        program::ProgramAddresses,
        pubsub::LiveOptions,
        rpc::{ChainRpc, RpcBudget, RpcOptions},
    },
    config::Config,
    domain::{fee_timeline::FeeTimeline, ids::Slot},
    journal::{
        current_life::{CurrentLife, LivingDatabase},
        lease::{Leased, Office, Term},
    },
    telemetry::health::Health,
};

/// As in the engine.
const STREAM_ARBITERS: usize = 2;
const SERVICE_CONNECTIONS: usize = 4;
/// Quicker than the engine's: it fetches as soon as there is room.
const LISTENER_TICK: Duration = Duration::from_millis(50);
const STREAM_TICK: Duration = Duration::from_secs(1);
const GIVE_UP_MAX: Duration = Duration::from_secs(2);

/// The running actors.
pub struct Backfiller {
    lease: Link<LeaseKeeper>,
    root: Addr<Root>,
}

impl Backfiller {
    /// Starts every actor; `node` is its name as a holder of the lease, another than that of any engine. Must be called inside
    /// an actix system.
    ///
    /// # Errors
    /// [`WiringError`]: nothing was started.
    pub fn start(
        config: &Config,
        node: String,
        life: CurrentLife,
        backfill: Backfill,
        health: &Health,
    ) -> Result<Self, WiringError> {
        let epoch = life.epoch();
        let database = LivingDatabase { settings: config.database.settings(), life: life.clone() };
        let budget = RpcBudget::new(config.chain.rpc_calls_per_second);
        let rpc = || ChainRpc::new(RpcOptions::new(&config.chain.rpc_url, config.chain.program), budget.clone());
        let program = config.chain.program;
        let config_address = ProgramAddresses::new(program).config().0;
        let fees = Arc::new(RwLock::new(FeeTimeline::default()));
        let (writer, reader, listener): (Link<JournalWriter>, Link<ChainReader>, Link<Listener>) = Default::default();
        let (registry, lease, clock, root_link) = (Link::default(), Link::default(), Link::default(), Link::default());
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
                role: Role::Following,
                health: health.clone(),
                idle_after: Duration::from_millis(config.streams.idle_ms),
                is_heard: false,
            };
            homes.push(StreamHome { arbiter: arbiter(&format!("streams-{number}")), env });
        }
        let homes: Arc<[StreamHome]> = homes.into();
        let pressure = Pressure::default();
        let leased = |pool| Leased::new(pool, Term::NONE);
        let from_slot = backfill.from_slot.unwrap_or(Slot(0));
        let listening = ListenerParts {
            // Never connected.
            live: LiveOptions {
                url: config.chain.ws_url.clone(),
                program,
                connect_timeout: Duration::from_secs(10),
                silent_after: Duration::from_millis(config.chain.silent_after_ms),
            },
            second_ws: None,
            program,
            config_address,
            coverage_interval: Duration::from_millis(config.chain.coverage_interval_ms),
            rpc: rpc()?,
            pool: leased(database.pool(SERVICE_CONNECTIONS)?),
            registry: registry.clone(),
            pressure: pressure.clone(),
            fees: Arc::clone(&fees),
            epoch,
            health: health.clone(),
            backfill: Some(backfill),
        };
        let keeping = LeaseParts {
            // It alone may meet another database: it looks.
            pool: database.settings.pool(1)?,
            database: database.clone(),
            office: Office::Engine,
            node,
            may_lead: true,
            root: root_link.clone(),
            health: health.clone(),
            held: Held::default(),
        };
        let writing = (leased(database.writer_pool()?), health.clone(), pressure);
        let finding = (homes, database.pool(SERVICE_CONNECTIONS)?, config_address, life.clone());
        let listening = (listening, life.clone());
        let hands = vec![hand(LISTENER_TICK, &listener, || ListenerTick), hand(STREAM_TICK, &registry, || StreamTick)];
        let kinds = vec![
            kind("keeper of the lease", Runs::Always, &lease, arbiter("lease"), keeping, |parts, _, guard| {
                LeaseKeeper::new(parts, guard)
            }),
            kind("journal writer", Runs::Holding, &writer, arbiter("writer"), writing, |parts, role, guard| {
                let (pool, health, pressure) = parts;
                JournalWriter::new(pool.under(role.term()), health, guard).telling(pressure)
            }),
            kind(
                "chain reader",
                Runs::Always,
                &reader,
                arbiter("reader"),
                (rpc()?, program, from_slot),
                |(rpc, program, from_slot), _, guard| ChainReader::new(rpc, program, guard).from_slot(from_slot),
            ),
            NewTerms::new(fees, life.clone()).before(kind(
                "registry",
                Runs::InEach,
                &registry,
                arbiter("registry"),
                finding,
                |(homes, pool, config_address, life), role, guard| {
                    Registry::new(homes, pool, config_address, guard).within(role).living_in(life.epoch())
                },
            )),
            kind("listener", Runs::Leading, &listener, arbiter("listener"), listening, |(parts, life), role, guard| {
                let (pool, epoch) = (parts.pool.under(role.term()), life.epoch());
                Listener::new(ListenerParts { pool, epoch, ..parts }, guard)
            }),
            kind("clock", Runs::Always, &clock, arbiter("clock"), hands, |hands, _, guard| Clock::new(hands, guard)),
        ];
        let root = Root::new(kinds, health.clone()).start();
        root_link.set(root.clone());
        watchdog::start(health.clone())?;
        Ok(Self { lease, root })
    }

    /// The process is about to end: nothing is started again, and the lease is given up. Takes [`GIVE_UP_MAX`] at most.
    pub async fn ends(&self) {
        // A root that is gone starts nobody.
        let _ = self.root.send(Ending).await;
        if let Some(lease) = self.lease.get() {
            let _ = tokio::time::timeout(GIVE_UP_MAX, lease.send(GiveUp)).await;
        }
    }
}
