//! Root: starts the long-lived actors in order, watches them, and starts them again; and those that belong to a role of
//! this node, with it.
//!
//! Each kind is made by a factory, which gets a guard that wakes root when the actor is dropped, for whatever reason. A
//! kind that dies is started again with backoff, by its rule ([`RestartRule`]); one that dies more often than that has a fault
//! that restarting does not mend: readiness turns down and the process ends with [`EXIT_CODE`]. Only where the process can do
//! without it ([`SPARED`]), it is left for an operator. Streams are not among them: they are the registry's children. What
//! operators order is in [`orders`]; what root knows of lives is in the census, for whoever looks.
//!
//! The keepers of the leases say what this node is in each office ([`Become`]). Whoever belongs to the office's old role is
//! retired, and only when the last of them is gone does the new role begin: so no actor ever meets one of the other role. The
//! offices do not wait for each other. A lease that could not be renewed in time ([`Lapse`]) ends what works by itself, and
//! leaves the writer and the streams: they show what is durable, and can write nothing until the lease is renewed. That
//! actors retire in time is a courtesy: what keeps whoever held an office before from writing is the lock in the database.

mod orders;

use std::{collections::VecDeque, sync::Arc, time::Instant};

use actix::prelude::*;
pub use orders::{NotNow, Order, Ordered};

use super::{
    role::{Role, Runs},
    supervision::DeathGuard,
};
use crate::{
    config::ops::{RestartRule, Restarts},
    domain::ids::Epoch,
    journal::lease::Office,
    telemetry::{
        census::{Gauge, Record, Status},
        health::{Health, Part},
    },
};

/// The process's exit code when a kind's restarts are used up (`EX_SOFTWARE`).
pub const EXIT_CODE: i32 = 70;
/// What only a leader knows of itself.
const OF_THE_LEADER: [Part; 5] = [Part::Journal, Part::Rpc, Part::Live, Part::Coverage, Part::Outbox];
/// Kinds that the process can do without: prices are shown and votes are taken while they are away. One of them that has used
/// up its restarts waits for an operator.
const SPARED: [&str; 5] = ["snapshotter", "verifier", "stats keeper", "sweeper", "lookout"];

/// A kind of actor.
pub struct Kind {
    /// For people and metrics.
    pub name: &'static str,
    /// When there is one.
    pub runs: Runs,
    /// What its lives show while they work.
    pub gauge: Arc<Gauge>,
    /// Starts a life of it.
    pub start: Box<dyn FnMut(Role, DeathGuard)>,
    /// Ends the life that it has, which is then no death.
    pub retire: Box<dyn Fn()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    None,
    Runs,
    Retires,
}

struct Watched {
    kind: Kind,
    life: Life,
    deaths: VecDeque<Instant>,
    rule: RestartRule,
    record: Arc<Record>,
    /// Why it is not to begin by itself: an operator's word, or used-up restarts.
    held: Option<Status>,
    /// It was retired to begin anew.
    renews: bool,
    /// It was retired by an operator, and no role waits for its end.
    by_hand: bool,
}

/// What this node is in an office.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    role: Option<Role>,
    /// The lease could not be renewed in time.
    lapsed: bool,
    /// The role was told, and the last of the one before is not gone yet.
    begins: bool,
}

/// See the module.
pub struct Root {
    watched: Vec<Watched>,
    health: Health,
    engine: Standing,
    governance: Standing,
    /// The newest life of the journal that began while the process ran.
    reborn: Option<Epoch>,
    snapshots: Standing,
    is_ending: bool,
}

impl Root {
    /// Kinds are started in this order.
    pub fn new(kinds: Vec<Kind>, health: Health) -> Self {
        let watched = |kind: Kind| Watched {
            life: Life::None,
            deaths: VecDeque::new(),
            rule: RestartRule::DEFAULT,
            record: health.census().record(kind.name, Some("root"), kind.runs.name(), &kind.gauge),
            held: None,
            renews: false,
            by_hand: false,
            kind,
        };
        Self {
            watched: kinds.into_iter().map(watched).collect(),
            health,
            engine: Standing::default(),
            governance: Standing::default(),
            reborn: None,
            snapshots: Standing::default(),
            is_ending: false,
        }
    }

