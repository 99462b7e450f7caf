//! The feeder is driven: at a rate, unpaced, paused, in time.

use std::time::{Duration, Instant};

use zmart_testkit::{
    feeder::{Feeder, Options, Source},
    patience::wait_for,
};

use super::{small, still};

#[tokio::test]
async fn a_run_is_no_faster_than_its_rate_and_holds_while_paused() {
    let feeder = Feeder::start(still(small(1, 5_000))).await;
    let started = Instant::now();
    assert_eq!(feeder.run(2_000, 400).await, 400);
    assert!(started.elapsed() >= Duration::from_millis(195), "{:?}", started.elapsed());

    let running = tokio::spawn({
        let feeder = feeder.clone();
        async move { feeder.run(2_000, 400).await }
    });
    wait_for("some transactions", || async { if feeder.landed() > 450 { Ok(()) } else { Err(feeder.landed()) } }).await;
    feeder.pause();
    // One that was under way when it was paused may still come.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let held = feeder.landed();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(feeder.landed(), held);
    assert!(held < 800);
    feeder.resume();
    assert_eq!(running.await.unwrap(), 400);
    assert_eq!(feeder.landed(), 800);
}

#[tokio::test]
async fn a_run_ends_with_the_story() {
    let feeder = Feeder::start(still(small(1, 100))).await;
    assert_eq!(feeder.run_unpaced(1_000_000).await, 116);
    assert_eq!(feeder.run(1_000_000, 5).await, 0);
}

#[tokio::test]
async fn slots_are_closed_in_time_and_finality_follows() {
    let options = Options {
        slot_time: Some(Duration::from_millis(10)),
        finality_slots: 5,
        ..Options::new(Source::Generated(small(1, 100)))
    };
    let feeder = Feeder::start(options).await;
    feeder.emit(10);
    let slot = feeder.slots().0;
    wait_for("finality", || async {
        let (open, confirmed, finalized) = feeder.slots();
        assert_eq!((confirmed, finalized), (open - 1, open - 6));
        if finalized >= slot { Ok(()) } else { Err(finalized) }
    })
    .await;
    assert_eq!(feeder.fork(10).signatures, [], "all is finalized");
}
