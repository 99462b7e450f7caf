//! `zmart restart|stop|start NAME|all`: orders to a running engine, and whether they were carried out.
//!
//! The engine obeys at once and works it off by itself; this looks until it is so, for a bounded time.

use std::{process::ExitCode, time::Duration};

use super::{ALL, EXIT_REFUSED, services};
use crate::{
    cli::{
        line::printable,
        ops_client::{Actor, OpsAddress, OpsClient, OpsError, Process, Why},
    },
    telemetry::census,
};

/// Of a service these are left alone by a stop: who serves connections belongs to its worker, and who keeps a lease goes on as
/// long as the process. An order to one of them by name the engine refuses itself.
const NEVER_STOP: [&str; 3] = [census::GATEWAY, census::HUB, "keeper of the lease"];

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// It does what had come to it, ends, and begins anew.
    Restart,
    /// It does what had come to it, and ends.
    Stop,
    /// It begins.
    Start,
}

impl Order {
    fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Start => "start",
        }
    }
}

/// See the module.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A service (api-gateway, websocket-server, vote-aggregator, market-monitor, event-indexer, ipfs-service), an actor as
    /// `zmart ps --actors` names it, market:ADDRESS, or all services.
    #[arg(value_name = "NAME|all")]
    name: String,
    /// So many seconds it is waited until it is so; 0: only ordered.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=3600))]
    wait: u64,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    address: OpsAddress,
}

