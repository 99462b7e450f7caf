//! Streams over a real writer: what is answered when, and what a new life knows.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use zmart::{
    actors::{
        journal_writer::JournalWriter,
        registry::{CrashStream, FindMarket, OpenMarket, Registry, StreamHome},
        role::Role,
        stream::{
            Apply, Delivery, MarketActor, Outcome as Became, ReadError, ReleasedMarket, Replay, ReplayAfter,
            StreamEnvironment, StreamTick, pulse::Pulse,
        },
        supervision::{DeathGuard, Link},
    },
    domain::{
        event::{ChainEvent, Outcome},
        ids::{AccountAddress, Epoch, MarketAddress, Seq, Wallet},
    },
    journal::lease::Term,
    telemetry::health::Health,
};
use zmart_testkit::{patience::wait_for, postgres::Database};

use super::{
    entries, prepare, settings, stall,
    story::{FEES, Story},
    writer,
};

/// A registry and a writer on the caller's arbiter; nobody reads the chain.
pub(super) struct Streams {
    pub registry: Addr<Registry>,
    pub health: Health,
    pub writer_link: Link<JournalWriter>,
    pub database: Database,
    env: StreamEnvironment,
}

fn registry(database: &Database, env: StreamEnvironment) -> Addr<Registry> {
    let role = env.role;
    let homes: Arc<[StreamHome]> = vec![StreamHome { arbiter: Arbiter::current(), env }].into();
    let (guard, _death) = DeathGuard::new();
    let pool = settings(&database.url).pool(2).unwrap();
    Registry::new(homes, pool, AccountAddress([255; 32]), guard).within(role).start()
}

impl Streams {
    pub async fn start(idle_after: Duration) -> (Self, Epoch) {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let (first_writer, health) = writer(&database.url);
        let writer_link = Link::default();
        writer_link.set(first_writer);
        let env = StreamEnvironment {
            pool: settings(&database.url).pool(2).unwrap(),
            writer: writer_link.clone(),
            reader: Link::default(),
            fees: Arc::default(),
            epoch,
            role: Role::Leading(Term(1)),
            health: health.clone(),
            idle_after,
            is_heard: true,
        };
        let registry = registry(&database, env.clone());
        (Self { registry, health, writer_link, database, env }, epoch)
    }

    /// Streams of another node, which nobody tells anything.
    pub fn of_a_follower(&self) -> Addr<Registry> {
        let pool = settings(&self.database.url).pool(2).unwrap();
        registry(&self.database, StreamEnvironment { pool, role: Role::Following, ..self.env.clone() })
    }

    pub async fn open(&self, market: MarketAddress) -> Addr<MarketActor> {
        wait_for("the market's actor", || async {
            self.registry.send(OpenMarket(market)).await.unwrap().map_err(|error| error.to_string())
        })
        .await
    }

    /// As a request does: one that finds its stream gone finds it once more.
    pub async fn read(&self, market: MarketAddress) -> Result<ReleasedMarket, ReadError> {
        let mut read = Err(ReadError::Gone);
        for _ in 0..2 {
            read = match self.registry.send(FindMarket(market)).await.unwrap() {
                Ok(handle) => handle.read().await,
                Err(error) => Err(error),
            };
            if !matches!(read, Err(ReadError::Gone)) {
                break;
            }
        }
        read
    }

    /// What a running stream shows of itself.
    pub async fn pulse(&self, market: MarketAddress) -> Arc<Pulse> {
        self.registry.send(FindMarket(market)).await.unwrap().unwrap().held
    }

