//! Follower: on a node that does not lead, brings what the leader has committed to the streams, the feeds and the sockets.
//!
//! Owns how far this node has heard. What comes over the bus is passed on as it is; messages are numbered, so one that was
//! lost is noticed by the next, which comes within a second. Then, at every new leader, and as long as nothing is heard
//! (no bus, a bus that is away, nobody leads), what was missed is read from PostgreSQL ([`read`]): the bus is fast, the
//! journal is right. Never writes, never judges an entry.
//!
//! - Messages of an older term than the newest are left alone: a leader that was paused may still have some to send.
//! - What is no message is counted and left alone.
//! - A registry that is too busy to take a batch makes it a missed one.

mod read;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use bytes::Bytes;
use deadpool_postgres::Pool;
use tokio::sync::{broadcast, mpsc};
use uuid::Uuid;

use self::read::Reader;
use super::{
    committed::{Committed, CommittedEntry},
    registry::{HearCommitted, Registry},
    submissions::SubmissionNews,
    supervision::{Crash, DeathGuard, Link},
    trouble::Lasting,
};
use crate::{
    bus::{
        Bus, Heard,
        wire::{self, Message, Said},
    },
    domain::ids::{Epoch, ProgramId},
    journal::lease::Term,
    telemetry::health::{Health, Part},
};

/// A leader that has said nothing for so long is not heard.
const SILENT_AFTER: Duration = Duration::from_secs(3);
/// It looks so often whether it hears anything; and reads so often while it does not.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two readings because of something that was missed.
const READ_PAUSE: Duration = Duration::from_millis(200);

/// What the follower works with.
#[derive(Clone)]
pub struct FollowerParts {
    /// The way to the other nodes, if there is one.
    pub bus: Option<Arc<dyn Bus>>,
    /// Of its arbiter, for reading.
    pub pool: Pool,
    /// The way to the streams.
    pub registry: Link<Registry>,
    /// Where what is committed is told in this process.
    pub committed: broadcast::Sender<Arc<Committed>>,
    /// Where it is told what becomes of users' transactions.
    pub news: broadcast::Sender<SubmissionNews>,
    /// The journal's life.
    pub epoch: Epoch,
    /// Whose cursor says how far the chain is covered.
    pub program: ProgramId,
    /// Where it is told how far this node has come.
    pub health: Health,
}

/// See the module.
pub struct Follower {
    parts: FollowerParts,
    _guard: DeathGuard,
}

impl Follower {
    /// A follower that has heard nothing yet.
    pub fn new(parts: FollowerParts, guard: DeathGuard) -> Self {
        Self { parts, _guard: guard }
    }
}

impl Actor for Follower {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let following = Ear::new(self.parts.clone()).follow();
        ctx.spawn(following.into_actor(self).map(|(), _, ctx| ctx.stop()));
    }
}

/// Whose messages are heard, and up to which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Leader {
    term: Term,
    life: Uuid,
    number: u64,
}

struct Ear {
    parts: FollowerParts,
    reader: Reader,
    leader: Option<Leader>,
    heard_at: Option<Instant>,
    /// Something was missed: until it has been read, nothing that comes later is told as news.
    missed: bool,
    /// The journal has been read in this life: from there on all that changes is told.
    has_begun: bool,
    read_at: Instant,
    /// Until the next reading, where one is due.
    pause: Duration,
    down: Option<String>,
    trouble: Lasting,
    garbage: u64,
}

impl Ear {
    fn new(parts: FollowerParts) -> Self {
        let reader = Reader::default();
        let (read_at, leader) = (Instant::now(), None);
        Self {
            parts,
            reader,
            leader,
            heard_at: None,
            missed: true,
            has_begun: false,
            read_at,
            pause: READ_PAUSE,
            down: None,
            trouble: Lasting::default(),
            garbage: 0,
        }
    }

