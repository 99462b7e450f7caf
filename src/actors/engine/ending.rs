//! The end of the engine, in order: first whoever brings something new, then what was under way, then what shows it; the leases
//! last, so that the next node need not wait for their end.
//!
//! Each step is bounded. None of them is needed for what is durable: a step that is cut off leaves what the next start reads
//! from the chain and from PostgreSQL anyway.

use std::time::{Duration, Instant};

use actix::prelude::*;

use super::Engine;
use crate::{
    actors::{
        lease_keeper::{GiveUp, LeaseKeeper},
        root::{EndSources, Ending, Root},
        supervision::Link,
    },
    telemetry::census::Status,
};

/// The end of the process waits so long for the leases to be given up.
const GIVE_UP_MAX: Duration = Duration::from_secs(2);
/// And so long for what is under way.
const DRAIN_MAX: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Looks in a row that find nothing under way: what a stream has planned comes to the writer a turn later.
const QUIET_LOOKS: u32 = 3;

impl Engine {
    /// Who obeys operators.
    pub fn root(&self) -> Addr<Root> {
        self.root.clone()
    }

    /// Whoever brings something new ends, nobody is started again, and what is under way is waited for. Takes [`DRAIN_MAX`]
    /// at most; true if nothing was cut off.
    pub async fn drains(&self) -> bool {
        // A root that is gone starts nobody.
        let _ = self.root.send(EndSources).await;
        let (until, mut quiet) = (Instant::now() + DRAIN_MAX, 0);
        while Instant::now() < until {
            quiet = if self.is_quiet() { quiet + 1 } else { 0 };
            if quiet >= QUIET_LOOKS {
                return true;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        false
    }

    /// No source lives, and nothing waits in whoever lives.
    fn is_quiet(&self) -> bool {
        self.health.census().records().iter().all(|record| match record.status() {
            Status::Running => !record.brings() && record.gauge().queue().is_none_or(|(waits, _)| waits == 0),
            _ => true,
        })
    }

    /// What only one node may do ends, and the leases are given up. Takes [`GIVE_UP_MAX`] at most.
    pub async fn ends(&self) {
        let _ = self.root.send(Ending).await;
        let give_up = async |lease: &Link<LeaseKeeper>| {
            if let Some(lease) = lease.get() {
                let _ = tokio::time::timeout(GIVE_UP_MAX, lease.send(GiveUp)).await;
            }
        };
        tokio::join!(give_up(&self.lease), give_up(&self.governing.keeper), give_up(&self.snapshotting.keeper));
    }
}
