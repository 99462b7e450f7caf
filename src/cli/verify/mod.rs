//! `zmart verify`: the journal against the chain's accounts, right under live traffic.
//!
//! A node is read while trades go on, so one answer is never compared with another as if both were of one moment. An
//! account agrees if it equals *some* state that the journal went through around the reading: the state before it, or the
//! state after one of the entries since. What does not agree is read again a few times before it is called a difference.

mod positions;
mod streams;

use std::{process::ExitCode, time::Duration};

use deadpool_postgres::Pool;

use crate::{
    chain::{
        program::ProgramAddresses,
        rpc::{ChainRpc, RpcBudget, RpcOptions},
    },
    config::Config,
    domain::{account::FieldDifference, ids::ProgramId},
    journal::identity,
};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Differences that are printed.
    #[arg(long, default_value_t = 100)]
    print: usize,
}

/// The exit code if something could not be compared at all.
const EXIT_NOT_COMPARED: u8 = 2;

/// What is being compared, and what was found.
struct Verification {
    rpc: ChainRpc,
    pool: Pool,
    program: ProgramId,
    differences: Vec<String>,
    markets: u64,
    positions: u64,
}

/// Rounds of reading again, and the pause between them.
const ROUNDS: u32 = 24;
const ROUND_PAUSE: Duration = Duration::from_millis(250);

/// Compares, prints each difference and a last line; fails if there is one.
pub fn run(config: &Config, arguments: &Arguments) -> ExitCode {
    match actix::System::new().block_on(verify(config)) {
        Ok(found) => {
            found.differences.iter().take(arguments.print).for_each(|line| println!("{line}"));
            println!(
                "verified {} markets, {} positions and the config: {} differences",
                found.markets,
                found.positions,
                found.differences.len()
            );
            if found.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("nothing was verified: {error:#}");
            ExitCode::from(EXIT_NOT_COMPARED)
        }
    }
}

async fn verify(config: &Config) -> anyhow::Result<Verification> {
    let budget = RpcBudget::new(config.chain.rpc_calls_per_second);
    let rpc = ChainRpc::new(RpcOptions::new(&config.chain.rpc_url, config.chain.program), budget)?;
    let pool = config.database.settings().pool(4)?;
    let genesis_hash = rpc.genesis_hash().await?;
    identity::check_chain(&**pool.get().await?, &genesis_hash, config.chain.program).await?;
    let program = config.chain.program;
    let mut verification = Verification { rpc, pool, program, differences: Vec::new(), markets: 0, positions: 0 };
    verification.config(ProgramAddresses::new(program).config().0).await?;
    verification.markets().await?;
    verification.positions().await?;
    Ok(verification)
}

impl Verification {
    fn differs(&mut self, subject: impl std::fmt::Display, differences: &[FieldDifference]) {
        self.differences.extend(differences.iter().map(|difference| format!("{subject}: {difference}")));
    }

    fn wrong(&mut self, subject: impl std::fmt::Display, what: &str) {
        self.differences.push(format!("{subject}: {what}"));
    }
}
