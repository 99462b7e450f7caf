//! How long the API's GETs take on a seeded database, with many clients at once: `zmart-reads-bench [--NAME VALUE]…`.
//!
//! Starts a PostgreSQL, a stand-in node and the engine (`ZMART_BIN`, or the debug build), puts a year of history into the
//! journal, and asks each route for a while over connections that stay open. Prints `reads ROUTE requests=… p50_ms=…
//! p99_ms=… max_ms=… bytes=…` a route, and those that miss the goal. Another route is one line in [`ROUTES`].
//!
//! `--stay 1` keeps the seeded database: each line of standard input runs the routes that contain it (an empty one: all), on
//! the engine's program as it is then; the end of the input ends it. `NAME=VALUE ` before it sets the engine's environment.

#![allow(clippy::float_arithmetic)] // clock times

use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use zmart::domain::ids::Epoch;
use zmart_testkit::{
    engine::Engine,
    feeder::{Feeder, Generated, Options, Source},
    http::get,
    patience::wait_for,
    postgres::Cluster,
    seed::history::{self, Size},
};

/// `{market}`: any, the busiest more often. `{wallet}`: any, the busiest more often. `{page}`: a cursor of the list that
/// the rest names, from a page before.
const ROUTES: &[&str] = &[
    "/api/markets",
    "/api/markets?offset=10000&limit=100",
    "/api/markets?state=ACTIVE&limit=100",
    "/api/markets?state=DISPUTED,RESOLVING&sort=volume",
    "/api/markets?sort=volume{page}",
    "/api/markets?sort=volume_24h&state=ACTIVE{page}",
    "/api/markets?sort=liquidity&order=asc{page}",
    "/api/markets?sort=price_yes&offset=10000{salt}",
    "/api/markets?sort=ending&state=ACTIVE{page}",
    "/api/markets?category=crypto&sort=volume_24h{page}",
    "/api/markets?category=sports&sort=ending&offset=1000{salt}",
    "/api/markets?search=bitcoin{salt}",
    "/api/markets?search=bitcoin&sort=volume{page}",
    "/api/markets?creator={creator}&sort=volume{salt}",
    "/api/markets/{market}",
    "/api/markets/{market}/prices",
    "/api/markets/{market}/price-history",
    "/api/markets/{market}/price-history?points=500",
    "/api/markets/{market}/candles?resolution=1m&limit=500",
    "/api/markets/{market}/candles?resolution=15m&limit=500",
    "/api/markets/{market}/candles?resolution=1h",
    "/api/markets/{market}/candles?resolution=1d&limit=365",
    "/api/markets/{market}/trades",
    "/api/markets/{market}/trades?offset=10000&limit=100",
    "/api/markets/{market}/stats",
    "/api/markets/{market}/related",
    "/api/markets/{market}/holders",
    "/api/markets/{market}/holders?offset=10000&limit=100",
    "/api/markets/{market}/depth",
    "/api/markets/{market}/governance",
    "/api/markets/activity?limit=100{page}",
    "/api/markets/activity?offset=10000&limit=100{salt}",
    "/api/markets/trending?limit=100{salt}",
    "/api/markets/categories",
    "/api/events/latest?market_id={market}&since=10",
    "/api/events/latest?since={year}&limit=100",
    "/api/users/{wallet}",
    "/api/users/{wallet}/positions?limit=100",
    "/api/users/{wallet}/trades?limit=100",
    "/api/users/{wallet}/trades?offset=10000&limit=100",
    "/api/users/{wallet}/votes",
    "/api/users/{wallet}/portfolio",
    "/api/users/{wallet}/portfolio?window=all&points=60",
    "/api/leaderboard?limit=100{page}",
    "/api/leaderboard?by=accuracy&limit=100{page}",
    "/api/discussions/{market}?limit=100",
    "/api/votes/{market}",
    "/api/markets/{market}/votes?limit=100",
    "/api/trades/estimate?market_id={market}&outcome=YES&trade_type=buy&shares=1000000000",
    "/api/actions/markets/{market}",
    "/api/leaderboard?by=volume&window=30d&offset=10000&limit=100{salt}",
    "/api/config",
    "/ready",
    "/health",
];
const GOAL: Duration = Duration::from_millis(50);

struct Wanted {
    size: Size,
    clients: usize,
    seconds: u64,
    only: String,
    stay: bool,
}

