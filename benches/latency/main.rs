//! How long it takes from the node's notification to the frame at a subscriber, at 1,000 events a second: the real engine
//! as a process of its own, a real PostgreSQL with fsync on, a feeder as its node, the commit included.
//!
//! `cargo bench -p zmart --bench latency [-- --quick]`, with the engine built in the same profile (`ZMART_BIN`, or beside
//! this program). Prints lines of `key=value` after a name; what they mean is told in docs/performance.md. Beside it, in
//! the same cluster and run: one row inserted and committed, at the same rate, over as many connections as it takes.
//!
//! Feeder and subscriber are in this process, so one clock tells both ends. A run in which the subscriber misses an event,
//! or hears one twice, fails and prints no figure.
#![expect(clippy::float_arithmetic, reason = "rates and times, no amounts")]

mod bare;

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use zmart_testkit::{
    engine::Engine,
    feeder::{Feeder, Generated, GeneratedStory, Options, Source},
    patience::wait_for,
    postgres::{Cluster, Database},
    socket::Connection,
};

/// Events a second.
const RATE: u64 = 1_000;
/// One connection listens to all of them.
const MARKETS: u32 = 50;
/// Before it counts: connections are opened, plans are made.
const WARM_UP_EVENTS: u64 = 3_000;
/// A trade that takes longer is taken for one that was held back: a pass over the chain's list takes longer, a commit
/// hardly ever.
const HELD_BACK: Duration = Duration::from_millis(100);

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let (events, rounds) = if is_quick { (3_000, 1) } else { (15_000, 3) };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let cluster = Cluster::start_durable().await;
        for round in 1..=rounds {
            let bare = bare::measure(&cluster.database().await, RATE, events).await;
            let engine = measure(&cluster.database().await, events).await;
            let (bare, engine) = (Quantiles::of(bare), Quantiles::of(engine));
            println!(
                "latency round={round} events={events} rate={RATE} {} {} p50_ratio={:.2}",
                engine.show("engine"),
                bare.show("bare"),
                engine.p50 / bare.p50
            );
        }
    });
}

/// In milliseconds.
struct Quantiles {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Quantiles {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        Self { p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }

    fn show(&self, name: &str) -> String {
        format!("{name}_p50_ms={:.2} {name}_p99_ms={:.2} {name}_max_ms={:.2}", self.p50, self.p99, self.max)
    }
}

async fn measure(database: &Database, events: u64) -> Vec<Duration> {
    let generated = Generated {
        markets: MARKETS,
        trades: u32::try_from(WARM_UP_EVENTS + events).expect("few events"),
        ..Generated::default()
    };
    let setup = u64::from(GeneratedStory::setup_len(&generated));
    let feeder = Feeder::start(Options::new(Source::Generated(generated))).await;
    let mut engine = Engine::on_node(&feeder.rpc_url, &feeder.ws_url, feeder.program(), database);
    engine.set("LOG_LEVEL", "warn");
    let migrated = engine.run(&["migrate"]).await;
    assert!(migrated.status.success(), "migrate: {}", String::from_utf8_lossy(&migrated.stderr));
    feeder.emit(setup);
    engine.start().await;
    engine.ready().await;
    let client = database.connect().await;
    wait_for("all markets to be active", || async {
        let active: i64 = client.query_one("SELECT count(*) FROM markets WHERE phase = 2", &[]).await.unwrap().get(0);
        if active == i64::from(MARKETS) { Ok(()) } else { Err(format!("{active} of {MARKETS}")) }
    })
    .await;

    let mut subscriber = Connection::open(&engine.ws).await;
    for row in client.query("SELECT address FROM markets", &[]).await.unwrap() {
        let address: String = row.get(0);
        subscriber.subscribe(address.parse().expect("an address"), None).await;
    }
    let first = until_live(&feeder, &mut subscriber).await;
    let rest = WARM_UP_EVENTS + events - first.len() as u64;
    let listener = tokio::spawn(listen(subscriber, first, WARM_UP_EVENTS + events));
    assert_eq!(feeder.run(RATE, rest).await, rest);
    let heard = listener.await.expect("the subscriber heard everything");
    assert_eq!(feeder.lost(), 0, "the engine's connection to the feeder kept up");

    let told = feeder.emissions();
    assert_eq!(heard.len() as u64, WARM_UP_EVENTS + events, "each event once");
    let first = setup as usize + WARM_UP_EVENTS as usize;
    let latency = |(signature, micros): &(_, u64)| {
        let heard = heard[&ToString::to_string(signature)];
        Duration::from_micros(heard.saturating_sub(*micros))
    };
    told[first..].iter().map(latency).collect()
}

/// When each trade was heard, in microseconds since 1970, by its signature.
type Heard = HashMap<String, u64>;

/// Until the engine has proved that it missed nothing when it connected, it holds back what is told live: a second of
/// trades would come in one burst, and an engine that catches up is not what is measured. So they are told one by one,
/// until one is heard at once. They are a part of the warm-up.
async fn until_live(feeder: &Feeder, subscriber: &mut Connection) -> Heard {
    let mut heard = Heard::new();
    while (heard.len() as u64) < WARM_UP_EVENTS {
        let told = Instant::now();
        assert_eq!(feeder.emit(1), 1);
        hear(subscriber, &mut heard).await;
        if told.elapsed() < HELD_BACK {
            return heard;
        }
    }
    panic!("each of {WARM_UP_EVENTS} trades was held back");
}

async fn listen(mut subscriber: Connection, mut heard: Heard, count: u64) -> Heard {
    while (heard.len() as u64) < count {
        hear(&mut subscriber, &mut heard).await;
    }
    heard
}

async fn hear(subscriber: &mut Connection, heard: &mut Heard) {
    let frame = subscriber.next_of("trade_executed").await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
    let signature = frame["data"]["tx_signature"].as_str().expect("a signature").to_owned();
    assert!(heard.insert(signature, now).is_none(), "a trade twice: {frame}");
}
