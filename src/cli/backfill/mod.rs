//! `zmart backfill`: an empty or trailing journal is brought up to the chain, by a process of its own.
//!
//! It holds the engine's lease while it works, so that it never writes beside an engine; it is refused where one leads, which
//! catches up by itself. All that is durable stays, whenever it ends: what an earlier run has listed, fetched and applied is not
//! done again. Serves no port; tells how far it is on the standard error, and what came of it on the standard output.

mod progress;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::progress::Display;
use super::serve;
use crate::{
    actors::{
        backfilling::Backfiller,
        listener::{Backfill, Progress},
    },
    chain::rpc::Endpoints,
    config::Config,
    domain::ids::Slot,
    journal::{
        dead_letters::{self, RetriedAll},
        lease::{self, Holder, Office},
        migrate::{self, MigrateError},
        staging::Cursor,
    },
    telemetry::health::Health,
};

/// See the module.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Transactions of older slots are not fetched. Markets that began before are adopted from their accounts.
    #[arg(long, value_name = "SLOT")]
    from_slot: Option<u64>,
    /// Ends at that slot: transactions of newer ones are left to the next run, or to the engine.
    #[arg(long, value_name = "SLOT")]
    until: Option<u64>,
    /// Tries all open dead letters again that can be.
    #[arg(long)]
    dead_letters: bool,
    /// Waits while another holds the engine's lease, instead of ending at once.
    #[arg(long)]
    wait: bool,
    /// Prints what came of it as JSON.
    #[arg(long)]
    json: bool,
}

/// The exit code if another process holds the engine's lease, or has taken it.
const EXIT_HELD: u8 = 3;
/// If all was fetched, and some streams are behind the chain nevertheless (they are named).
const EXIT_STALE: u8 = 4;
/// If it was told to end (SIGINT, SIGTERM).
const EXIT_STOPPED: u8 = 130;

/// Between two looks at who holds the lease.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// A run that was killed holds the lease until it expires, and a little more.
const KILLED_MAX: Duration = Duration::from_secs(7);
/// Between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// So many stale streams are named.
const STALE_NAMED: usize = 20;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// The journal is where it was to be.
    Done,
    /// It is, but for streams that are behind the chain.
    Stale,
    /// It was told to end; the next run goes on.
    Stopped,
    /// Another process holds the lease.
    Held,
}

/// What came of a run.
#[derive(Debug, Serialize)]
struct Report {
    outcome: Outcome,
    /// Who holds the lease, if it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<String>,
    /// Transactions that were settled.
    transactions: u64,
    /// Events in them.
    events: u64,
    seconds: f64,
    /// Everything at or below this slot is in the journal, and final.
    cursor_slot: u64,
    /// Everything at or below this slot is in the journal.
    covered_slot: u64,
    /// Streams that are behind the chain, some at most.
    stale: Vec<String>,
}

impl Report {
    fn held(by: String) -> Self {
        Self {
            outcome: Outcome::Held,
            held_by: Some(by),
            transactions: 0,
            events: 0,
            seconds: 0.0,
            cursor_slot: 0,
            covered_slot: 0,
            stale: Vec::new(),
        }
    }

    fn code(&self) -> ExitCode {
        match self.outcome {
            Outcome::Done => ExitCode::SUCCESS,
            Outcome::Stale => ExitCode::from(EXIT_STALE),
            Outcome::Stopped => ExitCode::from(EXIT_STOPPED),
            Outcome::Held => ExitCode::from(EXIT_HELD),
        }
    }

    fn print(&self, as_json: bool) {
        if as_json {
            // Plain values: it can't fail.
            println!("{}", serde_json::to_string(self).unwrap_or_default());
            return;
        }
        if let Some(holder) = &self.held_by {
            println!(
                "not backfilled: {holder} holds the engine's lease. An engine that leads catches up by itself; --wait waits"
            );
            return;
        }
        let Self { transactions, events, seconds, cursor_slot, covered_slot, .. } = self;
        let what = match self.outcome {
            Outcome::Stopped => "stopped, and goes on from there",
            _ => "backfilled",
        };
        println!(
            "{what}: {transactions} transactions, {events} events in {seconds:.1} s; cursor at slot {cursor_slot}, covered up to {covered_slot}"
        );
        for stream in &self.stale {
            println!("behind the chain: {stream}");
        }
    }
}

/// Backfills, and prints what came of it.
pub fn run(config: &Config, arguments: &Arguments) -> ExitCode {
    if arguments.until.zip(arguments.from_slot).is_some_and(|(until, from)| until < from) {
        eprintln!("nothing lies between --from-slot {:?} and --until {:?}", arguments.from_slot, arguments.until);
        return ExitCode::from(2);
    }
    let system = actix::System::new();
    let (config, arguments) = (config.clone(), arguments.clone());
    system.block_on(async move {
        actix::spawn(async move {
            let code = match backfill(&config, &arguments).await {
                Ok(report) => {
                    report.print(arguments.json);
                    report.code()
                }
                Err(error) => {
                    eprintln!("nothing was backfilled: {error:#}");
                    ExitCode::FAILURE
                }
            };
            EXIT.with(|exit| exit.set(Some(code)));
            actix::System::current().stop();
        });
    });
    match system.run_with_code() {
        // Root ends the process where an actor can't be kept alive.
        Ok(code) if code != 0 => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Ok(_) => EXIT.with(std::cell::Cell::get).unwrap_or(ExitCode::FAILURE),
        Err(error) => {
            log::error!("the runtime failed: {error}");
            ExitCode::FAILURE
        }
    }
}

