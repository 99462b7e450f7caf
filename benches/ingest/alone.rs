//! An event that is alone: how long it takes from a market's mailbox until its rows are committed.
//!
//! Beside it, in the same run: the least that a durable transaction can take here, one row updated and committed on one
//! connection (`floor`).

use std::time::{Duration, Instant};

use actix::Addr;
use tokio_postgres::Client;
use zmart::actors::stream::MarketActor;

use super::{engine::apply, trading::Trading};

pub async fn measure(market: &Addr<MarketActor>, trading: &mut Trading, admin: &Client, events: usize) {
    admin.batch_execute("CREATE TABLE floor (n bigint); INSERT INTO floor VALUES (0)").await.unwrap();
    let (mut alone, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..events {
        let event = trading.buy(0);
        let began = Instant::now();
        apply(market, vec![event]).await;
        alone.push(began.elapsed());
        let began = Instant::now();
        admin.batch_execute("UPDATE floor SET n = n + 1").await.unwrap();
        floor.push(began.elapsed());
    }
    let [alone, floor] = [alone, floor].map(|mut times| {
        times.sort();
        move |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)]
    });
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "ingest_alone events={events} p50_ms={:.2} p99_ms={:.2} floor_p50_ms={:.2} floor_p99_ms={:.2}",
        ms(alone(50)),
        ms(alone(99)),
        ms(floor(50)),
        ms(floor(99))
    );
}
