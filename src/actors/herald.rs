//! Herald: tells the other nodes what the leader commits, and every second that it is there.
//!
//! Owns nothing but the numbers of its messages. It hears what is committed as everybody in the process does and holds
//! nobody up: what it hears too slowly, or finds no room for on the bus, is lost, and its number is missing at the other
//! end. Runs on the leader only; without a bus it has nothing to do.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use tokio::sync::broadcast::{self, error::RecvError};

use super::{
    committed::Committed,
    submissions::SubmissionNews,
    supervision::{Crash, DeathGuard},
};
use crate::{
    bus::{Bus, Connection, Speaker, wire::Voice},
    journal::lease::Term,
    telemetry::health::{Health, Part},
};

/// The leader says so often that it is there.
const BEAT: Duration = Duration::from_secs(1);

/// What the herald works with.
#[derive(Clone)]
pub struct HeraldParts {
    /// The way to the other nodes, if there is one.
    pub bus: Option<Arc<dyn Bus>>,
    /// What is committed.
    pub committed: broadcast::Sender<Arc<Committed>>,
    /// What becomes of users' transactions.
    pub news: broadcast::Sender<SubmissionNews>,
    /// How far the chain is covered and final; and where it is told how the bus is.
    pub health: Health,
}

/// See the module.
pub struct Herald {
    parts: HeraldParts,
    term: Term,
    _guard: DeathGuard,
}

impl Herald {
    /// A herald of that term.
    pub fn new(parts: HeraldParts, term: Term, guard: DeathGuard) -> Self {
        Self { parts, term, _guard: guard }
    }
}

impl Actor for Herald {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(bus) = self.parts.bus.clone() else {
            return self.parts.health.off(Part::Bus, "REDIS_URL is not set, single node: others would hear of nothing");
        };
        let speaking = speak(bus.speak(), Voice::new(self.term), self.parts.clone());
        // Its sources end with the process only.
        ctx.spawn(speaking.into_actor(self).map(|(), _, ctx| ctx.stop()));
    }
}

async fn speak(speaker: Speaker, mut voice: Voice, parts: HeraldParts) {
    let Speaker { queue, mut connection } = speaker;
    let (mut committed, mut news) = (parts.committed.subscribe(), parts.news.subscribe());
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut lost = 0_u64;
    loop {
        let messages = tokio::select! {
            // What was committed before a slot was found final is said before it.
            biased;
            batch = committed.recv() => match batch {
                // Nor can the others know what it was: they read the journal.
                Ok(batch) if batch.is_untold() => {
                    voice.skip();
                    continue;
                }
                Ok(batch) => voice.committed(&batch),
                Err(RecvError::Lagged(batches)) => {
                    log::warn!("{batches} batches were committed faster than they could be told: others read the journal");
                    voice.skip();
                    continue;
                }
                Err(RecvError::Closed) => return,
            },
            news = news.recv() => match news {
                Ok(news) => voice.news(&news.row).into_iter().collect(),
                Err(RecvError::Lagged(_)) => {
                    voice.skip();
                    continue;
                }
                Err(RecvError::Closed) => return,
            },
            state = connection.recv() => {
                match state {
                    Some(Connection::Up) => parts.health.up(Part::Bus),
                    Some(Connection::Down(reason)) => {
                        parts.health.degraded(Part::Bus, format!("{reason}: other nodes read what is committed from PostgreSQL"));
                    }
                    None => return,
                }
                continue;
            }
            _ = beat.tick() => {
                let (covered, head) = parts.health.coverage();
                voice.beat(covered, head, parts.health.finality()).into_iter().collect()
            }
        };
        for message in messages {
            if queue.try_send(message).is_err() {
                lost += 1;
                if lost.is_power_of_two() {
                    log::warn!("{lost} messages found no room on the bus: others read the journal");
                }
            }
        }
    }
}

impl Handler<Crash> for Herald {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the herald was asked to crash");
    }
}
