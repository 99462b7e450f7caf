//! Aggregator: turns votes into approvals, and disputes into verdicts.
//!
//! A reconciler: each pass compares what is final (state, votes, the chain's time) with what the chain says already, decides
//! (`domain::governance`), and asks the submitter for what is missing. Nothing that only a message or this memory knows is
//! needed for a decision to be made in the end: it may die at any point, and its next life begins with a look at everything.
//! That look is also taken every interval; what is heard in between only makes it look sooner:
//!
//! - what has become final is looked at at once, whichever node wrote it: told with what is committed, or by the set of
//!   markets whose votes have changed;
//! - the end of a window is waited for by the chain's clock, never by the host's;
//! - what the submitter has settled, or has put off, is looked at again.
//!
//! Runs under the lease of governance, which need not be the leader's. One pass at a time, and between two of them a pause in
//! proportion to what the last one took, so that a flood of votes costs the database a part of its time only.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use futures_util::{FutureExt, future::LocalBoxFuture};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc,
};

use self::{
    agenda::Agenda,
    pass::{Passed, State},
};
use super::{
    committed::Committed,
    submitter::{GovernanceNews, Submitter},
    supervision::{Crash, DeathGuard, Link},
};
use crate::{
    bus::dirty::{DIRTY_BATCH, DirtyMarkets},
    chain::{program::ProgramAddresses, rpc::ChainRpc},
    config::Config,
    domain::{
        amount::Bps,
        deadline::Periods,
        ids::{MarketAddress, Wallet},
    },
    journal::lease::Leased,
};

pub mod agenda;
mod pass;
pub mod time;

/// Between two passes, at least: what comes meanwhile is looked at together.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// A pass takes at most one part in so many of the time.
const PAUSE_PARTS: u32 = 4;
/// The longest pause in proportion to a pass.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Marked markets are taken so often.
const TAKE_EVERY: Duration = Duration::from_millis(250);
/// After a pass that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What governs beside the chain.
#[derive(Debug, Clone, Copy)]
pub struct AggregatorSettings {
    /// Everything is looked at so often.
    pub interval: Duration,
    /// The chain's clock is read so often while a moment is waited for.
    pub clock_every: Duration,
    /// So many votes make a proposal's tally count.
    pub minimum: u32,
    /// A proposal is approved no sooner after its creation.
    pub min_age_seconds: i64,
    /// Approval that a proposal needs, where the chain's config can't be read.
    pub approval_threshold: Bps,
    /// Agreement that a dispute needs, where the chain's config can't be read.
    pub dispute_threshold: Bps,
    /// How long votes on a dispute are taken.
    pub periods: Periods,
}

impl AggregatorSettings {
    /// Those of the environment.
    pub fn of(config: &Config) -> Self {
        let governance = &config.governance;
        Self {
            interval: governance.aggregation_interval,
            clock_every: Duration::from_millis(config.chain.coverage_interval_ms),
            minimum: config.votes.minimum,
            min_age_seconds: governance.proposal_min_age_seconds(),
            approval_threshold: governance.approval_threshold,
            dispute_threshold: governance.dispute_threshold,
            // The chain's own period has no part in what votes decide.
            periods: governance.periods(0),
        }
    }
}

/// What the aggregator works with.
#[derive(Clone)]
pub struct AggregatorParts {
    /// The node.
    pub rpc: ChainRpc,
    /// Under the lease of governance.
    pub pool: Leased,
    /// Who carries decisions out.
    pub submitter: Link<Submitter>,
    /// What it has settled.
    pub news: broadcast::Sender<GovernanceNews>,
    /// What is committed, on whatever node.
    pub committed: broadcast::Sender<Arc<Committed>>,
    /// Markets whose votes have changed, as the leader marks them.
    pub dirty: Arc<dyn DirtyMarkets>,
    /// Whose the admin's key that we have is.
    pub admin: Option<Wallet>,
    /// See there.
    pub settings: AggregatorSettings,
}

/// See the module.
pub struct Aggregator {
    parts: AggregatorParts,
    _guard: DeathGuard,
}

impl Aggregator {
    /// A new life, which knows nothing.
    pub fn new(parts: AggregatorParts, guard: DeathGuard) -> Self {
        Self { parts, _guard: guard }
    }
}

