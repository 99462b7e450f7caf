//! Figures for operators, in the text format of Prometheus: served as `/metrics` on 4002 and on the operators' port, and on 4000
//! where METRICS_PUBLIC says so.
//!
//! Owns every name, its labels and its help text: the two tables below are all there are, `docs/metrics.md` is made from them,
//! and the dashboard and alert rules in `deploy/` are tested against them. `zmart_` is in front of every name. The registry is
//! the process's own, not the library's global one, so that tests beside each other count alone. What others know already is
//! read from them when somebody asks (`collect`); the rest is counted where it happens:
//! `health.metrics().note(|counts| counts.journal_entries.inc_by(3))`. Counting never waits, never fails, and decides nothing.
//! No label has a value that a stranger can choose, and none names a market or a wallet: a series is for ever.

mod collect;
mod figure;
mod list;

use std::{fmt, sync::Arc};

use prometheus::{
    Encoder, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder,
};

pub use self::list::{Described, described, markdown};
use self::{collect::Collecting, figure::figures};
use super::health::Health;

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// In front of every name.
pub const PREFIX: &str = "zmart";

figures! {
    /// What is counted where it happens.
    pub struct Counts {
        // The journal.
        journal_entries: IntCounter, "journal_entries_total", [], "Entries committed to the journal.";
        journal_batches: IntCounter, "journal_batches_total", [], "Transactions that the journal's writer committed.";
        journal_retries: IntCounterVec, "journal_retries_total", ["reason"],
            "Batches that were not written at once: again (the server's or the network's trouble), unknown (no answer to COMMIT), \
             refused (they break a rule of the database), lease_over.";
        journal_commit: Histogram, "journal_commit_seconds", [],
            "From the beginning of a batch to its durable end, with all its tries.";
        journal_lag: Histogram, "journal_append_seconds", [],
            "How far the journal is behind what is known: from an append's arrival at the writer until it is durable.";
        journal_waiting: IntGauge, "journal_waiting_entries", [], "Entries that wait for the writer's next batch.";
        outbox_age: IntGauge, "outbox_oldest_seconds", [],
            "Age of the oldest vote, comment or document that is not in the journal yet; of the leader.";
        outbox_dropped: IntCounter, "outbox_dropped_total", [],
            "Users' writes that became dead letters instead of entries.";
        // The chain.
        chain_transactions: IntCounterVec, "chain_transactions_total", ["source"],
            "Transactions of the program as they came: live (by the subscription), coverage (by asking the node), hint (by a \
             delivery). One may come by several ways.";
        live_begun: IntCounter, "live_subscriptions_total", [], "Live subscriptions that were begun; more than one: it was cut.";
        streams_healed: IntCounter, "streams_healed_total", [],
            "Times that a market or the config did not fit its events and was read again from the chain.";
        rollbacks: IntCounter, "rollbacks_total", [], "Times that a fork took entries of a stream back.";
        rpc_calls: IntCounterVec, "rpc_calls_total", ["node", "outcome"],
            "Calls to the chain's nodes (first, second) and how they ended: ok (an answer came, whatever it says), limited (429), \
             failed.";
        rpc_time: HistogramVec, "rpc_call_seconds", ["node"], "How long a node took to answer a call.";
        // REST, and what else comes by HTTP.
        http_requests: IntCounterVec, "http_requests_total", ["service", "method", "route", "status"],
            "Requests that were answered, by port, method, route (as in the documents; none: refused before a route was found) \
             and status.";
        http_time: HistogramVec, "http_request_seconds", ["service", "route"],
            "From a request's head to its answer's head.";
        http_in_flight: IntGaugeVec, "http_requests_in_flight", ["service"], "Requests that are being answered.";
        connections_refused: IntCounterVec, "http_connections_refused_total", ["service"],
            "Connections that were ended when they came: their address has as many as it may have.";
        // WebSocket.
        sockets: IntGauge, "ws_connections", [], "WebSocket connections that are open.";
        sockets_opened: IntCounter, "ws_connections_total", [], "WebSocket connections that were taken.";
        sockets_closed: IntCounterVec, "ws_closed_total", ["code"],
            "Connections that were closed from here, by close code (lost: ended without one).";
        subscriptions: IntGauge, "ws_subscriptions", [], "Channels that connections listen to, each as often as one does.";
        frames_sent: IntCounter, "ws_frames_sent_total", [], "Frames that were handed to sockets.";
        bytes_sent: IntCounter, "ws_bytes_sent_total", [], "Bytes that were handed to sockets.";
        messages_heard: IntCounter, "ws_messages_received_total", [], "Messages and control frames of clients.";
        commands: IntCounterVec, "ws_commands_total", ["action", "outcome"],
            "Actions of clients that need an answer from the engine, and how they ended: ok, or the code of the refusal.";
        // Users' transactions.
        submissions: IntCounterVec, "submissions_total", ["status"],
            "Users' transactions by what became of them: received, processed, confirmed, finalized, failed, expired.";
        // Governance, and alerts.
        governance: IntCounterVec, "governance_submissions_total", ["purpose", "outcome"],
            "Transactions of the authorities that were settled: finalized, failed, expired.";
        authority_balance: IntGaugeVec, "authority_balance_lamports", ["authority"],
            "What the authorities hold, as the monitor last saw it.";
        alerts_open: IntGaugeVec, "alerts_open", ["kind"],
            "Alerts that are open, as the monitor last counted them; of the node that governs.";
        alert_posts: IntCounterVec, "alert_webhook_posts_total", ["outcome"],
            "Posts of alerts to the operator's webhook: taken, refused, failed.";
        // Documents of discussions.
        snapshots_pinned: IntCounter, "snapshots_pinned_total", [],
            "Documents of discussions that were pinned to IPFS.";
        snapshots_stuck: IntCounter, "snapshots_stuck_total", [],
            "Times that a market's discussion could not be pinned for what it is.";
        snapshots_away: IntCounter, "snapshots_away_total", [],
            "Times that the pinning service did not take a market's discussion.";
        // The webhook of the chain's events.
        deliveries: IntCounterVec, "webhook_deliveries_total", ["outcome"],
            "Deliveries of the webhook: taken, known (kept already), or why not.";
        deliveries_waiting: IntGauge, "webhook_deliveries_waiting", [],
            "Deliveries that are kept and not worked off yet, as the leader counts them each second.";
        hints: IntCounterVec, "webhook_transactions_total", ["outcome"],
            "Transactions that deliveries named: brought (to their streams, before anything else was), missed (of these, \
             what coverage had not found), and by how each ended: known, failed, never_came, unreadable, unusable.";
        // Comparisons with the chain.
        verify_differences: IntGauge, "verify_differences", [],
            "Differences from the chain that the newest complete comparison found.";
        verify_last_success: IntGauge, "verify_last_success_timestamp_seconds", [],
            "When a comparison with the chain was last complete, whatever it found; 0: never.";
        verify_markets: IntGauge, "verify_compared_markets", [], "Markets that the newest comparison compared.";
        verify_positions: IntGauge, "verify_compared_positions", [], "Positions that it compared.";
        verify_votes: IntGauge, "verify_compared_votes", [], "Votes on the chain that it compared.";
        // Caches.
        cache_reads: IntCounterVec, "cache_reads_total", ["cache", "outcome"],
            "Looks into what is kept ready, by hit or miss: markets and lists (answers of REST), pages (of WebSocket replays).";
    }
}

