//! `zmart doctor`: would the engine start here, and do what it is for?
//!
//! One line for each thing that it needs, with what to do where that is not as it should be. Only looks: nothing is made,
//! changed or migrated (ports are bound for a moment), so it may be said beside a running engine. Never prints a secret; of an address only the place.

mod chain;
mod database;
mod finding;
mod keys;
mod machine;
mod ports;
mod protection;

use std::{process::ExitCode, time::Duration};

use serde_json::Value;

use self::finding::{Finding, State};
use super::EXIT_CONFIG;
use crate::config::{Config, ConfigError};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// As JSON: an array, a line a check.
    #[arg(long)]
    json: bool,
}

/// The exit code if something failed; a warning is no failure.
const EXIT_FAILED: u8 = 1;
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// Looks at everything, and says it.
pub fn run(arguments: &Arguments) -> ExitCode {
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(error) => {
            say(&of_config(&error), arguments.json);
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let findings = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(examine(&config)),
        Err(error) => vec![Finding::failed("machine", format!("the runtime failed: {error}"), "look at ulimit -a")],
    };
    say(&findings, arguments.json);
    let has_failed = findings.iter().any(|finding| finding.state == State::Failed);
    if has_failed { ExitCode::from(EXIT_FAILED) } else { ExitCode::SUCCESS }
}

async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("config", format!("it can be used, for {:?}", config.environment))];
    let (database, chain, redis) = tokio::join!(database::look(config), chain::look(config), protection::redis(config));
    let journal = database::journal_of(config, &database, chain.genesis.as_deref());
    findings.extend(database.findings);
    findings.push(journal);
    findings.extend(redis);
    findings.extend(chain.findings);
    findings.extend(keys::look(config, &chain.rpc, chain.config.as_ref()).await);
    findings.push(machine::clock(database.clock, chain.clock));
    findings.push(machine::files(config));
    findings.extend(ports::look(config).await);
    findings
}

/// A line for each thing that is wrong.
fn of_config(error: &ConfigError) -> Vec<Finding> {
    let wrong = |what: &String| {
        Finding::failed("config", what.clone(), "set it in the environment or in .env; `zmart config example` has all")
    };
    error.lines().iter().map(wrong).collect()
}

fn say(findings: &[Finding], as_json: bool) {
    if as_json {
        println!("{}", Value::Array(findings.iter().map(Finding::as_json).collect()));
    } else {
        findings.iter().for_each(|finding| println!("{finding}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;

    #[test]
    fn each_wrong_setting_is_a_line_of_its_own() {
        let mut source = Source::new(|name| (name == "API_PORT").then(|| "many".to_owned()));
        assert!(Config::read(&mut source).is_none());
        let findings = of_config(&source.finish().unwrap_err());
        assert!(findings.len() >= 4, "{findings:?}");
        assert!(findings.iter().any(|finding| finding.detail.contains("API_PORT")));
        assert!(findings.iter().all(|finding| finding.state == State::Failed && !finding.detail.contains("many")));
    }
}