    async fn follow(mut self) {
        let mut hears = self.parts.bus.as_ref().map(|bus| bus.hear());
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let due = self.pause.saturating_sub(self.read_at.elapsed());
            tokio::select! {
                heard = next(&mut hears) => match heard {
                    Some(Heard::Message(bytes)) => self.hear(&bytes),
                    Some(Heard::Up) => {
                        self.down = None;
                        self.missed = true;
                    }
                    Some(Heard::Down(reason)) => {
                        self.down = Some(reason);
                        self.heard_at = None;
                    }
                    None => return,
                },
                _ = look.tick() => {
                    self.missed |= !self.hears();
                    self.tell_health();
                }
                () = tokio::time::sleep(due), if self.missed => {}
            }
            if self.missed && self.read_at.elapsed() >= self.pause {
                self.read().await;
            }
        }
    }

    fn hears(&self) -> bool {
        self.heard_at.is_some_and(|at| at.elapsed() < SILENT_AFTER)
    }

    fn tell_health(&self) {
        const INSTEAD: &str = "what is committed is read from PostgreSQL every second";
        let health = &self.parts.health;
        match (&self.parts.bus, &self.down) {
            (None, _) => health.degraded(Part::Bus, format!("REDIS_URL is not set: {INSTEAD}")),
            (Some(_), Some(reason)) => health.degraded(Part::Bus, format!("{reason}: {INSTEAD}")),
            (Some(_), None) if self.hears() => health.up(Part::Bus),
            (Some(_), None) => health.degraded(Part::Bus, format!("nothing is heard of a leader: {INSTEAD}")),
        }
    }

    fn hear(&mut self, bytes: &Bytes) {
        match wire::decode(bytes) {
            Ok(message) => self.take(message),
            Err(error) => {
                self.garbage += 1;
                if self.garbage.is_power_of_two() {
                    log::warn!("{} messages on the bus were none, the last: {error}", self.garbage);
                }
            }
        }
    }

    fn take(&mut self, Message { life, term, number, said }: Message) {
        let known = self.leader.filter(|_| self.hears());
        if known.is_some_and(|known| term < known.term) {
            return;
        }
        let is_next = known.is_some_and(|known| known.life == life && number == known.number + 1);
        self.missed |= !is_next;
        self.leader = Some(Leader { term, life, number });
        self.heard_at = Some(Instant::now());
        match said {
            Said::Committed(committed) if committed.epoch == self.parts.epoch => self.committed(committed),
            // Of another life of the journal: this node has to be started anew for it.
            Said::Committed(_) => {}
            Said::News(row) => self.reader.news(&self.parts, *row),
            Said::Beat { covered, head, finalized } => {
                self.parts.health.covered(covered, head);
                read::tell_final(&self.parts, finalized);
            }
        }
    }

    fn committed(&mut self, committed: Committed) {
        let committed = Arc::new(committed);
        let registry = self.parts.registry.get();
        let heard = registry.is_some_and(|registry| registry.try_send(HearCommitted(Arc::clone(&committed))).is_ok());
        self.missed |= !heard;
        // What follows a hole is read with what is missing, in its order.
        if !self.missed {
            self.reader.tell(&self.parts, Arc::unwrap_or_clone(committed));
        }
    }

    /// What was durable before the first reading is told to nobody from here.
    fn begins(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            // Nobody need be listening.
            let _ = self.parts.committed.send(Arc::new(Committed::untold(self.parts.epoch)));
        }
    }

    async fn read(&mut self) {
        match self.reader.read(&self.parts).await {
            Ok(()) => {
                if let Some(failures) = self.trouble.over() {
                    log::info!("what the leader has committed can be read again after {failures} failures");
                }
                self.missed = false;
                self.pause = READ_PAUSE;
                self.begins();
            }
            // Asked again; the keeper of the lease tells of a database that is away.
            Err(error) => {
                self.pause = LOOK_EVERY;
                log::log!(self.trouble.failed(), "what the leader has committed can't be read: {error}");
            }
        }
        self.read_at = Instant::now();
    }
}

async fn next(hears: &mut Option<mpsc::Receiver<Heard>>) -> Option<Heard> {
    match hears {
        Some(hears) => hears.recv().await,
        None => std::future::pending().await,
    }
}

impl Handler<Crash> for Follower {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the follower was asked to crash");
    }
}

#[cfg(test)]
mod tests;
