//! What is read when somebody asks for the figures: from health, the logs, the pools, and from the system about the process.
//!
//! One reading at a time. Reads plain values and the kernel's files, asks no actor and no server: it answers at once, also
//! while nothing else does.

use std::sync::{Mutex, PoisonError};

use prometheus::IntCounter;

use super::Known;
use crate::{
    journal::lease::Office,
    telemetry::{
        census::Status,
        health::{Health, PartState},
        logging,
    },
};

/// Readings of figures that others keep.
pub(super) struct Collecting(Mutex<Known>);

impl Collecting {
    pub(super) fn new(known: Known) -> Self {
        Self(Mutex::new(known))
    }

    pub(super) fn collect(&self, health: &Health) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.read_health(health);
        known.read_actors(health);
        known.read_pools(health);
        for (level, lines) in logging::written() {
            raise(&known.log_lines.with_label_values(&[level.as_str()]), lines);
        }
        known.read_process();
    }
}

/// A count that somebody else keeps, which never falls.
fn raise(count: &IntCounter, to: u64) {
    count.inc_by(to.saturating_sub(count.get()));
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Known {
    fn read_health(&self, health: &Health) {
        let (covered, head) = health.coverage();
        self.covered_slot.set(whole(covered.0));
        self.chain_slot.set(whole(head.0));
        self.chain_lag.set(whole(head.0.saturating_sub(covered.0)));
        self.finalized_slot.set(whole(health.finality().0));
        self.streams.set(whole(health.streams() as u64));
        raise(&self.streams_begun, health.streams_begun());
        self.stale_streams.set(whole(health.stale_streams().len() as u64));
        let parts = health.parts();
        self.ready.set(i64::from(parts.values().all(PartState::is_fit)));
        self.uptime.set(whole(health.uptime_seconds()));
        self.parts.reset();
        for (part, state) in parts {
            let name = format!("{part:?}").to_ascii_lowercase();
            if !matches!(state, PartState::Off { .. }) {
                self.parts.with_label_values(&[name.as_str()]).set(i64::from(state == PartState::Up));
            }
        }
        for office in Office::ALL {
            let is_held = health.standing(office).is_some_and(|standing| standing.role == "leader");
            self.leads.with_label_values(&[office.as_str()]).set(i64::from(is_held));
        }
    }

    fn read_actors(&self, health: &Health) {
        for record in health.census().records() {
            let (kind, gauge) = ([record.name()], record.gauge());
            self.actor_running.with_label_values(&kind).set(i64::from(record.status() == Status::Running));
            raise(&self.actor_restarts.with_label_values(&kind), record.restarts());
            raise(&self.actor_panics.with_label_values(&kind), record.panics());
            raise(&self.actor_turns.with_label_values(&kind), gauge.turns());
            let busy = u64::try_from(gauge.busy().as_millis()).unwrap_or(u64::MAX);
            raise(&self.actor_busy.with_label_values(&kind), busy);
            if let Some((waiting, _)) = gauge.queue() {
                self.actor_queue.with_label_values(&kind).set(whole(waiting));
            }
        }
        raise(&self.actor_panics.with_label_values(&["elsewhere"]), health.census().elsewhere().0);
    }

    fn read_pools(&self, health: &Health) {
        for usage in health.pools().usage() {
            let set = |state, number| self.pool_connections.with_label_values(&[usage.name, state]).set(whole(number));
            set("used", usage.used);
            set("idle", usage.idle);
            self.pool_limit.with_label_values(&[usage.name]).set(whole(usage.limit));
            self.pool_waiting.with_label_values(&[usage.name]).set(whole(usage.waiting));
        }
    }

    /// What can't be read stays as it was.
    fn read_process(&self) {
        if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
            let field = |name| status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
            let number = |name| field(name).and_then(|text| text.parse::<u64>().ok());
            if let Some(kibibytes) = number("VmRSS:") {
                self.resident_bytes.set(whole(kibibytes.saturating_mul(1_024)));
            }
            if let Some(threads) = number("Threads:") {
                self.threads.set(whole(threads));
            }
        }
        if let Ok(stat) = std::fs::read_to_string("/proc/self/stat") {
            // After the name, which may hold anything: the 12th and 13th field are ticks in user and in kernel mode.
            let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            let ticks: u64 =
                after.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
            raise(&self.cpu_seconds, ticks / TICKS_A_SECOND);
        }
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            // One of them is this reading's own.
            self.open_files.set(whole((files.count() as u64).saturating_sub(1)));
        }
        let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        self.open_files_max.set(most.map_or(i64::MAX, whole));
    }
}

/// `USER_HZ`, which Linux has promised to programs.
const TICKS_A_SECOND: u64 = 100;
