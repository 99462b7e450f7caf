//! `zmart-load`: transactions at a steady rate, told by notifications (and by deliveries of a webhook), and at the end each of
//! them in the journal exactly once.
//!
//! The node is a feeder in a process of its own, PostgreSQL is durable and notes when each transaction committed: lag is
//! from the moment at which a transaction was notified to that of its commit, by this machine's clock, and nothing of the
//! engine takes part in measuring it. Prints `load NAME=VALUE` lines, one line a minute, and a verdict.

mod deliveries;
mod lag;
mod node;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use zmart_testkit::{
    audit,
    engine::Engine,
    helius,
    http::try_request,
    postgres::{Cluster, Database},
    process::resident_bytes,
};

use self::{deliveries::Deliveries, lag::Minutes, node::Node};

const USAGE: &str = "usage: zmart-load [--rate N] [--minutes N] [--markets N] [--wallets N] [--seed N] [--webhook 0|1]";
/// What is not journaled of what was notified, in seconds of the rate: more is no bound.
const BEHIND_MAX_SECONDS: u64 = 10;
/// What is left is worked off after the last notification in so long.
const REST_MAX: Duration = Duration::from_secs(300);

/// What is asked for.
struct Wanted {
    rate: u64,
    minutes: u64,
    markets: u64,
    wallets: u64,
    seed: u64,
    /// 0: notifications alone.
    webhook: u64,
}

impl Wanted {
    fn read() -> Result<Self, String> {
        let mut wanted = Self { rate: 2_000, minutes: 10, markets: 100, wallets: 1_000, seed: 1, webhook: 1 };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().and_then(|text| text.parse().ok());
            let value = value.ok_or_else(|| format!("{name} wants a number"))?;
            if value == 0 && name != "--webhook" {
                return Err(format!("{name} wants more than 0"));
            }
            match name.as_str() {
                "--rate" => wanted.rate = value,
                "--minutes" => wanted.minutes = value,
                "--markets" => wanted.markets = value,
                "--wallets" => wanted.wallets = value,
                "--seed" => wanted.seed = value,
                "--webhook" => wanted.webhook = value,
                _ => return Err(format!("there is no {name}")),
            }
        }
        Ok(wanted)
    }
}

