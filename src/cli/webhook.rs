//! `zmart webhook register|list|delete`: the webhook at Helius that delivers to this engine.
//!
//! Registering is idempotent: of one address there is one webhook, which is made, changed, or left as it is. What else the key
//! has is never touched. The key and the header are secrets: neither is printed, nor in an error.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::EXIT_CONFIG;
use crate::{
    chain::helius::api::{Helius, HeliusError, WantedWebhook, Webhook},
    config::{Config, SecretText},
};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    command: Command,
    /// Prints JSON instead of lines.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Have the program's transactions delivered to an address: makes the webhook, or changes the one that has it.
    Register {
        /// The public address of the indexer's port: https://HOST/api/webhooks/helius.
        #[arg(long)]
        url: String,
        /// What is delivered; either is enough: transactions are read from our own node anyway.
        #[arg(long = "type", value_enum, default_value_t = Kind::Raw)]
        kind: Kind,
    },
    /// The webhooks of the key.
    List,
    /// Delete webhooks, by name or by address.
    Delete {
        /// Its name at Helius.
        #[arg(long, conflicts_with = "url", required_unless_present = "url")]
        id: Option<String>,
        /// All that deliver to this address.
        #[arg(long)]
        url: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Raw,
    Enhanced,
    RawDevnet,
    EnhancedDevnet,
}

impl Kind {
    /// As the service calls it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Enhanced => "enhanced",
            Self::RawDevnet => "rawDevnet",
            Self::EnhancedDevnet => "enhancedDevnet",
        }
    }
}

/// Nothing of that name or address is there.
const EXIT_NOTHING: u8 = 1;
/// Helius refused, or gave no answer.
const EXIT_FAILED: u8 = 2;

/// Why nothing could be done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// A setting is missing or wrong.
    #[error("{0}")]
    Setting(String),
    /// See there.
    #[error(transparent)]
    Helius(#[from] HeliusError),
}

/// What was done.
struct Done {
    what: &'static str,
    webhooks: Vec<Webhook>,
}

/// Asks Helius, and prints.
pub fn run(config: &Config, arguments: &Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the runtime failed: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(act(config, &arguments.command)) {
        Ok(done) => {
            print(&done, arguments.json);
            match (&arguments.command, done.webhooks.is_empty()) {
                (Command::Delete { .. }, true) => ExitCode::from(EXIT_NOTHING),
                _ => ExitCode::SUCCESS,
            }
        }
        Err(Failure::Setting(what)) => {
            eprintln!("{what}");
            ExitCode::from(EXIT_CONFIG)
        }
        Err(Failure::Helius(error)) => {
            eprintln!("{error}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

async fn act(config: &Config, command: &Command) -> Result<Done, Failure> {
    let missing = |name: &str| Failure::Setting(format!("{name} is not set"));
    let reveal = |secret: &Option<SecretText>| secret.as_ref().map(|secret| secret.reveal().to_owned());
    let key = reveal(&config.indexer.api_key).ok_or_else(|| missing("HELIUS_API_KEY"))?;
    let helius = Helius::new(&config.indexer.api_url, &key)?;
    match command {
        Command::List => Ok(Done { what: "there", webhooks: helius.webhooks().await? }),
        Command::Register { url, kind } => {
            // Deliveries without it would be refused by this engine.
            let header = reveal(&config.indexer.auth_header).ok_or_else(|| missing("HELIUS_AUTH_HEADER"))?;
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(Failure::Setting("--url has to be an http or https address".to_owned()));
            }
            let wanted = WantedWebhook::of_program(config.chain.program, url, kind.as_str(), &header);
            register(&helius, &wanted).await
        }
        Command::Delete { id, url } => {
            let is_meant = |webhook: &Webhook| match (id, url) {
                (Some(id), _) => webhook.id == *id,
                (None, url) => Some(&webhook.url) == url.as_ref(),
            };
            let mut webhooks = Vec::new();
            for webhook in helius.webhooks().await?.into_iter().filter(is_meant) {
                if helius.delete(&webhook.id).await? {
                    webhooks.push(webhook);
                }
            }
            Ok(Done { what: "deleted", webhooks })
        }
    }
}

async fn register(helius: &Helius, wanted: &WantedWebhook) -> Result<Done, Failure> {
    let there = helius.webhooks().await?.into_iter().find(|webhook| webhook.url == wanted.url);
    let (what, webhook) = match there {
        Some(webhook) if wanted.is(&webhook) => ("unchanged", webhook),
        Some(webhook) => ("changed", helius.change(&webhook.id, wanted).await?),
        None => ("made", helius.create(wanted).await?),
    };
    Ok(Done { what, webhooks: vec![webhook] })
}

fn print(done: &Done, as_json: bool) {
    if as_json {
        let shown: Vec<Value> = done.webhooks.iter().map(shown).collect();
        println!("{}", json!({ "result": done.what, "webhooks": shown }));
        return;
    }
    if done.webhooks.is_empty() {
        println!("no webhook");
    }
    for webhook in &done.webhooks {
        println!(
            "{}: {} ({}) {} {}",
            done.what,
            webhook.id,
            webhook.webhook_type,
            webhook.url,
            webhook.account_addresses.join(",")
        );
    }
}

/// Without its header.
fn shown(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id, "url": webhook.url, "type": webhook.webhook_type,
        "transaction_types": webhook.transaction_types, "account_addresses": webhook.account_addresses,
        "has_auth_header": webhook.auth_header.as_ref().is_some_and(|header| !header.is_empty()),
        "txn_status": webhook.txn_status,
    })
}
