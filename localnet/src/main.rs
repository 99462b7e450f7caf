//! `zmart-localnet`: starts the development chain and stops it on a signal.

use std::io::Write;
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use solana_sdk::pubkey::Pubkey;
use zmart_localnet::chain::{Chain, Settings};
use zmart_localnet::program::Payout;

/// The development chain: a real Solana runtime with the zmart-core program inside.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address that both servers listen on.
    #[arg(long, env = "LOCALNET_HOST", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port of the JSON-RPC server.
    #[arg(long, env = "LOCALNET_RPC_PORT", default_value_t = 8899, value_parser = clap::value_parser!(u16).range(1..))]
    rpc_port: u16,
    /// Port of the WebSocket server.
    #[arg(long, env = "LOCALNET_WS_PORT", default_value_t = 8900, value_parser = clap::value_parser!(u16).range(1..))]
    ws_port: u16,
    /// Address of the program.
    #[arg(long, env = "SOLANA_PROGRAM_ID_CORE", default_value = "7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS")]
    program_id: Pubkey,
    /// Milliseconds between two blocks.
    #[arg(long, env = "LOCALNET_SLOT_MS", default_value_t = 400, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    slot_ms: u64,
    /// Account that exists from the start, with its lamports; may be given more than once.
    #[arg(long, env = "LOCALNET_FUND", value_name = "PUBKEY=LAMPORTS", value_delimiter = ',', value_parser = funded)]
    fund: Vec<(Pubkey, u64)>,
    /// Time of the first block, in unix seconds; now without it.
    #[arg(long, env = "LOCALNET_CLOCK_START", value_name = "UNIX_SECONDS")]
    clock_start: Option<i64>,
    /// Let sells fail as the deployed program does.
    #[arg(long, env = "LOCALNET_STRICT")]
    strict: bool,
    /// Transactions that are remembered; the oldest are forgotten first.
    #[arg(long, env = "LOCALNET_HISTORY", default_value_t = 20_000)]
    history: usize,
}

fn funded(text: &str) -> anyhow::Result<(Pubkey, u64)> {
    let (key, lamports) = text.split_once('=').context("PUBKEY=LAMPORTS is wanted")?;
    Ok((key.parse().context("not an address")?, lamports.parse().context("not a number of lamports")?))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn,zmart_localnet=info")).init();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            log::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let stop = signals()?;
    let settings = Settings {
        host: arguments.host,
        rpc_port: arguments.rpc_port,
        ws_port: arguments.ws_port,
        program_id: arguments.program_id,
        payout: if arguments.strict { Payout::AsDeployed } else { Payout::Direct },
        slot: Duration::from_millis(arguments.slot_ms),
        funded: arguments.fund,
        clock_start: arguments.clock_start,
        history: arguments.history,
    };
    let chain = Chain::start(&settings)?;
    // The one line on stdout. Nobody may be reading it, and the chain runs all the same.
    let _unread = writeln!(
        std::io::stdout(),
        "ready rpc=http://{host}:{rpc} ws=ws://{host}:{ws} program={program} genesis={genesis}",
        host = settings.host,
        rpc = settings.rpc_port,
        ws = settings.ws_port,
        program = settings.program_id,
        genesis = chain.genesis,
    );
    loop {
        match stop.try_recv() {
            Ok(signal) => {
                log::info!("{signal}: stopping");
                chain.stop(Duration::from_millis(1500));
                return Ok(ExitCode::SUCCESS);
            }
            Err(_) if chain.ended(Duration::from_millis(50)) => anyhow::bail!("the servers have ended by themselves"),
            Err(_) => {}
        }
    }
}

/// Names of the signals to stop on, as they come.
fn signals() -> anyhow::Result<mpsc::Receiver<&'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
            };
            let _gone = sender.send(name);
        });
    })?;
    Ok(receiver)
}