figures! {
    /// What others know, read when somebody asks.
    struct Known {
        covered_slot: IntGauge, "covered_slot", [], "Every event of the program at or below this slot is durable.";
        chain_slot: IntGauge, "chain_slot", [], "The chain's newest confirmed slot, as last seen.";
        chain_lag: IntGauge, "chain_lag_slots", [], "How many slots the journal is behind the chain's newest confirmed one.";
        finalized_slot: IntGauge, "finalized_slot", [], "What is recorded at or below this slot is final.";
        streams: IntGauge, "streams_running", [], "Streams whose actor runs: markets in use, and the config.";
        streams_begun: IntCounter, "streams_begun_total", [], "Streams whose actor was started, each as often as it was.";
        stale_streams: IntGauge, "streams_stale", [], "Streams that may be behind the chain.";
        ready: IntGauge, "ready", [], "1 while no part is down, as /ready says.";
        parts: IntGaugeVec, "part_up", ["part"], "1 while a part of the process is up, 0 while it is degraded or down; none: not used.";
        leads: IntGaugeVec, "office_held", ["office"],
            "1 while this node holds the office among the nodes of its database (engine, governance, snapshots), else 0.";
        actor_running: IntGaugeVec, "actor_running", ["kind"], "1 while a kind of actor has a life, else 0.";
        actor_restarts: IntCounterVec, "actor_restarts_total", ["kind"],
            "Lives that followed another because that one died, or because an operator wanted it.";
        actor_panics: IntCounterVec, "actor_panics_total", ["kind"],
            "Panics of a kind of actor; elsewhere: of whatever is none.";
        actor_turns: IntCounterVec, "actor_turns_total", ["kind"], "Turns that a kind of actor has worked.";
        actor_busy: IntCounterVec, "actor_busy_milliseconds_total", ["kind"], "How long these took together.";
        actor_queue: IntGaugeVec, "actor_queue", ["kind"], "What waits in an actor, where it has a queue of its own.";
        uptime: IntGauge, "uptime_seconds", [], "Seconds since the process began.";
        pool_connections: IntGaugeVec, "pool_connections", ["pool", "state"],
            "Connections to PostgreSQL, by who uses them: used, idle.";
        pool_limit: IntGaugeVec, "pool_connections_max", ["pool"], "How many of them there may be.";
        pool_waiting: IntGaugeVec, "pool_waiting", ["pool"], "Who waits for a connection now.";
        log_lines: IntCounterVec, "log_lines_total", ["level"], "Lines that were logged.";
        resident_bytes: IntGauge, "process_resident_bytes", [], "Memory of the process; Linux only, as all of process_.";
        cpu_seconds: IntCounter, "process_cpu_seconds_total", [], "Time on a processor, in whole seconds.";
        open_files: IntGauge, "process_open_files", [], "Descriptors that are open: sockets, most of all.";
        open_files_max: IntGauge, "process_open_files_max", [], "How many there may be.";
        threads: IntGauge, "process_threads", [], "Threads.";
    }
}

struct Figures {
    registry: Registry,
    counts: Counts,
    collecting: Collecting,
}

impl Figures {
    fn new() -> prometheus::Result<Self> {
        let registry = Registry::new_custom(Some(PREFIX.to_owned()), None)?;
        let (counts, known) = (Counts::made(&registry)?, Known::made(&registry)?);
        Ok(Self { registry, counts, collecting: Collecting::new(known) })
    }

    fn text(&self, health: &Health) -> prometheus::Result<Vec<u8>> {
        self.collecting.collect(health);
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
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
mod tests;
