//! Queues that are full: who is told what, and that nothing of it is lost.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use zmart::{
    actors::{
        journal_writer::{AppendError, BUFFER_ENTRIES_MAX, JournalWriter},
        pressure::Pressure,
        registry::{CHECKS_MAX, CrashStream, FindMarket, OpenMarket, Registry, StreamHome},
        role::Role,
        stream::{
            Apply, ApplyError, Delivery, Outcome as Became, PARKED_MAX, QUEUE_EVENTS_MAX, ReadError, ReadMarket,
            StreamEnvironment, Suspect,
        },
        supervision::{DeathGuard, Link},
    },
    domain::{
        event::{ChainEvent, Outcome},
        ids::{AccountAddress, Epoch, MarketAddress, Wallet},
    },
    journal::{
        lease::Term,
        write::{CommitFailure, WriterLife},
    },
    telemetry::health::Health,
};
use zmart_testkit::{
    network::Network,
    patience::{wait_for, within},
    postgres::Database,
};

use super::{
    append, begin_append, entries, leased, open, prepare, settings, stall,
    story::{FEES, Story},
    streams::Streams,
};

fn deliveries(events: &[ChainEvent]) -> Vec<Delivery> {
    events.iter().map(|event| Delivery { event: event.clone(), schedule: FEES }).collect()
}

/// A registry whose streams can't be read: there is no writer to open them.
async fn registry_without_writer(database: &Database, epoch: Epoch) -> Registry {
    let env = StreamEnvironment {
        pool: settings(&database.url).pool(2).unwrap(),
        writer: Link::default(),
        reader: Link::default(),
        fees: Arc::default(),
        epoch,
        role: Role::Leading(Term(1)),
        health: Health::new(),
        idle_after: Duration::from_secs(600),
        is_heard: true,
    };
    let homes: Arc<[StreamHome]> = vec![StreamHome { arbiter: Arbiter::current(), env }].into();
    let (guard, _death) = DeathGuard::new();
    Registry::new(homes, settings(&database.url).pool(4).unwrap(), AccountAddress([255; 32]), guard)
}

#[test]
fn a_stream_that_is_full_says_so_at_once_and_takes_it_later() {
    actix::System::new().block_on(async {
        let (streams, epoch) = Streams::start(Duration::from_secs(600)).await;
        let mut story = Story::begin(1, epoch);
        streams.deliver(story.address(), &story.told).await;
        let held = stall(&streams.database).await;
        let written = story.told.len();
        story.fill(QUEUE_EVENTS_MAX + 2);
        let market = streams.open(story.address()).await;
        let send = |from: usize, count: usize| {
            actix::spawn(market.send(Apply(deliveries(&story.told[written + from..written + from + count]))))
        };
        // One is out, as many as fit wait behind it, and one more does not fit.
        let answers = [send(0, 1), send(1, QUEUE_EVENTS_MAX)];
        let refused = within("a refusal", send(1 + QUEUE_EVENTS_MAX, 1)).await.unwrap().unwrap();
        assert_eq!(refused, Err(ApplyError::Full));
        assert!(answers.iter().all(|answer| !answer.is_finished()));
        held.batch_execute("ROLLBACK").await.unwrap();
        for answer in answers {
            assert!(within("an answer", answer).await.unwrap().unwrap().is_ok());
        }
        let last = streams.deliver(story.address(), &story.told[written + 1 + QUEUE_EVENTS_MAX..]).await;
        assert_eq!(last, [Became::Durable]);
        assert_eq!(entries(&streams.database).await, [(story.stream().to_string(), story.told.len() as i64)]);
    });
}

#[test]
fn a_stream_takes_so_many_suspicions_and_no_more() {
    actix::System::new().block_on(async {
        // Nobody reads the chain here: the first suspicion waits, and all others with it.
        let (streams, epoch) = Streams::start(Duration::from_secs(600)).await;
        let story = Story::begin(1, epoch);
        streams.deliver(story.address(), &story.told).await;
        let market = streams.open(story.address()).await;
        let suspect = || actix::spawn(market.send(Suspect { reason: "a test".to_owned() }));
        let waiting: Vec<_> = (0..QUEUE_EVENTS_MAX).map(|_| suspect()).collect();
        let refused = within("a refusal", suspect()).await.unwrap().unwrap();
        assert_eq!(refused, Err(ApplyError::Full));
        assert!(waiting.iter().all(|answer| !answer.is_finished()));
    });
}

