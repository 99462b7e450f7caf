//! `zmart demo`: traders on a development chain, and a client that watches them through the engine.
//!
//! Keeps a number of markets active, takes each through its whole life (proposed, voted on, approved, activated, traded
//! on, resolved, finalized, claimed, withdrawn) and puts a new one in its place. Speaks to the chain as any wallet does
//! and to the engine as any client does: it is a load to look at and an example to copy. Owns no state of the engine and
//! imports none of its actors. Wallets are fresh in each run, since a development chain repeats its blockhashes after a
//! restart, and with old wallets it would repeat signatures too.

use std::{num::NonZeroU32, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use clap::Args;
use tokio::sync::watch;

use crate::domain::ids::ProgramId;

mod chain;
mod error;
mod governance;
mod keys;
mod life;
mod questions;
mod settle;
mod strategy;
mod tally;
mod trader;
mod watcher;
mod watching;

use chain::DemoChain;
pub use error::DemoError;
use governance::Governance;
use life::{Plan, keep_trading};
use questions::Teller;
use tally::Tally;
use watcher::Watcher;

/// How long the tasks may take to end once they are told to.
const END_WITHIN: Duration = Duration::from_secs(10);

/// Told when the demo ends.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Comes back when it is time to end.
    pub async fn told(&mut self) {
        // A sender that is gone is an end as well.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// The arguments.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// The chain's JSON-RPC.
    #[arg(long, env = "SOLANA_RPC_URL", hide_env_values = true, default_value = "http://127.0.0.1:8899")]
    pub rpc_url: String,
    /// The engine's WebSocket; by default on this machine, at the port below.
    #[arg(long)]
    pub engine_ws: Option<String>,
    /// The port of the engine's WebSocket, as the engine itself is told.
    #[arg(long, env = "WS_PORT", default_value = "4001")]
    pub ws_port: u16,
    /// The port of the engine's REST, which is told what the markets are about.
    #[arg(long, env = "API_PORT", default_value = "4000")]
    pub api_port: u16,
    /// The program.
    #[arg(long, env = "SOLANA_PROGRAM_ID_CORE", default_value = "7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS")]
    pub program_id: ProgramId,
    /// The admin's key, a JSON array of 64 bytes; made where there is none.
    #[arg(long, env = "ADMIN_KEYPAIR_PATH", default_value = ".zmart/keys/admin.json")]
    pub admin_keypair: PathBuf,
    /// The backend authority's key, likewise.
    #[arg(long, env = "BACKEND_KEYPAIR_PATH", default_value = ".zmart/keys/backend.json")]
    pub backend_keypair: PathBuf,
    /// How many markets are active at any time.
    #[arg(long, default_value = "6", value_parser = clap::value_parser!(u32).range(1..=50))]
    pub markets: u32,
    /// Trades a second on each of them.
    #[arg(long, default_value = "2", value_parser = clap::value_parser!(u32).range(1..=50))]
    pub trades_per_second: u32,
    /// For how many seconds a market is traded on before it is resolved.
    #[arg(long, default_value = "120", value_parser = clap::value_parser!(u64).range(10..))]
    pub market_seconds: u64,
    /// The window for disputes that is set at the start, in seconds, where the config is ours.
    #[arg(long, default_value = "5", value_parser = clap::value_parser!(i64).range(1..))]
    pub dispute_period_seconds: i64,
    /// Report tallies, approve and finalize with the two keys, rather than wait for the engine to do it.
    #[arg(long)]
    pub approve: bool,
    /// Make the keys and the program's config, and end.
    #[arg(long)]
    pub prepare: bool,
    /// End after so many seconds; without it, at Ctrl-C.
    #[arg(long)]
    pub duration_seconds: Option<u64>,
    /// Also where the chain is not on this machine: a public test network's faucet and patience are not ours.
    #[arg(long)]
    pub yes_public: bool,
}

/// Runs it; 0 if it ended as it was asked to and no message was lost on the way.
pub fn run(arguments: &Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("demo: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(play(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn play(arguments: &Arguments) -> Result<(), DemoError> {
    let chain = Arc::new(DemoChain::connect(&arguments.rpc_url, arguments.program_id, arguments.yes_public).await?);
    let governance = Governance::establish(chain.clone(), arguments).await?;
    if arguments.prepare {
        println!("prepared: config {}", chain.build.addresses().config().0);
        return Ok(());
    }
    let governance = Arc::new(governance);
    let traders = chain.funded_wallets(trader::COUNT).await?;
    println!("{} wallets are funded, {} markets are on their way", traders.len(), arguments.markets);

    let (stop, stopped) = watch::channel(false);
    let stopped = Stop(stopped);
    let tally = Arc::new(Tally::default());
    let engine_ws = arguments.engine_ws.clone().unwrap_or_else(|| format!("ws://127.0.0.1:{}", arguments.ws_port));
    let (watcher, watching) = Watcher::new(engine_ws, tally.clone());
    let plan = Arc::new(Plan {
        chain,
        governance,
        traders,
        tally,
        watcher,
        teller: Teller::new(format!("http://127.0.0.1:{}", arguments.api_port)),
        market_seconds: arguments.market_seconds,
        trades_per_second: NonZeroU32::new(arguments.trades_per_second).unwrap_or(NonZeroU32::MIN),
    });
    let mut places = tokio::task::JoinSet::new();
    for place in 0..arguments.markets {
        places.spawn(keep_trading(plan.clone(), place, arguments.markets, stopped.clone()));
    }
    let mut watching = tokio::spawn(watching.run(stopped.clone()));

    let ended = tokio::select! {
        () = asked_to_end(arguments.duration_seconds) => Ok(()),
        Some(place) = places.join_next() => place.map_err(DemoError::from).and_then(|result| result),
        watched = &mut watching => watched.map_err(DemoError::from).and_then(|result| result),
    };
    // The receivers may be gone; then there is nobody to tell.
    let _ = stop.send(true);
    let finished = async {
        while places.join_next().await.is_some() {}
        if watching.is_finished() { Ok(()) } else { (&mut watching).await? }
    };
    let watched = tokio::time::timeout(END_WITHIN, finished).await;
    ended?;
    watched.unwrap_or(Ok(()))
}

/// Ctrl-C, SIGTERM, or the end of the time given.
async fn asked_to_end(seconds: Option<u64>) {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await.unwrap_or_default(),
            Err(error) => {
                log::warn!("SIGTERM can't be caught: {error}");
                std::future::pending().await
            }
        }
    };
    let time_is_up = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
        () = time_is_up => {}
    }
}