impl Wanted {
    fn read() -> Self {
        let mut wanted = Self { size: Size::FULL, clients: 32, seconds: 5, only: String::new(), stay: false };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let text = arguments.next().unwrap_or_else(|| panic!("{name} wants a value"));
            let number = || text.parse().unwrap_or_else(|_| panic!("{name} wants a number"));
            match name.as_str() {
                "--markets" => wanted.size.markets = number(),
                "--trades" => wanted.size.trades = number(),
                "--wallets" => wanted.size.wallets = number(),
                "--clients" => wanted.clients = number() as usize,
                "--seconds" => wanted.seconds = number(),
                "--only" => wanted.only = text,
                "--stay" => wanted.stay = number() > 0,
                _ => panic!("there is no {name}: --markets, --trades, --wallets, --clients, --seconds, --only, --stay"),
            }
        }
        wanted
    }
}

/// What routes are asked about.
struct Names {
    /// The busiest first.
    markets: Vec<String>,
    creators: Vec<String>,
    wallets: Vec<String>,
    year_ms: i64,
}

#[tokio::main]
async fn main() {
    let mut wanted = Wanted::read();
    let feeder = Feeder::start(Options::new(Source::Generated(Generated::default()))).await;
    // The program's config, without which there are no quotes.
    feeder.emit(1);
    let cluster = Cluster::start().await;
    let database = cluster.database().await;
    let mut engine = Engine::on_node(&feeder.rpc_url, &feeder.ws_url, feeder.program(), &database);
    engine.set("LOG_LEVEL", "warn");
    let migrated = engine.run(&["migrate"]).await;
    assert!(migrated.status.success(), "migrate: {}", String::from_utf8_lossy(&migrated.stderr));
    // The journal becomes that of this chain, with a cursor: what is seeded then is history that nobody asks for.
    engine.start().await;
    engine.ready().await;
    let mut client = database.connect().await;
    wait_for("a covered slot", || async {
        let row = client.query_one("SELECT count(*) FROM chain_cursor WHERE covered_slot > 0", &[]).await.unwrap();
        if row.get::<_, i64>(0) == 1 { Ok(()) } else { Err("none") }
    })
    .await;
    engine.stop().await;
    let epoch: i32 = client.query_one("SELECT max(epoch) FROM journal_epochs", &[]).await.unwrap().get(0);
    let now: i64 = client.query_one("SELECT extract(epoch FROM now())::bigint", &[]).await.unwrap().get(0);
    let began = Instant::now();
    history::put(&mut client, Epoch(u32::try_from(epoch).unwrap()), wanted.size, now).await;
    println!("reads seed_seconds={}", began.elapsed().as_secs());
    for table in ["markets", "trades", "positions", "candles", "market_stats", "proposal_votes", "discussions"] {
        let count: i64 = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0);
        println!("reads rows {table}={count}");
    }
    let texts = async |sql: &str| -> Vec<String> {
        client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    };
    let names = Names {
        markets: texts("SELECT address::text FROM markets ORDER BY trades_count DESC").await,
        creators: texts("SELECT DISTINCT creator_wallet::text FROM markets").await,
        wallets: texts("SELECT wallet::text FROM positions GROUP BY wallet ORDER BY count(*) DESC LIMIT 10000").await,
        year_ms: (now - 200 * 86_400) * 1_000,
    };
    engine.start().await;
    engine.ready().await;
    ledgers_are_kept(&client).await;
    run(&engine, &names, &wanted).await;
    engine.stop().await;
    while wanted.stay {
        println!("reads waiting database={}", database.url);
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line).unwrap() == 0 {
            break;
        }
        wanted.only.clear();
        for word in line.split_whitespace() {
            match word
                .split_once('=')
                .filter(|(name, _)| name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_'))
            {
                Some((name, value)) => engine.set(name, value),
                None => wanted.only = word.to_owned(),
            }
        }
        engine.start().await;
        engine.ready().await;
        run(&engine, &names, &wanted).await;
        engine.stop().await;
    }
}

/// Each route that is wanted, one after the other.
async fn run(engine: &Engine, names: &Names, wanted: &Wanted) {
    let mut missed = Vec::new();
    for route in ROUTES.iter().filter(|route| route.contains(&wanted.only)) {
        let mut asked = ask(&engine.api, route, names, wanted).await;
        asked.times.sort_unstable();
        let at = |part: usize| asked.times[(asked.times.len() - 1) * part / 1_000].as_secs_f64() * 1e3;
        println!(
            "reads {route} requests={} refused={} p50_ms={:.1} p99_ms={:.1} max_ms={:.1} bytes={}",
            asked.times.len(),
            asked.refused,
            at(500),
            at(990),
            at(1_000),
            asked.bytes / asked.times.len(),
        );
        if at(990) > GOAL.as_secs_f64() * 1e3 || asked.refused > 0 {
            missed.push(*route);
        }
    }
    println!("reads missed={missed:?}");
}

