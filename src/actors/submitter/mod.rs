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
mod held;
mod pass;

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use actix::prelude::*;
use tokio::sync::broadcast;

use self::{held::Held, pass::PassEnd};
use super::{
    supervision::{Crash, DeathGuard, Link},
    trouble::{Lasting, Trouble},
};
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
    telemetry::metrics::Metrics,
};

/// News that wait for who listens; past it the oldest are left out, and who lags is told so.
pub const NEWS_MAX: usize = 1_024;
/// Attempts that are looked at, rehearsed and signed at once; past it whoever asks is told to come again.
pub const BEGUN_AT_ONCE: usize = 16;
/// So many failures in a row, and an operator is told.
const FAILING: usize = 3;
/// What a rehearsal refused is sent again so many times more rarely than what has not landed: the node may have been behind.
const REFUSED_PACE: u32 = 4;

/// The submitter has so long to answer.
const ANSWER_MAX: Duration = Duration::from_secs(60);

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
    /// The last attempts failed: not before so much time is over, which is measured by the database's clock alone. Later news
    /// of the market are no reason to ask sooner.
    #[error("not before {} s are over", .0.as_secs())]
    NotBefore(Duration),
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

/// Asks the submitter to carry a decision out. It has [`ANSWER_MAX`] to answer.
///
/// # Errors
/// [`NotSubmitted`]; [`NotSubmitted::Unavailable`] also where it is not there, or does not answer.
pub async fn hand_over(submitter: &Link<Submitter>, intent: Intent) -> Result<Submitted, NotSubmitted> {
    let gone = || NotSubmitted::Unavailable("the submitter is not there".to_owned());
    let submitter = submitter.get().ok_or_else(gone)?;
    match tokio::time::timeout(ANSWER_MAX, submitter.send(Submit(intent))).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(gone()),
        // It may have it all the same; then the next one is told so.
        Err(_) => Err(NotSubmitted::Unavailable("the submitter does not answer".to_owned())),
    }
}

/// An attempt is settled: whoever decides may look again. Told once at most; the table has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GovernanceNews {
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
    /// Where they are counted.
    pub metrics: Metrics,
}

/// See the module.
pub struct Submitter {
    parts: SubmitterParts,
    build: InstructionBuilder,
    begun: HashSet<(Purpose, MarketAddress)>,
    sent: HashMap<SubmissionId, Instant>,
    held: Held,
    is_passing: bool,
    trouble: Lasting,
    _guard: DeathGuard,
}