/// What was seen while it ran.
struct Sample {
    at_ms: u64,
    /// Notified, and not journaled.
    behind: u64,
    lag_slots: u64,
    memory_kib: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let wanted = match Wanted::read() {
        Ok(wanted) => wanted,
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let faults = run(&wanted).await;
    faults.iter().for_each(|fault| println!("fault: {fault}"));
    println!("{}", if faults.is_empty() { "all is well" } else { "NOT WELL" });
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(wanted: &Wanted) -> Vec<String> {
    let mut cluster = Cluster::start_durable().await;
    // When each row's transaction committed.
    cluster.restart_with(&["track_commit_timestamp=on", "shared_buffers=256MB", "max_wal_size=4GB"]).await;
    let database = cluster.database().await;
    let trades = wanted.rate * wanted.minutes * 60;
    let mut node = Node::start(wanted.seed, wanted.markets, wanted.wallets, trades).await;
    let mut engine = Engine::on_node(&node.rpc, &node.ws, node.program, &database);
    engine.set("LOG_LEVEL", "warn");
    engine.set("HELIUS_AUTH_HEADER", helius::AUTH);
    engine.start().await;
    engine.ready().await;
    let total = node.transactions;
    println!("load transactions={total} rate={} minutes={}", wanted.rate, wanted.minutes);
    let deliveries = match wanted.webhook {
        0 => None,
        _ => Some(Deliveries::start(&node.ws, node.program, &engine.indexer).await),
    };
    node.say(&format!("run {} {total}", wanted.rate)).await;
    let (samples, mut faults) = watch(wanted, &mut node, &engine, &database, deliveries.as_ref()).await;
    if let Some(deliveries) = deliveries {
        faults.extend(deliveries.judge(&database).await);
    }
    faults.extend(judge(&mut node, &database, total, wanted.markets).await);
    let lags = lag::lags(&node.times().await, &database).await;
    if lags.len() as u64 != total {
        faults.push(format!("{} of {total} transactions have a time of notification and of commit", lags.len()));
    }
    let mut minutes = Minutes::of(lags);
    for sample in &samples {
        minutes.see(sample.at_ms, sample.behind, sample.lag_slots, sample.memory_kib);
    }
    minutes.print();
    let behind = samples.iter().map(|sample| sample.behind).max().unwrap_or_default();
    if behind > BEHIND_MAX_SECONDS * wanted.rate {
        faults.push(format!("{behind} were notified and not journaled at once: the lag has no bound"));
    }
    let verified = engine.run(&["verify"]).await;
    print!("{}", String::from_utf8_lossy(&verified.stdout));
    if !verified.status.success() {
        faults.push("verify found differences".to_owned());
    }
    faults
}

/// Each second until all is journaled, or it takes too long.
async fn watch(
    wanted: &Wanted,
    node: &mut Node,
    engine: &Engine,
    database: &Database,
    deliveries: Option<&Deliveries>,
) -> (Vec<Sample>, Vec<String>) {
    // The heads of the streams, and not a count of events: looking costs the server nothing.
    const ENTRIES: &str = "SELECT coalesce(sum(last_seq), 0)::bigint \
                           FROM (SELECT last_seq FROM markets UNION ALL SELECT last_seq FROM program_config) heads";
    const UNSETTLED: &str = "SELECT count(*) FROM webhook_deliveries WHERE settled_at IS NULL";
    let client = database.connect().await;
    let mut samples = Vec::new();
    let mut all_notified: Option<Instant> = None;
    let mut told = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let state = node.state().await;
        let entries: i64 = client.query_one(ENTRIES, &[]).await.unwrap().get(0);
        // A market's approval has two events, every other transaction one.
        let behind = (state.landed + wanted.markets).saturating_sub(entries.unsigned_abs());
        let ready = try_request("GET", &engine.api, "/ready", &[], b"").await.ok().map(|answer| answer.json());
        let lag_slots = ready.and_then(|ready| ready["lag_slots"].as_u64()).unwrap_or_default();
        samples.push(Sample {
            at_ms: lag::now_ms(),
            behind,
            lag_slots,
            memory_kib: resident_bytes(engine.id()) / 1_024,
        });
        if told.elapsed() > Duration::from_secs(15) {
            told = Instant::now();
            println!("… {} notified, {behind} of them not journaled, {} lost by the socket", state.landed, state.lost);
        }
        if state.left > 0 {
            continue;
        }
        let since = *all_notified.get_or_insert_with(Instant::now);
        let unsettled: i64 = client.query_one(UNSETTLED, &[]).await.unwrap().get(0);
        let unsettled = unsettled.unsigned_abs() + deliveries.map_or(0, Deliveries::waiting);
        if behind == 0 && unsettled == 0 {
            println!("load seconds_after_the_last={}", since.elapsed().as_secs());
            return (samples, Vec::new());
        }
        if since.elapsed() > REST_MAX {
            let fault = format!(
                "{behind} are not journaled and {unsettled} deliveries not settled {REST_MAX:?} after the last of {} a second",
                wanted.rate
            );
            return (samples, vec![fault]);
        }
    }
}

/// Each transaction once, and nothing that breaks a rule of the journal.
async fn judge(node: &mut Node, database: &Database, total: u64, markets: u64) -> Vec<String> {
    const COUNT: &str = "SELECT count(*), count(DISTINCT signature) FROM chain_events WHERE NOT orphaned";
    let row = database.connect().await.query_one(COUNT, &[]).await.unwrap();
    let (events, signatures): (i64, i64) = (row.get(0), row.get(1));
    println!("load events={events} signatures={signatures} notifications_lost={}", node.state().await.lost);
    let mut faults = Vec::new();
    // A market's approval has two events, every other transaction one.
    if (events.unsigned_abs(), signatures.unsigned_abs()) != (total + markets, total) {
        faults.push(format!(
            "the journal has {events} events of {signatures} transactions, the node {} of {total}",
            total + markets
        ));
    }
    faults.extend(audit::breaches(database).await.into_iter().take(20));
    let letters = audit::dead_letters(database).await;
    faults.extend(letters.iter().take(20).map(|(source, reason, _)| format!("dead letter of {source}: {reason}")));
    let adoptions = audit::adoptions(database).await;
    if adoptions > 0 {
        faults.push(format!("{adoptions} accounts were adopted: history was there"));
    }
    faults
}
