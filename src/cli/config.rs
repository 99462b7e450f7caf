//! `zmart config`: what can be configured.

use std::process::ExitCode;

use crate::config::Config;

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What to show.
    #[command(subcommand)]
    show: Show,
}

#[derive(Debug, clap::Subcommand)]
enum Show {
    /// The text of `.env.example`: every variable, its default, its meaning.
    Example,
}

/// Prints it.
pub fn run(arguments: &Arguments) -> ExitCode {
    match arguments.show {
        Show::Example => print!("{}", Config::example()),
    }
    ExitCode::SUCCESS
}
