//! `zmart snapshot`: has discussion pinned by hand, or (`--verify`) reads all that is pinned and checks it.
//!
//! A pass by hand is the engine's own (`actors::snapshotter::pass`) under the same lease, so it is made only while no engine
//! holds that; else the command says who does. A verification only reads, beside anything, and needs no key: a gateway.

mod verify;

use std::process::ExitCode;

use serde::Serialize;

use super::held::HeldLease;
use crate::{
    actors::snapshotter::{
        NAME, SnapshotterParts, market,
        pass::{self, Pass, Which},
    },
    config::Config,
    domain::ids::MarketAddress,
    ipfs::provider::Provider,
    journal::{
        lease::{Leased, Office},
        scheduled,
    },
    telemetry::metrics::Metrics,
};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Of this market only.
    #[arg(long)]
    market: Option<String>,
    /// Gives up that market's failed document: another takes its place, made from the journal as it is now.
    #[arg(long, requires = "market", conflicts_with = "verify")]
    drop: bool,
    /// Pins nothing: fetches every document by its content id and checks it.
    #[arg(long)]
    verify: bool,
    /// Prints JSON instead of a text.
    #[arg(long)]
    json: bool,
}

/// The exit code if something is stuck or waits, or does not verify.
const EXIT_FOUND: u8 = 1;
/// If something could not be done or read at all.
const EXIT_NOT_DONE: u8 = 2;
/// If another process makes snapshots.
const EXIT_HELD: u8 = 3;

/// What a pass by hand did. The fields of the JSON.
#[derive(Debug, Serialize)]
struct Report {
    markets: usize,
    pinned: u32,
    stuck: Vec<Stuck>,
    /// The service takes nothing now, and why.
    away: Option<String>,
    /// Markets with a document that holds deleted words, which the journal does not know of yet.
    behind: usize,
    /// Who makes snapshots, where that kept this from doing it.
    held_by: Option<String>,
}

#[derive(Debug, Serialize)]
struct Stuck {
    market: String,
    reason: String,
}

impl Report {
    fn of(pass: &Pass) -> Self {
        let stuck =
            |(market, reason): &(MarketAddress, String)| Stuck { market: market.to_string(), reason: reason.clone() };
        Self {
            markets: pass.markets,
            pinned: pass.pinned,
            stuck: pass.stuck.iter().map(stuck).collect(),
            away: pass.away.as_ref().map(|away| away.reason.clone()),
            behind: pass.behind,
            held_by: None,
        }
    }

    fn held_by(node: String) -> Self {
        Self { markets: 0, pinned: 0, stuck: Vec::new(), away: None, behind: 0, held_by: Some(node) }
    }

    fn print(&self) {
        if let Some(node) = &self.held_by {
            println!("nothing was done: {node} makes snapshots by itself. Stop it, or wait 6 s after it has gone");
            return;
        }
        for Stuck { market, reason } in &self.stuck {
            println!("{market}: {reason}");
        }
        if let Some(reason) = &self.away {
            println!("the pinning service takes nothing now: {reason}");
        }
        if self.behind > 0 {
            println!(
                "{} markets wait for the journal: words were deleted, and it does not have that yet. An engine has to lead",
                self.behind
            );
        }
        println!(
            "{} documents of {} markets were pinned, {} markets are stuck",
            self.pinned,
            self.markets,
            self.stuck.len()
        );
    }
}

/// Does it, and prints.
pub fn run(config: &Config, arguments: &Arguments) -> ExitCode {
    let market: Option<MarketAddress> = match arguments.market.as_deref().map(str::parse).transpose() {
        Ok(market) => market,
        Err(_) => {
            eprintln!("--market is no address of an account");
            return ExitCode::from(EXIT_NOT_DONE);
        }
    };
    let system = actix::System::new();
    if arguments.verify {
        return match system.block_on(verify::verify(config, market)) {
            Ok(found) => {
                if arguments.json {
                    print_json(&found)
                } else {
                    found.print()
                }
                ExitCode::from(found.exit_code())
            }
            Err(error) => not_done(&error),
        };
    }
    match system.block_on(by_hand(config, market, arguments.drop)) {
        Ok(report) => {
            if arguments.json {
                print_json(&report)
            } else {
                report.print()
            }
            match &report {
                Report { held_by: Some(_), .. } => ExitCode::from(EXIT_HELD),
                Report { away: None, behind: 0, stuck, .. } if stuck.is_empty() => ExitCode::SUCCESS,
                _ => ExitCode::from(EXIT_FOUND),
            }
        }
        Err(error) => not_done(&error),
    }
}

fn not_done(error: &anyhow::Error) -> ExitCode {
    eprintln!("nothing was done: {error:#}");
    ExitCode::from(EXIT_NOT_DONE)
}

fn print_json(report: &impl Serialize) {
    match serde_json::to_string_pretty(report) {
        Ok(text) => println!("{text}"),
        Err(error) => eprintln!("the report can't be written: {error}"),
    }
}

async fn by_hand(config: &Config, market: Option<MarketAddress>, drop: bool) -> anyhow::Result<Report> {
    if !config.ipfs.enabled {
        anyhow::bail!("discussion is not pinned unless IPFS_ENABLED=true: it can't be taken back (docs/snapshots.md)");
    }
    let Some(provider) = &config.ipfs.provider else {
        anyhow::bail!("no service that pins is configured (PINATA_JWT, or IPFS_API_URL; docs/snapshots.md)");
    };
    let provider = Provider::new(provider, config.ipfs.patience)?;
    let settings = config.database.settings();
    let node = format!("{} (snapshot, {})", config.node.id, std::process::id());
    let lease = match HeldLease::take(&settings, Office::Snapshots, &node).await? {
        Ok(lease) => lease,
        Err(holder) => return Ok(Report::held_by(holder.node)),
    };
    let pool = Leased::snapshots(settings.pool(4)?, lease.term());
    let parts = SnapshotterParts { pool, provider, schedule: config.ipfs.cron.clone(), metrics: Metrics::new() };
    let made = pass_of(&parts, market, drop).await;
    lease.give_up().await;
    Ok(Report::of(&made?))
}

async fn pass_of(parts: &SnapshotterParts, market: Option<MarketAddress>, drop: bool) -> anyhow::Result<Pass> {
    if let Some(market) = market.filter(|_| drop) {
        match market::give_up(parts, market).await? {
            Ok(true) => {}
            Ok(false) => anyhow::bail!("no document of {market} has failed"),
            Err(away) => anyhow::bail!("the pinning service can't be told to forget it now: {}", away.reason),
        }
    }
    let run = scheduled::last_run(parts.pool.pool(), NAME).await?;
    let made = pass::make(parts, market.map_or(Which::All, Which::One)).await?;
    // By the eyes of somebody, once is enough to be told of.
    pass::tell(&parts.pool, &made, u32::MAX).await?;
    if market.is_none() && made.is_whole {
        scheduled::note_run(&parts.pool, NAME, run.now).await?;
    }
    Ok(made)
}
