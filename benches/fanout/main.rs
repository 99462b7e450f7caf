//! Fan-out: what the server pays, in CPU time, for a frame that reaches one subscriber; and what an idle connection costs
//! in memory. Beside both the same with nothing but sockets, measured in the same run.
//!
//! Three processes, so that nobody's time counts as another's: the server under test (this program again, with
//! `--role engine`: the real WebSocket port over a stand-in stream), the baseline (`--role bare`: one thread that writes
//! the same bytes to as many sockets), and this one, which connects, reads everything, and checks that every subscriber
//! got every frame once and in order. A run that loses a frame fails; it prints no figure.
//!
//! One JSON object a line goes to the standard output. CPU time includes what the kernel does in the server's name, which
//! on the loopback is also the receiver's half of TCP, for both servers alike.

mod bare;
mod engine;
mod frame;
mod process;
mod subscribers;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;

use process::{Emit, Server};
use subscribers::Subscribers;

/// How frames come.
#[derive(Clone, Copy)]
struct Mode {
    name: &'static str,
    frames: u64,
    group: u64,
    interval: Duration,
}

const PACED: &str = "paced";
const BURSTS: &str = "bursts";

/// Frames one by one; as many deliveries a second for any number of subscribers, so that the server is never saturated.
fn paced(subscribers: usize) -> Mode {
    let interval = Duration::from_millis(50) * (subscribers as u32).div_ceil(1_000);
    Mode { name: PACED, frames: 100, group: 1, interval }
}

/// Groups of frames that are published together.
fn bursts(subscribers: usize) -> Mode {
    let interval = Duration::from_millis(250) * (subscribers as u32).div_ceil(1_000);
    Mode { name: BURSTS, frames: 1_000, group: 100, interval }
}

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
    let counts: Vec<usize> = match value("--subscribers") {
        Some(list) => list.split(',').map(str::parse).collect::<Result<_, _>>()?,
        None => vec![1_000, 5_000],
    };
    let only = value("--mode");
    let wants = |name: &str| only.as_deref().is_none_or(|only| only == name);
    for &count in &counts {
        for mode in [paced(count), bursts(count)].into_iter().filter(|mode| wants(mode.name)) {
            let bare = fan_out("bare", count, mode)?;
            let engine = fan_out("engine", count, mode)?;
            println!(
                "{}",
                json!({
                    "bench": "fanout", "subscribers": count, "mode": mode.name, "frame_bytes": frame::TEXT_BYTES,
                    "deliveries": count as u64 * mode.frames,
                    "engine_us": round(engine), "bare_us": round(bare), "ratio": round(engine / bare),
                })
            );
        }
    }
    if wants("idle") {
        for count in [5_000, 8_000] {
            let (bare, engine) = (idle("bare", count)?, idle("engine", count)?);
            println!(
                "{}",
                json!({
                    "bench": "idle_memory", "connections": count, "engine_bytes": engine, "bare_bytes": bare,
                })
            );
        }
    }
    Ok(())
}

fn round(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

/// Microseconds of the server's CPU time a delivered frame.
fn fan_out(role: &str, count: usize, mode: Mode) -> Result<f64> {
    let mut server = Server::start(role)?;
    let mut subscribers = Subscribers::connect(server.address, count, role == "engine")?;
    // Buffers grow to their size before it counts.
    let mut measure = |frames: u64| -> Result<Duration> {
        let before = server.cpu()?;
        server.emit(Emit { frames, group: mode.group.min(frames), interval: mode.interval })?;
        subscribers.take(frames, Duration::from_secs(120)).with_context(|| format!("{role}, {}", mode.name))?;
        server.wait()?;
        Ok(server.cpu()? - before)
    };
    measure(mode.group)?;
    let cpu = measure(mode.frames)?;
    Ok(cpu.as_secs_f64() * 1e6 / (count as u64 * mode.frames) as f64)
}

/// Bytes of the server's resident memory a connection that was subscribed and hears nothing.
fn idle(role: &str, count: usize) -> Result<u64> {
    let mut server = Server::start(role)?;
    // What the first connections make the process allocate once is not theirs.
    let few = Subscribers::connect(server.address, 100, role == "engine")?;
    let before = server.resident_bytes()?;
    let mut many = Subscribers::connect(server.address, count, role == "engine")?;
    // One frame each: an idle connection is one that was used.
    server.emit(Emit { frames: 1, group: 1, interval: Duration::ZERO })?;
    many.take(1, Duration::from_secs(60))?;
    server.wait()?;
    std::thread::sleep(Duration::from_secs(2));
    let after = server.resident_bytes()?;
    drop(few);
    Ok(after.saturating_sub(before) / count as u64)
}
