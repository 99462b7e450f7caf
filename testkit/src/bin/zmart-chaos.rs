//! `zmart-chaos [--only KIND[,KIND]] [--count N] [KIND=N …] [--seed N] [--clients N] [--trades N] [--together]`: see
//! `zmart_testkit::chaos`. Prints a line of the table as soon as a kind is done, and all of it at the end. Succeeds if nothing
//! is wrong.
//!
//! SIGTERM, SIGINT or SIGHUP means enough: no more blows are dealt, what was dealt is judged, and everything is taken down. A
//! second one does not wait for the judgement.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::signal::unix::{SignalKind, signal};
use zmart_testkit::chaos::{self, Outcome, kind::Kind, table, verdict::Breach, world::Size};

const USAGE: &str =
    "zmart-chaos [--only KIND[,KIND]] [--count N] [KIND=N …] [--seed N] [--clients N] [--trades N] [--together]
kinds: engine database redis chain half-open slow disk wal clock clients
  --only      only these kinds; without it all of them
  --count     how often each of them, or KIND=N for one; else 200, 20, or 10 times
  --clients   how many lose their server together, of `clients` (5,000)
  --trades    a second on the chain, beside what users do (10)
  --together  one world for all kinds (but wal), one line of the table: a small run";

/// Breaches of a run that are told; the table counts all.
const TOLD_MAX: usize = 50;

#[derive(Debug, PartialEq, Eq)]
struct Asked {
    blows: Vec<(Kind, u32)>,
    seed: u64,
    clients: usize,
    trades_a_second: u64,
    together: bool,
}

fn main() -> ExitCode {
    let asked = match parse(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let size = Size { trades_a_second: asked.trades_a_second, clients: asked.clients, ..Size::default() };
    println!("seed {}, {:?}", asked.seed, asked.blows);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let runs: Vec<Vec<(Kind, u32)>> =
        if asked.together { vec![asked.blows] } else { asked.blows.into_iter().map(|blow| vec![blow]).collect() };
    let (mut rows, mut is_well) = (Vec::new(), true);
    let enough = Arc::new(AtomicBool::new(false));
    for blows in runs {
        if enough.load(Ordering::Relaxed) {
            break;
        }
        let own = blows.clone();
        // A task of its own: what a wait that was in vain has to say ends its kind, and no other.
        let run = {
            let enough = enough.clone();
            async move { chaos::run(&own, asked.seed, size, enough).await }
        };
        let ran = runtime.block_on(until_enough(run, &enough));
        let outcome = ran.unwrap_or_else(|panic| Outcome {
            struck: blows.iter().map(|(kind, _)| (*kind, 0)).collect(),
            breaches: vec![Breach::Other(format!("it broke off: {panic}"))],
            ..Outcome::default()
        });
        outcome.breaches.iter().take(TOLD_MAX).for_each(|breach| println!("WRONG: {breach}"));
        is_well &= outcome.breaches.is_empty();
        let row = table::row(&outcome);
        println!("{row}  ({} s, {} subscribers)", outcome.took.as_secs(), outcome.subscribers);
        rows.push(row);
    }
    println!("\n{}\n{}", table::HEAD, rows.join("\n"));
    println!("\n{}, seed {}", if is_well { "all is well" } else { "NOT WELL" }, asked.seed);
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Waits for a run; whoever says that it is enough has it end sooner.
async fn until_enough(
    run: impl Future<Output = Outcome> + Send + 'static,
    enough: &AtomicBool,
) -> Result<Outcome, tokio::task::JoinError> {
    let mut running = tokio::spawn(run);
    let heard = |kind| signal(kind).expect("a handler of a signal");
    let mut told = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(heard);
    loop {
        let [terminated, interrupted, hung_up] = &mut told;
        let told = async {
            tokio::select! { _ = terminated.recv() => {}, _ = interrupted.recv() => {}, _ = hung_up.recv() => {} }
        };
        tokio::select! {
            ran = &mut running => return ran,
            () = told => {
                if enough.swap(true, Ordering::Relaxed) {
                    running.abort();
                }
                println!("that is enough");
            }
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut kinds: Vec<Kind> = Vec::new();
    let (mut count, mut own): (Option<u32>, Vec<(Kind, u32)>) = (None, Vec::new());
    let size = Size::default();
    let (mut seed, mut together) = (u64::from(std::process::id()), false);
    let (mut clients, mut trades_a_second) = (size.clients, size.trades_a_second);
    let kind = |text: &str| text.parse::<Kind>().map_err(|error| format!("no such kind: {}", error.0));
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} of what?"));
        match word.as_str() {
            "--only" => kinds = value()?.split(',').map(kind).collect::<Result<_, _>>()?,
            "--count" => count = Some(above_0(&value()?)?),
            "--seed" => seed = value()?.parse().map_err(|_| "a seed is a number")?,
            "--clients" => clients = above_0(&value()?)? as usize,
            "--trades" => trades_a_second = above_0(&value()?)?.into(),
            "--together" => together = true,
            _ => match word.split_once('=') {
                Some((name, times)) => own.push((kind(name)?, above_0(times)?)),
                None => return Err(format!("{word}?")),
            },
        }
    }
    if kinds.is_empty() {
        // Kinds with counts of their own, and nothing else said, are the kinds that are meant.
        let named: Vec<Kind> = own.iter().map(|(kind, _)| *kind).collect();
        kinds = if named.is_empty() { Kind::ALL.into() } else { named };
        // One world has one small disk.
        kinds.retain(|kind| !(together && own.is_empty() && *kind == Kind::Wal));
    }
    if together && [Kind::Disk, Kind::Wal].iter().all(|kind| kinds.contains(kind)) {
        return Err(format!("{} and {} are not dealt together", Kind::Disk, Kind::Wal));
    }
    let times = |kind: Kind| own.iter().find(|(other, _)| *other == kind).map(|(_, times)| *times).or(count);
    let blows = kinds.into_iter().map(|kind| (kind, times(kind).unwrap_or(kind.count()))).collect();
    Ok(Asked { blows, seed, clients, trades_a_second, together })
}

fn above_0(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or(format!("{text} is no number above 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blows(words: &[&str]) -> Result<Vec<(Kind, u32)>, String> {
        parse(words.iter().map(|&word| word.to_owned())).map(|asked| asked.blows)
    }

    #[test]
    fn each_kind_can_be_run_alone_and_each_count_be_set() {
        assert_eq!(blows(&[]).unwrap().len(), Kind::ALL.len());
        assert_eq!(blows(&["--only", "engine", "--count", "3"]), Ok(vec![(Kind::Engine, 3)]));
        assert_eq!(blows(&["--only", "redis,disk", "disk=2"]), Ok(vec![(Kind::Redis, 20), (Kind::Disk, 2)]));
        assert_eq!(blows(&["clock=4", "slow=1"]), Ok(vec![(Kind::Clock, 4), (Kind::Slow, 1)]));
        assert_eq!(blows(&["--together"]).unwrap().len(), Kind::ALL.len() - 1);
        for wrong in [
            &["--only"][..],
            &["--together", "disk=1", "wal=1"],
            &["--only", "fire"],
            &["engine=0"],
            &["engine"],
            &["--count", "x"],
        ] {
            assert!(blows(wrong).is_err(), "{wrong:?}");
        }
    }
}
