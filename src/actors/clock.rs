//! Clock: sends ticks, so that a busy actor's own timers, which starve, are not relied on.
//!
//! It shares its arbiter with nobody busy. A tick that does not fit into a mailbox is left out: the next comes.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;

use super::supervision::{Crash, DeathGuard};

/// What is done so often. It must only `try_send`.
pub type Hand = (Duration, Arc<dyn Fn() + Send + Sync>);

/// See the module.
pub struct Clock {
    hands: Vec<Hand>,
    _guard: DeathGuard,
}

impl Clock {
    /// A clock that calls each hand every so often.
    pub fn new(hands: Vec<Hand>, guard: DeathGuard) -> Self {
        Self { hands, _guard: guard }
    }
}

impl Actor for Clock {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for (period, hand) in std::mem::take(&mut self.hands) {
            ctx.run_interval(period, move |_, _| hand());
        }
    }
}

impl Handler<Crash> for Clock {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the clock was asked to crash");
    }
}
