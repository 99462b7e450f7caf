//! Streams that end because nobody needs them, while somebody does: nothing is lost, nobody is refused, nothing is kept.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use zmart::{
    actors::{
        registry::FindMarket,
        stream::{Finalized, HubInput, HubLink, Outcome as Became, ReadError, StreamTick},
    },
    domain::{
        event::Outcome,
        ids::{Slot, Wallet},
    },
};
use zmart_testkit::patience::{wait_for, within};

use super::{entries, story::Story, streams::Streams};

/// How long the storm lasts.
const STORM: Duration = Duration::from_secs(6);

/// Ticks as fast as the registry takes them, until it is dropped.
fn tick(streams: &Rc<Streams>, stop: &Rc<Cell<bool>>) -> tokio::task::JoinHandle<()> {
    let (streams, stop) = (Rc::clone(streams), Rc::clone(stop));
    actix::spawn(async move {
        while !stop.get() {
            streams.registry.send(StreamTick).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
}

async fn at_rest(streams: &Streams) {
    wait_for("all streams to rest", || async {
        streams.registry.send(StreamTick).await.unwrap();
        match streams.health.streams() {
            0 => Ok(()),
            some => Err(format!("{some} run")),
        }
    })
    .await;
}

#[test]
fn markets_that_are_used_while_they_are_given_up_lose_nothing_and_refuse_nobody() {
    actix::System::new().block_on(async {
        let (streams, epoch) = Streams::start(Duration::from_millis(2)).await;
        let streams = Rc::new(streams);
        let stop = Rc::new(Cell::new(false));
        let ticks = tick(&streams, &stop);
        let markets = 4;
        let mut users = Vec::new();
        for number in 1..=markets {
            // One writes, and reads what it wrote; another only reads. Both come and go at their own pace.
            let (own, stopped) = (Rc::clone(&streams), Rc::clone(&stop));
            users.push(actix::spawn(async move {
                let mut story = Story::begin(number, epoch);
                assert_eq!(own.deliver(story.address(), &story.told).await, vec![Became::Durable; 4]);
                let mut rounds = 0u64;
                while !stopped.get() {
                    let before = story.told.len();
                    story.buy(Wallet([4; 32]), Outcome::Yes, 1_000_000_000 + rounds);
                    let outcomes = own.deliver(story.address(), &story.told[before..]).await;
                    // `Duplicate`: the answer was lost with a life of the stream, and it was sent again.
                    assert!(matches!(outcomes[..], [Became::Durable | Became::Duplicate]), "{outcomes:?}");
                    let read = own.read(story.address()).await.unwrap();
                    assert_eq!((read.seq.0, read.market.as_ref()), (story.told.len() as u64, story.market()));
                    rounds += 1;
                    tokio::time::sleep(Duration::from_millis(rounds * 7 % 12)).await;
                }
                (story.stream().to_string(), story.told.len() as i64)
            }));
            let (own, stopped) = (Rc::clone(&streams), Rc::clone(&stop));
            users.push(actix::spawn(async move {
                let story = Story::begin(number, epoch);
                let mut reads = 0u64;
                while !stopped.get() {
                    match own.read(story.address()).await {
                        Ok(_) => reads += 1,
                        // Before the first is written.
                        Err(ReadError::Unknown) if reads == 0 => {}
                        Err(error) => panic!("{error} after {reads} reads"),
                    }
                    tokio::time::sleep(Duration::from_millis(reads * 5 % 9)).await;
                }
                (String::new(), reads as i64)
            }));
        }
        let began = Instant::now();
        while began.elapsed() < STORM {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stop.set(true);
        let mut written = Vec::new();
        for user in users {
            let done = within("a user", user).await.unwrap();
            written.extend((!done.0.is_empty()).then_some(done));
        }
        written.sort();
        ticks.await.unwrap();
        assert_eq!(entries(&streams.database).await, written, "each event once");
        assert!(
            streams.health.streams_begun() > 10 * u64::from(markets),
            "the storm shows nothing: nobody was given up"
        );
        at_rest(&streams).await;
        assert_eq!(streams.health.stale_streams(), []);
    });
}

#[test]
fn a_stream_does_not_leave_while_somebody_holds_a_handle_and_a_listener_without_one_keeps_no_stream() {
    actix::System::new().block_on(async {
        let (streams, epoch) = Streams::start(Duration::ZERO).await;
        let story = Story::begin(1, epoch);
        streams.deliver(story.address(), &story.told).await;
        let handle = wait_for("a handle", || async {
            streams.registry.send(FindMarket(story.address())).await.unwrap().map_err(|error| error.to_string())
        })
        .await;
        let ticks = async |count| {
            for _ in 0..count {
                streams.registry.send(StreamTick).await.unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        ticks(20).await;
        assert!(handle.is_alive());
        assert_eq!(handle.read().await.unwrap().seq.0, 4);
        let (sender, _inbox) = mpsc::channel::<HubInput>(4);
        handle.attach(HubLink { id: 1, inbox: sender }).await.unwrap();
        ticks(20).await;
        assert_eq!(streams.health.streams(), 1, "somebody listens");
        // As a hub that gave up waiting for its answer: on the list, and without a handle.
        drop(handle);
        at_rest(&streams).await;
    });
}

#[test]
fn a_market_that_is_finalized_and_at_rest_is_told_neither_the_time_nor_what_is_finalized() {
    actix::System::new().block_on(async {
        let (streams, epoch) = Streams::start(Duration::from_secs(600)).await;
        let story = Story::begin(1, epoch);
        streams.deliver(story.address(), &story.told).await;
        let market = streams.open(story.address()).await;
        assert!(streams.pulse(story.address()).await.wants_finality(), "its entries are not finalized yet");
        streams.registry.send(Finalized(Slot(u64::MAX))).await.unwrap();
        wait_for("the entries to be finalized", || async {
            let read = streams.read(story.address()).await.map_err(|error| error.to_string())?;
            if read.finalized_seq == read.seq { Ok(()) } else { Err(format!("{} is", read.finalized_seq)) }
        })
        .await;
        wait_for("a quiet pulse", || async {
            let pulse = streams.pulse(story.address()).await;
            if pulse.wants_finality() || pulse.wants_ticks() { Err("it wants more") } else { Ok(()) }
        })
        .await;
        assert!(market.connected());
    });
}
