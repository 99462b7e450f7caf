//! What the parts of the process say of themselves, for `/health`, `/ready` and the heartbeats.
//!
//! Plain values behind one lock, written by the part that knows (never computed by the reader), so that a probe answers
//! at once even while every actor is busy.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde::Serialize;
use utoipa::ToSchema;

use super::{census::Census, intake::Intake, metrics::Metrics, pools::Pools, threads::Threads};
use crate::{
    domain::ids::{AccountAddress, Slot},
    journal::lease::Office,
};

/// A stream that is stale for longer turns readiness down.
pub const STALE_FOR: Duration = Duration::from_secs(30);
/// Stale streams that are named; while there are so many, readiness is down.
pub const STALE_KEPT: usize = 1_000;

/// A part of the process that readiness depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// PostgreSQL answers.
    Database,
    /// Appends are acknowledged in time.
    Journal,
    /// The chain's RPC answers.
    Rpc,
    /// The second node of the chain: whether it could be used, or is.
    Fallback,
    /// Live notifications flow.
    Live,
    /// Coverage reaches the chain's head.
    Coverage,
    /// What users wrote reaches the journal in time.
    Outbox,
    /// No market is stale for long.
    Markets,
    /// No actor kind has used up its restarts.
    Restarts,
    /// Every thread that runs actors answers.
    Actors,
    /// Counters of rate limits are shared with other nodes.
    Redis,
    /// Which node leads.
    Lease,
    /// Which node turns votes into approvals, and resolutions into final ones.
    Governance,
    /// The authorities' keys that governance signs with.
    Keys,
    /// What is committed reaches other nodes at once.
    Bus,
    /// Which node has discussions pinned.
    Snapshots,
}

/// How a part is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum PartState {
    /// Fit for work.
    Up,
    /// Not as it should be, and why; fit for work all the same.
    Degraded {
        /// For people.
        reason: String,
    },
    /// Not used, and why; fit for work all the same.
    Off {
        /// For people.
        reason: String,
    },
    /// Not fit, and why.
    Down {
        /// For people.
        reason: String,
    },
}

impl PartState {
    /// True unless it is down.
    pub fn is_fit(&self) -> bool {
        !matches!(self, Self::Down { .. })
    }
}

/// Who holds an office among the nodes of a database, as this one knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeaseStanding {
    /// This node.
    pub node: String,
    /// `leader`: this one; `follower`: another; or `nobody`.
    pub role: &'static str,
    /// Who holds it, or did last.
    pub leader: String,
    /// In which term.
    pub term: i64,
}

impl LeaseStanding {
    /// This process has the lease of a term.
    pub fn own(node: &str, term: i64) -> Self {
        Self { node: node.to_owned(), role: "leader", leader: node.to_owned(), term }
    }

    /// Another process has the lease of a term, if it is valid; perhaps one that goes by the same name.
    pub fn of_another(node: &str, leader: &str, term: i64, is_valid: bool) -> Self {
        let role = if is_valid { "follower" } else { "nobody" };
        Self { node: node.to_owned(), role, leader: leader.to_owned(), term }
    }
}

#[derive(Debug, Default)]
struct Values {
    leases: BTreeMap<Office, LeaseStanding>,
    parts: BTreeMap<Part, PartState>,
    covered_slot: Slot,
    head_slot: Slot,
    finalized_slot: Slot,
    stale: BTreeMap<AccountAddress, (Instant, String)>,
}

/// The process's health; clones share it.
#[derive(Debug, Clone)]
pub struct Health {
    started: Instant,
    values: Arc<RwLock<Values>>,
    streams: Arc<AtomicUsize>,
    streams_begun: Arc<AtomicU64>,
    threads: Threads,
    pools: Pools,
    census: Census,
    intake: Intake,
    metrics: Metrics,
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// A process that was just started: every part is down until it says otherwise.
    pub fn new() -> Self {
        let starting = || PartState::Down { reason: "starting".into() };
        let parts = [Part::Lease, Part::Database, Part::Journal, Part::Rpc, Part::Live, Part::Coverage, Part::Outbox]
            .map(|part| (part, starting()));
        let values = Values { parts: parts.into_iter().collect(), ..Values::default() };
        Self {
            started: Instant::now(),
            values: Arc::new(RwLock::new(values)),
            streams: Arc::default(),
            streams_begun: Arc::default(),
            threads: Threads::default(),
            pools: Pools::default(),
            census: Census::default(),
            intake: Intake::default(),
            metrics: Metrics::new(),
        }
    }

