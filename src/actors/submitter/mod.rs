//! Submitter: brings the decisions of governance to the chain, each once, and tells what became of them.
//!
//! Carries out single attempts and decides nothing: an attempt that expired or failed is settled, and whoever decides asks
//! again, after the pause that is answered from the table.
//!
//! The table is its whole state. An attempt's row is committed, with the signed bytes, under the term of governance, before
//! the first byte is sent; what is on its way is sent again, byte for byte, until its blockhash is over; and only then, by the
//! finalized block height and a search of the chain's history, may another attempt follow. So whatever dies between two
//! steps, and whoever wakes up late, the chain can take one of them only.

mod attempt;
mod pass;

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use actix::prelude::*;
use chrono::{DateTime, Utc};
use tokio::sync::broadcast;

use self::pass::{PassEnd, Trouble};
use super::supervision::{Crash, DeathGuard};
use crate::{
    chain::{keys::AuthorityKeys, program::InstructionBuilder, rpc::ChainRpc},
    domain::{
        attempt::{AttemptStatus, Authority, ProgramRefusal, SubmissionId, pause},
        governance::{Intent, Purpose},
        ids::MarketAddress,
    },
    journal::{
        JournalError,
        chain_submissions::{self, OpenAttempt, Past},
        lease::Leased,
    },
};

/// News that wait for who listens; past it the oldest are left out, and who lags is told so.
pub const NEWS_MAX: usize = 1_024;
/// Attempts that are looked at, rehearsed and signed at once; past it whoever asks is told to come again.
pub const BEGUN_AT_ONCE: usize = 16;
/// So many failures in a row, and an operator is told.
const FAILING: usize = 3;
/// What a rehearsal refused is sent again so many times more rarely than what has not landed: the node may have been behind.
const REFUSED_PACE: u32 = 4;

/// Carry this out.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Submitted, NotSubmitted>")]
pub struct Submit(pub Intent);

/// It is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// From now on.
    New(SubmissionId),
    /// Since before: an attempt of this purpose on this market is not settled yet. It may be of an older decision.
    Open(SubmissionId),
}

/// It is not on its way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSubmitted {
    /// The last attempts failed: not before then, by the database's clock. Later news of the market are no reason to ask
    /// sooner.
    #[error("not before {0}")]
    NotBefore(DateTime<Utc>),
    /// The engine has no key of that authority.
    #[error("there is no key of the {}", .0.as_str())]
    NoKey(Authority),
    /// The program, or the runtime, would refuse it now. The refusal is kept, and a pause follows.
    #[error("it would fail: {0}")]
    WouldFail(ProgramRefusal),
    /// It is done already, or the market is past it.
    #[error("it is done already")]
    AlreadyDone,
    /// The node or the database does not answer, or there is no room: nothing was sent. Ask again.
    #[error("not now: {0}")]
    Unavailable(String),
}

impl From<JournalError> for NotSubmitted {
    fn from(error: JournalError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// An attempt is settled: whoever decides may look again. Told once at most; the table has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GovernanceNews {
    /// Which.
    pub id: SubmissionId,
    /// On which market.
    pub market: MarketAddress,
    /// What for.
    pub purpose: Purpose,
    /// How it ended.
    pub status: AttemptStatus,
}

/// What the actor works with.
#[derive(Clone)]
pub struct SubmitterParts {
    /// The node.
    pub rpc: ChainRpc,
    /// The table, in a term of governance.
    pub pool: Leased,
    /// Whose signatures there are.
    pub keys: AuthorityKeys,
    /// What has not landed is sent again so often.
    pub resend_after: Duration,
    /// The most that is paid for priority, a compute unit.
    pub max_priority_fee_micro_lamports: u64,
    /// Where news go.
    pub news: broadcast::Sender<GovernanceNews>,
}

/// See the module.
pub struct Submitter {
    parts: SubmitterParts,
    build: InstructionBuilder,
    begun: HashSet<(Purpose, MarketAddress)>,
    sent: HashMap<SubmissionId, Instant>,
    is_passing: bool,
    _guard: DeathGuard,
}

impl Submitter {
    /// A new life, which knows nothing but the table.
    pub fn new(parts: SubmitterParts, guard: DeathGuard) -> Self {
        let build = InstructionBuilder::new(parts.rpc.program());
        Self { parts, build, begun: HashSet::new(), sent: HashMap::new(), is_passing: false, _guard: guard }
    }

