//! The command line: one file a subcommand, each with its arguments and a `run` that gives the exit code.
//!
//! Owns parsing and dispatch only, and what every subcommand does first: `.env`, configuration, logging.

pub mod backfill;
pub mod completions;
pub mod config;
pub mod dead_letters;
pub mod demo;
pub mod doctor;
mod document;
mod examples;
mod faults;
mod held;
pub mod journal;
pub mod keys;
mod line;
pub mod migrate;
pub mod monitor;
pub mod ops_client;
pub mod ps;
pub mod replay;
pub mod serve;
pub mod snapshot;
mod stopping;
mod table;
pub mod vectors;
pub mod verify;
pub mod webhook;

use std::{convert::Infallible, process::ExitCode};

use clap::{FromArgMatches, Parser, Subcommand};

use crate::{
    config::Config,
    http::{asyncapi, openapi},
    telemetry::{logging, metrics},
};

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
    /// Run the engine: REST on 4000, WebSocket on 4001, the indexer's port on 4002.
    Serve,
    /// Bring the database's schema up to date. `serve` does the same at its start.
    Migrate,
    /// Bring an empty or trailing journal up to the chain, as fast as it goes, while no engine leads.
    Backfill(backfill::Arguments),
    /// Compare every market, position and the config in the journal with the chain's accounts.
    Verify(verify::Arguments),
    /// Rebuild a market from its entries by the domain alone, and compare it with what is stored and shown.
    Replay(replay::Arguments),
    /// List what could not be used, try it again, or drop it with a reason.
    DeadLetters(dead_letters::Arguments),
    /// Make one pass of the market monitor by hand: what is due, stuck or low.
    Monitor(monitor::Arguments),
    /// The journal's lives: begin a new one by hand, after a restore that leaves no trace.
    Journal(journal::Arguments),
    /// Have discussion pinned to IPFS by hand, or check all that is pinned.
    Snapshot(snapshot::Arguments),
    /// The webhook at Helius that delivers to this engine.
    Webhook(webhook::Arguments),
    /// Trade on a development chain, and watch it through the engine.
    Demo(demo::Arguments),
    /// Check files of recorded results of the on-chain program against the engine's arithmetic and state machine.
    Vectors(vectors::Arguments),
    /// Print the API's description (OpenAPI 3.1, JSON).
    Openapi,
    /// Print the WebSocket's description (AsyncAPI 3.0, JSON).
    Asyncapi,
    /// Print the list of figures that /metrics tells (Markdown).
    Metrics,
    /// Show the configuration, or check it.
    Config(config::Arguments),
    /// Show the services of a running engine: status, restarts, uptime, busy time; with --actors what they are made of.
    Ps(ps::Arguments),
    /// Show all that is known of a service or an actor, with its last panic.
    Show(ps::ShowArguments),
    /// End a service or an actor of a running engine in its own time, and begin it anew.
    Restart(ps::OrderArguments),
    /// End a service or an actor of a running engine in its own time; it begins again by `start`, or with the process.
    Stop(ps::OrderArguments),
    /// Begin what was stopped, or has used up its restarts.
    Start(ps::OrderArguments),
    /// Print what a running engine has logged lately.
    Logs(ps::LogsArguments),
    /// Print what operators did: who, what, to what, why, when, and what came of it.
    Audit(ps::AuditArguments),
    /// Look whether the engine would start here, and do what it is for: a line for each thing that it needs.
    Doctor(doctor::Arguments),
    /// Keys in files: make one, see whose it is, what it holds, have a test network give it money.
    Keys(keys::Arguments),
    /// Print what a shell needs to complete these commands.
    Completions(completions::Completions),
    /// Print the manual page, or write those of all commands.
    Man(completions::Man),
}

/// The exit code of a wrong configuration, or of a server that is not there (`EX_CONFIG`).
const EXIT_CONFIG: u8 = 78;

/// Parses the process's arguments and runs the subcommand.
pub fn run() -> ExitCode {
    // Absent is fine; what is wrong in it is said with the variable that misses.
    let _ = dotenvy::dotenv();
    let matches = examples::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match arguments.command {
        Command::Serve => configured(|config| serve::run(&config)),
        Command::Migrate => configured(|config| migrate::run(&config)),
        Command::Backfill(arguments) => configured(|config| backfill::run(&config, &arguments)),
        Command::Verify(arguments) => configured(|config| verify::run(&config, &arguments)),
        Command::Replay(arguments) => configured(|config| replay::run(&config, &arguments)),
        Command::DeadLetters(arguments) => configured(|config| dead_letters::run(&config, &arguments)),
        Command::Monitor(arguments) => configured(|config| monitor::run(&config, &arguments)),
        Command::Journal(arguments) => configured(|config| journal::run(&config, &arguments)),
        Command::Snapshot(arguments) => configured(|config| snapshot::run(&config, &arguments)),
        Command::Webhook(arguments) => configured(|config| webhook::run(&config, &arguments)),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Vectors(arguments) => vectors::run(&arguments),
        Command::Openapi => document::print("the API's description", openapi::text()),
        Command::Asyncapi => document::print("the WebSocket's description", asyncapi::text()),
        Command::Metrics => document::print("the list of figures", Ok::<_, Infallible>(metrics::markdown())),
        Command::Config(arguments) => config::run(&arguments),
        Command::Ps(arguments) => ps::run(&arguments),
        Command::Show(arguments) => ps::show(&arguments),
        Command::Restart(arguments) => ps::order(ps::Order::Restart, &arguments),
        Command::Stop(arguments) => ps::order(ps::Order::Stop, &arguments),
        Command::Start(arguments) => ps::order(ps::Order::Start, &arguments),
        Command::Logs(arguments) => ps::logs(&arguments),
        Command::Audit(arguments) => ps::audit(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Keys(arguments) => {
            // A key file that others may open is warned of.
            if let Ok(levels) = "warn".parse() {
                logging::start(&levels, false);
            }
            keys::run(&arguments)
        }
        Command::Completions(arguments) => completions::complete(&arguments),
        Command::Man(arguments) => completions::man(&arguments),
    }
}

fn configured(run: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::from_environment() {
        Ok(config) => {
            logging::start(&config.log.levels, config.log.json);
            run(config)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(EXIT_CONFIG)
        }
    }
}
