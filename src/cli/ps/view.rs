//! How services and actors look on a terminal.
//!
//! Pure: what was told and the time go in, text comes out. Whole numbers only.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use crate::cli::{
    line::printable,
    ops_client::{Actor, Process, Service},
    table::Table,
};

/// What stands for nothing.
const NONE: &str = "-";

/// A node: a line of itself, its services, and if they are wanted its actors.
pub fn process(process: &Process, now: DateTime<Utc>, with_actors: bool) -> String {
    let up = seconds_between(process.started_at, now);
    let mut text = format!(
        "node {}, zmart {}, process {}, up {}, markets in memory: {}, perhaps behind: {}\n\n",
        printable(&process.node),
        printable(&process.version),
        process.pid,
        time(up),
        process.markets.alive,
        process.markets.stale,
    );
    let mut table = Table::new(["SERVICE", "STATUS", "RESTARTS", "UPTIME", "BUSY", "ACTORS"]);
    for service in &process.services {
        table.row(of_service(service));
    }
    let _ = write!(text, "{table}");
    if with_actors {
        let mut table = Table::new([
            "ACTOR",
            "SERVICE",
            "STATUS",
            "RUNS",
            "RESTARTS",
            "UPTIME",
            "QUEUE",
            "TURNS",
            "BUSY",
            "LAST PANIC",
        ]);
        for actor in &process.actors {
            table.row(of_actor(actor, now));
        }
        let _ = write!(text, "\n{table}");
    }
    text
}

fn of_service(service: &Service) -> [String; 6] {
    [
        printable(&service.name),
        printable(&service.status),
        service.restarts.to_string(),
        service.uptime_seconds.map_or(NONE.to_owned(), time),
        busy(service.busy_ms),
        service.actors.len().to_string(),
    ]
}

fn of_actor(actor: &Actor, now: DateTime<Utc>) -> [String; 10] {
    let queue = match (actor.queue, actor.queue_max) {
        (Some(queue), Some(most)) => format!("{queue}/{most}"),
        (Some(queue), None) => queue.to_string(),
        _ => NONE.to_owned(),
    };
    [
        printable(&actor.name),
        printable(actor.service.as_deref().unwrap_or(NONE)),
        printable(&actor.status),
        printable(&actor.runs),
        actor.restarts.to_string(),
        actor.started_at.map_or(NONE.to_owned(), |at| time(seconds_between(at, now))),
        queue,
        actor.processed.to_string(),
        busy(actor.busy_ms),
        actor.last_panic.as_ref().map_or(NONE.to_owned(), |panic| stamp(panic.at)),
    ]
}

/// All that is known of one service: its line, and its actors with what they said when they last died.
pub fn service(service: &Service, actors: &[Actor], now: DateTime<Utc>) -> String {
    let mut text = format!(
        "service {}: {}, {} restarts, up {}, busy {}\n",
        printable(&service.name),
        printable(&service.status),
        service.restarts,
        service.uptime_seconds.map_or(NONE.to_owned(), time),
        busy(service.busy_ms),
    );
    for actor in actors.iter().filter(|actor| service.actors.contains(&actor.name)) {
        let _ = write!(text, "\n{}", self::actor(actor, now));
    }
    text
}

/// All that is known of one actor.
pub fn actor(actor: &Actor, now: DateTime<Utc>) -> String {
    let [name, service, status, runs, restarts, uptime, queue, turns, busy, _] = of_actor(actor, now);
    let parent = printable(actor.parent.as_deref().unwrap_or(NONE));
    let mut text = format!(
        "actor {name} ({}), of {service}, under {parent}\n  {status}, runs {runs}, {restarts} restarts, up {uptime}, queue \
         {queue}, {turns} turns, busy {busy}\n",
        printable(&actor.kind),
    );
    if let Some(panic) = &actor.last_panic {
        let _ = writeln!(text, "  last panic {}: {}", stamp(panic.at), printable(&panic.message));
        for line in panic.backtrace.lines() {
            let _ = writeln!(text, "    {}", printable(line));
        }
    }
    text
}

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// None at all where clocks disagree.
fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> u64 {
    u64::try_from(to.signed_duration_since(from).num_seconds()).unwrap_or_default()
}

/// Seconds, by their two largest units.
fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Milliseconds: below a minute as they are, then as [`time`].
fn busy(millis: u64) -> String {
    match millis {
        0..60_000 => format!("{}.{:03}s", millis / 1_000, millis % 1_000),
        _ => time(millis / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told() -> Process {
        serde_json::from_value(json!({
            "node": "a\u{1b}[2J:4000", "pid": 7, "started_at": "2026-01-01T00:00:00Z", "version": "0.1.0",
            "services": [
                { "name": "event-indexer", "status": "running", "restarts": 2, "uptime_seconds": 3_700, "busy_ms": 1_234,
                  "actors": ["listener"] },
                { "name": "ipfs-service", "status": "disabled", "restarts": 0, "uptime_seconds": null, "busy_ms": 0,
                  "actors": [] },
            ],
            "actors": [{
                "name": "listener", "parent": "root", "kind": "listener", "service": "event-indexer", "status": "running",
                "runs": "leading", "restarts": 2, "panics": 2, "started_at": "2026-01-02T00:00:00Z", "queue": 3,
                "queue_max": 10, "processed": 55, "busy_ms": 61_000,
                "last_panic": { "at": "2026-01-01T23:59:59Z", "message": "it\u{7}fell", "backtrace": "0: a\n1: b" },
            }],
            "markets": { "alive": 5, "stale": 1 }, "a_field_of_a_newer_release": true,
        }))
        .unwrap()
    }

    fn now() -> DateTime<Utc> {
        "2026-01-03T01:30:00Z".parse().unwrap()
    }

    #[test]
    fn a_process_is_a_line_of_its_own_and_one_for_each_service() {
        let text = process(&told(), now(), false);
        assert_eq!(
            text,
            "node a\u{fffd}[2J:4000, zmart 0.1.0, process 7, up 2d01h, markets in memory: 5, perhaps behind: 1\n\n\
             SERVICE        STATUS    RESTARTS  UPTIME  BUSY    ACTORS\n\
             event-indexer  running   2         1h01m   1.234s  1\n\
             ipfs-service   disabled  0         -       0.000s  0\n"
        );
        let text = process(&told(), now(), true);
        assert!(
            text.contains("listener  event-indexer  running  leading  2         1d01h   3/10   55     1m01s"),
            "{text}"
        );
    }

    #[test]
    fn an_actor_is_shown_with_what_it_said_when_it_died_and_nothing_a_terminal_obeys() {
        let told = told();
        let text = service(&told.services[0], &told.actors, now());
        assert!(text.contains("service event-indexer: running, 2 restarts, up 1h01m, busy 1.234s"), "{text}");
        assert!(text.contains("last panic 2026-01-01T23:59:59Z: it\u{fffd}fell\n    0: a\n    1: b\n"), "{text}");
        assert!(!service(&told.services[1], &told.actors, now()).contains("listener"));
    }

    #[test]
    fn times_have_their_two_largest_units() {
        assert_eq!([0, 59, 60, 3_661, 90_000].map(time), ["0s", "59s", "1m00s", "1h01m", "1d01h"]);
        assert_eq!([0, 59_999, 60_000].map(busy), ["0.000s", "59.999s", "1m00s"]);
        assert_eq!(seconds_between(now(), "2026-01-01T00:00:00Z".parse().unwrap()), 0);
    }
}