thread_local! {
    /// How it ended: the system's own code is for what ends it from within.
    static EXIT: std::cell::Cell<Option<ExitCode>> = const { std::cell::Cell::new(None) };
}

/// Ctrl-C, and what a service manager sends.
struct Told {
    terminate: Signal,
    interrupt: Signal,
}

impl Told {
    async fn run_to_its_end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => log::info!("told to stop (SIGTERM)"),
            _ = self.interrupt.recv() => log::info!("told to stop (SIGINT)"),
        }
    }
}

async fn backfill(config: &Config, arguments: &Arguments) -> anyhow::Result<Report> {
    let mut told = Told { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? };
    let settings = config.database.settings();
    let applied = serve::patiently("PostgreSQL", MigrateError::is_final, || migrate::run(&settings)).await?;
    applied.iter().for_each(|name| log::info!("applied {name}"));
    // A second node is for going on while the first is away; a backfill has the time to wait for it.
    let life = serve::bind_journal(config, &Endpoints::default()).await?;
    let node = format!("{} (backfill)", config.node.id);
    let pool = settings.pool(1)?;
    let free = tokio::select! {
        free = until_free(&pool, &node, arguments.wait) => free?,
        () = told.run_to_its_end() => return Ok(Report { outcome: Outcome::Stopped, held_by: None, ..Report::held(String::new()) }),
    };
    if let Err(holder) = free {
        return Ok(Report::held(holder.node));
    }
    if arguments.dead_letters {
        let RetriedAll { again, not_retriable, .. } = dead_letters::retry_all(&pool).await?;
        eprintln!("dead letters: {again} are tried again, {not_retriable} can't be");
    }
    let progress = Arc::new(Progress::default());
    let backfill = Backfill {
        from_slot: arguments.from_slot.map(Slot),
        until: arguments.until.map(Slot),
        progress: Arc::clone(&progress),
    };
    let health = Health::new();
    let began = Instant::now();
    let backfiller = Backfiller::start(config, node, life, backfill, &health)?;
    let mut display = Display::start();
    let ended = tokio::select! {
        cursor = progress.done() => Ended::Done(cursor),
        () = told.run_to_its_end() => Ended::Stopped,
        holder = show(&progress, &health, &mut display) => Ended::Lost(holder),
    };
    display.finish(&progress.sight());
    let seconds = began.elapsed().as_secs_f64();
    backfiller.ends().await;
    let sight = progress.sight();
    let (outcome, held_by, cursor) = match ended {
        Ended::Done(cursor) => (Outcome::Done, None, cursor),
        Ended::Stopped => (Outcome::Stopped, None, stored(config, &pool).await),
        Ended::Lost(holder) => (Outcome::Held, Some(holder), stored(config, &pool).await),
    };
    let stale = health.stale_streams().into_iter().map(|(stream, why)| format!("{stream}: {why}"));
    let stale: Vec<String> = stale.take(STALE_NAMED).collect();
    let outcome = if outcome == Outcome::Done && !stale.is_empty() { Outcome::Stale } else { outcome };
    Ok(Report {
        outcome,
        held_by,
        transactions: sight.settled,
        events: sight.events,
        seconds,
        cursor_slot: cursor.slot.0,
        covered_slot: cursor.covered_slot.0,
        stale,
    })
}

enum Ended {
    Done(Cursor),
    Stopped,
    /// Another has taken the lease.
    Lost(String),
}

async fn stored(config: &Config, pool: &deadpool_postgres::Pool) -> Cursor {
    crate::journal::staging::load_cursor(pool, config.chain.program).await.unwrap_or_default()
}

/// Shows how far it is; ends if another has the lease.
async fn show(progress: &Progress, health: &Health, display: &mut Display) -> String {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if let Some(standing) = health.lease().filter(|standing| standing.role == "follower") {
            return standing.leader;
        }
        display.show(&progress.sight());
    }
}

/// Waits until nobody holds the engine's lease; without `wait` only for what a killed run left.
async fn until_free(pool: &deadpool_postgres::Pool, node: &str, wait: bool) -> anyhow::Result<Result<(), Holder>> {
    let began = Instant::now();
    let mut is_said = false;
    loop {
        let holder = lease::holder(pool, Office::Engine).await?;
        if !holder.is_valid {
            return Ok(Ok(()));
        }
        let is_of_a_run = holder.node == node && began.elapsed() < KILLED_MAX;
        if !wait && !is_of_a_run {
            return Ok(Err(holder));
        }
        if !std::mem::replace(&mut is_said, true) {
            eprintln!("waiting for the lease of {}", holder.node);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}
