//! One pass over deliveries that are due: what is known already, what our node says of the rest, and who takes it.
//!
//! Owns the order of the questions, from cheap to dear: the journal, the listener's window, the node's statuses (256 a call),
//! and only then a transaction itself. Whatever fails in between leaves its rows for later; those of which all is known are
//! settled all the same.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;
use serde_json::json;

use super::{
    DeliveriesParts,
    verdict::{AHEAD_MAX, Asked, Verdict, verdict},
};
use crate::{
    actors::listener::hinted::{AreKnown, HintStanding, Hinted},
    chain::{
        helius::delivery::{self, Claim},
        model::{Commitment, RawTransaction},
        rpc::{ChainReadError, MAX_STATUSES, SignatureStatus},
    },
    domain::ids::{Slot, TxSignature},
    faults,
    journal::{
        JournalError,
        deliveries::{self, DueDelivery, SettledDelivery},
        staging::{self, DeadLetter},
    },
    telemetry::health::{Part, PartState},
};

/// Deliveries of a pass.
pub const ROWS: usize = 256;
/// Their bodies, in bytes; one alone may be larger.
pub const BYTES: usize = 16 * 1024 * 1024;
/// Transactions that are read from the node at once.
const READS: usize = 8;
/// Signatures that the journal is asked for at once.
const RECORDED: usize = 4_096;
/// Letters of one delivery; what else it made up is counted in its row.
const LETTERS_MAX: usize = 100;
/// Unusable items that a letter names.
const NAMED_MAX: usize = 10;

/// What a pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// Deliveries that were due.
    pub taken: usize,
    /// Of these, not settled.
    pub left: usize,
}

/// A transaction of a delivery, of which all is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The journal has it, or it is known to have no effect.
    Known,
    /// It failed on the chain, or is said to have failed.
    Failed,
    /// It is not on the chain where it was said to be.
    NeverCame,
    /// The node knows of it and can't be made to tell it: coverage lists it, and gives it up in its own time.
    Unreadable,
}

impl Fate {
    fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Failed => "failed",
            Self::NeverCame => "never_came",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A delivery that is worked on.
struct Work {
    id: i64,
    /// The node is asked about it: not yet where it may be heard of in a moment without a question.
    asks: bool,
    asked_at: Option<Slot>,
    claims: Vec<(Claim, Option<Fate>)>,
    unusable: Vec<(usize, String)>,
}

impl Work {
    fn of(due: &DueDelivery, is_live: bool) -> Self {
        let read = delivery::read(&due.body);
        // The gate has looked, but it may have been another version's.
        let read = read
            .unwrap_or_else(|error| delivery::Delivery { claims: Vec::new(), unusable: vec![(0, error.to_string())] });
        // What is said to have failed has changed nothing; if that is a lie, nobody is told of anything by it.
        let fate = |claim: &Claim| claim.failed.then_some(Fate::Failed);
        let claims = read.claims.into_iter().map(|claim| (claim, fate(&claim))).collect();
        let asks = !is_live || due.attempt > 1;
        Self { id: due.id, asks, asked_at: due.asked_at_slot, claims, unusable: read.unusable }
    }

    fn open(&self) -> impl Iterator<Item = &Claim> {
        self.claims.iter().filter(|(_, fate)| fate.is_none()).map(|(claim, _)| claim)
    }

    fn decide(&mut self, decide: impl Fn(&Claim) -> Option<Fate>) {
        for (claim, fate) in self.claims.iter_mut().filter(|(_, fate)| fate.is_none()) {
            *fate = decide(claim);
        }
    }

    fn is_settled(&self) -> bool {
        self.open().next().is_none()
    }

    fn settled(&self) -> SettledDelivery {
        let count = |fate: Fate| self.claims.iter().filter(|(_, own)| *own == Some(fate)).count();
        let fates = [Fate::Known, Fate::Failed, Fate::NeverCame, Fate::Unreadable];
        let mut outcome: serde_json::Map<_, _> =
            fates.into_iter().map(|fate| (fate.as_str().to_owned(), json!(count(fate)))).collect();
        outcome.insert("unusable".to_owned(), json!(self.unusable.len()));
        let named = self.unusable.iter().take(NAMED_MAX).map(|(place, reason)| format!("item {place}: {reason}"));
        let unusable = named.collect::<Vec<_>>().join("; ");
        SettledDelivery {
            id: self.id,
            outcome: outcome.into(),
            unusable: (!unusable.is_empty())
                .then(|| format!("{} of its items can't be used: {unusable}", self.unusable.len())),
        }
    }

