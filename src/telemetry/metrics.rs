//! Figures for operators, in the text format of Prometheus: served as `/metrics` on 4002, and on 4000 where METRICS_PUBLIC
//! says so.
//!
//! Owns every name and its help text; `zmart_` is in front of all of them. The registry is the process's own, not the library's
//! global one, so that tests beside each other count alone. What [`Health`] knows already is read from it when somebody asks;
//! the rest is counted where it happens: `health.metrics().note(|counts| counts.journal_entries.inc_by(3))`. Counting never
//! waits, never fails, and decides nothing. No label has a value that a stranger can choose: a series is for ever.

use std::{fmt, sync::Arc};

use prometheus::{Encoder, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use super::health::Health;

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const PREFIX: &str = "zmart";

/// What is counted where it happens.
pub struct Counts {
    /// Entries that are committed to the journal.
    pub journal_entries: IntCounter,
    /// Documents that were pinned.
    pub snapshots_pinned: IntCounter,
    /// Markets that a pass of snapshots found stuck, and those that the service was away from.
    pub snapshots_stuck: IntCounter,
    /// See [`Counts::snapshots_stuck`].
    pub snapshots_away: IntCounter,
    /// Deliveries of the webhook, by what was answered.
    pub deliveries: IntCounterVec,
    /// Deliveries that are not worked off yet; of the leader.
    pub deliveries_waiting: IntGauge,
    /// Transactions that deliveries named, by what came of them.
    pub hints: IntCounterVec,
    /// Differences that the newest complete comparison with the chain has found.
    pub verify_differences: IntGauge,
    /// When that was, in unix seconds.
    pub verify_last_success: IntGauge,
    /// What it compared.
    pub verify_markets: IntGauge,
    /// See there.
    pub verify_positions: IntGauge,
    /// See there.
    pub verify_votes: IntGauge,
}

/// What [`Health`] knows.
struct Known {
    covered_slot: IntGauge,
    chain_slot: IntGauge,
    finalized_slot: IntGauge,
    streams: IntGauge,
    stale_streams: IntGauge,
    ready: IntGauge,
    uptime: IntGauge,
}

struct Figures {
    registry: Registry,
    counts: Counts,
    known: Known,
}

impl Figures {
    fn new() -> prometheus::Result<Self> {
        let registry = Registry::new_custom(Some(PREFIX.to_owned()), None)?;
        let make = Make(&registry);
        let counts = Counts {
            journal_entries: make.count("journal_entries_total", "Entries committed to the journal.")?,
            snapshots_pinned: make
                .count("snapshots_pinned_total", "Documents of discussions that were pinned to IPFS.")?,
            snapshots_stuck: make.count(
                "snapshots_stuck_total",
                "Times that a market's discussion could not be pinned for what it is.",
            )?,
            snapshots_away: make
                .count("snapshots_away_total", "Times that the pinning service did not take a market's discussion.")?,
            deliveries: make.counts(
                "webhook_deliveries_total",
                "Deliveries of the webhook: taken, known (kept already), or why not.",
                "outcome",
            )?,
            deliveries_waiting: make.gauge(
                "webhook_deliveries_waiting",
                "Deliveries that are kept and not worked off yet, as the leader counts them each second.",
            )?,
            hints: make.counts(
                "webhook_transactions_total",
                "Transactions that deliveries named: brought (to their streams, before anything else was), missed (of these, \
                 what coverage had not found), and by how each ended: known, failed, never_came, unreadable, unusable.",
                "outcome",
            )?,
            verify_differences: make
                .gauge("verify_differences", "Differences from the chain that the newest complete comparison found.")?,
            verify_last_success: make.gauge(
                "verify_last_success_timestamp_seconds",
                "When a comparison with the chain was last complete, whatever it found; 0: never.",
            )?,
            verify_markets: make.gauge("verify_compared_markets", "Markets that the newest comparison compared.")?,
            verify_positions: make.gauge("verify_compared_positions", "Positions that it compared.")?,
            verify_votes: make.gauge("verify_compared_votes", "Votes on the chain that it compared.")?,
        };
        let known = Known {
            covered_slot: make.gauge("covered_slot", "Every event of the program at or below this slot is durable.")?,
            chain_slot: make.gauge("chain_slot", "The chain's newest confirmed slot, as last seen.")?,
            finalized_slot: make.gauge("finalized_slot", "What is recorded at or below this slot is final.")?,
            streams: make.gauge("streams_running", "Streams whose actor runs: markets in use, and the config.")?,
            stale_streams: make.gauge("streams_stale", "Streams that may be behind the chain.")?,
            ready: make.gauge("ready", "1 while no part is down, as /ready says.")?,
            uptime: make.gauge("uptime_seconds", "Seconds since the process began.")?,
        };
        Ok(Self { registry, counts, known })
    }

    fn text(&self, health: &Health) -> prometheus::Result<Vec<u8>> {
        let (covered, head) = health.coverage();
        let known = &self.known;
        known.covered_slot.set(whole(covered.0));
        known.chain_slot.set(whole(head.0));
        known.finalized_slot.set(whole(health.finality().0));
        known.streams.set(whole(health.streams() as u64));
        known.stale_streams.set(whole(health.stale_streams().len() as u64));
        known.ready.set(i64::from(health.is_ready()));
        known.uptime.set(whole(health.uptime_seconds()));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Makes a figure and registers it.
struct Make<'r>(&'r Registry);

impl Make<'_> {
    fn count(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        let count = IntCounter::with_opts(Opts::new(name, help))?;
        self.0.register(Box::new(count.clone()))?;
        Ok(count)
    }

    /// One for each value of a label; a value is shown from its first time on.
    fn counts(&self, name: &str, help: &str, label: &str) -> prometheus::Result<IntCounterVec> {
        let counts = IntCounterVec::new(Opts::new(name, help), &[label])?;
        self.0.register(Box::new(counts.clone()))?;
        Ok(counts)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        let gauge = IntGauge::with_opts(Opts::new(name, help))?;
        self.0.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }
}

/// The process's figures; clones share them.
#[derive(Clone)]
pub struct Metrics(Option<Arc<Figures>>);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All figures, at 0.
    pub fn new() -> Self {
        // Only a name that is none, or that stands twice, is refused: constants of this file, all of them tried by its tests.
        let figures = Figures::new().inspect_err(|error| log::error!("nothing is counted: {error}"));
        Self(figures.ok().map(Arc::new))
    }

    /// Something happened that is counted.
    pub fn note(&self, note: impl FnOnce(&Counts)) {
        if let Some(figures) = &self.0 {
            note(&figures.counts);
        }
    }

    /// All figures as text, together with what `health` knows.
    ///
    /// # Errors
    /// They can't be written, which a test excludes.
    pub fn text(&self, health: &Health) -> prometheus::Result<Vec<u8>> {
        match &self.0 {
            Some(figures) => figures.text(health),
            None => Err(prometheus::Error::Msg("there are no figures".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Slot;

    #[test]
    fn what_is_counted_and_what_is_known_stands_in_the_text_with_its_help() {
        let health = Health::new();
        health.covered(Slot(70), Slot(72));
        health.metrics().note(|counts| counts.journal_entries.inc_by(3));
        health.clone().metrics().note(|counts| counts.journal_entries.inc());
        let text = String::from_utf8(health.metrics().text(&health).unwrap()).unwrap();
        for line in ["zmart_journal_entries_total 4", "zmart_covered_slot 70", "zmart_chain_slot 72", "zmart_ready 0"] {
            assert!(text.lines().any(|own| own == line), "{line} in {text}");
        }
        let names = text.lines().filter(|line| line.starts_with("# TYPE "));
        for name in names.filter_map(|line| line.split(' ').nth(2)) {
            assert!(name.starts_with("zmart_"), "{name}");
            assert!(text.contains(&format!("# HELP {name} ")), "{name}");
        }
    }

    #[test]
    fn another_process_of_the_same_machine_counts_alone() {
        let (one, other) = (Health::new(), Health::new());
        one.metrics().note(|counts| counts.journal_entries.inc());
        let text = String::from_utf8(other.metrics().text(&other).unwrap()).unwrap();
        assert!(text.contains("zmart_journal_entries_total 0\n"), "{text}");
    }
}
