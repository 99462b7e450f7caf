//! What a node that makes snapshots runs: the keeper of that lease, and under it the snapshotter.
//!
//! Owns their wiring, as `engine` owns that of all others. Neither needs this node to lead or to govern.

use actix::prelude::*;

use super::{
    engine::WiringError,
    kinds::{crash, kind},
    lease_keeper::{LeaseKeeper, LeaseParts},
    role::Runs,
    root::Kind,
    snapshotter::{Snapshotter, SnapshotterParts},
    supervision::{Link, retires},
};
use crate::{
    config::Config,
    ipfs::provider::Provider,
    journal::{
        current_life::LivingDatabase,
        lease::{Leased, Term},
    },
    telemetry::health::{Health, Part},
};

/// For the markets that are brought on at once, and one look.
const CONNECTIONS: usize = 4;

/// The ways to those who make snapshots; without a life where this node does not.
#[derive(Default)]
pub struct Snapshotting {
    /// The keeper of the lease.
    pub keeper: Link<LeaseKeeper>,
    snapshotter: Link<Snapshotter>,
}

impl Snapshotting {
    /// The kinds of actors that this node runs while it makes snapshots; none where it is not to.
    ///
    /// # Errors
    /// [`WiringError`]: nothing was started.
    pub fn kinds(
        &self,
        config: &Config,
        database: &LivingDatabase,
        arbiter: &dyn Fn(&str) -> ArbiterHandle,
        keeping: LeaseParts,
        health: &Health,
    ) -> Result<Vec<Kind>, WiringError> {
        let Some(provider) = config.ipfs.provider.as_ref().filter(|_| config.ipfs.enabled) else {
            health.off(Part::Snapshots, "discussion is not pinned (IPFS_ENABLED)");
            return Ok(Vec::new());
        };
        if !config.node.roles.ipfs {
            health.off(Part::Snapshots, "another node's affair (ROLES does not name ipfs)");
            return Ok(Vec::new());
        }
        health.degraded(Part::Snapshots, "starting");
        let parts = SnapshotterParts {
            pool: Leased::snapshots(health.pools().watched("snapshots", database.pool(CONNECTIONS)?), Term::NONE),
            provider: Provider::new(provider, config.ipfs.patience)?,
            schedule: config.ipfs.cron.clone(),
            metrics: health.metrics().clone(),
        };
        let name = "keeper of the lease of snapshots";
        let at = arbiter("snapshots-lease");
        let keeper =
            kind(name, Runs::Always, &self.keeper, at, keeping, |parts, _, guard| LeaseKeeper::new(parts, guard));
        let at = arbiter("snapshots");
        let snapshotter =
            kind("snapshotter", Runs::Snapshotting, &self.snapshotter, at, parts, |parts, role, guard| {
                Snapshotter::new(SnapshotterParts { pool: parts.pool.under(role.term()), ..parts }, guard)
            });
        Ok(vec![keeper, snapshotter])
    }

    /// Makes one of them panic, for fault tests: `snapshots` (the keeper of the lease), `snapshotter`; `None` if there is none
    /// of that name.
    pub fn crash(&self, name: &str) -> Option<bool> {
        Some(match name {
            "snapshots" => crash(&self.keeper),
            "snapshotter" => crash(&self.snapshotter),
            _ => return None,
        })
    }
}

retires!(Snapshotter);
