//! Census: which actors this process has, and how each of them does. For operators; nothing is decided by it.
//!
//! Owns a record of each long-lived kind of actor, in the order in which they are started. Root writes what it knows of their
//! lives, the turns of an actor are counted where it is polled ([`Gauge`]), the panic hook adds what was said last
//! ([`super::panics`]). Plain values behind short locks, so that whoever asks is answered while every actor is busy, and while
//! root is. Markets are counted, not listed: there may be hundreds of thousands; all of them share one record.
//!
//! The six services are the names that operators know; a kind belongs to one of them, or to none where all need it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Records that are kept: far more than there are kinds.
const RECORDS_MAX: usize = 256;

/// How it is with an actor, or with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has a life.
    Running,
    /// It is between two lives: the next begins by itself.
    Starting,
    /// It has no part in what this node is now, or is on its way out of a role.
    Waiting,
    /// An operator ended it; it begins again by an operator's word.
    Stopped,
    /// It has used up its restarts; it begins again by an operator's word.
    Failed,
    /// This node does not have it (ROLES).
    Disabled,
}

impl Status {
    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Disabled => "disabled",
        }
    }
}

/// What operators of such systems call the parts of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// REST.
    ApiGateway,
    /// WebSocket.
    WebsocketServer,
    /// From votes to decisions.
    VoteAggregator,
    /// What is due, stuck or low.
    MarketMonitor,
    /// From the chain to the journal.
    EventIndexer,
    /// Snapshots of discussion.
    IpfsService,
}

impl Service {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::ApiGateway,
        Self::WebsocketServer,
        Self::VoteAggregator,
        Self::MarketMonitor,
        Self::EventIndexer,
        Self::IpfsService,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiGateway => "api-gateway",
            Self::WebsocketServer => "websocket-server",
            Self::VoteAggregator => "vote-aggregator",
            Self::MarketMonitor => "market-monitor",
            Self::EventIndexer => "event-indexer",
            Self::IpfsService => "ipfs-service",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// Which one a kind of actor belongs to; `None`: all need it, or none.
    pub fn of(kind: &str) -> Option<Self> {
        match kind {
            GATEWAY | "submissions" => Some(Self::ApiGateway),
            HUB | "feeds" => Some(Self::WebsocketServer),
            "outbox reader" | "dirty marker" | "aggregator" | "submitter" | "keeper of the lease of governance" => {
                Some(Self::VoteAggregator)
            }
            "monitor" => Some(Self::MarketMonitor),
            "listener" | "journal writer" | "deliveries" | "stats keeper" | "keeper of ledgers" | "verifier" => {
                Some(Self::EventIndexer)
            }
            "snapshotter" | "keeper of the lease of snapshots" => Some(Self::IpfsService),
            _ => None,
        }
    }
}

/// The record of REST's gateways, one a worker.
pub const GATEWAY: &str = "gateway";
/// The record of the hubs, one a worker.
pub const HUB: &str = "hub";
/// The record of all streams: the markets, and the config.
pub const STREAMS: &str = "streams";

/// A panic, as it was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastPanic {
    /// When.
    pub at: DateTime<Utc>,
    /// What was said, and where in the source.
    pub message: String,
    /// The way there.
    pub backtrace: String,
}

/// What an actor shows while it works, in all its lives. Written without a lock by who polls it.
#[derive(Debug)]
pub struct Gauge {
    turns: AtomicU64,
    busy_nanos: AtomicU64,
    /// What waits in it, if it says so.
    queue: AtomicU64,
    queue_max: AtomicU64,
}

/// Of an actor that does not say what waits in it.
const UNSAID: u64 = u64::MAX;

impl Default for Gauge {
    fn default() -> Self {
        Self {
            turns: AtomicU64::new(0),
            busy_nanos: AtomicU64::new(0),
            queue: AtomicU64::new(UNSAID),
            queue_max: AtomicU64::new(UNSAID),
        }
    }
}

impl Gauge {
    /// It had a turn of so long: a message or more, or what it had waited for.
    pub fn turn(&self, time: Duration) {
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.busy_nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// So much waits in it, and so much may.
    pub fn waits(&self, queue: usize, most: usize) {
        self.queue.store(queue as u64, Ordering::Relaxed);
        self.queue_max.store(most as u64, Ordering::Relaxed);
    }

    /// Nobody is there for whom anything could wait.
    pub fn is_empty(&self) {
        if self.queue.load(Ordering::Relaxed) != UNSAID {
            self.queue.store(0, Ordering::Relaxed);
        }
    }

    /// Turns, in all its lives.
    pub fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// How long they took together.
    pub fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy_nanos.load(Ordering::Relaxed))
    }

    /// What waits in it and what may, if it says so.
    pub fn queue(&self) -> Option<(u64, u64)> {
        let said = |value: &AtomicU64| Some(value.load(Ordering::Relaxed)).filter(|value| *value != UNSAID);
        said(&self.queue).zip(said(&self.queue_max))
    }
}

