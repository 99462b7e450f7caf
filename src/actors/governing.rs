//! What a node that governs runs: the keeper of that lease, and under it aggregator, monitor and submitter.
//!
//! Owns their wiring, as `engine` owns that of all others. None of them needs this node to lead. The authorities' keys are
//! opened here, by nodes that govern only, and given to the submitter alone: the others are told whose they are.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use tokio::sync::broadcast;

use super::{
    aggregator::{Aggregator, AggregatorParts, AggregatorSettings},
    committed::Committed,
    engine::WiringError,
    kinds::{crash, kind},
    lease_keeper::{LeaseKeeper, LeaseParts},
    monitor::{Monitor, MonitorParts, look::Rules, webhook::Webhook},
    role::Runs,
    root::Kind,
    submitter::{self, Submitter, SubmitterParts},
    supervision::{Link, retires},
};
use crate::{
    bus::dirty::DirtyMarkets,
    chain::{
        keys::{AuthorityKey, AuthorityKeys},
        rpc::{ChainRpc, RpcSetupError},
    },
    config::{Config, Environment},
    journal::{
        PoolSettingsError,
        current_life::LivingDatabase,
        lease::{Leased, Term},
    },
    telemetry::health::{Health, Part},
};

/// Connections of each.
const CONNECTIONS: usize = 4;

/// The ways to those who govern; without a life where this node does not.
#[derive(Default)]
pub struct Governing {
    /// The keeper of the lease.
    pub keeper: Link<LeaseKeeper>,
    /// Who sends the authorities' transactions.
    pub submitter: Link<Submitter>,
    aggregator: Link<Aggregator>,
    monitor: Link<Monitor>,
}

/// What they are made of.
pub struct GoverningParts<'a> {
    /// All of it.
    pub config: &'a Config,
    /// The journal's database.
    pub database: &'a LivingDatabase,
    /// A client of the node, for one arbiter.
    pub rpc: &'a dyn Fn() -> Result<ChainRpc, RpcSetupError>,
    /// A new arbiter.
    pub arbiter: &'a dyn Fn(&str) -> ArbiterHandle,
    /// The keeper's.
    pub keeping: LeaseParts,
    /// What is committed.
    pub committed: broadcast::Sender<Arc<Committed>>,
    /// Markets whose votes have changed, as the leader tells.
    pub dirty: Arc<dyn DirtyMarkets>,
    /// Where it is told whose keys are here.
    pub health: &'a Health,
}

impl Governing {
    /// The kinds of actors that this node runs while it governs.
    ///
    /// # Errors
    /// [`WiringError`]: nothing was started.
    pub fn kinds(&self, parts: GoverningParts<'_>) -> Result<Vec<Kind>, WiringError> {
        let GoverningParts { config, database, rpc, arbiter, keeping, committed, dirty, health } = parts;
        let keys = AuthorityKeys::load(&config.governance.keys, config.environment == Environment::Production)?;
        match keys.missing() {
            None => health.up(Part::Keys),
            Some(what) => health.degraded(Part::Keys, what),
        }
        health.down(Part::Governance, "starting");
        if let Some(missing) = config.node.roles.half_governs() {
            log::warn!(
                "ROLES has no `{missing}`: one node governs at a time, and while it is this one, nobody does that part"
            );
        }
        let pool = || {
            Ok::<_, PoolSettingsError>(Leased::governing(
                health.pools().watched("governance", database.pool(CONNECTIONS)?),
                Term::NONE,
            ))
        };
        let (news, _) = broadcast::channel(submitter::NEWS_MAX);
        let name = "keeper of the lease of governance";
        let at = arbiter("governance");
        let mut kinds =
            vec![kind(name, Runs::Always, &self.keeper, at, keeping, |parts, _, guard| LeaseKeeper::new(parts, guard))];
        if config.node.roles.aggregator {
            let parts = AggregatorParts {
                rpc: rpc()?,
                pool: pool()?,
                submitter: self.submitter.clone(),
                news: news.clone(),
                committed,
                dirty,
                admin: keys.admin.as_ref().map(AuthorityKey::wallet),
                settings: AggregatorSettings::of(config),
            };
            let at = arbiter("aggregator");
            kinds.push(kind("aggregator", Runs::Governing, &self.aggregator, at, parts, |parts, role, guard| {
                Aggregator::new(AggregatorParts { pool: parts.pool.under(role.term()), ..parts }, guard)
            }));
        }
        if config.node.roles.monitor {
            let parts = MonitorParts {
                rpc: rpc()?,
                pool: pool()?,
                rules: Rules::new(&config.governance, keys.wallets()),
                schedule: config.governance.monitor_cron.clone(),
                submitter: self.submitter.clone(),
                news: news.clone(),
                webhook: Webhook::configured(&config.governance, &config.node.id)?,
                metrics: health.metrics().clone(),
            };
            let at = arbiter("monitor");
            kinds.push(kind("monitor", Runs::Governing, &self.monitor, at, parts, |parts, role, guard| {
                Monitor::new(MonitorParts { pool: parts.pool.under(role.term()), ..parts }, guard)
            }));
        }
        let parts = SubmitterParts {
            rpc: rpc()?,
            pool: pool()?,
            keys,
            resend_after: Duration::from_millis(config.trading.resend_ms),
            max_priority_fee_micro_lamports: config.governance.max_priority_fee_micro_lamports,
            news,
            metrics: health.metrics().clone(),
        };
        let at = arbiter("submitter");
        kinds.push(kind("submitter", Runs::Governing, &self.submitter, at, parts, |parts, role, guard| {
            Submitter::new(SubmitterParts { pool: parts.pool.under(role.term()), ..parts }, guard)
        }));
        Ok(kinds)
    }

    /// Makes one of them panic, for fault tests: `governance` (the keeper of the lease), `submitter`, `aggregator`,
    /// `monitor`; `None` if there is none of that name.
    pub fn crash(&self, name: &str) -> Option<bool> {
        Some(match name {
            "governance" => crash(&self.keeper),
            "submitter" => crash(&self.submitter),
            "aggregator" => crash(&self.aggregator),
            "monitor" => crash(&self.monitor),
            _ => return None,
        })
    }
}

retires!(Submitter, Aggregator, Monitor);
