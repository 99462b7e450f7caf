//! `zmart-soak [--seed N] [--minutes N]`: see `zmart_testkit::soak`. Succeeds if nothing differs.

use std::{process::ExitCode, time::Duration};

use zmart_testkit::soak::{self, Summary};

const USAGE: &str = "zmart-soak [--seed N] [--minutes N]";

fn main() -> ExitCode {
    let (mut seed, mut minutes) = (u64::from(std::process::id()), 5);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
        match (name.as_str(), value) {
            ("--seed", Some(value)) => seed = value,
            ("--minutes", Some(value)) if value > 0 => minutes = value,
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    println!("seed {seed}, {minutes} minutes");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    // A task of its own: what a wait that was in vain has to say comes before the seed, which is the last word.
    let ran = runtime.block_on(async move { tokio::spawn(soak::run(seed, Duration::from_secs(60 * minutes))).await });
    let is_well = match &ran {
        Ok(summary) => told(summary),
        Err(panic) => {
            println!("the soak broke off: {panic}");
            false
        }
    };
    println!("{}, seed {seed}", if is_well { "all is well" } else { "NOT WELL" });
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn told(summary: &Summary) -> bool {
    println!("trades {}", summary.trades);
    println!(
        "subscribers {}, adoptions {}, blows left out {}",
        summary.subscribers, summary.adoptions, summary.left_out
    );
    for (blow, struck) in &summary.struck {
        println!("struck {struck:6} {blow}");
    }
    summary.differences.iter().for_each(|difference| println!("difference: {difference}"));
    println!("differences {}", summary.differences.len());
    summary.differences.is_empty()
}
