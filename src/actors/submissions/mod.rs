//! Submissions: brings users' signed transactions to the chain, and tells what became of them.
//!
//! The table is its whole state: every pass reads a page of what is on its way, asks the chain for it, sends again what is
//! not there, and writes what has changed. So it may die at any point, and the next life goes on from the table. What it
//! remembers (when it sent what) only spares the node. A transaction is sent for the first time when its row is committed,
//! by [`SendNow`]; if that is lost, the next pass finds it.
//!
//! Owns when something is sent again. Never signs, never builds, never decides that something can't land but by the
//! finalized block height, read before the chain's history was searched in vain.

mod pass;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use actix::prelude::*;
use deadpool_postgres::Pool;
use tokio::sync::broadcast;

use self::pass::{PassEnd, Sent};
use super::supervision::{Crash, DeathGuard};
use crate::{
    chain::{program::InstructionBuilder, rpc::ChainRpc},
    domain::{ids::TxSignature, submission::SubmissionStatus},
    journal::submissions::{Change, Place, SubmissionRow, UNSETTLED_MAX, Unsettled},
};

/// Transactions that a pass looks at: as many as a node tells the status of at once.
pub const PAGE: usize = crate::chain::rpc::MAX_STATUSES;
/// First sends at once; past it the next pass sends.
pub const SENDS_MAX: usize = 64;
/// What a rehearsal refused is tried again so many times more rarely than what has not landed: the node may have been
/// behind.
const REFUSED_PACE: u32 = 4;
/// News that wait for who listens; past it the oldest are left out, and who lags is told so.
pub const NEWS_MAX: usize = 1_024;

/// What became of a transaction. The way for orders to be told to whoever listens; the table has the same.
#[derive(Debug, Clone)]
pub struct SubmissionNews {
    /// The transaction as it stands now.
    pub row: SubmissionRow,
}

/// What the actor works with.
#[derive(Clone)]
pub struct SubmissionParts {
    /// The node.
    pub rpc: ChainRpc,
    /// The table.
    pub pool: Pool,
    /// What has not landed is sent again so often.
    pub resend_after: Duration,
    /// Where news go.
    pub news: broadcast::Sender<SubmissionNews>,
}

/// See the module.
pub struct Submissions {
    parts: SubmissionParts,
    build: InstructionBuilder,
    sent: HashMap<TxSignature, Instant>,
    place: Option<Place>,
    is_passing: bool,
    sending: usize,
    _guard: DeathGuard,
}

impl Submissions {
    /// A new life, which knows nothing but the table.
    pub fn new(parts: SubmissionParts, guard: DeathGuard) -> Self {
        let build = InstructionBuilder::new(parts.rpc.program());
        Self { parts, build, sent: HashMap::new(), place: None, is_passing: false, sending: 0, _guard: guard }
    }

    fn note_sent(&mut self, sent: &[TxSignature]) {
        // Forgetting only means that something is sent once more than it had to be.
        if self.sent.len() + sent.len() > usize::try_from(UNSETTLED_MAX).unwrap_or(usize::MAX) {
            self.sent.clear();
        }
        let now = Instant::now();
        self.sent.extend(sent.iter().map(|signature| (*signature, now)));
    }

    /// True for what was not sent for a while.
    fn is_due(&self, row: &SubmissionRow) -> bool {
        let pace = if row.status == SubmissionStatus::Failed { REFUSED_PACE } else { 1 };
        self.sent.get(&row.signature).is_none_or(|at| at.elapsed() >= self.parts.resend_after * pace)
    }

    fn passed(&mut self, end: Result<PassEnd, pass::Trouble>) {
        self.is_passing = false;
        match end {
            Ok(PassEnd { place, sent, settled }) => {
                self.place = place;
                self.note_sent(&sent);
                for signature in settled {
                    self.sent.remove(&signature);
                }
            }
            // The same page again at the next tick: nothing of it is lost.
            Err(trouble) => log::warn!("users' transactions wait: {trouble}"),
        }
    }
}

impl Actor for Submissions {
    type Context = Context<Self>;
}

/// Look after what is on its way.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct SubmissionsTick;

impl Handler<SubmissionsTick> for Submissions {
    type Result = ();

    fn handle(&mut self, _: SubmissionsTick, ctx: &mut Self::Context) {
        if std::mem::replace(&mut self.is_passing, true) {
            return;
        }
        let (parts, build, place) = (self.parts.clone(), self.build, self.place.clone());
        let read = async move { pass::read(&parts, place).await };
        let work = read.into_actor(self).then(move |read, actor, _| {
            let parts = actor.parts.clone();
            let read = read.map(|(page, place)| {
                let due = page.iter().map(|one| actor.is_due(&one.row)).collect::<Vec<_>>();
                (page, place, due)
            });
            let work = async move {
                let (page, place, due) = read?;
                pass::run(&parts, &build, page, &due, place).await
            };
            work.into_actor(actor)
        });
        ctx.spawn(work.map(|end, actor, _| actor.passed(end)));
    }
}

/// Send a transaction whose row is committed, without waiting for the next pass.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SendNow(pub Unsettled);

impl Handler<SendNow> for Submissions {
    type Result = ();

    fn handle(&mut self, SendNow(one): SendNow, ctx: &mut Self::Context) {
        if self.sending >= SENDS_MAX {
            return;
        }
        self.sending += 1;
        // Nobody may be listening.
        let _ = self.parts.news.send(SubmissionNews { row: one.row.clone() });
        let signature = one.row.signature;
        // A pass that comes meanwhile need not send it too.
        self.note_sent(&[signature]);
        let (parts, build) = (self.parts.clone(), self.build);
        let send = async move {
            match pass::send(&parts, &build, &one).await {
                Sent::WouldFail(reason) => {
                    let change = pass::would_fail(&one.row, reason);
                    pass::tell(&parts, std::slice::from_ref(&one), vec![change]).await
                }
                Sent::Taken | Sent::Later => Ok(Vec::new()),
            }
        };
        ctx.spawn(send.into_actor(self).map(|told: Result<Vec<Change>, _>, actor, _| {
            actor.sending -= 1;
            if let Err(trouble) = told {
                log::warn!("a refused transaction is told later: {trouble}");
            }
        }));
    }
}

impl Handler<Crash> for Submissions {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("submissions were asked to crash");
    }
}