#[test]
fn questions_to_a_stream_that_is_being_read_wait_so_long_and_so_many_and_are_then_told_to_come_again() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let registry = registry_without_writer(&database, epoch).await.start();
        let market = registry.send(OpenMarket(MarketAddress([1; 32]))).await.unwrap().unwrap();
        let ask = || actix::spawn(market.send(ReadMarket));
        let waiting: Vec<_> = (0..PARKED_MAX).map(|_| ask()).collect();
        let refused = within("a refusal", ask()).await.unwrap().unwrap();
        assert_eq!(refused.err(), Some(ReadError::Loading));
        assert!(waiting.iter().all(|answer| !answer.is_finished()), "the others wait");
        for answer in waiting {
            assert_eq!(within("the end of the wait", answer).await.unwrap().unwrap().err(), Some(ReadError::Loading));
        }
    });
}

#[test]
fn the_registry_looks_up_so_many_markets_at_once_and_others_are_told_to_come_again() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let registry = registry_without_writer(&database, epoch).await.start();
        let held = database.connect().await;
        held.batch_execute("BEGIN; LOCK TABLE markets IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let find = |n: usize| {
            let mut address = [7; 32];
            address[..8].copy_from_slice(&n.to_le_bytes());
            actix::spawn(registry.send(FindMarket(MarketAddress(address))))
        };
        let checks: Vec<_> = (0..CHECKS_MAX).map(find).collect();
        let refused = within("a refusal", find(CHECKS_MAX)).await.unwrap().unwrap();
        assert_eq!(refused.err(), Some(ReadError::Loading));
        held.batch_execute("ROLLBACK").await.unwrap();
        for check in checks {
            // Some may have waited for a connection too long: that is told as loading too.
            let answer = within("an answer", check).await.unwrap().unwrap();
            assert!(matches!(answer, Err(ReadError::Unknown | ReadError::Loading)), "{answer:?}");
        }
        let later = within("an answer", find(CHECKS_MAX)).await.unwrap().unwrap();
        assert_eq!(later.err(), Some(ReadError::Unknown), "there is room again");
    });
}

#[test]
fn a_market_that_everybody_asks_for_at_once_is_looked_up_once_and_holds_up_no_other() {
    /// Fewer than the registry's mailbox holds: all of them have asked before anything that is sent after them.
    const ASKERS: usize = 1_000;
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let network = Network::before(&database).await;
        let registry = registry_without_writer(&network.database(), epoch).await.start();
        let find = |n: u8| actix::spawn(registry.send(FindMarket(MarketAddress([n; 32]))));
        network.hold("FROM markets");
        let askers: Vec<_> = (0..ASKERS).map(|_| find(7)).collect();
        let other = find(8);
        let waiting = async |count: usize| {
            wait_for("questions to wait", || {
                let waiting = network.waiting();
                std::future::ready(if waiting == count { Ok(()) } else { Err(waiting) })
            })
            .await;
        };
        waiting(2).await;
        let before = network.asked();
        network.release();
        for asker in askers {
            let answer = within("an answer", asker).await.unwrap().unwrap();
            assert_eq!(answer.err(), Some(ReadError::Unknown));
        }
        assert_eq!(within("an answer", other).await.unwrap().unwrap().err(), Some(ReadError::Unknown));
        assert_eq!(network.asked() - before, 2, "one question for each market");
    });
}

#[test]
fn so_many_streams_run_and_readers_of_others_are_told_to_come_again() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let registry = registry_without_writer(&database, epoch).await.with_streams_max(2).start();
        let find = |n: u8| registry.send(FindMarket(MarketAddress([n; 32])));
        for n in [1, 2] {
            registry.send(OpenMarket(MarketAddress([n; 32]))).await.unwrap().unwrap();
        }
        assert!(find(1).await.unwrap().is_ok(), "one that runs");
        assert_eq!(find(3).await.unwrap().err(), Some(ReadError::Loading));
        let opened = registry.send(OpenMarket(MarketAddress([3; 32]))).await.unwrap();
        assert!(opened.is_ok(), "what the chain tells is let through");
    });
}

