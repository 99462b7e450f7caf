//! `zmart monitor --once`: one pass of the market monitor by hand, with what it finds and does on the standard output.
//!
//! With `--dry-run` it only reads, and may run beside anything. Without, it does what a pass does, and so it needs the lease
//! of governance: it takes it if nobody holds it, and otherwise says who does. What it hands over is seen through until it
//! is settled, or the time is up; then the next engine goes on with it. The pass itself is the engine's own
//! (`actors::monitor`).

mod hand;
mod report;

use std::{process::ExitCode, time::Duration};

use self::report::Report;
use crate::{
    actors::monitor::{
        NAME, act,
        look::{Places, Rules},
        refused::Refused,
        webhook::Webhook,
    },
    chain::{
        keys::AuthorityKeys,
        rpc::{ChainRpc, RpcBudget, RpcOptions},
    },
    config::{Config, Environment},
    journal::{DatabaseSettings, identity, scheduled},
};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Makes one pass and ends. (The engine makes its own, by itself.)
    #[arg(long, required = true)]
    once: bool,
    /// Only reads.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Waits so long for what it sends, in seconds.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(..=86_400))]
    wait: u64,
}

/// The exit code if something is due, stuck or low, or what was sent was not settled in time.
const EXIT_FOUND: u8 = 1;
/// If nothing could be looked at.
const EXIT_NOT_LOOKED: u8 = 2;
/// If another node holds the lease of governance.
const EXIT_HELD: u8 = 3;

/// What a pass of the monitor works with, made from the configuration.
pub struct Parts {
    /// Where it looks.
    pub places: Places,
    /// Where alerts are posted, if anywhere.
    pub webhook: Option<Webhook>,
    keys: AuthorityKeys,
    settings: DatabaseSettings,
    resend_after: Duration,
    max_priority_fee_micro_lamports: u64,
}

/// Looks, acts unless told not to, and prints.
pub fn run(config: &Config, arguments: &Arguments) -> ExitCode {
    let system = actix::System::new();
    let report = match system.block_on(once(config, arguments)) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("nothing was looked at: {error:#}");
            return ExitCode::from(EXIT_NOT_LOOKED);
        }
    };
    report.print(arguments.json);
    match &report {
        report if report.held_by.is_some() => ExitCode::from(EXIT_HELD),
        report if report.is_well() => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_FOUND),
    }
}

async fn once(config: &Config, arguments: &Arguments) -> anyhow::Result<Report> {
    let parts = parts(config)?;
    let genesis_hash = parts.places.rpc.genesis_hash().await?;
    identity::check_chain(&**parts.places.pool.get().await?, &genesis_hash, config.chain.program).await?;
    if arguments.dry_run {
        let (report, _) = look(&parts.places).await?;
        return Ok(report);
    }
    let node = format!("{} (monitor --once, {})", config.node.id, std::process::id());
    let hand = match hand::Hand::take(&parts, &node).await? {
        Ok(hand) => hand,
        Err(holder) => {
            let (report, _) = look(&parts.places).await?;
            return Ok(report.held_by(holder));
        }
    };
    let acted = act_once(&parts, &hand, Duration::from_secs(arguments.wait)).await;
    hand.give_up().await;
    acted
}

async fn look(places: &Places) -> anyhow::Result<(Report, act::Found)> {
    let ground = places.ground().await?;
    let due = places.due(&ground, None).await?;
    let conditions = places.conditions(&ground).await;
    Ok((Report::new(&ground, &due, &conditions), act::Found { due, conditions }))
}

async fn act_once(parts: &Parts, hand: &hand::Hand, wait: Duration) -> anyhow::Result<Report> {
    let run = scheduled::last_run(&parts.places.pool, NAME).await?;
    let (mut report, found) = look(&parts.places).await?;
    act::tell(hand.pool(), &found.conditions).await?;
    let handed = act::submit(hand.submitter(), found.due.intents).await;
    // From here on something may be on its way: whatever else fails, what became of it is reported.
    report.handed(&handed);
    if let Err(error) = scheduled::note_run(hand.pool(), NAME, run.now).await {
        eprintln!("that a pass was made is not kept: {error}");
    }
    report.settled(&hand.until_settled(&handed, wait).await);
    if let Some(webhook) = &parts.webhook {
        match webhook.tell(hand.pool(), &mut Refused::default()).await {
            Ok(round) if round.is_away || round.refused > 0 => eprintln!("the webhook has not taken all alerts"),
            Ok(_) => {}
            Err(error) => eprintln!("alerts can't be told now: {error}"),
        }
    }
    Ok(report)
}

/// From the configuration, as the engine has them.
fn parts(config: &Config) -> anyhow::Result<Parts> {
    let budget = RpcBudget::new(config.chain.rpc_calls_per_second);
    let rpc = ChainRpc::new(RpcOptions::new(&config.chain.rpc_url, config.chain.program), budget)?;
    let settings = config.database.settings();
    let keys = AuthorityKeys::load(&config.governance.keys, config.environment == Environment::Production)?;
    let webhook = Webhook::configured(&config.governance, &config.node.id)?;
    let rules = Rules::new(&config.governance, keys.wallets());
    let places = Places { rpc, pool: settings.pool(2)?, rules };
    Ok(Parts {
        places,
        webhook,
        keys,
        settings,
        resend_after: Duration::from_millis(config.trading.resend_ms),
        max_priority_fee_micro_lamports: config.governance.max_priority_fee_micro_lamports,
    })
}
