//! How the engine bears very many markets: how soon it is ready over a journal that holds them, what memory they cost
//! while they run, what is left when nobody needs them any more. Prints `scale NAME=VALUE` lines and a verdict.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use zmart::domain::ids::{Epoch, MarketAddress};
use zmart_testkit::{
    chain::Chain,
    engine::Engine,
    http::{get, try_request},
    postgres::Cluster,
    seed,
    socket::Connection,
};

/// The goal: from the start of the program to readiness.
const READY_GOAL: Duration = Duration::from_secs(5);
/// Channels that one connection may have.
const CHANNELS: usize = 200;
/// How often a market is asked for again that is being loaded.
const ROUNDS_MAX: usize = 5;
/// How long memory and CPU time are watched at rest.
const WATCH: Duration = Duration::from_secs(20);

struct Wanted {
    markets: u64,
    touched: u64,
    idle_seconds: u64,
    rounds: u64,
}

impl Wanted {
    fn read() -> Self {
        let mut wanted = Self { markets: 1_000_000, touched: 100_000, idle_seconds: 300, rounds: 2 };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().and_then(|text| text.parse().ok());
            let value = value.unwrap_or_else(|| panic!("{name} wants a number"));
            match name.as_str() {
                "--markets" => wanted.markets = value,
                "--touched" => wanted.touched = value,
                "--idle-seconds" => wanted.idle_seconds = value,
                "--rounds" => wanted.rounds = value,
                _ => panic!("there is no {name}: --markets, --touched, --idle-seconds, --rounds"),
            }
        }
        wanted
    }
}

#[tokio::main]
async fn main() {
    let wanted = Wanted::read();
    let chain = Chain::start().await;
    let cluster = Cluster::start().await;
    let database = cluster.database().await;
    let mut engine = Engine::on(&chain, &database);
    engine.set("LOG_LEVEL", "warn");
    engine.set("STREAM_IDLE_MS", &(wanted.idle_seconds * 1_000).to_string());

    // The journal becomes that of this chain, with a cursor: what is seeded then is history that nobody asks for.
    engine.start().await;
    engine.ready().await;
    let client = database.connect().await;
    wait(Duration::from_secs(60), async || {
        let covered = "SELECT count(*) FROM chain_cursor WHERE covered_slot > 0";
        let row = client.query_one(covered, &[]).await.unwrap();
        row.get::<_, i64>(0) == 1
    })
    .await;
    engine.stop().await;
    let epoch: i32 = client.query_one("SELECT max(epoch) FROM journal_epochs", &[]).await.unwrap().get(0);
    let began = Instant::now();
    seed::markets(&client, Epoch(u32::try_from(epoch).unwrap()), wanted.markets).await;
    say("markets", wanted.markets);
    say("seed_seconds", began.elapsed().as_secs());

    let began = Instant::now();
    engine.start().await;
    say("listening_ms", began.elapsed().as_millis());
    wait(Duration::from_secs(120), async || ready(&engine).await.is_some()).await;
    let ready_after = began.elapsed();
    say("ready_ms", ready_after.as_millis());
    let at_start = rest(&engine, "start").await;

    // What is left after the second round must not be more than after the first: nothing leaks.
    let markets = seed::addresses(&client, wanted.touched).await;
    let mut rounds = Vec::new();
    for round in 1..=wanted.rounds.max(1) {
        rounds.push(use_and_leave(&engine, &markets, &format!("round_{round}"), wanted.idle_seconds).await);
    }
    let healed: i64 =
        client.query_one("SELECT count(*) FROM journal WHERE kind LIKE '%resync'", &[]).await.unwrap().get(0);
    let dead: i64 = client.query_one("SELECT count(*) FROM dead_letters", &[]).await.unwrap().get(0);
    say("healed", healed);
    say("dead_letters", dead);
    engine.stop().await;

    let (first, last) = (&rounds[0], &rounds[rounds.len() - 1]);
    let grown = first.peak.kib.saturating_sub(at_start.kib);
    let running = first.peak.streams.saturating_sub(at_start.streams);
    say("bytes_a_running_market", grown * 1_024 / running.max(1));
    // A quarter may stay with the allocator.
    let returned = last.end.kib < at_start.kib + grown / 4 && last.end.streams <= at_start.streams;
    let refused: usize = rounds.iter().map(|round| round.refused).sum();
    let kept = ready_after <= READY_GOAL && returned && refused == 0 && dead == 0 && healed == 0;
    say("verdict", if kept { "kept" } else { "missed" });
    std::process::exit(i32::from(!kept));
}