impl Actor for Aggregator {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Its sources end with the process only.
        ctx.spawn(run(self.parts.clone()).into_actor(self).map(|(), _, ctx| ctx.stop()));
    }
}

impl Handler<Crash> for Aggregator {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the aggregator was asked to crash");
    }
}

/// A pass that is on its way, and when it began.
type Passing = (LocalBoxFuture<'static, Passed>, Instant);

async fn run(parts: AggregatorParts) {
    let (mut committed, mut news) = (parts.committed.subscribe(), parts.news.subscribe());
    let (queue, mut marked) = mpsc::channel(1);
    let mut taking = std::pin::pin!(take_marked(Arc::clone(&parts.dirty), queue));
    let mut interval = ticks(parts.settings.interval);
    let mut clock = ticks(parts.settings.clock_every);
    let config = ProgramAddresses::new(parts.rpc.program()).config().0;
    let (mut agenda, mut state) = (Agenda::new(config), Some(State::default()));
    let mut passing: Option<Passing> = None;
    let mut may_begin = Instant::now();
    loop {
        agenda.wake(Instant::now());
        if may_begin <= Instant::now()
            && let Some(at) = state.take()
        {
            match agenda.take() {
                Some(work) => passing = Some((pass::pass(parts.clone(), at, work).boxed_local(), Instant::now())),
                None => state = Some(at),
            }
        }
        let begins = (passing.is_none() && agenda.has_work()).then_some(may_begin);
        let wakes = [begins, agenda.next_retry()].into_iter().flatten().min();
        tokio::select! {
            batch = committed.recv() => match batch {
                Ok(batch) if batch.is_untold() => agenda.everything(),
                Ok(batch) => agenda.hear(&batch),
                Err(RecvError::Lagged(_)) => agenda.everything(),
                Err(RecvError::Closed) => return,
            },
            settled = news.recv() => match settled {
                Ok(settled) => agenda.market(settled.market),
                Err(RecvError::Lagged(_)) => agenda.everything(),
                Err(RecvError::Closed) => return,
            },
            () = &mut taking => return,
            Some(markets) = marked.recv() => markets.into_iter().for_each(|market| agenda.market(market)),
            _ = interval.tick() => agenda.everything(),
            _ = clock.tick() => agenda.time(),
            passed = ended(&mut passing) => {
                let took = passing.take().map_or(Duration::ZERO, |(_, began)| began.elapsed());
                let pause = if passed.trouble { PAUSE_AFTER_FAILURE } else { (took * (PAUSE_PARTS - 1)).min(PAUSE_MAX) };
                may_begin = Instant::now() + pause.max(PAUSE_MIN);
                state = Some(note(&mut agenda, passed));
            }
            () = until(wakes) => {}
        }
    }
}

/// What a pass has found goes on the agenda.
fn note(agenda: &mut Agenda, passed: Passed) -> State {
    for (market, at) in passed.dues {
        agenda.due(market, at);
    }
    for (market, after) in passed.retries {
        agenda.retry(market, Instant::now() + after);
    }
    if passed.swept {
        agenda.swept();
    }
    if let Some(work) = passed.undone {
        agenda.give_back(work);
    }
    if let Some(now) = passed.state.time.now() {
        agenda.passes(now.unix_timestamp);
    }
    passed.state
}

/// Takes the markets that were marked, until nobody wants them. What can't be taken is found by a look at everything.
async fn take_marked(dirty: Arc<dyn DirtyMarkets>, queue: mpsc::Sender<Vec<MarketAddress>>) {
    let (mut every, mut was_away) = (ticks(TAKE_EVERY), false);
    loop {
        every.tick().await;
        let taken = dirty.take(DIRTY_BATCH).await;
        if let Err(error) = &taken
            && !was_away
        {
            log::warn!("{error}: changed votes are heard of with what is committed, or found by looking");
        }
        was_away = taken.is_err();
        let markets = taken.unwrap_or_default();
        if !markets.is_empty() && queue.send(markets).await.is_err() {
            return;
        }
    }
}

async fn ended(passing: &mut Option<Passing>) -> Passed {
    match passing {
        Some((pass, _)) => pass.await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every.max(PAUSE_MIN));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}
