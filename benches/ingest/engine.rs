//! The engine's way from decoded events to durable rows: streams and the journal's writer, wired as in the engine.
//!
//! What the listener does is done here as the listener does it: events wait in a window of 4,096, each market gets its
//! next batch (64 at most) when the one before is answered, and an answer means that the rows are committed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use tokio::sync::{Semaphore, mpsc};
use zmart::{
    actors::{
        journal_writer::JournalWriter,
        registry::{OpenMarket, Registry, StreamHome},
        role::Role,
        stream::{Apply, Delivery, MarketActor, Outcome, StreamEnvironment},
        supervision::{DeathGuard, Link},
    },
    domain::ids::{AccountAddress, MarketAddress},
    journal::{
        DatabaseSettings,
        identity::current_epoch,
        lease::{Leased, Term},
        migrate,
    },
    telemetry::health::Health,
};
use zmart_testkit::postgres::Database;

/// As in the listener's window.
const WINDOW: usize = 4_096;
const LANE: usize = 256;
const BATCH: usize = 64;
/// As in the engine's wiring.
const STREAM_ARBITERS: usize = 2;

/// Running streams.
pub struct Streams {
    registry: Addr<Registry>,
    health: Health,
}

impl Streams {
    /// Migrates the database and starts the actors.
    pub async fn start(database: &Database) -> Self {
        let settings =
            DatabaseSettings { url: database.url.clone(), connect_timeout: Duration::from_secs(5), ca_file: None };
        migrate::run(&settings).await.unwrap();
        database.take_lease().await;
        let epoch = current_epoch(&database.connect().await).await.unwrap();
        let health = Health::new();
        let writer: Link<JournalWriter> = Link::default();
        {
            let (pool, health) = (Leased::new(settings.writer_pool().unwrap(), Term(1)), health.clone());
            let (guard, _death) = DeathGuard::new();
            let arbiter = Arbiter::new().handle();
            let start = move |_: &mut Context<JournalWriter>| JournalWriter::new(pool, health, guard);
            writer.set(JournalWriter::start_in_arbiter(&arbiter, start));
        }
        let home = || StreamHome {
            arbiter: Arbiter::new().handle(),
            env: StreamEnvironment {
                pool: settings.pool(4).unwrap(),
                writer: writer.clone(),
                reader: Link::default(),
                fees: Arc::default(),
                epoch,
                role: Role::Leading(Term(1)),
                health: health.clone(),
                idle_after: Duration::from_secs(3_600),
                is_heard: true,
            },
        };
        let homes: Arc<[StreamHome]> = (0..STREAM_ARBITERS).map(|_| home()).collect();
        let (guard, _death) = DeathGuard::new();
        let registry = Registry::new(homes, settings.pool(4).unwrap(), AccountAddress([255; 32]), guard).start();
        Self { registry, health }
    }

    /// The actor of a market.
    pub async fn open(&self, market: MarketAddress) -> Addr<MarketActor> {
        self.registry.send(OpenMarket(market)).await.unwrap().unwrap()
    }

    /// Gives every event to its market; ends when all of them are durable.
    pub async fn ingest(&self, markets: &[Addr<MarketActor>], events: Vec<(usize, Delivery)>) -> Duration {
        let window = Arc::new(Semaphore::new(WINDOW));
        let began = Instant::now();
        let (lanes, done): (Vec<_>, Vec<_>) = markets
            .iter()
            .map(|market| {
                let (lane, waiting) = mpsc::channel(LANE);
                (lane, actix::spawn(deliver(market.clone(), waiting, window.clone())))
            })
            .unzip();
        for (market, delivery) in events {
            window.acquire().await.unwrap().forget();
            lanes[market].send(delivery).await.unwrap();
        }
        drop(lanes);
        for lane in done {
            lane.await.unwrap();
        }
        let took = began.elapsed();
        assert_eq!(self.health.stale_streams(), [], "an event did not fit");
        took
    }
}

/// Applies one batch, and waits until it is durable.
pub async fn apply(market: &Addr<MarketActor>, events: Vec<Delivery>) {
    let outcomes = market.send(Apply(events)).await.unwrap().unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Durable), "{outcomes:?}");
}

async fn deliver(market: Addr<MarketActor>, mut waiting: mpsc::Receiver<Delivery>, window: Arc<Semaphore>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let events = batch.len();
        apply(&market, std::mem::take(&mut batch)).await;
        window.add_permits(events);
    }
}
