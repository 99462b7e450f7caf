//! Submissions: brings users' signed transactions to the chain, and tells what became of them.
//!
//! The table is its whole state: every pass reads a page of what is on its way, asks the chain for it, sends again what is
//! not there, and writes what has changed. So it may die at any point, and the next life goes on from the table. What it
//! remembers (when it sent what, what it told) only spares the node and who listens. A transaction is told and sent for the
//! first time when its row is committed, by [`SendNow`]; if that is lost, or the row was committed on another node, by the
//! next pass.
//!
//! Owns when something is sent again. Never signs, never builds, never decides that something can't land but by the
//! finalized block height, read before the chain's history was searched in vain.

mod pass;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use tokio::sync::broadcast;

use self::pass::PassEnd;
use super::{
    committed::Committed,
    supervision::{Crash, DeathGuard},
    trouble::{Lasting, Trouble},
};
use crate::{
    chain::{
        fate::{self, Sent},
        program::InstructionBuilder,
        rpc::ChainRpc,
    },
    domain::{
        ids::{Epoch, TxSignature},
        submission::SubmissionStatus,
    },
    journal::{
        lease::Leased,
        rows::timestamp,
        submissions::{Change, FailureReason, Place, SubmissionRow, UNSETTLED_MAX, Unsettled},
    },
    telemetry::metrics::Metrics,
    view::order::{OrderFailure, SubmissionView},
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

impl From<&SubmissionRow> for SubmissionView {
    fn from(row: &SubmissionRow) -> Self {
        Self {
            signature: row.signature,
            status: row.status.as_str(),
            settled: row.settled,
            client_ref: row.client_ref.clone(),
            market_id: row.market,
            purpose: row.purpose.clone(),
            slot: row.slot,
            reason: row.reason.clone().map(|FailureReason { code, name }| OrderFailure { code, name }),
            last_valid_block_height: row.last_valid_block_height,
            received_at: timestamp(row.received_at_ms),
            updated_at: timestamp(row.updated_at_ms),
            request_id: row.request_id,
        }
    }
}

impl SubmissionParts {
    /// Something became of a transaction: counted, and told to who listens. Nobody need.
    fn tell(&self, row: SubmissionRow) {
        self.metrics.note(|counts| counts.submissions.with_label_values(&[row.status.as_str()]).inc());
        let _ = self.news.send(SubmissionNews { row });
    }
}

/// What the actor works with.
#[derive(Clone)]
pub struct SubmissionParts {
    /// The node.
    pub rpc: ChainRpc,
    /// The table.
    pub pool: Leased,
    /// What has not landed is sent again so often.
    pub resend_after: Duration,
    /// Where news go.
    pub news: broadcast::Sender<SubmissionNews>,
    /// Where they are counted.
    pub metrics: Metrics,
    /// Where it is told that an earlier life may have left some of them untold.
    pub committed: broadcast::Sender<Arc<Committed>>,
    /// The journal's life.
    pub epoch: Epoch,
}

/// See the module.
pub struct Submissions {
    parts: SubmissionParts,
    build: InstructionBuilder,
    sent: HashMap<TxSignature, Instant>,
    /// Of those that are on their way: they were told to be received.
    told: HashSet<TxSignature>,
    place: Option<Place>,
    has_begun: bool,
    is_passing: bool,
    trouble: Lasting,
    sending: usize,
    _guard: DeathGuard,
}

impl Submissions {
    /// A new life, which knows nothing but the table.
    pub fn new(parts: SubmissionParts, guard: DeathGuard) -> Self {
        let build = InstructionBuilder::new(parts.rpc.program());
        Self {
            parts,
            build,
            sent: HashMap::new(),
            told: HashSet::new(),
            place: None,
            has_begun: false,
            is_passing: false,
            trouble: Lasting::default(),
            sending: 0,
            _guard: guard,
        }
    }

    fn note_sent(&mut self, sent: &[TxSignature]) {
        // Forgetting only means that something is sent once more than it had to be.
        if self.sent.len() + sent.len() > usize::try_from(UNSETTLED_MAX).unwrap_or(usize::MAX) {
            self.sent.clear();
        }
        let now = Instant::now();
        self.sent.extend(sent.iter().map(|signature| (*signature, now)));
    }

    /// Tells that a transaction was received, once. What is told again in another life has nothing new.
    fn tell_received(&mut self, row: &SubmissionRow) {
        if row.status != SubmissionStatus::Received || self.told.contains(&row.signature) {
            return;
        }
        if self.told.len() >= usize::try_from(UNSETTLED_MAX).unwrap_or(usize::MAX) {
            self.told.clear();
        }
        self.told.insert(row.signature);
        self.parts.tell(row.clone());
    }

    /// True for what was not sent for a while.
    fn is_due(&self, row: &SubmissionRow) -> bool {
        let pace = if row.status == SubmissionStatus::Failed { REFUSED_PACE } else { 1 };
        self.sent.get(&row.signature).is_none_or(|at| at.elapsed() >= self.parts.resend_after * pace)
    }

    fn passed(&mut self, end: Result<PassEnd, Trouble>) {
        self.is_passing = false;
        match end {
            Ok(PassEnd { place, sent, settled }) => {
                if let Some(failures) = self.trouble.over() {
                    log::info!("users' transactions go on after {failures} failures");
                }
                self.place = place;
                self.note_sent(&sent);
                for signature in settled {
                    self.sent.remove(&signature);
                    self.told.remove(&signature);
                }
            }
            // The same page again at the next tick: nothing of it is lost.
            Err(trouble) => log::log!(self.trouble.failed(), "users' transactions wait: {trouble}"),
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
                if !std::mem::replace(&mut actor.has_begun, true) {
                    // Nobody need be listening.
                    let _ = parts.committed.send(Arc::new(Committed::untold(parts.epoch)));
                }
                // Before its fate is asked for: what is told next comes after it.
                page.iter().for_each(|one| actor.tell_received(&one.row));
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
        self.tell_received(&one.row);
        if self.sending >= SENDS_MAX {
            return;
        }
        self.sending += 1;
        let signature = one.row.signature;
        // A pass that comes meanwhile need not send it too.
        self.note_sent(&[signature]);
        let (parts, build) = (self.parts.clone(), self.build);
        let send = async move {
            match fate::send(&parts.rpc, signature, &one.wire).await {
                Sent::WouldFail(failure) => {
                    let change = pass::would_fail(&build, &one, &failure);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::rpc::{RpcBudget, RpcOptions},
        domain::ids::{MarketAddress, ProgramId, Wallet},
        journal::{DatabaseSettings, lease::Term},
    };

    fn row(n: u8, status: SubmissionStatus) -> SubmissionRow {
        SubmissionRow {
            signature: TxSignature([n; 64]),
            wallet: Wallet([2; 32]),
            client_ref: None,
            market: MarketAddress([3; 32]),
            purpose: "buy_shares".into(),
            status,
            settled: false,
            slot: None,
            reason: None,
            last_valid_block_height: 12,
            received_at_ms: 1,
            updated_at_ms: 2,
            request_id: None,
        }
    }

    /// Nothing listens where it would send and read.
    fn actor() -> (Submissions, broadcast::Receiver<SubmissionNews>) {
        let nowhere = "postgres://nobody@127.0.0.1:1/none".into();
        let settings = DatabaseSettings { url: nowhere, connect_timeout: Duration::from_millis(50), ca_file: None };
        let (news, told) = broadcast::channel(NEWS_MAX);
        let options = RpcOptions::new("http://127.0.0.1:1", ProgramId([1; 32]));
        let parts = SubmissionParts {
            rpc: ChainRpc::new(options, RpcBudget::new(std::num::NonZeroU32::MIN)).unwrap(),
            pool: Leased::new(settings.pool(1).unwrap(), Term(1)),
            resend_after: Duration::from_secs(1),
            news,
            metrics: Metrics::new(),
            committed: broadcast::channel(1).0,
            epoch: Epoch(1),
        };
        (Submissions::new(parts, DeathGuard::new().0), told)
    }

    fn told(receiver: &mut broadcast::Receiver<SubmissionNews>) -> Vec<u8> {
        std::iter::from_fn(|| receiver.try_recv().ok()).map(|news| news.row.signature.0[0]).collect()
    }

    #[test]
    fn what_was_received_is_told_once_also_where_there_is_no_room_to_send_it() {
        System::new().block_on(async {
            let (mut actor, mut receiver) = actor();
            // As a pass finds them, wherever they were handed in.
            for (n, status) in [(1, SubmissionStatus::Received), (2, SubmissionStatus::Processed)] {
                actor.tell_received(&row(n, status));
            }
            actor.tell_received(&row(1, SubmissionStatus::Received));
            assert_eq!(told(&mut receiver), [1]);
            let settled = vec![TxSignature([1; 64])];
            actor.passed(Ok(PassEnd { settled, ..PassEnd::default() }));
            assert!(actor.told.is_empty(), "what is settled is forgotten");

            actor.sending = SENDS_MAX;
            let addr = actor.start();
            for n in [3, 4, 3] {
                addr.send(SendNow(Unsettled { row: row(n, SubmissionStatus::Received), wire: vec![1] })).await.unwrap();
            }
            assert_eq!(told(&mut receiver), [3, 4]);
        });
    }
}
