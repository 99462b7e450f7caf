//! How fast decoded events become durable rows, against `COPY` of the same rows in the same cluster.
//!
//! `cargo bench -p zmart --bench ingest [-- --quick]`, or `scripts/bench ingest`. Starts a PostgreSQL of its own with fsync
//! on; the folder for temporary files (`TMPDIR`) says on which disk. Prints lines of `key=value` after a name; what they
//! mean is told in docs/performance.md. A figure of a busy machine is worth little, a ratio of one run more: each round
//! measures both sides, and the median of the rounds counts.

#![expect(clippy::float_arithmetic, reason = "rates and times, no amounts")]

mod alone;
mod copy;
mod cpu;
mod engine;
mod trading;

use zmart_testkit::postgres::Cluster;

use self::{cpu::Cpu, engine::Streams, trading::Trading};

struct Scale {
    markets: usize,
    wallets: usize,
    events: usize,
    alone: usize,
    rounds: usize,
}

const FULL: Scale = Scale { markets: 200, wallets: 5_000, events: 60_000, alone: 500, rounds: 5 };
const QUICK: Scale = Scale { markets: 200, wallets: 5_000, events: 20_000, alone: 200, rounds: 1 };

fn main() {
    env_logger::init();
    let scale = if std::env::args().any(|argument| argument == "--quick") { QUICK } else { FULL };
    actix::System::new().block_on(async {
        let cluster = Cluster::start_durable().await;
        let mut ratios = Vec::new();
        for round in 1..=scale.rounds {
            ratios.push(measure(&cluster, &scale, round).await);
        }
        ratios.sort_by(f64::total_cmp);
        println!("ingest ratio={:.2} rounds={}", ratios[ratios.len() / 2], ratios.len());
    });
}

async fn measure(cluster: &Cluster, scale: &Scale, round: usize) -> f64 {
    let database = cluster.database().await;
    let mut trading = Trading::begin(scale.markets, scale.wallets);
    let streams = Streams::start(&database).await;
    let mut markets = Vec::new();
    for market in &trading.markets {
        let actor = streams.open(market.address).await;
        engine::apply(&actor, market.opening.clone()).await;
        markets.push(actor);
    }
    let mut admin = database.connect().await;

    let events = trading.buys(scale.events);
    admin.batch_execute("CHECKPOINT").await.unwrap();
    let before = Cpu::now(&admin).await;
    let took = streams.ingest(&markets, events).await;
    let cpu = Cpu::now(&admin).await.since(&before);
    let (rows, batches): (i64, i64) = {
        const SQL: &str = "SELECT (SELECT count(*) FROM trades), (SELECT max(last_batch) FROM journal_writers)";
        let row = admin.query_one(SQL, &[]).await.unwrap();
        (row.get(0), row.get(1))
    };
    assert_eq!(rows, scale.events as i64, "every event is a row");
    let rate = report("ingest", scale.events, took.as_secs_f64(), &cpu);
    println!("ingest_batches round={round} batches={batches}");

    alone::measure(&markets[0], &mut trading, &admin, scale.alone).await;

    let copied: i64 = admin.query_one("SELECT count(*) FROM journal", &[]).await.unwrap().get(0);
    let before = Cpu::now(&admin).await;
    let took = copy::run(&mut admin).await;
    let cpu = Cpu::now(&admin).await.since(&before);
    let copy_rate = report("ingest_copy", copied as usize, took.as_secs_f64(), &cpu);
    println!("ingest_round round={round} ratio={:.2}", rate / copy_rate);
    rate / copy_rate
}

fn report(name: &str, events: usize, seconds: f64, cpu: &Cpu) -> f64 {
    let rate = events as f64 / seconds;
    let micros = |seconds: f64| seconds * 1e6 / events as f64;
    println!(
        "{name} events={events} seconds={seconds:.3} events_per_second={rate:.0} postgresql_cpu_us={:.1} process_cpu_us={:.1}",
        micros(cpu.server),
        micros(cpu.process)
    );
    rate
}
