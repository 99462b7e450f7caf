//! How fast `zmart backfill` brings a chain's history into an empty journal: the real program as a process of its own, a
//! real PostgreSQL with fsync on, and a feeder as its node in a third process.
//!
//! `cargo bench -p zmart --bench backfill [-- --quick]`, or `scripts/bench backfill`, with the engine built in the same profile
//! (`ZMART_BIN`, or beside this program). Prints lines of `key=value` after a name; what they mean is told in
//! docs/performance.md. Beside it, in the same cluster and round: `COPY` of the rows that it wrote, into identically defined
//! tables (`benches/ingest/copy.rs`), and the same rows inserted one at a time, each committed by itself.

#![expect(clippy::float_arithmetic, reason = "rates and times, no amounts")]

#[path = "../ingest/copy.rs"]
mod copy;
#[path = "../ingest/cpu.rs"]
mod cpu;
mod node;
mod rows;
mod server;

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;
use zmart_testkit::{
    engine::Engine,
    postgres::Cluster,
    process::{cpu_time, peak_resident_bytes},
};

use self::{cpu::Cpu, node::Node, server::Server};

/// As in `benches/ingest`.
const MARKETS: u32 = 200;
const WALLETS: u32 = 5_000;
/// Rows that are inserted one at a time: it is slow, and its rate is the same from the beginning on.
const ONE_AT_A_TIME: i64 = 3_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u32>().ok()
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if let Some(trades) = number("--node") {
        return runtime.block_on(node::serve(trades));
    }
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    let (events, rounds) = match number("--events") {
        Some(events) => (vec![events], number("--rounds").unwrap_or(1)),
        None if is_quick => (vec![50_000], 1),
        None => (vec![100_000, 1_000_000], number("--rounds").unwrap_or(3)),
    };
    runtime.block_on(async {
        let cluster = Cluster::start_durable().await;
        for events in events {
            let mut ratios = Vec::new();
            for round in 1..=rounds {
                ratios.push(measure(&cluster, events, round).await);
            }
            ratios.sort_by(f64::total_cmp);
            println!("backfill events={events} ratio={:.2} rounds={rounds}", ratios[ratios.len() / 2]);
        }
    });
}

/// One round; answers with the ratio of the rates.
async fn measure(cluster: &Cluster, events: u32, round: u32) -> f64 {
    let database = cluster.database().await;
    let node = Node::start(events);
    let mut engine = Engine::on_node(&node.rpc_url, &node.ws_url, node.program, &database);
    engine.set("LOG_LEVEL", "warn");
    // The node is this machine's own: nothing is held back for it.
    engine.set("RPC_CALLS_PER_SECOND", "10000000");
    let migrated = engine.run(&["migrate"]).await;
    assert!(migrated.status.success(), "migrate: {}", String::from_utf8_lossy(&migrated.stderr));
    let mut admin = database.connect().await;
    let server = Server::of(&admin).await;
    admin.batch_execute("CHECKPOINT").await.unwrap();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let (server_before, node_before) = (server.cpu(), cpu_time(node.id()));
    let ran = run(&engine).await;
    // Its backends have ended, and their time is the server's.
    let (server_cpu, node_cpu) = (server.cpu() - server_before, cpu_time(node.id()) - node_before);
    // Some transactions have two events.
    const JOURNALED: &str = "SELECT count(DISTINCT signature), count(*) FROM chain_events";
    let row = database.connect().await.query_one(JOURNALED, &[]).await.unwrap();
    let (transactions, journaled): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(transactions, node.transactions, "every transaction is in the journal");
    assert_eq!(ran.report["outcome"], "done", "{}", ran.report);
    let all = journaled as f64;
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / all;
    let rate = all / ran.took.as_secs_f64();
    println!(
        "backfill_engine events={journaled} round={round} seconds={:.2} events_per_second={rate:.0} postgresql_cpu_us={:.1} \
         backfill_cpu_us={:.1} node_cpu_us={:.1} peak_resident_mib={} load={}",
        ran.took.as_secs_f64(),
        micros(server_cpu),
        micros(ran.cpu),
        micros(node_cpu),
        ran.peak_bytes >> 20,
        load.split_whitespace().next().unwrap_or("?"),
    );
    drop(node);

    let before = Cpu::now(&admin).await;
    let took = copy::run(&mut admin).await;
    let cpu = Cpu::now(&admin).await.since(&before);
    let copy_rate = all / took.as_secs_f64();
    println!(
        "backfill_copy events={journaled} round={round} seconds={:.2} events_per_second={copy_rate:.0} postgresql_cpu_us={:.1}",
        took.as_secs_f64(),
        cpu.server * 1e6 / all
    );

    let took = rows::one_at_a_time(&admin, ONE_AT_A_TIME).await;
    let row_rate = ONE_AT_A_TIME as f64 / took.as_secs_f64();
    println!(
        "backfill_rows events={ONE_AT_A_TIME} round={round} seconds={:.2} events_per_second={row_rate:.0}",
        took.as_secs_f64()
    );
    println!(
        "backfill_round events={journaled} round={round} times_copy={:.2} times_rows={:.1}",
        rate / copy_rate,
        rate / row_rate
    );
    rate / copy_rate
}

/// What a run took.
struct Ran {
    took: Duration,
    cpu: Duration,
    peak_bytes: u64,
    report: Value,
}

/// From the start of the program to its end.
async fn run(engine: &Engine) -> Ran {
    let mut command = engine.command(&["backfill", "--json"]);
    let began = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program");
    let (mut cpu, mut peak_bytes) = (Duration::ZERO, 0);
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        cpu = cpu.max(cpu_time(child.id()));
        peak_bytes = peak_bytes.max(peak_resident_bytes(child.id()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let took = began.elapsed();
    let out = std::io::read_to_string(child.stdout.take().expect("its output")).expect("text");
    assert!(status.success(), "{status}: {out}");
    Ran { took, cpu, peak_bytes, report: serde_json::from_str(&out).expect("a report") }
}