    /// True for what was not sent for a while, as far as this life knows.
    fn is_due(&self, one: &OpenAttempt) -> bool {
        let pace = if one.status == AttemptStatus::Failed { REFUSED_PACE } else { 1 };
        self.sent.get(&one.id).is_none_or(|at| at.elapsed() >= self.parts.resend_after * pace)
    }

    fn passed(&mut self, end: Result<PassEnd, Trouble>) {
        self.is_passing = false;
        match end {
            Ok(PassEnd { sent, open }) => {
                let now = Instant::now();
                self.sent.extend(sent.into_iter().map(|id| (id, now)));
                // As many as are on their way, which are bounded; one that was begun during the pass is sent once more.
                self.sent.retain(|id, _| open.contains(id));
            }
            // The same again at the next tick: nothing of it is lost.
            Err(trouble) => log::warn!("transactions of governance wait: {trouble}"),
        }
    }

    /// Its row is committed: it is sent at once. If this is lost, the next pass sends it.
    fn send(&mut self, one: OpenAttempt, ctx: &mut Context<Self>) {
        self.sent.insert(one.id, Instant::now());
        let parts = self.parts.clone();
        let send = async move {
            let (_, change) = pass::send(&parts, &one).await;
            pass::record(&parts, std::slice::from_ref(&one), change.into_iter().collect()).await
        };
        ctx.spawn(send.into_actor(self).map(|recorded, _, _| {
            if let Err(trouble) = recorded {
                log::warn!("that a transaction of governance was sent is not kept: {trouble}");
            }
        }));
    }
}

impl Actor for Submitter {
    type Context = Context<Self>;
}

/// Look after what is on its way.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct SubmitterTick;

impl Handler<SubmitterTick> for Submitter {
    type Result = ();

    fn handle(&mut self, _: SubmitterTick, ctx: &mut Self::Context) {
        if std::mem::replace(&mut self.is_passing, true) {
            return;
        }
        let parts = self.parts.clone();
        let read = async move { chain_submissions::open(parts.pool.pool()).await };
        let work = read.into_actor(self).then(|open, actor, _| {
            let (parts, build) = (actor.parts.clone(), actor.build);
            let open = open.map(|open| {
                let due: HashSet<_> = open.iter().filter(|one| actor.is_due(one)).map(|one| one.id).collect();
                (open, due)
            });
            let work = async move {
                let (open, due) = open?;
                pass::run(&parts, &build, open, |one| due.contains(&one.id)).await
            };
            work.into_actor(actor)
        });
        ctx.spawn(work.map(|end, actor, _| actor.passed(end)));
    }
}

impl Handler<Submit> for Submitter {
    type Result = ResponseActFuture<Self, Result<Submitted, NotSubmitted>>;

    fn handle(&mut self, Submit(intent): Submit, _: &mut Self::Context) -> Self::Result {
        let key = (intent.purpose, intent.market);
        if self.begun.len() >= BEGUN_AT_ONCE || !self.begun.insert(key) {
            let busy = Err(NotSubmitted::Unavailable("others are being looked at, or this one is".into()));
            return Box::pin(actix::fut::ready(busy));
        }
        let (parts, build) = (self.parts.clone(), self.build);
        let begin = async move { attempt::begin(&parts, &build, &intent).await };
        Box::pin(begin.into_actor(self).map(move |begun, actor, ctx| {
            actor.begun.remove(&key);
            let (submitted, attempt) = begun?;
            if let Some(attempt) = attempt {
                actor.send(attempt, ctx);
            }
            Ok(submitted)
        }))
    }
}

/// Not before the pause after the last attempts is over.
fn may_begin(past: &Past) -> Result<(), NotSubmitted> {
    let Some((last, ended_at)) = past.last else { return Ok(()) };
    let pause = pause(&past.ended, last.0.unsigned_abs());
    let begins = ended_at.checked_add_signed(chrono::TimeDelta::from_std(pause).unwrap_or(chrono::TimeDelta::MAX));
    match begins {
        Some(begins) if begins > past.now => Err(NotSubmitted::NotBefore(begins)),
        _ => Ok(()),
    }
}

impl Handler<Crash> for Submitter {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the submitter was asked to crash");
    }
}