/// Orders, waits, and says how each of them is.
pub async fn give(order: Order, arguments: &Arguments) -> Result<ExitCode, OpsError> {
    let client = OpsClient::new(&arguments.address)?;
    let names: Vec<&str> = match arguments.name.as_str() {
        ALL => services().to_vec(),
        name => vec![name],
    };
    let (mut has_failed, mut given) = (false, Vec::new());
    for name in names {
        let (before, _) = client.actors().await?;
        // Whoever says "all" means those that this node has a use for.
        let has_none = |status: &&str| *status == "disabled" || (*status == "waiting" && order == Order::Restart);
        if let Some(status) = status_of(&before, name).filter(|status| arguments.name == ALL && has_none(status)) {
            println!("{name}: {status}");
            continue;
        }
        match client.order(name, order.as_str(), &arguments.why).await {
            Ok(obeyed) => given.push((name, before, obeyed.status)),
            Err(error @ (OpsError::NotNow(_) | OpsError::Unknown(_))) => {
                has_failed = true;
                eprintln!("{name}: {}", printable(&error.to_string()));
            }
            Err(error) => return Err(error),
        }
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(arguments.wait);
    for (name, before, status) in given {
        let status = match arguments.wait {
            0 => Ok(status),
            _ => until(&client, order, name, &before, deadline).await?,
        };
        match status {
            Ok(status) => println!("{name}: {}", printable(&status)),
            Err(status) => {
                has_failed = true;
                eprintln!("{name}: still {} after {} s", printable(&status), arguments.wait);
            }
        }
    }
    Ok(if has_failed { ExitCode::from(EXIT_REFUSED) } else { ExitCode::SUCCESS })
}

/// Looks until it is as it was ordered; else how it is instead.
async fn until(
    client: &OpsClient,
    order: Order,
    name: &str,
    before: &Process,
    deadline: tokio::time::Instant,
) -> Result<Result<String, String>, OpsError> {
    loop {
        let (now, _) = client.actors().await?;
        let status = status_of(&now, name).unwrap_or("obeyed").to_owned();
        if is_so(order, name, before, &now) {
            return Ok(Ok(status));
        }
        if tokio::time::Instant::now() >= deadline {
            return Ok(Err(status));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn status_of<'a>(process: &'a Process, name: &str) -> Option<&'a str> {
    let service = process.services.iter().find(|service| service.name == name).map(|service| &service.status);
    let actor = process.actors.iter().find(|actor| actor.name == name).map(|actor| &actor.status);
    service.or(actor).map(String::as_str)
}

/// Whom an order to that name is for. A market is in no list.
fn meant<'a>(process: &'a Process, name: &'a str) -> impl Iterator<Item = &'a Actor> {
    process.actors.iter().filter(move |actor| actor.name == name || actor.service.as_deref() == Some(name))
}

fn is_so(order: Order, name: &str, before: &Process, now: &Process) -> bool {
    let was = |actor: &Actor| before.actors.iter().find(|own| own.name == actor.name);
    // Who has no part in what this node is now waits for it.
    let is_well = |actor: &Actor| matches!(actor.status.as_str(), "running" | "waiting" | "disabled");
    meant(now, name).all(|actor| match order {
        Order::Stop => {
            matches!(actor.status.as_str(), "stopped" | "disabled")
                || NEVER_STOP.iter().any(|stays| actor.name.starts_with(stays))
        }
        Order::Start => is_well(actor),
        // It is counted when it is ordered, and has begun when it says since when.
        Order::Restart => {
            let is_old = |was: &Actor| actor.restarts != was.restarts && actor.started_at == was.started_at;
            is_well(actor) && !was(actor).is_some_and(is_old)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Name, status, restarts, and the hour since when it lives.
    fn process(actors: &[(&str, &str, u64, u32)]) -> Process {
        let actor = |(name, status, restarts, hour): &(&str, &str, u64, u32)| {
            let service = if *name == "other" { "another" } else { "s" };
            json!({
                "name": name, "parent": "root", "kind": name, "service": service, "status": status, "runs": "always",
                "restarts": restarts, "started_at": format!("2026-01-01T{hour:02}:00:00Z"), "queue": null,
                "queue_max": null, "processed": 0, "busy_ms": 0, "last_panic": null,
            })
        };
        let actors: Vec<_> = actors.iter().map(actor).collect();
        serde_json::from_value(json!({
            "node": "n", "pid": 1, "started_at": "2026-01-01T00:00:00Z", "version": "0", "services": [], "actors": actors,
        }))
        .unwrap()
    }

    #[test]
    fn a_restart_is_done_when_each_that_obeys_lives_anew() {
        let before = process(&[("a", "running", 1, 1), ("hub", "running", 0, 1), ("other", "running", 0, 1)]);
        let ordered = process(&[("a", "running", 2, 1), ("hub", "running", 0, 1), ("other", "running", 0, 1)]);
        let between = process(&[("a", "starting", 2, 1), ("hub", "running", 0, 1), ("other", "running", 0, 1)]);
        let done = process(&[("a", "running", 2, 2), ("hub", "running", 0, 1), ("other", "failed", 0, 1)]);
        let is_so = |now: &Process| is_so(Order::Restart, "s", &before, now);
        assert_eq!([&ordered, &between, &done].map(is_so), [false, false, true]);
    }

    #[test]
    fn a_stop_and_a_start_are_done_when_all_that_are_meant_are_so() {
        let up = process(&[("a", "running", 0, 1), ("b", "waiting", 0, 1), ("hub", "running", 0, 1)]);
        let down = process(&[("a", "stopped", 0, 1), ("b", "stopped", 0, 1), ("hub", "running", 0, 1)]);
        let half = process(&[("a", "stopped", 0, 1), ("b", "running", 0, 1), ("hub", "running", 0, 1)]);
        for (order, name, now, done) in [
            (Order::Stop, "s", &up, false),
            (Order::Stop, "s", &half, false),
            (Order::Stop, "s", &down, true),
            (Order::Stop, "a", &half, true),
            (Order::Start, "s", &half, false),
            (Order::Start, "s", &up, true),
            // A market: the engine has taken the order, and lists none.
            (Order::Restart, "market:x", &up, true),
        ] {
            assert_eq!(is_so(order, name, &up, now), done, "{order:?} {name}");
        }
    }
}
