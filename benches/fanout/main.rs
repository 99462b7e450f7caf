//! Fan-out: what the server pays, in CPU time, for a frame that reaches one subscriber; and what an idle connection costs
//! in memory. Beside both the same with nothing but sockets, measured in the same run.
//!
//! Three processes, so that nobody's time counts as another's: the server under test (this program again, with
//! `--role engine`: the real WebSocket port over a stand-in stream), the baseline (`--role bare`: one thread that writes
//! the same bytes to as many sockets), and this one, which connects, reads everything, and checks that every subscriber
//! got every frame once and in order. A run that loses a frame fails; it prints no figure.
//!
//! `cargo bench -p zmart --bench fanout [-- --quick]`. Prints lines of `key=value` after a name; what they mean is told in
//! docs/performance.md. Each round measures both servers, and the median of the rounds counts. CPU time includes what the
//! kernel does in the server's name, which on the loopback is also the receiver's half of TCP, for both servers alike.
#![expect(clippy::float_arithmetic, reason = "rates and times, no amounts")]

mod bare;
mod engine;
mod frame;
mod process;
mod subscribers;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use process::Server;
use subscribers::Subscribers;

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
    match value("--role").as_deref() {
        Some("engine") => return engine::run(),
        Some("bare") => return bare::run(),
        Some(other) => bail!("there is no role {other}"),
        None => {}
    }
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    let rounds = if is_quick { 1 } else { 3 };
    let only = value("--mode");
    let wants = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let counts: Vec<usize> = match value("--subscribers") {
        Some(list) => list.split(',').map(str::parse).collect::<Result<_, _>>()?,
        None if is_quick => vec![500],
        None => vec![1_000, 5_000],
    };
    for &count in &counts {
        for mode in [paced(count), bursts(count)].into_iter().filter(|mode| wants(mode.name)) {
            compare(count, mode, rounds)?;
        }
    }
    let connections: &[usize] = if is_quick { &[1_000] } else { &[5_000, 8_000] };
    for &count in connections.iter().filter(|_| wants("idle")) {
        let (bare, engine) = (idle("bare", count)?, idle("engine", count)?);
        println!("idle_memory connections={count} engine_bytes={engine} bare_bytes={bare}");
    }
    Ok(())
}

fn compare(count: usize, mode: Mode, rounds: usize) -> Result<()> {
    let (name, frames) = (mode.name, mode.frames);
    let mut measured = Vec::new();
    for round in 1..=rounds {
        let (bare, engine) = (fan_out("bare", count, mode)?, fan_out("engine", count, mode)?);
        println!(
            "fanout_round mode={name} subscribers={count} round={round} engine_us={engine:.2} bare_us={bare:.2} ratio={:.2}",
            engine / bare
        );
        measured.push((engine, bare));
    }
    let median = |of: fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = measured.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    println!(
        "fanout mode={name} subscribers={count} frame_bytes={} deliveries={} engine_us={:.2} bare_us={:.2} ratio={:.2}",
        frame::TEXT_BYTES,
        count as u64 * frames,
        median(|one| one.0),
        median(|one| one.1),
        median(|one| one.0 / one.1),
    );
    Ok(())
}

/// Microseconds of the server's CPU time a delivered frame.
fn fan_out(role: &str, count: usize, mode: Mode) -> Result<f64> {
    let mut server = Server::start(role)?;
    let mut subscribers = Subscribers::connect(server.address, count, role == "engine")?;
    let mut send = |server: &mut Server, frames: u64| {
        server.emit(frames)?;
        subscribers.take(frames, PATIENCE).with_context(|| format!("{role}, {}", mode.name))?;
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
fn idle(role: &str, count: usize) -> Result<u64> {
    let mut server = Server::start(role)?;
    // What the first connections make the process allocate once is not theirs.
    let few = Subscribers::connect(server.address, 100, role == "engine")?;
    let before = server.resident_bytes()?;
    let mut many = Subscribers::connect(server.address, count, role == "engine")?;
    server.emit(1)?;
    many.take(1, PATIENCE)?;
    server.wait()?;
    std::thread::sleep(Duration::from_secs(2));
    let after = server.resident_bytes()?;
    drop(few);
    Ok(after.saturating_sub(before) / count as u64)
}
