//! What an operator may order of root: to end, begin, or begin anew a kind of actor, or all of a service.
//!
//! Who is to end is retired as at the end of a role: what had come before in its mailbox is done, what it holds is given up (all
//! that matters is in PostgreSQL, or with who sent it), and then it is gone. Nobody is cut off in the middle of a turn.

use actix::prelude::*;

use super::{Life, Root, SPARED, Watched};
use crate::{
    journal::lease::Office,
    telemetry::{
        census::{Service, Status},
        health::Part,
    },
};

/// Without them nothing else would go on, or this node would go on believing in a lease that it lets expire.
const NOT_STOPPED: [&str; 4] =
    ["clock", "keeper of the lease", "keeper of the lease of governance", "keeper of the lease of snapshots"];

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// End its life, and begin the next.
    Restart,
    /// End its life; the next begins by an operator's word only, or with the next start of the process.
    Stop,
    /// Begin its life, which an operator or used-up restarts have ended.
    Start,
}

/// With whom.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Status, NotNow>")]
pub struct Ordered {
    /// A kind of actor, or a service: all of its actors that can obey.
    pub name: String,
    /// What.
    pub order: Order,
}

/// It was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// Nobody has that name.
    #[error("nobody has that name")]
    Unknown,
    /// It can't be, or there is nothing to do; why.
    #[error("{0}")]
    Refused(String),
}

impl Handler<Ordered> for Root {
    type Result = Result<Status, NotNow>;

    fn handle(&mut self, Ordered { name, order }: Ordered, ctx: &mut Self::Context) -> Self::Result {
        if self.is_ending {
            return Err(NotNow::Refused("the process is about to end".into()));
        }
        let service = Service::named(&name);
        let is_meant = |watched: &Watched| match service {
            Some(service) => Service::of(watched.kind.name) == Some(service),
            None => watched.kind.name == name,
        };
        let meant: Vec<usize> =
            self.watched.iter().enumerate().filter(|(_, one)| is_meant(one)).map(|(index, _)| index).collect();
        if meant.is_empty() {
            return Err(NotNow::Unknown);
        }
        log::warn!("an operator orders: {order:?} {name}");
        let mut done = Err(NotNow::Unknown);
        for index in meant {
            let one = self.obey(index, order, ctx);
            // Of a service, who can't obey does not keep the others from it.
            if done.is_err() {
                done = one;
            }
        }
        done
    }
}

impl Root {
    fn obey(&mut self, index: usize, order: Order, ctx: &mut Context<Self>) -> Result<Status, NotNow> {
        let refused = |why: &str| Err(NotNow::Refused(why.to_owned()));
        let Some(watched) = self.watched.get_mut(index) else { return Err(NotNow::Unknown) };
        let name = watched.kind.name;
        match order {
            Order::Stop if NOT_STOPPED.contains(&name) => {
                refused("it can be restarted, but not be stopped: stop the process instead")
            }
            Order::Stop => {
                watched.held = Some(Status::Stopped);
                watched.renews = false;
                match watched.life {
                    Life::Runs => retire(watched),
                    Life::None => watched.record.is(Status::Stopped),
                    Life::Retires => {}
                }
                self.tell_held();
                Ok(Status::Stopped)
            }
            Order::Start if watched.held.is_none() => refused("it was not stopped, and begins by itself"),
            Order::Restart if watched.held.is_none() && watched.life == Life::None && !watched.is_starting() => {
                refused("it has no part in what this node is now")
            }
            Order::Restart if watched.held.is_none() && watched.life == Life::Runs => {
                watched.renews = true;
                watched.deaths.clear();
                watched.record.restarted();
                retire(watched);
                Ok(Status::Starting)
            }
            Order::Start | Order::Restart => {
                watched.held = None;
                watched.deaths.clear();
                self.tell_held();
                self.begin(index, ctx);
                Ok(self.watched.get(index).map_or(Status::Waiting, |watched| watched.record.status()))
            }
        }
    }

    /// Readiness: who waits for an operator. Down where what is shown may not be the chain's any more, since who is gone can't
    /// say so itself: the parts that it told of stay as it left them.
    pub(super) fn tell_held(&self) {
        let held = |spared: bool| {
            let one = self.watched.iter().find(|one| one.held.is_some() && one.can_be_spared() == spared)?;
            let why = if one.held == Some(Status::Failed) { "has used up its restarts" } else { "was stopped by hand" };
            Some(format!("{} {why}, and waits for an operator", one.kind.name))
        };
        match (held(false), held(true)) {
            (Some(reason), _) => self.health.down(Part::Restarts, reason),
            (None, Some(reason)) => self.health.degraded(Part::Restarts, reason),
            (None, None) => self.health.up(Part::Restarts),
        }
    }
}

impl Watched {
    /// Prices are shown and votes are taken while it is away.
    fn can_be_spared(&self) -> bool {
        let office = self.kind.runs.office();
        SPARED.contains(&self.kind.name) || matches!(office, Some(Office::Governance | Office::Snapshots))
    }

    /// It died, and its pause is not over.
    fn is_starting(&self) -> bool {
        self.record.status() == Status::Starting
    }
}

/// Ends its life in its own time.
fn retire(watched: &mut Watched) {
    watched.life = Life::Retires;
    watched.by_hand = true;
    (watched.kind.retire)();
}
