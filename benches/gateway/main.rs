//! What a request costs: GET of the list and of a market, on the real engine as a process of its own, beside a bare actix
//! handler that answers the same bytes, and beside express and fastify that hold the same data.
//!
//! `cargo bench -p zmart --bench gateway [-- --quick]`, with the engine built in the same profile (`ZMART_BIN`, or beside
//! this program). The Node servers need `ZMART_BENCH_NODE`, a folder with their modules (`scripts/bench` makes it); without
//! it they are left out. Requests are counted against limits, as in production. Prints lines of `key=value` after a name;
//! what they mean is told in docs/performance.md.
//!
//! Load comes from this process; what is compared is the CPU time of the servers' processes, since client and servers
//! share the machine's cores.
#![expect(clippy::float_arithmetic, reason = "rates and times, no amounts")]

mod bare;
mod load;

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use zmart_testkit::{
    engine::Engine,
    feeder::{Feeder, Generated, GeneratedStory, Options, Source},
    folder::Folder,
    http::get,
    patience::wait_for,
    postgres::{Cluster, Database},
    process::{Process, cpu_time, field},
};

const MARKETS: u32 = 50;
const TRADES: u32 = 500;

/// A server under load.
struct Server {
    name: &'static str,
    base: String,
    pid: u32,
}

/// What a run of one server and route gave.
#[derive(Clone, Copy)]
struct Figures {
    a_second: f64,
    cpu_us: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(role) = arguments.iter().position(|argument| argument == "--bare") {
        bare::serve(&arguments[role + 1..]);
        return;
    }
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    let (time, rounds) = if is_quick { (Duration::from_secs(1), 1) } else { (Duration::from_secs(4), 5) };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure(time, rounds));
}

async fn measure(time: Duration, rounds: usize) {
    let cluster = Cluster::start_durable().await;
    let (_feeder, engine, market) = engine(&cluster.database().await).await;
    let paths = [("list", "/api/markets".to_owned()), ("market", format!("/api/markets/{market}"))];
    let folder = Folder::new("gateway");
    let mut files = Vec::new();
    for (name, path) in &paths {
        let body = get(&engine.api, path).await.body;
        println!("gateway_bytes route={name} bytes={}", body.len());
        let file = folder.path().join(name);
        std::fs::write(&file, body).expect("a file");
        files.extend([path.clone(), file.display().to_string()]);
    }
    let (_others, servers) = others(&engine, &folder, &files).await;
    for (route, path) in &paths {
        let mut all: Vec<Vec<Figures>> = vec![Vec::new(); servers.len()];
        for round in 0..=rounds {
            for (server, figures) in servers.iter().zip(&mut all) {
                // The first round warms up.
                let time = if round == 0 { time / 4 } else { time };
                let measured = run(server, path, time).await;
                if round > 0 {
                    figures.push(measured);
                }
            }
        }
        let bare = median(&all[1], |figures| figures.cpu_us);
        for (server, figures) in servers.iter().zip(&all) {
            let (cpu, rate) = (median(figures, |one| one.cpu_us), median(figures, |one| one.a_second));
            println!(
                "gateway route={route} server={} requests_per_second={rate:.0} cpu_us={cpu:.1} times_bare={:.2}",
                server.name,
                cpu / bare
            );
        }
    }
}

async fn run(server: &Server, path: &str, time: Duration) -> Figures {
    let host = server.base.trim_start_matches("http://").to_owned();
    let (path, pid) = (path.to_owned(), server.pid);
    let asked = tokio::task::spawn_blocking(move || {
        let (before, began) = (cpu_time(pid), Instant::now());
        let requests = load::ask(&host, &path, time);
        (requests, cpu_time(pid).saturating_sub(before), began.elapsed())
    });
    let (requests, cpu, elapsed) = asked.await.expect("every reply was whole");
    let requests = requests as f64;
    Figures { a_second: requests / elapsed.as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / requests }
}

fn median(figures: &[Figures], of: impl Fn(&Figures) -> f64) -> f64 {
    let mut values: Vec<f64> = figures.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The engine with markets that have traded, and one of them.
async fn engine(database: &Database) -> (Feeder, Engine, String) {
    let generated = Generated { markets: MARKETS, trades: TRADES, ..Generated::default() };
    let setup = u64::from(GeneratedStory::setup_len(&generated));
    let feeder = Feeder::start(Options::new(Source::Generated(generated))).await;
    let mut engine = Engine::on_node(&feeder.rpc_url, &feeder.ws_url, feeder.program(), database);
    engine.set("LOG_LEVEL", "warn");
    // Counted, and never refused.
    engine.set("TRUSTED_CLIENTS", "none");
    engine.set("RATE_LIMIT_ANONYMOUS", "1000000/s");
    engine.set("API_CONNECTIONS_PER_IP", "1000000");
    feeder.emit(setup + u64::from(TRADES));
    engine.start().await;
    engine.ready().await;
    let market = wait_for("the trades to be shown", || async {
        let client = database.connect().await;
        let row = client.query_one("SELECT count(*), min(market) FROM trades", &[]).await.map_err(|e| e.to_string())?;
        let market: Option<String> = row.get(1);
        let is_whole = row.get::<_, i64>(0) == i64::from(TRADES);
        market.filter(|_| is_whole).ok_or_else(|| "too few".to_owned())
    })
    .await;
    (feeder, engine, market)
}

/// What it is compared with: the engine first, the bare handler second, Node's servers where they can be run.
async fn others(engine: &Engine, folder: &Folder, files: &[String]) -> (Vec<Process>, Vec<Server>) {
    let mut servers = vec![Server { name: "engine", base: engine.api.clone(), pid: engine.id() }];
    let mut processes = Vec::new();
    let start = |name: &'static str, mut command: Command| {
        command.args(files);
        (name, Process::start(name, command, folder))
    };
    let mut bare = Command::new(std::env::current_exe().expect("this program"));
    bare.arg("--bare");
    let mut started = vec![start("bare", bare)];
    match std::env::var_os("ZMART_BENCH_NODE").map(PathBuf::from) {
        Some(modules) => {
            for name in ["express", "fastify"] {
                let mut node = Command::new("node");
                node.env("NODE_ENV", "production").arg(modules.join("server.mjs")).arg(name);
                started.push(start(name, node));
            }
        }
        None => println!("gateway: no Node servers (ZMART_BENCH_NODE is not set)"),
    }
    for (name, mut process) in started {
        let base = field(&process.line_that_starts_with("listening").await, "at");
        servers.push(Server { name, base, pid: process.id() });
        processes.push(process);
    }
    (processes, servers)
}