    /// With these rules of how often who dies is started again.
    pub fn under(mut self, restarts: &Restarts) -> Self {
        self.watched.iter_mut().for_each(|watched| watched.rule = restarts.of(watched.kind.name));
        self
    }

    fn standing(&mut self, office: Office) -> &mut Standing {
        match office {
            Office::Engine => &mut self.engine,
            Office::Governance => &mut self.governance,
            Office::Snapshots => &mut self.snapshots,
        }
    }

    /// Somebody who belongs to the office's old role is not gone yet.
    fn changes(&self, office: Office) -> bool {
        let is_of_old = |one: &Watched| one.life == Life::Retires && !one.by_hand;
        self.watched.iter().any(|one| is_of_old(one) && one.kind.runs.office() == Some(office))
    }

    /// Starts a life of a kind, if there is to be one and there is none.
    fn begin(&mut self, index: usize, ctx: &mut Context<Self>) {
        let Some(runs) = self.watched.get(index).map(|watched| watched.kind.runs) else { return };
        let office = runs.office();
        let Standing { role, lapsed, .. } = *self.standing(office.unwrap_or(Office::Engine));
        let has_its_time = runs.within(role, lapsed) && !office.is_some_and(|office| self.changes(office));
        let Some(watched) = self.watched.get_mut(index) else { return };
        if self.is_ending || watched.life != Life::None || watched.held.is_some() {
            return;
        }
        if !has_its_time {
            return watched.record.is(Status::Waiting);
        }
        let (guard, death) = DeathGuard::new();
        watched.life = Life::Runs;
        watched.renews = false;
        watched.record.began();
        (watched.kind.start)(role.unwrap_or(Role::Following), guard);
        ctx.spawn(death.into_actor(self).map(move |(), actor, ctx| actor.died(index, ctx)));
    }

    fn begin_all(&mut self, ctx: &mut Context<Self>) {
        (0..self.watched.len()).for_each(|index| self.begin(index, ctx));
    }

    fn died(&mut self, index: usize, ctx: &mut Context<Self>) {
        let Some(watched) = self.watched.get_mut(index) else { return };
        let office = watched.kind.runs.office();
        watched.by_hand = false;
        let next = if std::mem::take(&mut watched.renews) { Status::Starting } else { Status::Waiting };
        watched.record.is(watched.held.unwrap_or(next));
        if std::mem::replace(&mut watched.life, Life::None) == Life::Retires {
            if let Some(office) = office {
                self.begin_role(office);
            }
            return self.begin_all(ctx);
        }
        if self.is_ending {
            return;
        }
        let (name, rule) = (watched.kind.name, watched.rule);
        watched.deaths.push_back(Instant::now());
        while watched.deaths.front().is_some_and(|death| death.elapsed() > rule.window) {
            watched.deaths.pop_front();
        }
        let deaths = watched.deaths.len();
        if deaths > rule.most {
            return self.gives_up(index, deaths);
        }
        let pause = rule.pause_after(deaths);
        watched.record.is(Status::Starting);
        watched.record.restarted();
        // What it died of was logged as an error when it did.
        log::warn!("{name} died, starting it again in {} ms", pause.as_millis());
        ctx.run_later(pause, move |actor, ctx| actor.begin(index, ctx));
    }

    /// A kind has a fault that restarting does not mend.
    fn gives_up(&mut self, index: usize, deaths: usize) {
        let Some(watched) = self.watched.get_mut(index) else { return };
        let (name, seconds) = (watched.kind.name, watched.rule.window.as_secs());
        watched.held = Some(Status::Failed);
        watched.record.is(Status::Failed);
        if SPARED.contains(&name) {
            log::error!("{name} died {deaths} times in {seconds} s: it waits for an operator, all else goes on");
            self.tell_held();
            return;
        }
        log::error!("{name} died {deaths} times in {seconds} s: giving up");
        self.health.down(Part::Restarts, format!("{name} has used up its restarts"));
        System::current().stop_with_code(EXIT_CODE);
    }

