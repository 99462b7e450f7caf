//! Lookout: looks at both nodes of the chain again and again, so that one is known to be fit before it is needed.
//!
//! Owns nothing but its timer; which node is used is decided by `chain::rpc::endpoints`, from what it sees and from how
//! everybody's calls end. Tells readiness what became of it. There is none where only one node is configured.

use std::time::Duration;

use actix::prelude::*;
use futures_util::future::join;

use super::supervision::{Crash, DeathGuard};
use crate::{
    chain::rpc::{ChainRpc, Endpoint, Standing},
    telemetry::health::{Health, Part},
};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// A node that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// See the module.
pub struct Lookout {
    rpc: ChainRpc,
    health: Health,
    _guard: DeathGuard,
}

impl Lookout {
    /// Over the nodes of that client.
    pub fn new(rpc: ChainRpc, health: Health, guard: DeathGuard) -> Self {
        Self { rpc, health, _guard: guard }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let (first, second) = (self.rpc.at(Endpoint::First), self.rpc.at(Endpoint::Second));
        let look = async move { join(first.look(PATIENCE), second.look(PATIENCE)).await };
        ctx.spawn(look.into_actor(self).map(|(first, second), actor, ctx| {
            let endpoints = actor.rpc.endpoints();
            endpoints.looked(Endpoint::First, &first);
            endpoints.looked(Endpoint::Second, &second);
            tell(&actor.health, endpoints.standing());
            ctx.run_later(PAUSE, |actor, ctx| actor.look(ctx));
        }));
    }
}

/// What readiness says of it. A second node that could not be used is no reason to send users elsewhere.
pub fn tell(health: &Health, standing: Standing) {
    match standing {
        Standing::Alone => health.off(Part::Fallback, "there is no second node (SOLANA_RPC_URL_FALLBACK)"),
        Standing::Ready => health.up(Part::Fallback),
        Standing::Unfit(why) => health.degraded(Part::Fallback, format!("not fit to be used: {why}")),
        Standing::InUse(why) => health.degraded(Part::Fallback, format!("in use: {why}")),
    }
}

impl Actor for Lookout {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.look(ctx);
    }
}

impl Handler<Crash> for Lookout {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        panic!("the lookout was asked to crash");
    }
}