    /// A part is fit.
    pub fn up(&self, part: Part) {
        self.set(part, PartState::Up);
    }

    /// A part is not fit.
    pub fn down(&self, part: Part, reason: impl Into<String>) {
        self.set(part, PartState::Down { reason: reason.into() });
    }

    /// A part is not as it should be, and the process is fit for work all the same.
    pub fn degraded(&self, part: Part, reason: impl Into<String>) {
        self.set(part, PartState::Degraded { reason: reason.into() });
    }

    /// A part is not used.
    pub fn off(&self, part: Part, reason: impl Into<String>) {
        self.set(part, PartState::Off { reason: reason.into() });
    }

    fn set(&self, part: Part, state: PartState) {
        let mut values = self.values.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = values.parts.insert(part, state.clone());
        // Reasons may count seconds: only a change of the status is news.
        let was_up = before == Some(PartState::Up);
        match state {
            PartState::Up if !was_up => log::info!("{part:?} is up"),
            PartState::Down { reason } if was_up => log::warn!("{part:?} is down: {reason}"),
            PartState::Degraded { reason } if was_up || before.is_none() => {
                log::warn!("{part:?} is degraded: {reason}");
            }
            _ => {}
        }
    }

    /// A stream may be behind the chain, and why; `None`: it is not any more. A short heal is no news to readiness: it
    /// turns down when a stream has been stale for [`STALE_FOR`].
    pub fn stale(&self, stream: AccountAddress, reason: Option<&str>) {
        let mut values = self.values.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        match reason {
            None => {
                values.stale.remove(&stream);
            }
            Some(reason) if values.stale.len() < STALE_KEPT || values.stale.contains_key(&stream) => {
                let since = values.stale.get(&stream).map_or_else(Instant::now, |(since, _)| *since);
                values.stale.insert(stream, (since, reason.to_owned()));
            }
            Some(_) => {}
        }
    }

    /// What streams may be behind the chain is not known any more: the node has another role.
    pub fn forget_stale(&self) {
        self.values.write().unwrap_or_else(std::sync::PoisonError::into_inner).stale.clear();
    }

    /// Who holds an office.
    pub fn set_lease(&self, office: Office, standing: LeaseStanding) {
        self.values.write().unwrap_or_else(std::sync::PoisonError::into_inner).leases.insert(office, standing);
    }

    /// Who leads, once that is known.
    pub fn lease(&self) -> Option<LeaseStanding> {
        self.standing(Office::Engine)
    }

    /// Who governs, once that is known.
    pub fn governance(&self) -> Option<LeaseStanding> {
        self.standing(Office::Governance)
    }

    /// Who holds an office, once that is known.
    pub fn standing(&self, office: Office) -> Option<LeaseStanding> {
        self.values.read().unwrap_or_else(std::sync::PoisonError::into_inner).leases.get(&office).cloned()
    }

    /// Streams that may be behind the chain, and why.
    pub fn stale_streams(&self) -> Vec<(AccountAddress, String)> {
        let values = self.values.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        values.stale.iter().map(|(stream, (_, reason))| (*stream, reason.clone())).collect()
    }

    /// The streams that may be behind the chain for longest: for how long, and why.
    pub fn stale_longest(&self, most: usize) -> Vec<(AccountAddress, Duration, String)> {
        let values = self.values.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut longest: Vec<_> =
            values.stale.iter().map(|(stream, (since, why))| (*stream, since.elapsed(), why.clone())).collect();
        longest.sort_by_key(|(_, time, _)| std::cmp::Reverse(*time));
        longest.truncate(most);
        longest
    }

