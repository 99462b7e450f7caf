//! Fan-out: what the server pays, in CPU time, for a frame that reaches one subscriber; how long that takes with many
//! markets; what a subscription costs; and what an idle connection costs in memory. Beside it uWebSockets, as bun ships
//! it, and the same with nothing but sockets, measured in the same run.
//!
//! Processes, so that nobody's time counts as another's: the server under test (this program again, with `--role engine`:
//! the real WebSocket port over stand-in streams), bun (`bun/server.mjs`; `ZMART_BENCH_BUN` is a folder with it and its npm
//! package, which `scripts/bench` makes; without it bun is left out), the baseline (`--role bare`: one thread that writes
//! the same bytes to as many sockets), and this one, which connects, reads everything, and checks that every subscriber
//! got every frame once and in order. A run that loses a frame fails; it prints no figure.
//!
//! `cargo bench -p zmart --bench fanout [-- --quick] [--mode paced|bursts|idle|markets|subscribe]`. Prints lines of
//! `key=value` after a name; what they mean is told in docs/performance.md. Each round measures all servers, and the
//! median of the rounds counts. CPU time includes what the kernel does in the server's name, which on the loopback is also
//! the receiver's half of TCP, for all servers alike.
#![expect(clippy::float_arithmetic, reason = "rates and times, no amounts")]

mod bare;
mod engine;
mod frame;
mod markets;
mod process;
mod streams;
mod subscribers;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use process::{Role, Server};
use subscribers::{Subscribers, Topic};

/// As the engine has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How frames come.
#[derive(Clone, Copy)]
struct Mode {
    name: &'static str,
    /// How many of them.
    frames: u64,
    /// So many are published together, and the next when everybody has all of these.
    group: u64,
    /// From one group to the next, at least.
    interval: Duration,
}

/// Frames one by one. The next waits for the last reader of the one before: a server that was kept waiting by the machine
/// would otherwise put two into one write, and look the better for it.
fn paced(_: usize) -> Mode {
    Mode { name: "paced", frames: 60, group: 1, interval: Duration::from_millis(50) }
}

/// Groups of frames that are published together; a million deliveries in all.
fn bursts(subscribers: usize) -> Mode {
    let frames = (1_000_000 / subscribers as u64).div_ceil(BURST) * BURST;
    Mode { name: "bursts", frames, group: BURST, interval: Duration::from_millis(50) }
}

const BURST: u64 = 100;
/// Longest wait for a group of frames; the machine may be busy with something else.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    process::raise_open_files()?;
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    let number = |name: &str| value(name).map(|text| text.parse::<usize>()).transpose();
    let markets = number("--markets")?.unwrap_or(0);
    match value("--role").as_deref() {
        Some("engine") => return engine::run(markets),
        Some("bare") => return bare::run(markets),
        Some(other) => bail!("there is no role {other}"),
        None => {}
    }
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    let rounds = number("--rounds")?.unwrap_or(if is_quick { 1 } else { 3 });
    let only = value("--mode");
    let wants = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let counts: Vec<usize> = match value("--subscribers") {
        Some(list) => list.split(',').map(str::parse).collect::<Result<_, _>>()?,
        None if is_quick => vec![500],
        None => vec![1_000, 5_000],
    };
    let roles = Role::all();
    for &count in &counts {
        for mode in [paced(count), bursts(count)].into_iter().filter(|mode| wants(mode.name)) {
            compare(&roles, count, mode, rounds)?;
        }
    }
    let connections: &[usize] = if is_quick { &[1_000] } else { &[5_000, 8_000] };
    for &count in connections.iter().filter(|_| wants("idle")) {
        let mut line = format!("idle_memory connections={count}");
        for role in &roles {
            line += &format!(" {}_bytes={}", role.name(), idle(*role, count)?);
        }
        println!("{line}");
    }
    let load = markets::Load::new(is_quick);
    if wants("markets") {
        markets::compare(&roles, load, rounds)?;
    }
    if wants("subscribe") {
        markets::subscriptions(&roles, load, rounds)?;
    }
    Ok(())
}

/// The middle one.
fn median_of(figures: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = figures.collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn compare(roles: &[Role], count: usize, mode: Mode, rounds: usize) -> Result<()> {
    let (name, frames) = (mode.name, mode.frames);
    let mut measured: Vec<Vec<f64>> = Vec::new();
    for round in 1..=rounds {
        let figures = roles.iter().map(|role| fan_out(*role, count, mode)).collect::<Result<Vec<f64>>>()?;
        let shown = shown(roles, &figures, |place, other| figures[place] / figures[other]);
        println!("fanout_round mode={name} subscribers={count} round={round}{shown}");
        measured.push(figures);
    }
    let medians: Vec<f64> =
        (0..roles.len()).map(|place| median_of(measured.iter().map(|round| round[place]))).collect();
    let ratio = |place: usize, other: usize| median_of(measured.iter().map(|round| round[place] / round[other]));
    println!(
        "fanout mode={name} subscribers={count} frame_bytes={} deliveries={}{}",
        frame::TEXT_BYTES,
        count as u64 * frames,
        shown(roles, &medians, ratio),
    );
    Ok(())
}

/// Everybody's figure, and the engine's as a multiple of each other one's.
fn shown(roles: &[Role], figures: &[f64], ratio: impl Fn(usize, usize) -> f64) -> String {
    let engine = roles.iter().position(|role| *role == Role::Engine).unwrap_or_default();
    let own = roles.iter().zip(figures).map(|(role, figure)| format!(" {}_us={figure:.2}", role.name()));
    let others = roles.iter().enumerate().filter(|(place, _)| *place != engine);
    let times = others.map(|(place, role)| format!(" times_{}={:.2}", role.name(), ratio(engine, place)));
    own.chain(times).collect()
}

/// Microseconds of the server's CPU time a delivered frame.
fn fan_out(role: Role, count: usize, mode: Mode) -> Result<f64> {
    let mut server = Server::start(role, 0)?;
    let mut subscribers = Subscribers::connect(server.address, count, role, Topic::Config)?;
    let mut send = |server: &mut Server, frames: u64| {
        server.emit(frames)?;
        subscribers.take(frames, PATIENCE).with_context(|| format!("{}, {}", role.name(), mode.name))?;
        server.wait()
    };
    // Buffers grow to their size before it counts.
    send(&mut server, mode.group)?;
    let before = server.cpu()?;
    for _ in 0..mode.frames / mode.group {
        let due = Instant::now() + mode.interval;
        send(&mut server, mode.group)?;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let cpu = server.cpu()? - before;
    Ok(cpu.as_secs_f64() * 1e6 / (count as u64 * mode.frames) as f64)
}

/// Bytes of the server's resident memory a connection that was subscribed, was sent a frame, and hears nothing more.
fn idle(role: Role, count: usize) -> Result<u64> {
    let mut server = Server::start(role, 0)?;
    // What the first connections make the process allocate once is not theirs.
    let few = Subscribers::connect(server.address, 100, role, Topic::Config)?;
    let before = server.resident_bytes()?;
    let mut many = Subscribers::connect(server.address, count, role, Topic::Config)?;
    server.emit(1)?;
    many.take(1, PATIENCE)?;
    server.wait()?;
    std::thread::sleep(Duration::from_secs(2));
    let after = server.resident_bytes()?;
    drop(few);
    Ok(after.saturating_sub(before) / count as u64)
}
