//! Snapshotter: has new discussion pinned to IPFS, by a schedule, whatever dies where.
//!
//! A reconciler: `ipfs_anchors` and the journal say what is to be done, so it may die at any point, and a pass that is made
//! twice pins nothing twice. It looks every [`LOOK_EVERY`], and a look makes a pass
//!
//! - over all markets with comments, by the schedule, compared with when the last pass was made, both by PostgreSQL's clock:
//!   one that was missed is made up;
//! - over documents that are on their way, at its start and after failures that pass: ever more rarely, as long as the service
//!   asks for, and at least every [`PAUSE_MAX`].
//!
//! Works under a lease of its own ([`Office::Snapshots`](crate::journal::lease::Office)), whoever leads or governs. What can't
//! be pinned is an alert, which is over when it is. The pass itself is in `pass`, one market's part of it in `market`.

pub mod market;
pub mod pass;

use std::time::{Duration, Instant};

use actix::prelude::*;

use self::pass::{Pass, Which};
use super::supervision::{Crash, DeathGuard};
use crate::{
    domain::schedule::Schedule,
    ipfs::provider::Provider,
    journal::{JournalError, lease::Leased, scheduled},
    telemetry::metrics::Metrics,
};

/// It looks so often whether there is something to be done.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a pass in vain the next one waits so long, then twice as long each time, up to the second.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(600);
/// Its name among scheduled runs, and as an alert's subject.
pub const NAME: &str = "snapshots";

/// What it works with.
#[derive(Clone)]
pub struct SnapshotterParts {
    /// Of its arbiter.
    pub pool: Leased,
    /// Who pins.
    pub provider: Provider,
    /// When all markets are looked at.
    pub schedule: Schedule,
    /// Where it is counted.
    pub metrics: Metrics,
}

/// What only spares questions: a life without it looks at what is on its way.
#[derive(Debug, Clone, Copy)]
struct Memory {
    /// A pass may be made from then on, and is: `None`: when the schedule says so.
    again_at: Option<Instant>,
    /// Passes in a row that the service, or the journal, was away from.
    in_vain: u32,
    /// That the database is away was said.
    has_warned: bool,
}

/// See the module.
pub struct Snapshotter {
    parts: SnapshotterParts,
    memory: Memory,
    is_looking: bool,
    _guard: DeathGuard,
}

impl Snapshotter {
    /// A new life, which knows nothing but the tables.
    pub fn new(parts: SnapshotterParts, guard: DeathGuard) -> Self {
        let memory = Memory { again_at: Some(Instant::now()), in_vain: 0, has_warned: false };
        Self { parts, memory, is_looking: false, _guard: guard }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.is_looking, true) {
            return;
        }
        let (parts, memory) = (self.parts.clone(), self.memory);
        let work = async move { (look_once(&parts, memory).await, memory) };
        ctx.spawn(work.into_actor(self).map(|(looked, before), actor, _| {
            actor.is_looking = false;
            actor.memory = match looked {
                Ok(memory) => Memory { has_warned: false, ..memory },
                Err(error) => {
                    if !before.has_warned {
                        log::warn!("snapshots can't be made now: {error}");
                    }
                    // What was begun is looked at again.
                    Memory { again_at: Some(Instant::now()), has_warned: true, ..before }
                }
            };
        }));
    }
}

/// A look, and the pass that it may call for; what is remembered of it.
async fn look_once(parts: &SnapshotterParts, memory: Memory) -> Result<Memory, JournalError> {
    if memory.again_at.is_some_and(|at| Instant::now() < at) {
        return Ok(memory);
    }
    let run = scheduled::last_run(parts.pool.pool(), NAME).await?;
    let is_due = parts.schedule.is_due(run.last, run.now);
    if !is_due && memory.again_at.is_none() {
        return Ok(memory);
    }
    let which = if is_due { Which::All } else { Which::OnTheirWay };
    let pass = pass::make(parts, which).await?;
    if is_due && pass.is_whole {
        // For the schedule as of when it was asked: what falls due meanwhile is due.
        scheduled::note_run(&parts.pool, NAME, run.now).await?;
    }
    let in_vain = if pass.away.is_some() || pass.behind > 0 { memory.in_vain.saturating_add(1) } else { 0 };
    pass::tell(&parts.pool, &pass, in_vain).await?;
    Ok(Memory { again_at: again_at(&pass, in_vain), in_vain, ..memory })
}

fn again_at(pass: &Pass, in_vain: u32) -> Option<Instant> {
    let Some(away) = &pass.away else {
        let again_at = if pass.behind > 0 { Instant::now() + pause_after(in_vain) } else { Instant::now() };
        return (pass.more || pass.behind > 0).then_some(again_at);
    };
    log::warn!("the pinning service takes nothing now: {}", away.reason);
    Some(Instant::now() + pause_after(in_vain).max(away.retry_after.unwrap_or_default()))
}

fn pause_after(in_vain: u32) -> Duration {
    PAUSE_MIN.saturating_mul(1 << in_vain.saturating_sub(1).min(16)).min(PAUSE_MAX)
}

impl Actor for Snapshotter {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(LOOK_EVERY, Self::look);
        self.look(ctx);
    }
}

impl Handler<Crash> for Snapshotter {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the snapshotter was asked to crash");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_is_away_is_asked_ever_more_rarely_and_every_ten_minutes_at_least() {
        let pauses: Vec<u64> = [1, 2, 3, 9, 10, 11, 12, u32::MAX].map(|n| pause_after(n).as_secs()).into();
        assert_eq!(pauses, [1, 2, 4, 256, 512, 600, 600, 600]);
    }
}
