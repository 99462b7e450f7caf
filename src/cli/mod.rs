//! The command line: one file a subcommand, each with its arguments and a `run` that gives the exit code.
//!
//! Owns parsing and dispatch only.

pub mod demo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The real-time engine of a prediction market on Solana.
#[derive(Debug, Parser)]
#[command(name = "zmart", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Trade on a development chain, and watch it through the engine.
    Demo(demo::Arguments),
}

/// Parses the process's arguments and runs the subcommand.
pub fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
    }
}