#[test]
fn a_full_journal_is_told_to_the_listener_until_there_is_room() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        let epoch = prepare(&database).await;
        let (pressure, (guard, _death)) = (Pressure::default(), DeathGuard::new());
        let pool = leased(settings(&database.url).pool(2).unwrap());
        let writer = JournalWriter::new(pool, Health::new(), guard).telling(pressure.clone()).start();
        let mut stories: Vec<Story> = (1..=3).map(|number| Story::begin(number, epoch)).collect();
        let mut generations = Vec::new();
        for story in &mut stories {
            generations.push(open(&writer, story.stream()).await);
        }
        stories[1].fill(BUFFER_ENTRIES_MAX);
        let held = stall(&database).await;
        // The first is being written, the second fills the buffer alone, the third does not fit.
        let out = begin_append(&writer, generations[0], stories[0].append());
        let waits = begin_append(&writer, generations[1], stories[1].append());
        assert!(!pressure.is_full());
        let refused = append(&writer, generations[2], stories[2].append()).await;
        let Err(AppendError::Full(given_back)) = refused else { panic!("{refused:?}") };
        assert!(pressure.is_full());
        held.batch_execute("ROLLBACK").await.unwrap();
        wait_for("room", || std::future::ready(if pressure.is_full() { Err("full") } else { Ok(()) })).await;
        for answer in [out, waits] {
            within("an append", answer).await.unwrap().unwrap();
        }
        append(&writer, generations[2], *given_back).await.unwrap();
    });
}

#[test]
fn the_ring_holds_so_many_entries_and_older_ones_are_read_from_the_journal() {
    use zmart::actors::stream::{Replay, ReplayAfter};
    use zmart::domain::ids::Seq;
    use zmart::journal::open::RING_ENTRIES;

    actix::System::new().block_on(async {
        let (streams, epoch) = Streams::start(Duration::from_secs(600)).await;
        let mut story = Story::begin(1, epoch);
        story.fill(RING_ENTRIES as usize);
        story.buy(Wallet([4; 32]), Outcome::Yes, 1_000_000_000);
        streams.deliver(story.address(), &story.told).await;
        let handle = streams.registry.send(FindMarket(story.address())).await.unwrap().unwrap();
        let head = story.told.len() as u64;
        let oldest = head - u64::from(RING_ENTRIES);
        let replay = async |after: u64| handle.replay(ReplayAfter { epoch, after: Seq(after) }).await.unwrap();
        let Replay::Frames(all) = replay(oldest).await else { panic!("the ring holds them") };
        assert_eq!(all.len(), RING_ENTRIES as usize);
        assert!(matches!(replay(oldest - 1).await, Replay::ReadJournal { head: at } if at == Seq(head)));
    });
}

#[test]
fn a_stream_that_dies_again_and_again_is_started_later_and_later() {
    actix::System::new().block_on(async {
        let (streams, epoch) = Streams::start(Duration::from_secs(600)).await;
        let story = Story::begin(1, epoch);
        streams.deliver(story.address(), &story.told).await;
        let refused = std::cell::Cell::new(0);
        for death in 1..=6 {
            let market = wait_for("the stream's next life", || async {
                let opened = streams.registry.send(OpenMarket(story.address())).await.unwrap();
                refused.set(refused.get() + usize::from(opened.is_err()));
                opened.map_err(|error| error.to_string())
            })
            .await;
            assert!(death > 3 || refused.get() == 0, "the first deaths cost no waiting");
            streams.registry.send(CrashStream(story.stream())).await.unwrap();
            wait_for("its death", || std::future::ready(if market.connected() { Err("it lives") } else { Ok(()) }))
                .await;
        }
        assert!(refused.get() > 0, "it was started again at once each time");
    });
}

#[test]
fn lives_of_the_writer_that_were_idle_for_a_week_are_forgotten_and_such_a_life_is_over() {
    actix::System::new().block_on(async {
        let database = Database::fresh().await;
        prepare(&database).await;
        let pool = leased(settings(&database.url).pool(2).unwrap());
        let mut first = WriterLife::begin(&pool).await.unwrap();
        let client = database.connect().await;
        client.execute("UPDATE journal_writers SET active_at = now() - interval '8 days'", &[]).await.unwrap();
        WriterLife::begin(&pool).await.unwrap();
        let lives: i64 = client.query_one("SELECT count(*) FROM journal_writers", &[]).await.unwrap().get(0);
        assert_eq!(lives, 1);
        assert!(matches!(first.commit(&pool, 1, &[]).await, Err(CommitFailure::LifeOver)));
    });
}
