//! `zmart ps`, `show`, `restart`, `stop`, `start`, `logs` and `audit`: a running engine's services, by the operators' port.
//!
//! Asks and prints; what an order means, and when it can't be obeyed, is the engine's. One exit code for all: 0 done, 1 the
//! engine said no (or not all is as it was wanted in time), 2 nobody could be asked.

mod audit;
mod logs;
mod orders;
mod show;
mod view;

use std::{io::IsTerminal, process::ExitCode, time::Duration};

pub use self::{
    audit::Arguments as AuditArguments,
    logs::Arguments as LogsArguments,
    orders::{Arguments as OrderArguments, Order},
    show::Arguments as ShowArguments,
};
use super::{
    line::tell,
    ops_client::{OpsAddress, OpsClient, OpsError},
};
use crate::telemetry::census::Service;

/// Stands for all of them.
const ALL: &str = "all";

/// The engine said no, or something is not as it was wanted.
const EXIT_REFUSED: u8 = 1;
/// Nobody could be asked.
const EXIT_NOT_ASKED: u8 = 2;

/// Arguments of `zmart ps`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Show it again and again, every so many seconds, until Ctrl-C.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    watch: Option<u64>,
    /// Also the actors that the services are made of.
    #[arg(long, short)]
    actors: bool,
    /// As JSON, as the engine tells it; with --watch a line each time.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: OpsAddress,
}

/// Moves to the top and clears what is there.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// The six services, as operators of such systems know them, in the order in which they are shown.
fn services() -> [&'static str; 6] {
    Service::ALL.map(Service::name)
}

/// Runs `zmart ps`.
pub fn run(arguments: &Arguments) -> ExitCode {
    asking(async {
        let client = OpsClient::new(&arguments.address)?;
        match arguments.watch {
            Some(seconds) => until_interrupted(watch(&client, arguments, Duration::from_secs(seconds))).await,
            None => {
                tell(&once(&client, arguments).await?);
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

async fn watch(client: &OpsClient, arguments: &Arguments, pause: Duration) -> Result<ExitCode, OpsError> {
    let clear = if std::io::stdout().is_terminal() { CLEAR } else { "" };
    loop {
        match once(client, arguments).await {
            Ok(text) if tell(&format!("{clear}{text}")) => {}
            Ok(_) => return Ok(ExitCode::SUCCESS),
            // It may be on its way to its next life. Who asks wrongly is told so at once.
            Err(error @ OpsError::Away { .. }) => eprintln!("{clear}{error}"),
            Err(error) => return Err(error),
        }
        tokio::time::sleep(pause).await;
    }
}

/// Until it ends by itself, or by Ctrl-C: that is heard from the beginning on, also while an answer is waited for.
async fn until_interrupted(ask: impl Future<Output = Result<ExitCode, OpsError>>) -> Result<ExitCode, OpsError> {
    tokio::select! {
        biased;
        Ok(()) = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        done = ask => done,
    }
}

async fn once(client: &OpsClient, arguments: &Arguments) -> Result<String, OpsError> {
    let (process, answer) = client.actors().await?;
    Ok(if arguments.json { answer.to_string() } else { view::process(&process, chrono::Utc::now(), arguments.actors) })
}

/// Runs it, and says what went wrong.
fn asking(ask: impl Future<Output = Result<ExitCode, OpsError>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the runtime failed: {error}");
            return ExitCode::from(EXIT_NOT_ASKED);
        }
    };
    match runtime.block_on(ask) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", super::line::printable(&error.to_string()));
            ExitCode::from(if error.is_unasked() { EXIT_NOT_ASKED } else { EXIT_REFUSED })
        }
    }
}

/// Runs `zmart show`.
pub fn show(arguments: &ShowArguments) -> ExitCode {
    asking(show::show(arguments))
}

/// Runs `zmart restart`, `stop` or `start`.
pub fn order(order: Order, arguments: &OrderArguments) -> ExitCode {
    asking(orders::give(order, arguments))
}

/// Runs `zmart logs`.
pub fn logs(arguments: &LogsArguments) -> ExitCode {
    asking(logs::print(arguments))
}

/// Runs `zmart audit`.
pub fn audit(arguments: &AuditArguments) -> ExitCode {
    asking(audit::print(arguments))
}