    /// A role begins when the last of the one before is gone. Until its actors say more, the parts of the engine are what this
    /// says: at once, and again then, because whoever was on the way out may have had a last word.
    fn begin_role(&mut self, office: Office) {
        let changes = self.changes(office);
        let standing = self.standing(office);
        if !standing.begins {
            return;
        }
        standing.begins = changes;
        let Some(role) = standing.role.filter(|_| office == Office::Engine) else { return };
        // What was known of streams was the old leader's knowledge.
        self.health.forget_stale();
        for part in OF_THE_LEADER {
            match role {
                Role::Leading(_) => self.health.down(part, "starting"),
                Role::Following => self.health.off(part, "the leader's affair"),
            }
        }
    }

    /// Ends the lives of kinds that run so.
    fn retire(&mut self, which: impl Fn(Runs) -> bool) {
        for watched in self.watched.iter_mut().filter(|watched| which(watched.kind.runs)) {
            if watched.life == Life::Runs {
                watched.life = Life::Retires;
                (watched.kind.retire)();
            }
            // Whoever retired it before: now a role waits for its end.
            watched.by_hand = false;
            // Deaths of an earlier role are no fault of the next.
            watched.deaths.clear();
        }
    }
}

impl Actor for Root {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.begin_all(ctx);
    }
}

/// In an office, this node is to be this now. From the keeper of its lease, each time that it changes.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Become(pub Office, pub Role);

impl Handler<Become> for Root {
    type Result = ();

    fn handle(&mut self, Become(office, role): Become, ctx: &mut Self::Context) {
        let is_ending = self.is_ending;
        let standing = self.standing(office);
        if is_ending || (standing.role == Some(role) && !standing.lapsed) {
            return;
        }
        standing.lapsed = false;
        if standing.role.replace(role) == Some(role) {
            return self.begin_all(ctx);
        }
        standing.begins = true;
        self.retire(|runs| runs.office() == Some(office));
        self.begin_role(office);
        self.begin_all(ctx);
    }
}

/// An office's lease could not be renewed in time. From its keeper, who goes on asking.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Lapse(pub Office);

impl Handler<Lapse> for Root {
    type Result = ();

    fn handle(&mut self, Lapse(office): Lapse, _: &mut Self::Context) {
        if !std::mem::replace(&mut self.standing(office).lapsed, true) {
            self.retire(|runs| runs.office() == Some(office) && runs.ends_with_a_lapse());
        }
    }
}

/// The database is another one, and with it the life of the journal ([`crate::journal::current_life`]): whoever knows the
/// old one ends, and begins again in the new one. This node holds no office in it yet. From each keeper of a lease; the first
/// counts, since the other may hold its office by then.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Reborn(pub Epoch);

impl Handler<Reborn> for Root {
    type Result = ();

    fn handle(&mut self, Reborn(epoch): Reborn, ctx: &mut Self::Context) {
        if self.is_ending || self.reborn.replace(epoch) == Some(epoch) {
            return;
        }
        for office in Office::ALL {
            let standing = self.standing(office);
            standing.lapsed = false;
            if standing.role.is_some() {
                (standing.role, standing.begins) = (Some(Role::Following), true);
            }
        }
        self.retire(|runs| runs != Runs::Always);
        Office::ALL.into_iter().for_each(|office| self.begin_role(office));
        self.begin_all(ctx);
    }
}

/// The end of the process is wanted: whoever brings something new ends now, and nobody is started again. What works it off
/// goes on until [`Ending`].
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct EndSources;

impl Handler<EndSources> for Root {
    type Result = ();

    fn handle(&mut self, _: EndSources, _: &mut Self::Context) {
        self.is_ending = true;
        self.retire(Runs::ends_with_a_lapse);
    }
}

/// The end of the process is wanted: what only one node may do ends now, deaths are no news any more, and nobody is started
/// again.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Ending;

impl Handler<Ending> for Root {
    type Result = ();

    fn handle(&mut self, _: Ending, _: &mut Self::Context) {
        self.is_ending = true;
        self.retire(|runs| runs != Runs::Always);
    }
}

#[cfg(test)]
mod tests;
