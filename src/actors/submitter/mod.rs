//! Submitter: brings the decisions of governance to the chain, each once, and tells what became of them.
//!
//! Carries out single attempts and decides nothing: an attempt that expired or failed is settled, and whoever decides asks
//! again, after the pause that is answered from the table.
//!
//! The table is its whole state. An attempt's row is committed, with the signed bytes, under the term of governance, before
//! the first byte is sent; what is on its way is sent again, byte for byte, until its blockhash is over; and only then, by the
//! finalized block height and a search of the chain's history, may another attempt follow. So whatever dies between two
//! steps, and whoever wakes up late, the chain can take one of them only.

use actix::prelude::*;
use chrono::{DateTime, Utc};
use tokio::sync::broadcast;

use super::supervision::{Crash, DeathGuard};
use crate::{
    domain::{
        attempt::{AttemptStatus, Authority, ProgramRefusal, SubmissionId, pause},
        governance::{Intent, Purpose},
        ids::MarketAddress,
    },
    journal::{
        JournalError,
        chain_submissions::{self, Past},
        lease::Leased,
    },
};

/// News that wait for who listens; past it the oldest are left out, and who lags is told so.
pub const NEWS_MAX: usize = 1_024;

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
    /// The table.
    pub pool: Leased,
    /// Where news go.
    pub news: broadcast::Sender<GovernanceNews>,
}

/// See the module.
pub struct Submitter {
    parts: SubmitterParts,
    _guard: DeathGuard,
}

impl Submitter {
    /// A new life, which knows nothing but the table.
    pub fn new(parts: SubmitterParts, guard: DeathGuard) -> Self {
        Self { parts, _guard: guard }
    }
}

impl Actor for Submitter {
    type Context = Context<Self>;
}

impl Handler<Submit> for Submitter {
    type Result = ResponseFuture<Result<Submitted, NotSubmitted>>;

    fn handle(&mut self, Submit(intent): Submit, _: &mut Self::Context) -> Self::Result {
        let parts = self.parts.clone();
        Box::pin(async move {
            let past = chain_submissions::past(parts.pool.pool(), intent.purpose, intent.market).await?;
            if let Some(id) = past.open {
                return Ok(Submitted::Open(id));
            }
            may_begin(&past)?;
            Err(NotSubmitted::NoKey(Authority::Backend))
        })
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