#[derive(Debug)]
struct Life {
    status: Status,
    restarts: u64,
    panics: u64,
    started_at: Option<DateTime<Utc>>,
    last_panic: Option<LastPanic>,
}

/// A kind of actor.
#[derive(Debug)]
pub struct Record {
    name: &'static str,
    kind: &'static str,
    parent: Option<&'static str>,
    runs: &'static str,
    gauge: Arc<Gauge>,
    life: Mutex<Life>,
}

impl Record {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The service that it belongs to.
    pub fn service(&self) -> Option<Service> {
        Service::of(self.name)
    }

    /// What is counted of it.
    pub fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }

    /// It brings something new, while this node holds an office: it ends before who works that off.
    pub fn brings(&self) -> bool {
        matches!(self.runs, "leading" | "governing" | "snapshotting")
    }

    /// Lives that followed another because that one died, or because an operator wanted it.
    pub fn restarts(&self) -> u64 {
        self.life().restarts
    }

    /// Panics of it.
    pub fn panics(&self) -> u64 {
        self.life().panics
    }

    /// How it is with it.
    pub fn status(&self) -> Status {
        self.life().status
    }

    /// A life of it began.
    pub fn began(&self) {
        let mut life = self.life();
        (life.status, life.started_at) = (Status::Running, Some(Utc::now()));
    }

    /// It has no life now, for this reason.
    pub fn is(&self, status: Status) {
        self.gauge.is_empty();
        let mut life = self.life();
        (life.status, life.started_at) = (status, None);
    }

    /// Another life of it is to follow.
    pub fn restarted(&self) {
        self.life().restarts += 1;
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As it is now.
    pub fn view(&self) -> ActorView {
        let life = self.life();
        let (queue, queue_max) = self.gauge.queue().unzip();
        ActorView {
            name: self.name,
            parent: self.parent,
            kind: self.kind,
            service: self.service(),
            status: life.status,
            runs: self.runs,
            restarts: life.restarts,
            panics: life.panics,
            started_at: life.started_at,
            queue,
            queue_max,
            processed: self.gauge.turns(),
            busy_ms: u64::try_from(self.gauge.busy().as_millis()).unwrap_or(u64::MAX),
            last_panic: life.last_panic.clone(),
        }
    }
}

/// A kind of actor, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct ActorView {
    /// What it is called, and how it is named in orders.
    pub name: &'static str,
    /// Who starts it again.
    pub parent: Option<&'static str>,
    /// What it is: the same for those that do the same for different offices.
    pub kind: &'static str,
    /// The service that it belongs to.
    pub service: Option<Service>,
    /// How it is with it.
    pub status: Status,
    /// When there is one.
    pub runs: &'static str,
    /// See [`Record::restarts`].
    pub restarts: u64,
    /// See [`Record::panics`].
    pub panics: u64,
    /// When its life began; `null` while it has none.
    pub started_at: Option<DateTime<Utc>>,
    /// What waits in it, if it says so.
    pub queue: Option<u64>,
    /// How much may.
    pub queue_max: Option<u64>,
    /// Turns that it had in all its lives: each works off what had come.
    pub processed: u64,
    /// How long these took together.
    pub busy_ms: u64,
    /// The newest panic of it.
    pub last_panic: Option<LastPanic>,
}

/// A service, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceView {
    /// Which.
    pub name: &'static str,
    /// Of its actors: failed, stopped or starting if one is; else running if one is; else waiting.
    pub status: Status,
    /// Of all of them.
    pub restarts: u64,
    /// Since the newest life of them began; `null` while none has one.
    pub uptime_seconds: Option<u64>,
    /// Of all of them.
    pub busy_ms: u64,
    /// Their names.
    pub actors: Vec<&'static str>,
}

#[derive(Debug, Default)]
struct Inner {
    records: RwLock<Vec<Arc<Record>>>,
    elsewhere: Mutex<(u64, Option<LastPanic>)>,
}

/// See the module; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Census(Arc<Inner>);

impl Census {
    /// The record of a kind, made if it is not there yet.
    pub fn record(
        &self,
        name: &'static str,
        parent: Option<&'static str>,
        runs: &'static str,
        gauge: &Arc<Gauge>,
    ) -> Arc<Record> {
        if let Some(record) = self.find(name) {
            return record;
        }
        let kind = if name.starts_with("keeper of the lease") { "keeper of a lease" } else { name };
        let life = Life { status: Status::Waiting, restarts: 0, panics: 0, started_at: None, last_panic: None };
        let gauge = Arc::clone(gauge);
        let record = Arc::new(Record { name, kind, parent, runs, gauge, life: Mutex::new(life) });
        let mut records = self.0.records.write().unwrap_or_else(PoisonError::into_inner);
        if records.len() < RECORDS_MAX {
            records.push(Arc::clone(&record));
        }
        record
    }