    /// Why a stream may be behind the chain, if it may.
    pub fn why_stale(&self, stream: AccountAddress) -> Option<String> {
        let values = self.values.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        values.stale.get(&stream).map(|(_, reason)| reason.clone())
    }

    /// A stream's actor was started.
    pub fn stream_began(&self) {
        self.streams.fetch_add(1, Ordering::Relaxed);
        self.streams_begun.fetch_add(1, Ordering::Relaxed);
    }

    /// A stream's actor is gone.
    pub fn stream_ended(&self) {
        self.streams.fetch_sub(1, Ordering::Relaxed);
    }

    /// Streams that were started since the process began, each as often as it was.
    pub fn streams_begun(&self) -> u64 {
        self.streams_begun.load(Ordering::Relaxed)
    }

    /// Streams whose actor runs now: the markets in use, and the config.
    pub fn streams(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }

    /// The chain is covered up to here: every event of the program at or below this slot is durable.
    pub fn covered(&self, covered_slot: Slot, head_slot: Slot) {
        let mut values = self.values.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        values.covered_slot = values.covered_slot.max(covered_slot);
        values.head_slot = values.head_slot.max(head_slot);
    }

    /// What is known of the chain was of another database: this one's is covered as far as its own cursor says.
    pub fn forget_chain(&self) {
        let mut values = self.values.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        (values.covered_slot, values.head_slot, values.finalized_slot) = (Slot(0), Slot(0), Slot(0));
    }

    /// The covered slot and the chain's newest confirmed slot, as last seen.
    pub fn coverage(&self) -> (Slot, Slot) {
        let values = self.values.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        (values.covered_slot, values.head_slot)
    }

    /// Everything of the program at or below this slot was found on the finalized chain, and is durable.
    pub fn finalized(&self, slot: Slot) {
        let mut values = self.values.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        values.finalized_slot = values.finalized_slot.max(slot);
    }

    /// As [`Health::finalized`] was last told; 0 before.
    pub fn finality(&self) -> Slot {
        self.values.read().unwrap_or_else(std::sync::PoisonError::into_inner).finalized_slot
    }

    /// Every part that readiness depends on.
    pub fn parts(&self) -> BTreeMap<Part, PartState> {
        let values = self.values.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut parts = values.parts.clone();
        let long = values.stale.iter().find(|(_, (since, _))| since.elapsed() > STALE_FOR);
        let markets = match long {
            Some((stream, (_, reason))) => PartState::Down { reason: format!("{stream}: {reason}") },
            // There may be more that nobody has room to name.
            None if values.stale.len() >= STALE_KEPT => {
                PartState::Down { reason: format!("{STALE_KEPT} streams or more are behind the chain") }
            }
            None => PartState::Up,
        };
        parts.insert(Part::Markets, markets);
        parts
    }

    /// All parts are fit.
    pub fn is_ready(&self) -> bool {
        self.parts().values().all(PartState::is_fit)
    }

    /// The threads that run actors: who starts one adds it, the watchdog asks them.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// The pools of connections: who makes one adds it.
    pub fn pools(&self) -> &Pools {
        &self.pools
    }

    /// Which actors there are, and how each does.
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// Whether new input of users is taken.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// What is counted, for operators.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Seconds since the start.
    pub fn uptime_seconds(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_stale_streams_are_named_and_more_turn_readiness_down() {
        let health = Health::new();
        let stream = |n: usize| {
            let mut bytes = [1; 32];
            bytes[..8].copy_from_slice(&n.to_le_bytes());
            AccountAddress(bytes)
        };
        for n in 0..STALE_KEPT - 1 {
            health.stale(stream(n), Some("a gap"));
        }
        assert_eq!(health.parts()[&Part::Markets], PartState::Up, "a short heal is no news");
        health.stale(stream(STALE_KEPT - 1), Some("a gap"));
        health.stale(stream(STALE_KEPT), Some("one more"));
        assert_eq!(health.stale_streams().len(), STALE_KEPT);
        assert!(matches!(health.parts()[&Part::Markets], PartState::Down { .. }));
        health.stale(stream(0), None);
        assert_eq!(health.parts()[&Part::Markets], PartState::Up);
    }
}
