//! The feeder as a program: `zmart-feeder [--NAME VALUE]…` (see [`USAGE`]).
//!
//! Prints `ready rpc=… ws=… program=… transactions=…`, then takes commands from its standard input, a line each, and ends
//! with it. Each is answered by a line when it is done; `run`s go on beside others.

use std::{fmt::Write, time::Duration};

use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use zmart_testkit::feeder::{Feeder, Fork, Generated, Options, Order, Source};

const USAGE: &str = "\
usage: zmart-feeder [--seed N] [--markets N] [--wallets N] [--trades N] [--sales PERCENT] [--recorded FILE]
                    [--rpc HOST:PORT] [--ws HOST:PORT] [--slot-ms N|none] [--slot-transactions N] [--finality SLOTS]
                    [--tells-index]
commands: emit N | run RATE N | unpaced N | pause | resume | silent | loud | close-slot | fork N |
          land kept|reversed|shuffled SEED | times FILE | state";

#[tokio::main]
async fn main() {
    let options = options().unwrap_or_else(|why| {
        eprintln!("{why}\n{USAGE}");
        std::process::exit(2)
    });
    let feeder = Feeder::start(options).await;
    println!(
        "ready rpc={} ws={} program={} transactions={}",
        feeder.rpc_url,
        feeder.ws_url,
        feeder.program(),
        feeder.left()
    );
    let mut fork = None;
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match command(&feeder, &mut fork, &line) {
            Ok(Some(answer)) => println!("{answer}"),
            // Its answer comes later.
            Ok(None) => {}
            Err(why) => println!("error {why}"),
        }
    }
}

fn options() -> Result<Options, String> {
    let (mut generated, mut recorded) = (Generated::default(), None);
    let mut options = Options::new(Source::Recorded(String::new()));
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        if name == "--tells-index" {
            options.tells_index = true;
            continue;
        }
        let value = words.next().ok_or_else(|| format!("{name} wants a value"))?;
        match name.as_str() {
            "--seed" => generated.seed = number(&value)?,
            "--markets" => generated.markets = number(&value)?,
            "--wallets" => generated.wallets = number(&value)?,
            "--trades" => generated.trades = number(&value)?,
            "--sales" => generated.sales_percent = number(&value)?,
            "--recorded" => recorded = Some(std::fs::read_to_string(&value).map_err(|error| error.to_string())?),
            "--rpc" => options.rpc_place = value,
            "--ws" => options.ws_place = value,
            "--slot-ms" if value == "none" => options.slot_time = None,
            "--slot-ms" => options.slot_time = Some(Duration::from_millis(number(&value)?)),
            "--slot-transactions" => options.slot_transactions = number(&value)?,
            "--finality" => options.finality_slots = number(&value)?,
            _ => return Err(format!("{name} is no setting")),
        }
    }
    options.source = recorded.map_or(Source::Generated(generated), Source::Recorded);
    Ok(options)
}

fn command(feeder: &Feeder, fork: &mut Option<Fork>, line: &str) -> Result<Option<String>, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ok(Some(match *words.as_slice() {
        ["emit", count] => format!("emitted {}", feeder.emit(number(count)?)),
        ["run", rate, count] => {
            let (feeder, rate, count) = (feeder.clone(), number(rate)?, number(count)?);
            tokio::spawn(async move { println!("ran {}", feeder.run(rate, count).await) });
            return Ok(None);
        }
        ["unpaced", count] => {
            let (feeder, count) = (feeder.clone(), number(count)?);
            tokio::spawn(async move { println!("ran {}", feeder.run_unpaced(count).await) });
            return Ok(None);
        }
        ["pause"] => {
            feeder.pause();
            "paused".to_owned()
        }
        ["resume"] => {
            feeder.resume();
            "resumed".to_owned()
        }
        ["silent"] => {
            feeder.set_silent(true);
            "silent".to_owned()
        }
        ["loud"] => {
            feeder.set_silent(false);
            "loud".to_owned()
        }
        ["close-slot"] => {
            feeder.close_slot();
            format!("slot {}", feeder.slots().0)
        }
        ["fork", count] => {
            let vanished = fork.insert(feeder.fork(number(count)?));
            format!("vanished {}", vanished.signatures.len())
        }
        ["land", ref order @ ..] => {
            let order = match order {
                ["kept"] => Order::Kept,
                ["reversed"] => Order::Reversed,
                ["shuffled", seed] => Order::Shuffled(number(seed)?),
                _ => return Err("land kept|reversed|shuffled SEED".to_owned()),
            };
            let fork = fork.take().ok_or("nothing has vanished")?;
            format!("landed {}", feeder.land_again(&fork, order).len())
        }
        ["times", file] => {
            let emissions = feeder.emissions();
            let mut text = String::new();
            for (signature, micros) in &emissions {
                let _ = writeln!(text, "{signature} {micros}");
            }
            std::fs::write(file, text).map_err(|error| error.to_string())?;
            format!("times {}", emissions.len())
        }
        ["state"] => {
            let (open, confirmed, finalized) = feeder.slots();
            format!(
                "state landed={} left={} lost={} open={open} confirmed={confirmed} finalized={finalized}",
                feeder.landed(),
                feeder.left(),
                feeder.lost()
            )
        }
        _ => return Err(format!("{line:?} is no command")),
    }))
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("{word:?} is out of place"))
}
