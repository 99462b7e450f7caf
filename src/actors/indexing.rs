//! What brings hints from outside to the listener: wired here, as `governing` is, so that `engine` stays a list.

use actix::prelude::*;

use super::{
    deliveries::{Deliveries, DeliveriesParts},
    engine::WiringError,
    kinds::{crash, kind},
    listener::Listener,
    role::Runs,
    root::Kind,
    supervision::Link,
};
use crate::{
    chain::rpc::{ChainRpc, RpcSetupError},
    journal::{
        current_life::LivingDatabase,
        lease::{Leased, Term},
    },
    telemetry::health::Health,
};

/// Connections of each.
const CONNECTIONS: usize = 2;

/// The ways to them; without a life where this node does not lead.
#[derive(Default)]
pub struct Indexing {
    deliveries: Link<Deliveries>,
}

/// What they are made of.
pub struct IndexingParts<'a> {
    /// The journal's database.
    pub database: &'a LivingDatabase,
    /// A client of the node, for one arbiter, with a share of the calls: whoever delivers makes us ask.
    pub rpc: &'a dyn Fn() -> Result<ChainRpc, RpcSetupError>,
    /// A new arbiter.
    pub arbiter: &'a dyn Fn(&str) -> ArbiterHandle,
    /// Who takes transactions.
    pub listener: &'a Link<Listener>,
    /// Where it is told and counted what comes.
    pub health: &'a Health,
}

impl Indexing {
    /// The kinds of actors that this node runs while it leads.
    ///
    /// # Errors
    /// [`WiringError`]: nothing was started.
    pub fn kinds(&self, parts: IndexingParts<'_>) -> Result<Vec<Kind>, WiringError> {
        let IndexingParts { database, rpc, arbiter, listener, health } = parts;
        let parts = DeliveriesParts {
            rpc: rpc()?,
            pool: Leased::new(health.pools().watched("deliveries", database.pool(CONNECTIONS)?), Term::NONE),
            listen: database.connector()?,
            listener: listener.clone(),
            health: health.clone(),
        };
        let at = arbiter("deliveries");
        Ok(vec![kind("deliveries", Runs::Leading, &self.deliveries, at, parts, |parts, role, guard| {
            Deliveries::new(DeliveriesParts { pool: parts.pool.under(role.term()), ..parts }, guard)
        })])
    }

    /// Makes one of them panic, for fault tests: `deliveries`; `None` if there is none of that name.
    pub fn crash(&self, name: &str) -> Option<bool> {
        (name == "deliveries").then(|| crash(&self.deliveries))
    }
}
