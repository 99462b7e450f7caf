//! `zmart journal new-epoch`: a new life of the journal, by hand.
//!
//! For a restore that the engine can't see: a copy of the server's files that was started as it is has the same system
//! identifier, database and timeline as before. It takes the engine's lease first, so it refuses beside an engine that
//! leads; whoever held the lease before can write nothing after it.

use std::{
    io::{BufRead, IsTerminal, Write},
    process::ExitCode,
};

use crate::{
    config::Config,
    domain::ids::Epoch,
    journal::{
        identity,
        lease::{self, Asked, Holder, Office},
    },
};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Begin a new life of the journal, after a restore that left no trace: clients that resume get a snapshot.
    NewEpoch {
        /// Without a question.
        #[arg(long)]
        yes: bool,
    },
}

/// It was not confirmed.
const EXIT_NOT_CONFIRMED: u8 = 1;
/// It could not be done.
const EXIT_FAILED: u8 = 2;
/// An engine leads.
const EXIT_BESIDE_ENGINE: u8 = 3;

/// The lease's holder while it is done.
const NAME: &str = "zmart journal new-epoch";

/// Does it, and says what.
pub fn run(config: &Config, arguments: &Arguments) -> ExitCode {
    let What::NewEpoch { yes } = arguments.what;
    if !yes && !is_confirmed() {
        eprintln!("nothing was changed: say --yes");
        return ExitCode::from(EXIT_NOT_CONFIRMED);
    }
    match actix::System::new().block_on(new_epoch(config)) {
        Ok(Ok(epoch)) => {
            println!("the journal goes on in epoch {epoch}");
            ExitCode::SUCCESS
        }
        Ok(Err(Holder { node, term, .. })) => {
            eprintln!(
                "nothing was changed: node {node} leads, term {term}. Stop every engine of this database first (the lease \
                 of one that was killed ends within {} s)",
                lease::VALID.as_secs()
            );
            ExitCode::from(EXIT_BESIDE_ENGINE)
        }
        Err(error) => {
            eprintln!("nothing was changed: {error:#}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

async fn new_epoch(config: &Config) -> anyhow::Result<Result<Epoch, Holder>> {
    let pool = config.database.settings().pool(1)?;
    // Of an empty database nothing is begun.
    if let Err(error @ identity::IdentityError::Empty) = identity::stored_life(&**pool.get().await?).await {
        return Err(error.into());
    }
    if let Asked::Theirs(holder) = lease::take(&pool, Office::Engine, NAME, lease::VALID, true).await? {
        return Ok(Err(holder));
    }
    // It ends the term that was taken, too.
    Ok(Ok(identity::begin_by_hand(&**pool.get().await?).await?.epoch))
}

/// Asks whoever sits before a terminal.
fn is_confirmed() -> bool {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return false;
    }
    eprint!("Clients will drop what they have of every market and begin from a snapshot. Type yes: ");
    let mut answer = String::new();
    std::io::stderr().flush().is_ok() && input.lock().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}
