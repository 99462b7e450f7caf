//! `zmart verify`: the journal against the chain's accounts, right under live traffic; with `--repair` what differs is healed.
//!
//! The comparison is the engine's own (`actors::verifier::check`), which it also makes by itself every hour. This process only
//! reads: a repair is asked of the leading engine, which answers in the database (`journal::repairs`), and what it says it has
//! repaired is compared again here.

mod repair;

use std::{num::NonZeroU32, process::ExitCode, time::Duration};

use deadpool_postgres::Pool;
use serde::Serialize;

use self::repair::{NobodyLeads, Repaired};
use super::line::printable;
use crate::{
    actors::verifier::check::{Check, Report},
    chain::{
        program::ProgramAddresses,
        rpc::{ChainRpc, RpcBudget, RpcOptions},
    },
    config::Config,
    domain::ids::MarketAddress,
    journal::identity,
};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only this market, its positions and votes; may be said several times.
    #[arg(long)]
    market: Vec<MarketAddress>,
    /// Has the leading engine heal what differs, and compares that again. The row of a market that is named is made anew from
    /// its entries in any case.
    #[arg(long)]
    repair: bool,
    /// Waits so long for the engine's answers, in seconds.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    wait: u64,
    /// Calls a second that the node is asked; by default as many as the engine may.
    #[arg(long)]
    rpc_per_second: Option<NonZeroU32>,
    /// Differences that are printed.
    #[arg(long, default_value_t = 100)]
    print: usize,
    /// As JSON, with all differences.
    #[arg(long)]
    json: bool,
}

/// The exit code if something differs (after repairs: still).
const EXIT_DIFFERS: u8 = 1;
/// If something could not be compared at all.
const EXIT_NOT_COMPARED: u8 = 2;
/// If repairs were wanted and no engine leads, or none answered in time.
const EXIT_NOT_REPAIRED: u8 = 3;

/// What came of it; the fields of the JSON.
#[derive(Debug, Serialize)]
struct Verified {
    #[serde(flatten)]
    report: Report,
    /// What became of each difference, where repairs were wanted.
    repairs: Vec<Repaired>,
    /// Why nothing was repaired.
    not_repaired: Option<String>,
}

impl Verified {
    fn exit_code(&self) -> ExitCode {
        let still = self.repairs.iter().filter(|repaired| repaired.still.is_some()).count();
        let differ = self.report.differences.len() > self.repairs.len();
        match self {
            Self { not_repaired: Some(_), .. } => ExitCode::from(EXIT_NOT_REPAIRED),
            _ if differ || still > 0 || self.report.is_cut => ExitCode::from(EXIT_DIFFERS),
            _ => ExitCode::SUCCESS,
        }
    }

    fn print(&self, most: usize) {
        let lines = self.report.differences.iter().take(most);
        lines.for_each(|difference| println!("{}", printable(&difference.to_string())));
        self.repairs.iter().take(most).for_each(|repaired| println!("{repaired}"));
        if let Some(why) = &self.not_repaired {
            println!("nothing was repaired: {why}");
        }
        println!("{}", self.report);
    }
}

/// Compares, prints each difference and a last line; fails if there is one.
pub fn run(config: &Config, arguments: &Arguments) -> ExitCode {
    let verified = match actix::System::new().block_on(verify(config, arguments)) {
        Ok(verified) => verified,
        Err(error) => {
            eprintln!("nothing was verified: {error:#}");
            return ExitCode::from(EXIT_NOT_COMPARED);
        }
    };
    if !arguments.json {
        verified.print(arguments.print);
        return verified.exit_code();
    }
    match serde_json::to_string(&verified) {
        Ok(text) => {
            println!("{text}");
            verified.exit_code()
        }
        Err(error) => {
            eprintln!("what was found can't be told: {error}");
            ExitCode::from(EXIT_NOT_COMPARED)
        }
    }
}

async fn verify(config: &Config, arguments: &Arguments) -> anyhow::Result<Verified> {
    let program = config.chain.program;
    let budget = RpcBudget::new(arguments.rpc_per_second.unwrap_or(config.chain.rpc_calls_per_second));
    let rpc = ChainRpc::new(RpcOptions::new(&config.chain.rpc_url, program), budget)?;
    let pool: Pool = config.database.settings().pool(8)?;
    let genesis_hash = rpc.genesis_hash().await?;
    identity::check_chain(&**pool.get().await?, &genesis_hash, program).await?;
    let check = || Check::new(rpc.clone(), pool.clone(), program, arguments.market.clone());
    let report = check().run().await?;
    let mut verified = Verified { report, repairs: Vec::new(), not_repaired: None };
    if arguments.repair && !(verified.report.differences.is_empty() && arguments.market.is_empty()) {
        let config_address = ProgramAddresses::new(program).config().0;
        let wait = Duration::from_secs(arguments.wait);
        let (differences, named) = (&verified.report.differences, &arguments.market);
        match repair::repaired(&pool, &check(), config_address, differences, named, wait).await? {
            Ok(repairs) => verified.repairs = repairs,
            Err(NobodyLeads(why)) => verified.not_repaired = Some(why),
        }
    }
    Ok(verified)
}
