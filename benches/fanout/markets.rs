//! Many markets at once, at mixed rates: what a delivery costs and how long it takes; and what a subscription costs.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::{
    PATIENCE, frame, median_of,
    process::{Role, Server},
    subscribers::{Subscribers, Topic},
};

/// Orders that are due within so long are given together.
const TICK: Duration = Duration::from_millis(5);

/// The load.
#[derive(Clone, Copy)]
pub struct Load {
    pub markets: usize,
    pub subscribers_each: usize,
    pub time: Duration,
}

impl Load {
    /// 500 markets with 20 subscribers each; a smaller one in a hurry.
    pub fn new(is_quick: bool) -> Self {
        if is_quick {
            Self { markets: 50, subscribers_each: 4, time: Duration::from_secs(2) }
        } else {
            Self { markets: 500, subscribers_each: 20, time: Duration::from_secs(10) }
        }
    }

    /// From one entry of a market to the next: one market in fifty is hot (20 a second), nine are warm (2 a second), the
    /// others quiet (one in five seconds).
    fn period(market: usize) -> Duration {
        Duration::from_millis(match market % 50 {
            0 => 50,
            1..10 => 500,
            _ => 5_000,
        })
    }

    /// Markets by the ticks at which they have an entry; spread, so that not all are due at once.
    fn schedule(self) -> Vec<Vec<usize>> {
        let ticks = (self.time.as_millis() / TICK.as_millis()) as usize;
        let mut due = vec![Vec::new(); ticks];
        for market in 0..self.markets {
            let period = (Self::period(market).as_millis() / TICK.as_millis()) as usize;
            // 619 is prime to every period.
            (market * 619 % period..ticks).step_by(period).for_each(|tick| due[tick].push(market));
        }
        due
    }
}

/// What a run gave.
struct Figures {
    cpu_us: f64,
    /// Sorted.
    delays: Vec<u64>,
}

/// All servers in turn, round by round.
pub fn compare(roles: &[Role], load: Load, rounds: usize) -> Result<()> {
    let mut measured: Vec<Vec<Figures>> = roles.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (role, figures) in roles.iter().zip(&mut measured) {
            figures.push(run(*role, load).with_context(|| format!("{}, markets", role.name()))?);
        }
    }
    for (role, figures) in roles.iter().zip(&measured) {
        let quantile = |share: f64| {
            let at = |one: &Figures| one.delays[((one.delays.len() - 1) as f64 * share) as usize] as f64 / 1e6;
            median_of(figures.iter().map(at))
        };
        println!(
            "markets server={} markets={} subscribers={} deliveries={} cpu_us={:.2} p50_ms={:.2} p90_ms={:.2} p99_ms={:.2} p999_ms={:.2} max_ms={:.1}",
            role.name(),
            load.markets,
            load.markets * load.subscribers_each,
            figures[0].delays.len(),
            median_of(figures.iter().map(|one| one.cpu_us)),
            quantile(0.5),
            quantile(0.9),
            quantile(0.99),
            quantile(0.999),
            quantile(1.0),
        );
    }
    Ok(())
}

fn run(role: Role, load: Load) -> Result<Figures> {
    let mut server = Server::start(role, load.markets)?;
    let topic = Topic::Markets(load.markets);
    let mut subscribers = Subscribers::connect(server.address, load.markets * load.subscribers_each, role, topic)?;
    let channels: Vec<String> = (0..load.markets).map(frame::channel).collect();
    let clock = subscribers.clock();
    // Every market once, so that buffers have their size before it counts.
    server.emit_on(0, channels.iter().map(String::as_str))?;
    subscribers.take_each(&vec![1; load.markets], PATIENCE)?;
    subscribers.take_delays();

    let schedule = load.schedule();
    let mut frames = vec![0; load.markets];
    schedule.iter().flatten().for_each(|market| frames[*market] += 1);
    let before = server.cpu()?;
    let (server, orders) = (&mut server, &schedule);
    thread::scope(|scope| {
        let ordering = scope.spawn(|| -> Result<()> {
            let began = Instant::now();
            for (due, markets) in (0u32..).map(|tick| TICK * tick).zip(orders) {
                if markets.is_empty() {
                    continue;
                }
                thread::sleep((began + due).saturating_duration_since(Instant::now()));
                let at = clock.elapsed().as_nanos() as u64;
                server.emit_on(at, markets.iter().map(|market| channels[*market].as_str()))?;
            }
            Ok(())
        });
        subscribers.take_each(&frames, PATIENCE)?;
        ordering.join().map_err(|_| anyhow::anyhow!("nobody gave orders"))?
    })?;
    let cpu = server.cpu()? - before;
    let mut delays = subscribers.take_delays();
    delays.sort_unstable();
    Ok(Figures { cpu_us: cpu.as_secs_f64() * 1e6 / delays.len() as f64, delays })
}

/// Further subscriptions of a connection, with which its burst of messages is used up halfway.
const MORE_CHANNELS: usize = 99;

/// What a connection costs until it has its snapshot, and what a further subscription costs.
pub fn subscriptions(roles: &[Role], load: Load, rounds: usize) -> Result<()> {
    let connections = load.markets * load.subscribers_each / 2;
    let (asking, each) = (connections / 25, MORE_CHANNELS.min(load.markets - 1));
    for role in roles.iter().filter(|role| role.speaks_websocket()) {
        let mut measured = Vec::new();
        for _ in 0..rounds {
            let server = Server::start(*role, load.markets)?;
            let topic = Topic::Markets(load.markets);
            // What the first of each market costs is not the others'.
            let _first = Subscribers::connect(server.address, load.markets, *role, topic)?;
            let (cpu, began) = (server.cpu()?, Instant::now());
            let mut subscribers = Subscribers::connect(server.address, connections, *role, topic)?;
            let (connected, connecting) = (server.cpu()?, began.elapsed());
            let began = Instant::now();
            subscribers.subscribe_more(asking, each, load.markets)?;
            let (subscribed, subscribing) = (server.cpu()?, began.elapsed());
            let of = |time: Duration, count: usize| time.as_secs_f64() * 1e6 / count as f64;
            measured.push([
                of(connected - cpu, connections),
                of(connecting, connections),
                of(subscribed - connected, asking * each),
                of(subscribing, asking * each),
            ]);
        }
        let [connect_cpu, connect, subscribe_cpu, subscribe] =
            std::array::from_fn(|place| median_of(measured.iter().map(|round: &[f64; 4]| round[place])));
        println!(
            "subscribe server={} connections={connections} connect_cpu_us={connect_cpu:.1} connect_us={connect:.1} subscriptions={} subscribe_cpu_us={subscribe_cpu:.1} subscribe_us={subscribe:.1}",
            role.name(),
            asking * each,
        );
    }
    Ok(())
}
