//! Deliveries: brings what the webhook was told of to the listener, once our own node confirms it.
//!
//! Owns nothing: the table `webhook_deliveries` is its state, so it may die at any point, and rows come again. It learns of rows
//! by a notification of the database, and by looking every second. One pass at a time ([`pass`]); what a transaction that
//! somebody named comes to is a table ([`verdict`]). Of a delivery only signatures are taken; those that the journal or the
//! listener knows cost no call. A row is settled when each of its transactions is durable, or known to have no effect, or
//! known never to have come.
//!
//! - At most [`pass::ROWS`] rows and about [`pass::BYTES`] of bodies a pass: the others after them.
//! - A row that can't be worked off now is due again later and later, up to half a minute, and holds up no other.

pub mod pass;
pub mod verdict;

use std::time::Duration;

use actix::prelude::*;
use tokio::sync::mpsc;

use super::{
    bell::{Bell, ring_on},
    listener::Listener,
    supervision::{Crash, DeathGuard, Link, retires},
    trouble::Lasting,
};
use crate::{
    chain::rpc::ChainRpc,
    journal::{connector::Connector, deliveries, lease::Leased},
    telemetry::health::Health,
};

/// It looks so often, whether it was told of rows or not.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What a pass left is looked at again after so long: a little more than what its rows wait at first.
const SOON: Duration = Duration::from_millis(300);

/// What it works with.
#[derive(Clone)]
pub struct DeliveriesParts {
    /// Of its arbiter.
    pub rpc: ChainRpc,
    /// Of its arbiter.
    pub pool: Leased,
    /// For the connection that listens.
    pub listen: Connector,
    /// Who takes transactions.
    pub listener: Link<Listener>,
    /// Whether notifications flow; and where it is counted what came of deliveries.
    pub health: Health,
}

/// See the module.
pub struct Deliveries {
    parts: DeliveriesParts,
    working: bool,
    look_again: bool,
    counting: bool,
    trouble: Lasting,
    _guard: DeathGuard,
}

impl Deliveries {
    /// One that has looked at nothing yet.
    pub fn new(parts: DeliveriesParts, guard: DeathGuard) -> Self {
        Self { parts, working: false, look_again: false, counting: false, trouble: Lasting::default(), _guard: guard }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.working {
            self.look_again = true;
            return;
        }
        (self.working, self.look_again) = (true, false);
        let parts = self.parts.clone();
        ctx.spawn(async move { pass::run(&parts).await }.into_actor(self).map(|passed, actor, ctx| {
            actor.working = false;
            match passed {
                Ok(passed) => {
                    if let Some(failures) = actor.trouble.over() {
                        log::info!("deliveries go on after {failures} failures");
                    }
                    if passed.left > 0 {
                        ctx.run_later(SOON, Self::look);
                    }
                    // Nothing but what is due is taken: this ends.
                    if passed.taken > 0 || actor.look_again {
                        actor.look(ctx);
                    }
                }
                // Rows are due again by themselves.
                Err(error) => log::log!(actor.trouble.failed(), "deliveries wait: {error}"),
            }
        }));
    }

    /// Counts what waits, and looks if anything does: most of the time nothing is there, and no lease is locked for it.
    fn tick(&mut self, ctx: &mut Context<Self>) {
        if self.counting {
            return;
        }
        self.counting = true;
        let pool = self.parts.pool.clone();
        ctx.spawn(async move { deliveries::waiting(pool.pool()).await }.into_actor(self).map(|waiting, actor, ctx| {
            actor.counting = false;
            match waiting {
                Ok(waiting) => {
                    let rows = i64::try_from(waiting.rows).unwrap_or(i64::MAX);
                    actor.parts.health.metrics().note(|counts| counts.deliveries_waiting.set(rows));
                    if rows > 0 {
                        actor.look(ctx);
                    }
                }
                Err(error) => log::debug!("deliveries can't be counted: {error}"),
            }
        }));
    }
}

impl Actor for Deliveries {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (bell, mut bells) = mpsc::channel(1);
        ctx.add_stream(futures_util::stream::poll_fn(move |cx| bells.poll_recv(cx)));
        ctx.spawn(ring_on(self.parts.listen.clone(), deliveries::CHANNEL, bell).into_actor(self));
        ctx.run_interval(LOOK_EVERY, Self::tick);
        self.tick(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // Another node counts them from now on.
        self.parts.health.metrics().note(|counts| counts.deliveries_waiting.set(0));
    }
}

impl StreamHandler<Bell> for Deliveries {
    fn handle(&mut self, _: Bell, ctx: &mut Self::Context) {
        self.look(ctx);
    }
}

impl Handler<Crash> for Deliveries {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the deliveries' actor was asked to crash");
    }
}

retires!(Deliveries);
