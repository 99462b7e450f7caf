//! From notification to commit, by minutes.

use std::{
    collections::{BTreeMap, HashMap},
    pin::pin,
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::TryStreamExt;
use zmart_testkit::postgres::Database;

/// When a transaction was notified, and how long after that it was committed: microseconds.
pub struct Lag {
    notified: u64,
    lag: i64,
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// One of each transaction: of the last of its events. `times`: a signature and its microseconds a line.
pub async fn lags(times: &str, database: &Database) -> Vec<Lag> {
    let notified: HashMap<&str, u64> = times
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(s, at)| Some((s, at.parse().ok()?)))
        .collect();
    const COMMITTED: &str = "SELECT signature::text, (extract(epoch FROM max(pg_xact_commit_timestamp(xmin))) * 1000000)::bigint \
                             FROM chain_events WHERE NOT orphaned GROUP BY signature";
    let client = database.connect().await;
    let nothing: [&(dyn tokio_postgres::types::ToSql + Sync); 0] = [];
    let mut rows = pin!(client.query_raw(COMMITTED, nothing).await.unwrap());
    let mut lags = Vec::new();
    while let Some(row) = rows.try_next().await.unwrap() {
        let (signature, committed): (&str, Option<i64>) = (row.get(0), row.get(1));
        if let (Some(&notified), Some(committed)) = (notified.get(signature), committed) {
            lags.push(Lag { notified, lag: committed - i64::try_from(notified).unwrap_or(i64::MAX) });
        }
    }
    lags
}

#[derive(Default)]
struct Minute {
    lags: Vec<i64>,
    behind: u64,
    slots: Vec<u64>,
    memory_kib: u64,
}

/// What was seen, by the minute in which a transaction was notified.
pub struct Minutes {
    began_ms: u64,
    minutes: BTreeMap<u64, Minute>,
}

impl Minutes {
    /// Of these.
    pub fn of(lags: Vec<Lag>) -> Self {
        let began_ms = lags.iter().map(|lag| lag.notified).min().unwrap_or_default() / 1_000;
        let mut minutes: BTreeMap<u64, Minute> = BTreeMap::new();
        for Lag { notified, lag } in lags {
            minutes.entry((notified / 1_000 - began_ms) / 60_000).or_default().lags.push(lag);
        }
        Self { began_ms, minutes }
    }

    /// A look at the running engine.
    pub fn see(&mut self, at_ms: u64, behind: u64, lag_slots: u64, memory_kib: u64) {
        let Some(since) = at_ms.checked_sub(self.began_ms) else { return };
        // What is worked off after the last notification is of no minute.
        if let Some(minute) = self.minutes.get_mut(&(since / 60_000)) {
            minute.behind = minute.behind.max(behind);
            minute.slots.push(lag_slots);
            minute.memory_kib = minute.memory_kib.max(memory_kib);
        }
    }

    /// A line a minute.
    pub fn print(&mut self) {
        println!("minute  transactions  lag ms: p50     p90     p99     max  behind  slots: p50  max  memory MiB");
        for (number, minute) in &mut self.minutes {
            minute.lags.sort_unstable();
            minute.slots.sort_unstable();
            let lag = |percent| at(&minute.lags, percent) / 1_000;
            println!(
                "{number:6}  {:12}  {:11} {:7} {:7} {:7}  {:6}  {:10} {:4}  {:10}",
                minute.lags.len(),
                lag(50),
                lag(90),
                lag(99),
                lag(100),
                minute.behind,
                at(&minute.slots, 50),
                at(&minute.slots, 100),
                minute.memory_kib / 1_024,
            );
        }
    }
}

/// The value below which so many of a hundred are; of sorted ones.
fn at<T: Copy + Default>(sorted: &[T], percent: usize) -> T {
    let last = sorted.len().saturating_sub(1);
    sorted.get((sorted.len() * percent / 100).min(last)).copied().unwrap_or_default()
}