impl Submitter {
    /// A new life, which knows nothing but the table.
    pub fn new(parts: SubmitterParts, guard: DeathGuard) -> Self {
        let build = InstructionBuilder::new(parts.rpc.program());
        Self {
            parts,
            build,
            begun: HashSet::new(),
            sent: HashMap::new(),
            held: Held::default(),
            is_passing: false,
            trouble: Lasting::default(),
            _guard: guard,
        }
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
                if let Some(failures) = self.trouble.over() {
                    log::info!("transactions of governance go on after {failures} failures");
                }
                let now = Instant::now();
                self.sent.extend(sent.into_iter().map(|id| (id, now)));
                // As many as are on their way, which are bounded; one that was begun during the pass is sent once more.
                self.sent.retain(|id, _| open.contains(id));
            }
            // The same again at the next tick: nothing of it is lost.
            Err(trouble) => log::log!(self.trouble.failed(), "transactions of governance wait: {trouble}"),
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
        let read = async move { chain_submissions::open(parts.pool.pool(), BEGUN_AT_ONCE).await };
        let work = read.into_actor(self).then(|open, actor, _| {
            let (parts, build) = (actor.parts.clone(), actor.build);
            let open = open.map(|open| {
                let due: HashSet<_> = open.iter().filter(|one| actor.is_due(one)).map(|one| one.id).collect();
                (open, due)
            });
            let work = async move {
                let (open, due) = open?;
                pass::run(&parts, &build, open, &due).await
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
            if let Some(message) = actor.held.note(&intent, begun.as_ref().err(), Instant::now()) {
                let parts = actor.parts.clone();
                ctx.spawn(async move { attempt::tell_failing(&parts, &intent, &message).await }.into_actor(actor));
            }
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
    // A clock that was set back makes no pause longer than it is.
    let over = past.now.signed_duration_since(ended_at).to_std().unwrap_or_default();
    match pause.saturating_sub(over) {
        Duration::ZERO => Ok(()),
        left => Err(NotSubmitted::NotBefore(left)),
    }
}

impl Handler<Crash> for Submitter {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the submitter was asked to crash");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::rpc::{RpcBudget, RpcOptions},
        domain::{
            attempt::{Ended, Why},
            governance::Grounds,
            ids::ProgramId,
            tally::Counts,
        },
        journal::{DatabaseSettings, lease::Term},
    };

    /// Nothing listens where it would read and send.
    fn actor() -> Submitter {
        let nowhere = "postgres://nobody@127.0.0.1:1/none".into();
        let settings = DatabaseSettings { url: nowhere, connect_timeout: Duration::from_millis(50), ca_file: None };
        let options = RpcOptions::new("http://127.0.0.1:1", ProgramId([1; 32]));
        let parts = SubmitterParts {
            rpc: ChainRpc::new(options, RpcBudget::new(std::num::NonZeroU32::MIN)).unwrap(),
            pool: Leased::governing(settings.pool(1).unwrap(), Term(1)),
            keys: AuthorityKeys::default(),
            resend_after: Duration::from_secs(1),
            max_priority_fee_micro_lamports: 0,
            news: broadcast::channel(NEWS_MAX).0,
            metrics: Metrics::new(),
        };
        Submitter::new(parts, DeathGuard::new().0)
    }

    pub(super) fn intent(market: u8) -> Intent {
        let market = MarketAddress([market; 32]);
        Intent { market, purpose: Purpose::ApproveProposal, counts: Counts::new(8, 2), grounds: Grounds::any() }
    }

    fn is_busy(end: &Result<Submitted, NotSubmitted>) -> bool {
        matches!(end, Err(NotSubmitted::Unavailable(reason)) if reason.starts_with("others"))
    }

    #[test]
    fn so_many_attempts_are_begun_at_once_and_the_next_is_told_to_come_again() {
        System::new().block_on(async {
            let addr = actor().start();
            let again = [addr.send(Submit(intent(0))), addr.send(Submit(intent(0)))];
            let [first, second] = <[_; 2]>::try_from(futures_util::future::join_all(again).await).unwrap();
            assert!(!is_busy(&first.unwrap()) && is_busy(&second.unwrap()), "one at a time of a market");
            let markets = 0..=u8::try_from(BEGUN_AT_ONCE).unwrap();
            let all = futures_util::future::join_all(markets.map(|market| addr.send(Submit(intent(market))))).await;
            let busy: Vec<bool> = all.into_iter().map(|end| is_busy(&end.unwrap())).collect();
            assert_eq!(busy.iter().filter(|busy| **busy).count(), 1, "{busy:?}");
            // Their places are given back, also by those that found no database.
            assert!(!is_busy(&addr.send(Submit(intent(99))).await.unwrap()));
        });
    }

    #[test]
    fn an_attempt_waits_for_the_end_of_the_pause_by_the_databases_clock() {
        let now = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000);
        let past = |seconds_ago, ended: &[Ended]| Past {
            open: None,
            ended: ended.to_vec(),
            last: Some((SubmissionId(7), now - chrono::TimeDelta::seconds(seconds_ago))),
            now,
        };
        let none = Past { open: None, ended: Vec::new(), last: None, now };
        assert_eq!(may_begin(&none), Ok(()));
        assert_eq!(may_begin(&past(0, &[Ended::Done])), Ok(()));
        let failed = [Ended::Failed(Why::Other)];
        let Err(NotSubmitted::NotBefore(left)) = may_begin(&past(10, &failed)) else { panic!("it may begin") };
        // Half a minute after it ended, and at most a quarter more.
        assert!((20_000..=27_500).contains(&left.as_millis()), "{left:?}");
        let Err(NotSubmitted::NotBefore(left)) = may_begin(&past(-3_600, &failed)) else { panic!("it may begin") };
        assert!((30_000..=37_500).contains(&left.as_millis()), "the clock was set back: {left:?}");
        assert_eq!(may_begin(&past(38, &failed)), Ok(()));
    }
}
