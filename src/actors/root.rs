//! Root: starts the long-lived actors in order, watches them, and starts them again.
//!
//! Each kind is made by a factory, which gets a guard that wakes root when the actor is dropped, for whatever reason. A
//! kind that dies is started again with backoff; one that dies more than [`RESTARTS_MAX`] times in [`RESTARTS_WINDOW`]
//! has a fault that restarting does not mend: readiness turns down and the process ends with [`EXIT_CODE`]. Streams
//! are not among them: they are the registry's children.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use actix::prelude::*;

use super::supervision::DeathGuard;
use crate::telemetry::health::{Health, Part};

/// Restarts of one kind that are allowed within the window.
pub const RESTARTS_MAX: usize = 20;
/// See [`RESTARTS_MAX`].
pub const RESTARTS_WINDOW: Duration = Duration::from_secs(60);
/// The process's exit code when a kind's restarts are used up (`EX_SOFTWARE`).
pub const EXIT_CODE: i32 = 70;
/// Short enough for a kind that dies at every start to use up its restarts within the window.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How long to wait after so many deaths within the window.
fn pause_after(deaths: usize) -> Duration {
    Duration::from_millis(20 << deaths.min(8)).min(PAUSE_MAX)
}

/// A kind of actor.
pub struct Kind {
    /// For people and metrics.
    pub name: &'static str,
    /// Starts a life of it.
    pub start: Box<dyn FnMut(DeathGuard)>,
}

struct Watched {
    kind: Kind,
    deaths: VecDeque<Instant>,
}

/// See the module.
pub struct Root {
    watched: Vec<Watched>,
    health: Health,
    is_ending: bool,
}

impl Root {
    /// Kinds are started in this order.
    pub fn new(kinds: Vec<Kind>, health: Health) -> Self {
        let watched = kinds.into_iter().map(|kind| Watched { kind, deaths: VecDeque::new() }).collect();
        Self { watched, health, is_ending: false }
    }

    fn begin(&mut self, index: usize, ctx: &mut Context<Self>) {
        if self.is_ending {
            return;
        }
        let Some(watched) = self.watched.get_mut(index) else { return };
        let (guard, death) = DeathGuard::new();
        (watched.kind.start)(guard);
        ctx.spawn(death.into_actor(self).map(move |(), actor, ctx| actor.died(index, ctx)));
    }

    fn died(&mut self, index: usize, ctx: &mut Context<Self>) {
        if self.is_ending {
            return;
        }
        let Some(watched) = self.watched.get_mut(index) else { return };
        let name = watched.kind.name;
        watched.deaths.push_back(Instant::now());
        while watched.deaths.front().is_some_and(|death| death.elapsed() > RESTARTS_WINDOW) {
            watched.deaths.pop_front();
        }
        let deaths = watched.deaths.len();
        if deaths > RESTARTS_MAX {
            log::error!("{name} died {deaths} times in {} s: giving up", RESTARTS_WINDOW.as_secs());
            self.health.down(Part::Restarts, format!("{name} has used up its restarts"));
            System::current().stop_with_code(EXIT_CODE);
            return;
        }
        let pause = pause_after(deaths);
        log::error!("{name} died, starting it again in {} ms", pause.as_millis());
        ctx.run_later(pause, move |actor, ctx| actor.begin(index, ctx));
    }
}

impl Actor for Root {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for index in 0..self.watched.len() {
            self.begin(index, ctx);
        }
    }
}

/// The end of the process is wanted: deaths are no news any more, and nobody is started again.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Ending;

impl Handler<Ending> for Root {
    type Result = ();

    fn handle(&mut self, _: Ending, _: &mut Self::Context) {
        self.is_ending = true;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn once_the_end_is_wanted_nobody_is_started_again() {
        System::new().block_on(async {
            let guards: Arc<Mutex<Vec<DeathGuard>>> = Arc::default();
            let kept = Arc::clone(&guards);
            let start = Box::new(move |guard| kept.lock().unwrap().push(guard));
            let root = Root::new(vec![Kind { name: "sleeper", start }], Health::new()).start();
            let started = || guards.lock().unwrap().len();
            let begun = async |lives: usize| {
                for _ in 0..1_000 {
                    if started() == lives {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                panic!("{} lives, not {lives}", started());
            };
            begun(1).await;
            let first = guards.lock().unwrap().remove(0);
            drop(first);
            // Its place was emptied: the next life fills it again.
            begun(1).await;
            root.send(Ending).await.unwrap();
            guards.lock().unwrap().clear();
            tokio::time::sleep(pause_after(2) * 4).await;
            assert_eq!(started(), 0);
        });
    }

    #[test]
    fn a_kind_that_dies_at_every_start_uses_up_its_restarts() {
        let needed: Duration = (1..=RESTARTS_MAX).map(pause_after).sum();
        assert!(needed < RESTARTS_WINDOW, "{needed:?} of pauses: its first deaths would be forgotten before the last");
    }
}