/// What is there while nothing happens.
struct Rest {
    kib: u64,
    streams: u64,
}

struct Round {
    peak: Rest,
    end: Rest,
    refused: usize,
}

/// Uses each market once, and waits until all of them rest again.
async fn use_and_leave(engine: &Engine, markets: &[MarketAddress], name: &str, idle_seconds: u64) -> Round {
    let began = Instant::now();
    let (asked_again, refused) = touch(engine, markets).await;
    say(&format!("{name}_touched"), markets.len());
    say(&format!("{name}_asked_again"), asked_again);
    say(&format!("{name}_refused"), refused);
    say(&format!("{name}_touch_seconds"), began.elapsed().as_secs());
    let peak = rest(engine, &format!("{name}_peak")).await;
    let began = Instant::now();
    wait(Duration::from_secs(idle_seconds * 2 + 300), async || streams(engine).await <= 1).await;
    say(&format!("{name}_at_rest_after_seconds"), began.elapsed().as_secs());
    let end = rest(engine, &format!("{name}_end")).await;
    Round { peak, end, refused }
}

fn say(name: &str, value: impl std::fmt::Display) {
    println!("scale {name}={value}");
}

async fn wait(longest: Duration, look: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !look().await {
        assert!(began.elapsed() < longest, "waited {longest:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What /ready says, if it is 200.
async fn ready(engine: &Engine) -> Option<Value> {
    let answer = try_request("GET", &engine.api, "/ready", &[], b"").await.ok()?;
    (answer.status == 200).then(|| answer.json())
}

async fn streams(engine: &Engine) -> u64 {
    get(&engine.api, "/ready").await.json()["streams"].as_u64().unwrap()
}

/// Looks at memory and CPU time for a while.
async fn rest(engine: &Engine, when: &str) -> Rest {
    let before = cpu_ticks(engine.id());
    tokio::time::sleep(WATCH).await;
    let spent = cpu_ticks(engine.id()) - before;
    let rest = Rest { kib: resident_kib(engine.id()), streams: streams(engine).await };
    say(&format!("{when}_streams"), rest.streams);
    say(&format!("{when}_rss_mib"), rest.kib / 1_024);
    // The kernel counts in hundredths of a second.
    say(&format!("{when}_cpu_ms_a_second"), spent * 10 / WATCH.as_secs());
    rest
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn cpu_ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // After the program's name, which may hold spaces: user time and system time are the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Subscribes to each market once and leaves it again, and asks again where it is told to; answers how often that was, and
/// how many were never answered with their state.
async fn touch(engine: &Engine, markets: &[MarketAddress]) -> (usize, usize) {
    let mut connection = Connection::open(&engine.ws).await;
    let mut waiting: Vec<String> = markets.iter().map(|market| format!("market:{market}")).collect();
    let mut asked_again = 0;
    for _ in 0..ROUNDS_MAX {
        let mut refused = Vec::new();
        for some in waiting.chunks(CHANNELS) {
            connection.send(json!({"action": "subscribe", "channels": some})).await;
            for _ in some {
                let answer = loop {
                    let frame = connection.next_frame().await;
                    if frame["type"] == "subscribed" || frame["type"] == "error" {
                        break frame;
                    }
                };
                if answer["type"] == "error" {
                    refused.extend(answer["channel"].as_str().map(str::to_owned));
                }
            }
            connection.send(json!({"id": "left", "action": "unsubscribe"})).await;
            connection.answer_to(&json!("left")).await;
        }
        waiting = refused;
        if waiting.is_empty() {
            break;
        }
        asked_again += waiting.len();
    }
    (asked_again, waiting.len())
}
