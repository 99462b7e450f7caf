//! `zmart replay --market M`: rebuilds a market from its entries by the domain alone, and compares.
//!
//! What is stored beside the entries (the row, its finalized state, tallies, positions) is read at one moment, and compared with
//! what the entries make up to the row's last one. The running engine, where one answers, is asked what it shows, and compared with
//! what the entries make up to the number that it says. Only reads: may run beside anything. A position costs about 500 bytes of
//! memory; entries cost none.

mod compare;
mod live;

use std::process::ExitCode;

use serde::Serialize;

use self::{compare::Difference, live::Live};
use super::line::printable;
use crate::{
    config::Config,
    domain::{
        ids::{MarketAddress, Seq},
        market::Market,
        replay::{Place, Positions, Replay},
    },
    journal::replay::{self, ReplayError, StoredMarket, Wanted},
};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The market's address.
    #[arg(long)]
    market: MarketAddress,
    /// Only up to that entry: the state there is printed, and nothing is compared but entries with each other.
    #[arg(long)]
    until: Option<u64>,
    /// Where the running engine answers REST; by default where this configuration has it.
    #[arg(long)]
    api: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// The exit code if something differs.
const EXIT_DIFFERS: u8 = 1;
/// If nothing could be compared.
const EXIT_NOT_COMPARED: u8 = 2;

/// What came of it; the fields of the JSON.
#[derive(Debug, Serialize)]
struct Report {
    market: MarketAddress,
    /// The journal's life of the last entry, and its number.
    epoch: u32,
    seq: Seq,
    entries: u64,
    /// What the entries make.
    state: Option<Market>,
    /// The number of the row that was compared; `null`: none was (`--until`).
    row_at: Option<Seq>,
    positions: usize,
    /// What the running engine showed, or why it was not compared.
    live: Live,
    differences: Vec<Difference>,
}

/// Replays, compares, and prints.
pub fn run(config: &Config, arguments: &Arguments) -> ExitCode {
    let report = match actix::System::new().block_on(compared(config, arguments)) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("nothing was replayed: {error:#}");
            return ExitCode::from(EXIT_NOT_COMPARED);
        }
    };
    if arguments.json {
        match serde_json::to_string(&report) {
            Ok(text) => println!("{text}"),
            Err(error) => {
                eprintln!("what was replayed can't be told: {error}");
                return ExitCode::from(EXIT_NOT_COMPARED);
            }
        }
    } else {
        print(&report);
    }
    if report.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DIFFERS) }
}

fn print(report: &Report) {
    report.differences.iter().for_each(|difference| println!("{}", printable(&difference.to_string())));
    if report.row_at.is_none()
        && let Some(state) = &report.state
    {
        println!("{state:#?}");
    }
    let row = match report.row_at {
        Some(seq) => format!("row, tallies and {} positions compared at entry {seq}", report.positions),
        None => "nothing that is stored was compared".to_owned(),
    };
    println!(
        "market {}: {} entries replayed up to {} of epoch {}; {row}; {}: {} differences",
        report.market,
        report.entries,
        report.seq,
        report.epoch,
        report.live,
        report.differences.len()
    );
}

async fn compared(config: &Config, arguments: &Arguments) -> anyhow::Result<Report> {
    let pool = config.database.settings().pool(2)?;
    let market = arguments.market;
    let Some(stored) = replay::stored_market(&pool, market).await? else {
        anyhow::bail!("the journal has never heard of market {market}");
    };
    let head = stored.row.head();
    let until = arguments.until.map(Seq).filter(|until| *until < head.last_seq);
    let upto = (head.epoch, until.unwrap_or(head.last_seq));
    let mut differences = Vec::new();
    let replayed = fold(&pool, market, upto, Some(head.finalized_seq), Positions::All).await;
    let replayed = match replayed {
        Ok(replayed) => Some(replayed),
        Err(ReplayError::Broken(broken)) => {
            differences.push(Difference::entries(broken));
            None
        }
        Err(ReplayError::Journal(error)) => return Err(error.into()),
    };
    let mut live = Live::not_compared("the entries are not whole");
    if let Some(replayed) = &replayed {
        differences.extend(compare::rollbacks(replayed));
        if until.is_some() {
            live = Live::not_compared("--until");
        } else {
            differences.extend(compare::stored(&stored, replayed)?);
            let api = arguments.api.clone().unwrap_or_else(|| live::address(config));
            live = live::compare(&pool, &api, market, upto, replayed, &mut differences).await;
        }
    }
    Ok(Report {
        market,
        epoch: upto.0.0,
        seq: upto.1,
        entries: replayed.as_ref().map_or(0, Replay::entries),
        state: replayed.as_ref().and_then(Replay::head).cloned(),
        row_at: (until.is_none() && replayed.is_some()).then_some(head.last_seq),
        positions: stored.positions.len(),
        live,
        differences,
    })
}

/// A market's entries up to one of them.
async fn fold(
    pool: &deadpool_postgres::Pool,
    market: MarketAddress,
    upto: Place,
    finalized_at: Option<Seq>,
    positions: Positions,
) -> Result<Replay<Market>, ReplayError> {
    let wanted = Wanted { stream: market.account(), upto, finalized_at, positions };
    replay::replay(pool, wanted, Market::advance, Market::is_described_by).await
}

/// What both comparisons take of a row.
impl StoredMarket {
    fn market(&self) -> anyhow::Result<Market> {
        Ok(self.row.market()?)
    }
}
