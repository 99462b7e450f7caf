//! What it takes to act by hand: the lease of governance, renewed as long as it is needed, and a submitter of one's own.

use std::time::Duration;

use actix::prelude::*;
use tokio::sync::broadcast;

use super::Parts;
use crate::cli::held::HeldLease;
use crate::{
    actors::{
        monitor::act::Handed,
        submitter::{NEWS_MAX, Submitted, Submitter, SubmitterParts, SubmitterTick},
        supervision::{DeathGuard, Link},
    },
    journal::{
        lease::{Holder, Leased, Office},
        overdue::{self, Attempt},
    },
    telemetry::metrics::Metrics,
};

/// Attempts are looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// See the module.
pub struct Hand {
    pool: Leased,
    submitter: Link<Submitter>,
    lease: HeldLease,
}

impl Hand {
    /// Takes the lease, if nobody holds it; else who does.
    pub async fn take(parts: &Parts, node: &str) -> anyhow::Result<Result<Self, Holder>> {
        let lease = match HeldLease::take(&parts.settings, Office::Governance, node).await? {
            Ok(lease) => lease,
            Err(holder) => return Ok(Err(holder)),
        };
        let leased = Leased::governing(parts.places.pool.clone(), lease.term());
        let submitter = Link::default();
        let (guard, _) = DeathGuard::new();
        let parts = SubmitterParts {
            rpc: parts.places.rpc.clone(),
            pool: leased.clone(),
            keys: parts.keys.clone(),
            resend_after: parts.resend_after,
            max_priority_fee_micro_lamports: parts.max_priority_fee_micro_lamports,
            news: broadcast::channel(NEWS_MAX).0,
            metrics: Metrics::new(),
        };
        submitter.set(Submitter::new(parts, guard).start());
        Ok(Ok(Self { pool: leased, submitter, lease }))
    }

    /// For what only its holder may write.
    pub fn pool(&self) -> &Leased {
        &self.pool
    }

    /// Who sends.
    pub fn submitter(&self) -> &Link<Submitter> {
        &self.submitter
    }

    /// Waits until what was handed over is settled, or the time is up; how it stands then, as far as it could be read.
    pub async fn until_settled(&self, handed: &[Handed], wait: Duration) -> Vec<Attempt> {
        let id = |(_, result): &Handed| match result {
            Ok(Submitted::New(id) | Submitted::Open(id)) => Some(id.0),
            Err(_) => None,
        };
        let ids: Vec<i64> = handed.iter().filter_map(id).collect();
        if ids.is_empty() {
            return Vec::new();
        }
        let until = tokio::time::Instant::now() + wait;
        let mut last = Vec::new();
        loop {
            let is_over = tokio::time::Instant::now() >= until;
            match overdue::attempts(self.pool.pool(), &ids).await {
                Ok(attempts) if attempts.iter().all(|attempt| attempt.settled) => return attempts,
                Ok(attempts) => last = attempts,
                // They may be on their way all the same.
                Err(error) if is_over => eprintln!("how what was sent stands can't be read: {error}"),
                Err(_) => {}
            }
            if is_over {
                return last;
            }
            // As the engine's clock does.
            if let Some(submitter) = self.submitter.get() {
                drop(submitter.try_send(SubmitterTick));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Lets others govern at once.
    pub async fn give_up(self) {
        self.lease.give_up().await;
    }
}
