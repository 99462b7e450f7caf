//! `zmart show NAME|all`: all that is known of a service or an actor, with its last panic.

use std::process::ExitCode;

use serde_json::Value;

use super::{
    ALL, services,
    view::{actor, service},
};
use crate::cli::{
    line::tell,
    ops_client::{OpsAddress, OpsClient, OpsError, Process},
};

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A service, an actor, or all services.
    #[arg(value_name = "NAME|all")]
    name: String,
    /// As JSON: the objects of the operators' port.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: OpsAddress,
}

/// Asks, and prints.
pub async fn show(arguments: &Arguments) -> Result<ExitCode, OpsError> {
    let (process, answer) = OpsClient::new(&arguments.address)?.actors().await?;
    let text = if arguments.json { objects(&answer, &arguments.name) } else { of(&process, &arguments.name) };
    let text = text.ok_or_else(|| unknown(&process, &arguments.name))?;
    tell(&text);
    Ok(ExitCode::SUCCESS)
}

/// For people.
fn of(process: &Process, name: &str) -> Option<String> {
    let now = chrono::Utc::now();
    let services: Vec<_> = process
        .services
        .iter()
        .filter(|one| name == ALL || one.name == name)
        .map(|it| service(it, &process.actors, now))
        .collect();
    if !services.is_empty() {
        return Some(services.join("\n"));
    }
    process.actors.iter().find(|one| one.name == name).map(|one| actor(one, now))
}

/// For programs: a line each.
fn objects(answer: &Value, name: &str) -> Option<String> {
    let found = |list: &str, by: &dyn Fn(&str) -> bool| {
        let all = answer.get(list).and_then(Value::as_array).into_iter().flatten();
        let own = all.filter(|one| one.get("name").and_then(Value::as_str).is_some_and(by));
        own.map(|one| format!("{one}\n")).collect::<String>()
    };
    let services = found("services", &|own| name == ALL || own == name);
    let text = if services.is_empty() { found("actors", &|own| own == name) } else { services };
    (!text.is_empty()).then_some(text)
}

fn unknown(process: &Process, name: &str) -> OpsError {
    let actors: Vec<&str> = process.actors.iter().map(|actor| actor.name.as_str()).collect();
    OpsError::Unknown(format!(
        "nobody is called {name:?}. Services: {}. Actors: {}",
        services().join(", "),
        actors.join(", ")
    ))
}
