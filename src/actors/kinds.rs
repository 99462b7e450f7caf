//! How the engine's kinds of actors are made: what root starts and retires, and what the clock rings.
//!
//! Owns no actor and no part: `engine` says which kinds there are, on which arbiter and with what.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use actix::prelude::*;

use super::{
    clock::Hand,
    role::{Role, Runs},
    root::Kind,
    supervision::{Crash, DeathGuard, Link, Retire, start_tended},
};
use crate::{
    domain::{fee_timeline::FeeTimeline, ids::Epoch},
    journal::current_life::CurrentLife,
    telemetry::census::Gauge,
};

/// The kinds that root starts, by their names: all of them, whatever this node runs. `RESTARTS_OF` may name these.
pub const NAMES: [&str; 24] = [
    "aggregator",
    "chain reader",
    "clock",
    "deliveries",
    "dirty marker",
    "feeds",
    "follower",
    "herald",
    "journal writer",
    "keeper of ledgers",
    "keeper of the lease",
    "keeper of the lease of governance",
    "keeper of the lease of snapshots",
    "listener",
    "lookout",
    "monitor",
    "outbox reader",
    "registry",
    "snapshotter",
    "stats keeper",
    "submissions",
    "submitter",
    "sweeper",
    "verifier",
];

/// Makes an actor panic; false if there is none now.
pub fn crash<A: Actor<Context = Context<A>> + Handler<Crash>>(link: &Link<A>) -> bool {
    link.get().is_some_and(|addr| addr.try_send(Crash).is_ok())
}

/// What has to happen when a role begins, before its first actor does.
pub struct NewTerms {
    fees: Arc<RwLock<FeeTimeline>>,
    life: CurrentLife,
    last: Option<(Role, Epoch)>,
}

impl NewTerms {
    /// What is known of fees, which all who know it share, and in which life of the journal.
    pub fn new(fees: Arc<RwLock<FeeTimeline>>, life: CurrentLife) -> Self {
        Self { fees, life, last: None }
    }

    /// Before the lives of a kind: what an earlier term of this node knew of fees is forgotten, since another node may have
    /// written in between. The listener reads them from the journal.
    pub fn before(mut self, mut kind: Kind) -> Kind {
        let mut start = kind.start;
        kind.start = Box::new(move |role, guard| {
            let now = (role, self.life.epoch());
            if self.last.replace(now) != Some(now) {
                *self.fees.write().unwrap_or_else(std::sync::PoisonError::into_inner) = FeeTimeline::default();
            }
            start(role, guard);
        });
        kind
    }
}

/// An actor that root starts, and starts again with the same parts: on its own arbiter, known by its link.
pub fn kind<A, P>(
    name: &'static str,
    runs: Runs,
    link: &Link<A>,
    arbiter: ArbiterHandle,
    parts: P,
    make: fn(P, Role, DeathGuard) -> A,
) -> Kind
where
    A: Actor<Context = Context<A>> + Handler<Retire>,
    P: Clone + Send + 'static,
{
    // Every start of an engine in a test comes by here.
    debug_assert!(NAMES.contains(&name), "`{name}` is missing among the names of kinds");
    let (link, retired) = (link.clone(), link.clone());
    let gauge = Arc::<Gauge>::default();
    let counts = Arc::clone(&gauge);
    let start = move |role, guard: DeathGuard| {
        let parts = parts.clone();
        let guard = guard.showing(&counts);
        link.set(start_tended(name, &counts, &arbiter, move || make(parts, role, guard)));
    };
    let retire = move || {
        if let Some(addr) = retired.get() {
            // It waits for room in the mailbox, and root for the end of the actor.
            actix::spawn(async move {
                let _ = addr.send(Retire).await;
            });
        }
    };
    Kind { name, runs, gauge, start: Box::new(start), retire: Box::new(retire) }
}

/// A tick that finds its actor dead or full is left out.
pub fn hand<A, M>(every: Duration, link: &Link<A>, tick: fn() -> M) -> Hand
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: Message<Result = ()> + Send + 'static,
{
    let link = link.clone();
    (every, Arc::new(move || drop(link.get().map(|addr| addr.try_send(tick())))))
}