    /// The record that all streams share: one of them begins when it is asked for.
    pub fn streams(&self) -> Arc<Record> {
        let record = self.record(STREAMS, Some("registry"), "always", &Arc::default());
        record.began();
        record
    }

    /// A worker begins one of its own kind; `again`: the one before had died.
    pub fn worker_begins(&self, name: &'static str, again: bool) -> Arc<Gauge> {
        let record = self.record(name, Some("root"), "always", &Arc::default());
        record.began();
        if again {
            record.restarted();
        }
        Arc::clone(record.gauge())
    }

    /// The record of that name.
    pub fn find(&self, name: &str) -> Option<Arc<Record>> {
        self.records().into_iter().find(|record| record.name == name)
    }

    /// All of them, in the order in which they are started.
    pub fn records(&self) -> Vec<Arc<Record>> {
        self.0.records.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Somebody panicked: an actor by its name, or whoever else.
    pub fn panicked(&self, who: &str, panic: LastPanic) {
        match self.find(who) {
            Some(record) => {
                let mut life = record.life();
                life.panics += 1;
                life.last_panic = Some(panic);
            }
            None => {
                let mut elsewhere = self.0.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
                elsewhere.0 += 1;
                elsewhere.1 = Some(panic);
            }
        }
    }

    /// Panics of who has no record, and the newest of them.
    pub fn elsewhere(&self) -> (u64, Option<LastPanic>) {
        self.0.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The services, each by its actors.
    pub fn services(&self) -> Vec<ServiceView> {
        let actors: Vec<ActorView> = self.records().iter().map(|record| record.view()).collect();
        let now = Utc::now();
        Service::ALL.into_iter().map(|service| service_view(service, &actors, now)).collect()
    }
}

fn service_view(service: Service, actors: &[ActorView], now: DateTime<Utc>) -> ServiceView {
    let own: Vec<&ActorView> = actors.iter().filter(|actor| actor.service == Some(service)).collect();
    let worst = [Status::Failed, Status::Stopped, Status::Starting, Status::Running, Status::Waiting];
    let status = worst.into_iter().find(|status| own.iter().any(|actor| actor.status == *status));
    let newest = own.iter().filter_map(|actor| actor.started_at).max();
    ServiceView {
        name: service.name(),
        status: status.unwrap_or(Status::Disabled),
        restarts: own.iter().map(|actor| actor.restarts).sum(),
        uptime_seconds: newest.map(|began| u64::try_from((now - began).num_seconds()).unwrap_or(0)),
        busy_ms: own.iter().map(|actor| actor.busy_ms).sum(),
        actors: own.iter().map(|actor| actor.name).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(names: &[&'static str]) -> Census {
        let census = Census::default();
        for name in names {
            census.record(name, Some("root"), "always", &Arc::default());
        }
        census
    }

    fn status_of(census: &Census, service: Service) -> Status {
        census.services().into_iter().find(|view| view.name == service.name()).unwrap().status
    }

    #[test]
    fn a_service_is_as_the_worst_of_its_actors_and_disabled_without_any() {
        let census = census(&["listener", "journal writer"]);
        assert_eq!(status_of(&census, Service::IpfsService), Status::Disabled);
        assert_eq!(status_of(&census, Service::EventIndexer), Status::Waiting);
        let (listener, writer) = (census.find("listener").unwrap(), census.find("journal writer").unwrap());
        listener.began();
        assert_eq!(status_of(&census, Service::EventIndexer), Status::Running);
        for status in [Status::Starting, Status::Stopped, Status::Failed] {
            writer.is(status);
            assert_eq!(status_of(&census, Service::EventIndexer), status);
        }
        assert_eq!(Service::ALL.map(|service| Service::named(service.name())), Service::ALL.map(Some));
    }

    #[test]
    fn a_panic_stands_with_its_actor_and_one_of_nobody_is_counted_too() {
        let census = census(&["listener"]);
        let said = |message: &str| LastPanic { at: Utc::now(), message: message.into(), backtrace: "0: here".into() };
        census.panicked("listener", said("first"));
        census.panicked("listener", said("second"));
        census.panicked("a thread", said("else"));
        let view = census.find("listener").unwrap().view();
        assert_eq!((view.panics, view.last_panic.unwrap().message), (2, "second".to_owned()));
        let (count, newest) = census.elsewhere();
        assert_eq!((count, newest.unwrap().message), (1, "else".to_owned()));
    }

    #[test]
    fn what_waits_is_shown_only_of_who_says_so_and_nothing_waits_for_who_is_gone() {
        let census = census(&["listener"]);
        let record = census.find("listener").unwrap();
        assert_eq!((record.view().queue, record.view().queue_max), (None, None));
        record.gauge().waits(7, 4_096);
        assert_eq!((record.view().queue, record.view().queue_max), (Some(7), Some(4_096)));
        record.is(Status::Starting);
        assert_eq!(record.view().queue, Some(0));
    }
}