/// Waits until the keeper of ledgers has worked off what was seeded, as after a migration; prints how long it took.
async fn ledgers_are_kept(client: &tokio_postgres::Client) {
    let began = Instant::now();
    let count = async |table: &str| -> i64 {
        client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
    };
    let mut left = count("position_changes").await;
    let mut moved = Instant::now();
    while left > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = count("position_changes").await;
        if now != left {
            moved = Instant::now();
        }
        assert!(moved.elapsed() < Duration::from_secs(60), "{now} positions wait, and nobody works them off");
        left = now;
    }
    println!(
        "reads ledgers positions={} hours={} wallets={} seconds={}",
        count("position_ledgers").await,
        count("position_hours").await,
        count("wallet_totals").await,
        began.elapsed().as_secs(),
    );
    client
        .batch_execute("VACUUM ANALYZE position_changes, position_hours, position_ledgers, wallet_hours, wallet_totals, leaderboard")
        .await
        .unwrap();
}

struct Asked {
    times: Vec<Duration>,
    refused: usize,
    bytes: usize,
}

/// Many clients for a while; each asks again when it was answered.
async fn ask(api: &str, route: &'static str, names: &Names, wanted: &Wanted) -> Asked {
    let pages = if route.contains("{page}") { pages(api, &route.replace("{page}", "")).await } else { Vec::new() };
    let host = api.trim_start_matches("http://");
    let until = Instant::now() + Duration::from_secs(wanted.seconds);
    let ask = async |number: usize| {
        let mut dice = StdRng::seed_from_u64(number as u64);
        let mut connection = TcpStream::connect(host).await.unwrap();
        connection.set_nodelay(true).unwrap();
        let mut asked = Asked { times: Vec::new(), refused: 0, bytes: 0 };
        let mut buffer = Vec::new();
        while Instant::now() < until || asked.times.is_empty() {
            let path = filled(route, names, &pages, &mut dice);
            let began = Instant::now();
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            connection.write_all(request.as_bytes()).await.unwrap();
            let (status, bytes) = answer(&mut connection, &mut buffer).await;
            asked.times.push(began.elapsed());
            asked.bytes += bytes;
            if status != 200 {
                if asked.refused == 0 && number == 0 {
                    println!("reads {path} answered {status}: {}", String::from_utf8_lossy(&buffer));
                }
                asked.refused += 1;
            }
        }
        asked
    };
    let all = futures_util::future::join_all((0..wanted.clients).map(ask)).await;
    let mut sum = Asked { times: Vec::new(), refused: 0, bytes: 0 };
    for one in all {
        sum.times.extend(one.times);
        sum.refused += one.refused;
        sum.bytes += one.bytes;
    }
    sum
}

/// Some cursors of a list.
async fn pages(api: &str, path: &str) -> Vec<String> {
    let mut pages = vec![String::new()];
    while pages.len() < 20 {
        let body = get(api, &format!("{path}{}", pages[pages.len() - 1])).await.json();
        let Some(next) = body["next_cursor"].as_str() else { break };
        pages.push(format!("&cursor={next}"));
    }
    pages
}

fn filled(route: &str, names: &Names, pages: &[String], dice: &mut StdRng) -> String {
    // Half of all questions are about the busiest hundred.
    let mut one_of = |all: &[String]| {
        let few = all.len().min(100);
        let at = if dice.random_bool(0.5) { dice.random_range(0..few) } else { dice.random_range(0..all.len()) };
        all[at].clone()
    };
    let (market, wallet, creator) = (one_of(&names.markets), one_of(&names.wallets), one_of(&names.creators));
    let page = if pages.is_empty() { String::new() } else { pages[dice.random_range(0..pages.len())].clone() };
    route
        .replace("{market}", &market)
        .replace("{wallet}", &wallet)
        .replace("{creator}", &creator)
        .replace("{page}", &format!("{page}&salt={}", dice.random_range(0..1_000_000)))
        .replace("{salt}", &format!("&salt={}", dice.random_range(0..1_000_000)))
        .replace("{year}", &names.year_ms.to_string())
}

/// Status and bytes of the body of an answer with a counted body.
async fn answer(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> (u16, usize) {
    buffer.clear();
    loop {
        assert_ne!(connection.read_buf(buffer).await.unwrap(), 0, "the engine hung up");
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end]).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        if buffer.len() >= end + 4 + length {
            return (head.split(' ').nth(1).unwrap().parse().unwrap(), length);
        }
    }
}