    /// As the listener does: until it is answered, whoever dies meanwhile.
    pub async fn deliver(&self, market: MarketAddress, events: &[ChainEvent]) -> Vec<Became> {
        let deliveries: Vec<Delivery> =
            events.iter().map(|event| Delivery { event: event.clone(), schedule: FEES }).collect();
        wait_for("an answer", || async {
            match self.open(market).await.send(Apply(deliveries.clone())).await {
                Ok(Ok(outcomes)) => Ok(outcomes),
                Ok(Err(error)) => Err(error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await
    }
}

#[test]
fn a_stream_that_follows_reads_what_somebody_who_asks_knows_of_and_it_was_not_told() {
    actix::System::new().block_on(async {
        let (streams, epoch) = Streams::start(Duration::from_secs(600)).await;
        let mut story = Story::begin(1, epoch);
        streams.deliver(story.address(), &story.told).await;
        let follower = streams.of_a_follower();
        let handle = wait_for("the market on the follower", || async {
            follower.send(FindMarket(story.address())).await.unwrap().map_err(|error| error.to_string())
        })
        .await;
        let begin = handle.read().await.unwrap().seq;
        // The leader commits one more, and dies before it can tell anybody but its own clients.
        let before = story.told.len();
        story.buy(Wallet([4; 32]), Outcome::Yes, 1_000_000_000);
        streams.deliver(story.address(), &story.told[before..]).await;
        let newest = streams.read(story.address()).await.unwrap().seq;
        assert_eq!((newest, handle.read().await.unwrap().seq), (begin.next(), begin));
        let asked = handle.replay(ReplayAfter { epoch, after: newest }).await.unwrap();
        assert!(matches!(asked, Replay::NotServable), "{asked:?}");
        wait_for("the follower to have read it", || async {
            let seq = handle.read().await.unwrap().seq;
            if seq == newest { Ok(()) } else { Err(seq) }
        })
        .await;
        // An entry that nobody wrote is not waited for: what comes next is released as ever.
        let _ = handle.replay(ReplayAfter { epoch, after: Seq(1_000_000) }).await.unwrap();
        assert_eq!(handle.read().await.unwrap().seq, newest);
    });
}

#[test]
fn an_event_that_comes_twice_in_one_message_is_written_once() {
    actix::System::new().block_on(async {
        let (streams, epoch) = Streams::start(Duration::from_secs(600)).await;
        let mut story = Story::begin(1, epoch);
        story.buy(Wallet([4; 32]), Outcome::Yes, 1_000_000_000);
        let doubled: Vec<ChainEvent> = story.told.iter().flat_map(|event| [event.clone(), event.clone()]).collect();
        let outcomes = streams.deliver(story.address(), &doubled).await;
        assert_eq!(outcomes.len(), doubled.len());
        assert_eq!(entries(&streams.database).await, [(story.stream().to_string(), 5)]);
        assert_eq!(streams.deliver(story.address(), &story.told).await, vec![Became::Duplicate; 5]);
    });
}

#[test]
fn nobody_is_answered_before_what_he_sent_is_durable_also_if_somebody_else_sent_it_before() {
    actix::System::new().block_on(async {
        let (streams, epoch) = Streams::start(Duration::from_secs(600)).await;
        let mut story = Story::begin(1, epoch);
        assert_eq!(streams.deliver(story.address(), &story.told).await, vec![Became::Durable; 4]);
        let held = stall(&streams.database).await;
        for target in [1, 2, 3] {
            story.buy(Wallet([4; 32]), Outcome::Yes, 1_000_000_000 * target);
        }
        let market = streams.open(story.address()).await;
        let send = |events: &[ChainEvent]| {
            let deliveries = events.iter().map(|event| Delivery { event: event.clone(), schedule: FEES }).collect();
            actix::spawn(market.send(Apply(deliveries)))
        };
        // The first is out; the second waits, and is sent again by a second listener's life.
        let answers = [send(&story.told[4..5]), send(&story.told[5..7]), send(&story.told[4..7])];
        let read = streams.registry.send(FindMarket(story.address())).await.unwrap().unwrap().read().await.unwrap();
        assert_eq!(read.seq.0, 4, "the world sees what is durable");
        assert!(answers.iter().all(|answer| !answer.is_finished()));
        held.batch_execute("ROLLBACK").await.unwrap();
        for answer in answers {
            answer.await.unwrap().unwrap().unwrap();
        }
        assert_eq!(entries(&streams.database).await, [(story.stream().to_string(), 7)]);
    });
}

#[test]
fn a_stream_that_nobody_needs_ends_and_is_the_same_when_it_is_found_again() {
    actix::System::new().block_on(async {
        let (streams, epoch) = Streams::start(Duration::ZERO).await;
        let mut story = Story::begin(1, epoch);
        story.buy(Wallet([4; 32]), Outcome::Yes, 1_000_000_000);
        streams.deliver(story.address(), &story.told).await;
        let first = streams.open(story.address()).await;
        wait_for("the stream to end", || async {
            streams.registry.send(StreamTick).await.unwrap();
            if first.connected() { Err("it lives") } else { Ok(()) }
        })
        .await;
        let handle = wait_for("the stream's next life", || async {
            streams.registry.send(FindMarket(story.address())).await.unwrap().map_err(|error| error.to_string())
        })
        .await;
        let read = handle.read().await.unwrap();
        assert_eq!((read.seq.0, read.market.as_ref()), (5, story.market()));
    });
}

#[test]
fn a_stream_or_the_writer_may_die_at_any_point_of_a_delivery() {
    actix::System::new().block_on(async {
        let (streams, epoch) = Streams::start(Duration::from_secs(600)).await;
        let mut story = Story::begin(1, epoch);
        for round in 0..6u64 {
            for step in 0..4 {
                story.buy(Wallet([4; 32]), Outcome::from(step % 2 == 0), 1_000_000_000 + round * 10 + step);
            }
            let held = stall(&streams.database).await;
            let delivery = streams.deliver(story.address(), &story.told);
            let fault = async {
                // The append is out, or on its way.
                tokio::time::sleep(Duration::from_millis(20)).await;
                if round % 2 == 0 {
                    streams.registry.send(CrashStream(story.stream())).await.unwrap();
                } else {
                    streams.writer_link.get().unwrap().do_send(zmart::actors::supervision::Crash);
                    streams.writer_link.set(writer(&streams.database.url).0);
                }
                held.batch_execute("ROLLBACK").await.unwrap();
            };
            let (outcomes, ()) = tokio::join!(delivery, fault);
            assert_eq!(outcomes.len(), story.told.len());
            let written = story.told.len() as i64;
            assert_eq!(entries(&streams.database).await, [(story.stream().to_string(), written)], "round {round}");
        }
        assert_eq!(streams.health.stale_streams(), []);
        let handle = streams.registry.send(FindMarket(story.address())).await.unwrap().unwrap();
        assert_eq!(handle.read().await.unwrap().market.as_ref(), story.market());
    });
}