    fn letters(&self) -> impl Iterator<Item = DeadLetter> {
        let never_came = self.claims.iter().filter(|(_, fate)| *fate == Some(Fate::NeverCame));
        never_came.take(LETTERS_MAX).map(|(claim, _)| {
            let at = claim.slot.map_or_else(|| "an untold slot".to_owned(), |slot| format!("slot {slot}"));
            DeadLetter {
                source: "webhook",
                signature: Some(claim.signature),
                n: None,
                stream: None,
                reason: "never came",
                detail: format!("delivery {} says that it succeeded in {at}, where it is not", self.id),
                raw: None,
            }
        })
    }
}

/// Works off what is due now.
///
/// # Errors
/// [`JournalError`]: what was taken is due again soon.
pub async fn run(parts: &DeliveriesParts) -> Result<Passed, JournalError> {
    let due = deliveries::take(&parts.pool, ROWS, BYTES).await?;
    if due.is_empty() {
        return Ok(Passed { taken: 0, left: 0 });
    }
    // What a delivery tells is notified too, in the same moment or a little later, as long as notifications flow.
    let is_live = parts.health.parts().get(&Part::Live).is_some_and(PartState::is_fit);
    let mut works: Vec<Work> = due.iter().map(|due| Work::of(due, is_live)).collect();
    drop(due);
    what_is_recorded(parts, &mut works).await?;
    if what_the_listener_knows(parts, &mut works).await
        && works.iter().any(|work| work.asks && !work.is_settled())
        && let Err(error) = what_the_node_says(parts, &mut works).await?
    {
        log::warn!("the node can't be asked about deliveries: {error}");
    }
    settle(parts, &works).await?;
    let left = works.iter().filter(|work| !work.is_settled()).count();
    Ok(Passed { taken: works.len(), left })
}

async fn what_is_recorded(parts: &DeliveriesParts, works: &mut [Work]) -> Result<(), JournalError> {
    let open = signatures(works, |_| true);
    let mut recorded = HashSet::new();
    for signatures in open.chunks(RECORDED) {
        recorded.extend(deliveries::recorded(parts.pool.pool(), signatures).await?);
    }
    for work in works {
        work.decide(|claim| recorded.contains(&claim.signature).then_some(Fate::Known));
    }
    Ok(())
}

/// True if the listener has use for more. While it has not, what the node could tell would have to be asked for again.
async fn what_the_listener_knows(parts: &DeliveriesParts, works: &mut [Work]) -> bool {
    let Some(listener) = parts.listener.get() else { return false };
    let open = works.iter().flat_map(Work::open);
    let asked: Vec<_> = open.filter_map(|claim| Some((claim.signature, claim.slot?))).collect();
    // One that died meanwhile knows nothing.
    let Ok(known) = listener.send(AreKnown(asked.clone())).await else { return false };
    let settled = asked.into_iter().zip(known.standings).filter(|(_, standing)| *standing == HintStanding::Settled);
    let settled: HashSet<_> = settled.map(|(place, _)| place).collect();
    for work in works {
        work.decide(|claim| settled.contains(&(claim.signature, claim.slot?)).then_some(Fate::Known));
    }
    known.takes_others
}

/// The outer error is the journal's, the inner one the node's: what it said before that counts.
async fn what_the_node_says(
    parts: &DeliveriesParts,
    works: &mut [Work],
) -> Result<Result<(), ChainReadError>, JournalError> {
    let slots = async {
        // Final first: what is not known afterwards was not there when that slot was final.
        let finalized = parts.rpc.slot(Commitment::Finalized).await?;
        Ok((finalized, parts.rpc.slot(Commitment::Confirmed).await?))
    };
    let (finalized, head) = match slots.await {
        Ok(slots) => slots,
        Err(error) => return Ok(Err(error)),
    };
    let new: Vec<i64> = works
        .iter()
        .filter(|work| work.asks && work.asked_at.is_none() && !work.is_settled())
        .map(|work| work.id)
        .collect();
    if !new.is_empty() {
        deliveries::note_asked(&parts.pool, &new, head).await?;
    }
    for work in works.iter_mut().filter(|work| work.asks) {
        work.asked_at.get_or_insert(head);
    }
    for chunk in signatures(works, |work| work.asks).chunks(MAX_STATUSES) {
        if let Err(error) = ask(parts, works, chunk, finalized).await {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// Asks about some of them, and gives what is confirmed to the listener.
async fn ask(
    parts: &DeliveriesParts,
    works: &mut [Work],
    signatures: &[TxSignature],
    finalized: Slot,
) -> Result<(), ChainReadError> {
    let (answered_at, statuses) = parts.rpc.signature_statuses_at(signatures, true).await?;
    let statuses: HashMap<_, _> = signatures.iter().copied().zip(statuses).collect();
    let mut wanted = HashSet::new();
    for work in works.iter_mut().filter(|work| work.asks) {
        let asked_at = work.asked_at.unwrap_or(finalized);
        for (claim, fate) in work.claims.iter_mut().filter(|(_, fate)| fate.is_none()) {
            let Some(status) = statuses.get(&claim.signature) else { continue };
            match verdict(claim, &Asked { status: status.as_ref(), answered_at, finalized, asked_at }) {
                Verdict::Read => drop(wanted.insert(claim.signature)),
                Verdict::Failed => *fate = Some(Fate::Failed),
                Verdict::NeverCame => *fate = Some(Fate::NeverCame),
                Verdict::Later => {}
            }
        }
    }
    let reads = wanted.into_iter().map(|signature| async move { (signature, parts.rpc.transaction(signature).await) });
    let mut reads = futures_util::stream::iter(reads).buffer_unordered(READS);
    let mut transactions: Vec<RawTransaction> = Vec::new();
    let (mut unreadable, mut trouble) = (HashSet::new(), None);
    while let Some((signature, read)) = reads.next().await {
        match read {
            Ok(Some(transaction)) => transactions.push(transaction),
            Ok(None) | Err(ChainReadError::BadAnswer { .. }) => drop(unreadable.insert(signature)),
            Err(error) => trouble = Some(error),
        }
    }
    let long_final = |status: &Option<SignatureStatus>| {
        status.as_ref().is_some_and(|status| finalized.0 >= status.slot.0.saturating_add(AHEAD_MAX))
    };
    let settled = bring(parts, transactions).await;
    for work in works.iter_mut() {
        work.decide(|claim| match statuses.get(&claim.signature) {
            Some(_) if settled.contains(&claim.signature) => Some(Fate::Known),
            Some(status) if unreadable.contains(&claim.signature) && long_final(status) => Some(Fate::Unreadable),
            _ => None,
        });
    }
    trouble.map_or(Ok(()), Err)
}

/// Gives transactions to the listener; those that are settled by then.
async fn bring(parts: &DeliveriesParts, mut transactions: Vec<RawTransaction>) -> HashSet<TxSignature> {
    let Some(listener) = parts.listener.get().filter(|_| !transactions.is_empty()) else { return HashSet::new() };
    transactions.sort_by_key(|transaction| (transaction.slot, transaction.index_in_block));
    let names: Vec<TxSignature> = transactions.iter().map(|transaction| transaction.signature).collect();
    let Ok(standings) = listener.send(Hinted(transactions)).await else { return HashSet::new() };
    faults::reached("deliveries:brought");
    let brought = standings.iter().filter(|standing| **standing == HintStanding::UnderWay).count();
    if brought > 0 {
        parts.health.metrics().note(|counts| counts.hints.with_label_values(&["brought"]).inc_by(brought as u64));
    }
    let settled = names.into_iter().zip(standings).filter(|(_, standing)| *standing == HintStanding::Settled);
    settled.map(|(signature, _)| signature).collect()
}

async fn settle(parts: &DeliveriesParts, works: &[Work]) -> Result<(), JournalError> {
    let done = || works.iter().filter(|work| work.is_settled());
    let letters: Vec<DeadLetter> = done().flat_map(Work::letters).collect();
    if !letters.is_empty() {
        log::warn!("{} transactions that deliveries told of never came", letters.len());
        staging::bury(&parts.pool, &letters).await?;
    }
    let settled: Vec<SettledDelivery> = done().map(Work::settled).collect();
    deliveries::settle(&parts.pool, &settled).await?;
    parts.health.metrics().note(|counts| {
        for fate in done().flat_map(|work| &work.claims).filter_map(|(_, fate)| *fate) {
            counts.hints.with_label_values(&[fate.as_str()]).inc();
        }
        let unusable: usize = done().map(|work| work.unusable.len()).sum();
        if unusable > 0 {
            counts.hints.with_label_values(&["unusable"]).inc_by(unusable as u64);
        }
    });
    Ok(())
}

/// What is open of these, each once, in the order of the slots that are said: older ones come first to their streams.
fn signatures(works: &[Work], of: fn(&Work) -> bool) -> Vec<TxSignature> {
    let mut open: Vec<&Claim> = works.iter().filter(|work| of(work)).flat_map(Work::open).collect();
    open.sort_by_key(|claim| claim.slot);
    let mut seen = HashSet::new();
    open.into_iter().map(|claim| claim.signature).filter(|signature| seen.insert(*signature)).collect()
}
