//! One pass over deliveries that are due: what is known already, what our node says of the rest, and who takes it.
//!
//! Owns the order of the questions, from cheap to dear: the journal, the listener's window, the node's statuses (256 a call),
//! and only then a transaction itself. Whatever fails in between leaves its rows for later; those of which all is known are
//! settled all the same. All of a pass is asked of one node.
//!
//! A delivery is worked off [`SLICE`] transactions at a time, and a pass asks for about as many in all, those of newer rows
//! first: whatever somebody makes up, the others do not wait for it.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{
    DeliveriesParts,
    verdict::{AHEAD_MAX, Asked, Verdict, verdict},
};
use crate::{
    actors::listener::hinted::{AreKnown, Hint, HintStanding, Hinted},
    chain::{
        helius::delivery::{self, Claim},
        model::Commitment,
        rpc::{ChainReadError, MAX_STATUSES, SignatureStatus},
    },
    domain::ids::{Slot, TxSignature},
    faults,
    journal::{
        JournalError,
        deliveries::{self, DeliveryLetter, DueDelivery, WorkedOff},
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
/// Transactions of a delivery that are worked on at once.
pub const SLICE: usize = 1_024;
/// Once a pass is to ask the node for so many transactions, no further row is asked about by it.
const ASKED: usize = 1_024;
/// Transactions that never came that a letter names; how many there are is counted in the row.
const SIGNATURES_NAMED_MAX: usize = 100;
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
    /// The node knows of it and can't be made to tell it (coverage lists it, and gives it up in its own time), or keeps no
    /// history where it is said to be.
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

/// A transaction of a delivery, and what is known of it.
struct Told {
    claim: Claim,
    fate: Option<Fate>,
    /// It is on its way to its streams: nobody has to be asked for it.
    is_under_way: bool,
}

/// A delivery that is worked on, from where it was left.
struct Work {
    id: i64,
    attempt: u32,
    /// The node is asked about it: not yet where it may be heard of in a moment without a question.
    asks: bool,
    asked_at: Option<Slot>,
    told: Vec<Told>,
    /// How many there are up to the end of these.
    decided: usize,
    /// More follow.
    has_more: bool,
    /// What came of those before.
    outcome: Option<Value>,
    unusable: Vec<(usize, String)>,
}

impl Work {
    fn of(due: DueDelivery, is_live: bool) -> Self {
        let read = delivery::read(&due.body);
        // The gate has looked, but it may have been another version's.
        let read = read
            .unwrap_or_else(|error| delivery::Delivery { claims: Vec::new(), unusable: vec![(0, error.to_string())] });
        // What is said to have failed has changed nothing; if that is a lie, nobody is told of anything by it.
        let fate = |claim: &Claim| claim.failed.then_some(Fate::Failed);
        let total = read.claims.len();
        let told = |claim: Claim| Told { fate: fate(&claim), claim, is_under_way: false };
        let told: Vec<Told> = read.claims.into_iter().skip(due.decided).take(SLICE).map(told).collect();
        let decided = due.decided + told.len();
        let asks = !is_live || due.attempt > 1;
        Self {
            id: due.id,
            attempt: due.attempt,
            asks,
            asked_at: due.asked_at_slot,
            told,
            decided,
            has_more: decided < total,
            outcome: due.outcome,
            unusable: read.unusable,
        }
    }

    fn open(&self) -> impl Iterator<Item = &Claim> {
        self.told.iter().filter(|told| told.fate.is_none()).map(|told| &told.claim)
    }

    /// What the node is to be asked for.
    fn wanted(&self) -> impl Iterator<Item = &Claim> {
        let is_wanted = |told: &&Told| self.asks && told.fate.is_none() && !told.is_under_way;
        self.told.iter().filter(is_wanted).map(|told| &told.claim)
    }

    fn decide(&mut self, decide: impl Fn(&Claim) -> Option<Fate>) {
        for told in self.told.iter_mut().filter(|told| told.fate.is_none()) {
            told.fate = decide(&told.claim);
        }
    }

    fn is_decided(&self) -> bool {
        self.open().next().is_none()
    }

    fn is_settled(&self) -> bool {
        self.is_decided() && !self.has_more
    }

    fn worked_off(&self) -> WorkedOff {
        let before = |what: &str| self.outcome.as_ref().and_then(|outcome| outcome[what].as_u64()).unwrap_or(0);
        let count = |fate: Fate| self.told.iter().filter(|told| told.fate == Some(fate)).count() as u64;
        let fates = [Fate::Known, Fate::Failed, Fate::NeverCame, Fate::Unreadable];
        let mut outcome: serde_json::Map<_, _> = fates
            .into_iter()
            .map(|fate| (fate.as_str().to_owned(), json!(before(fate.as_str()) + count(fate))))
            .collect();
        outcome.insert("unusable".to_owned(), json!(self.unusable.len()));
        let letters = [self.never_came(), self.unusable().filter(|_| !self.has_more)].into_iter().flatten().collect();
        let is_settled = !self.has_more;
        WorkedOff { id: self.id, decided: self.decided, is_settled, outcome: outcome.into(), letters }
    }

    /// One letter, whatever a delivery makes up.
    fn never_came(&self) -> Option<DeliveryLetter> {
        let came_not = || self.told.iter().filter(|told| told.fate == Some(Fate::NeverCame)).map(|told| &told.claim);
        let first = came_not().next()?;
        let at = first.slot.map_or_else(|| "an untold slot".to_owned(), |slot| format!("slot {slot}"));
        let named: Vec<String> =
            came_not().take(SIGNATURES_NAMED_MAX).map(|claim| claim.signature.to_string()).collect();
        Some(DeliveryLetter {
            reason: "never came",
            detail: format!(
                "it says that {} succeeded in {at}, where it is not; {} of its transactions are not where it says",
                first.signature,
                came_not().count()
            ),
            raw: json!({ "delivery": self.id, "signatures": named }),
        })
    }

    fn unusable(&self) -> Option<DeliveryLetter> {
        let named = self.unusable.iter().take(NAMED_MAX).map(|(place, reason)| format!("item {place}: {reason}"));
        let named = named.collect::<Vec<_>>().join("; ");
        (!named.is_empty()).then(|| DeliveryLetter {
            reason: "unusable delivery",
            detail: format!("{} of its items can't be used: {named}", self.unusable.len()),
            raw: json!({ "delivery": self.id }),
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
    let mut works: Vec<Work> = due.into_iter().map(|due| Work::of(due, is_live)).collect();
    // What one node says is compared with what the same one says.
    let parts = &DeliveriesParts { rpc: parts.rpc.pinned(), ..parts.clone() };
    what_is_recorded(parts, &mut works).await?;
    if what_the_listener_knows(parts, &mut works).await
        && are_to_be_asked(&mut works)
        && let Err(error) = what_the_node_says(parts, &mut works).await?
    {
        log::warn!("the node can't be asked about deliveries: {error}");
    }
    settle(parts, &works).await?;
    let left = works.iter().filter(|work| !work.is_settled()).count();
    Ok(Passed { taken: works.len(), left })
}

async fn what_is_recorded(parts: &DeliveriesParts, works: &mut [Work]) -> Result<(), JournalError> {
    let open = signatures(works.iter().flat_map(Work::open));
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
    let standings: HashMap<_, _> = asked.into_iter().zip(known.standings).collect();
    for told in works.iter_mut().flat_map(|work| &mut work.told).filter(|told| told.fate.is_none()) {
        match told.claim.slot.and_then(|slot| standings.get(&(told.claim.signature, slot))) {
            Some(HintStanding::Settled) => told.fate = Some(Fate::Known),
            Some(HintStanding::UnderWay) => told.is_under_way = true,
            Some(HintStanding::Unknown) | None => {}
        }
    }
    known.takes_others
}

/// As many as a pass may ask for, of the rows that were tried least; the others wait. False if there are none.
fn are_to_be_asked(works: &mut [Work]) -> bool {
    let mut turns: Vec<&mut Work> = works.iter_mut().collect();
    turns.sort_by_key(|work| (work.attempt, work.id));
    let mut asked = 0;
    for work in turns {
        let wanted = work.wanted().count();
        work.asks &= asked < ASKED;
        asked += if work.asks { wanted } else { 0 };
    }
    asked > 0
}

/// The outer error is the journal's, the inner one the node's: what it said before that counts.
async fn what_the_node_says(
    parts: &DeliveriesParts,
    works: &mut [Work],
) -> Result<Result<(), ChainReadError>, JournalError> {
    let slots = async {
        let history_from = match parts.rpc.first_available_slot().await {
            // Development chains do not know the question, and keep all.
            Err(error) if !error.is_transient() => Slot(0),
            answer => answer?,
        };
        // Final first: what is not known afterwards was not there when that slot was final.
        let finalized = parts.rpc.slot(Commitment::Finalized).await?;
        Ok((Final { finalized, history_from }, parts.rpc.slot(Commitment::Confirmed).await?))
    };
    let (node, head) = match slots.await {
        Ok(slots) => slots,
        Err(error) => return Ok(Err(error)),
    };
    let new: Vec<i64> = works
        .iter()
        .filter(|work| work.asked_at.is_none() && work.wanted().next().is_some())
        .map(|work| work.id)
        .collect();
    if !new.is_empty() {
        deliveries::note_asked(&parts.pool, &new, head).await?;
    }
    for work in works.iter_mut().filter(|work| work.asks) {
        work.asked_at.get_or_insert(head);
    }
    for chunk in signatures(works.iter().flat_map(Work::wanted)).chunks(MAX_STATUSES) {
        if let Err(error) = ask(parts, works, chunk, node).await {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// What the node has as final.
#[derive(Clone, Copy)]
struct Final {
    finalized: Slot,
    history_from: Slot,
}

/// Asks about some of them, and gives what is confirmed to the listener.
async fn ask(
    parts: &DeliveriesParts,
    works: &mut [Work],
    signatures: &[TxSignature],
    Final { finalized, history_from }: Final,
) -> Result<(), ChainReadError> {
    let decides = parts.rpc.decides();
    let (answered_at, statuses) = parts.rpc.signature_statuses_at(signatures, true).await?;
    let statuses: HashMap<_, _> = signatures.iter().copied().zip(statuses).collect();
    let mut wanted = HashSet::new();
    for work in works.iter_mut().filter(|work| work.asks) {
        let asked_at = work.asked_at.unwrap_or(finalized);
        for Told { claim, fate, .. } in work.told.iter_mut().filter(|told| told.fate.is_none()) {
            let Some(status) = statuses.get(&claim.signature) else { continue };
            let status = status.as_ref();
            match verdict(claim, &Asked { status, answered_at, finalized, asked_at, history_from, decides }) {
                Verdict::Read => drop(wanted.insert(claim.signature)),
                Verdict::Failed => *fate = Some(Fate::Failed),
                Verdict::NeverCame => *fate = Some(Fate::NeverCame),
                Verdict::Untold => *fate = Some(Fate::Unreadable),
                Verdict::Later => {}
            }
        }
    }
    let reads = wanted.into_iter().map(|signature| async move { (signature, parts.rpc.transaction(signature).await) });
    let mut reads = futures_util::stream::iter(reads).buffer_unordered(READS);
    let mut hints: Vec<Hint> = Vec::new();
    let (mut unreadable, mut trouble) = (HashSet::new(), None);
    while let Some((signature, read)) = reads.next().await {
        match read {
            Ok(Some(transaction)) => {
                let is_final = statuses.get(&signature).and_then(Option::as_ref).is_some_and(|status| {
                    decides && status.commitment == Commitment::Finalized && status.slot.0 == transaction.slot
                });
                hints.push(Hint { transaction, is_final });
            }
            Ok(None) | Err(ChainReadError::BadAnswer { .. }) => drop(unreadable.insert(signature)),
            Err(error) => trouble = Some(error),
        }
    }
    let long_final = |status: &Option<SignatureStatus>| {
        status.as_ref().is_some_and(|status| finalized.0 >= status.slot.0.saturating_add(AHEAD_MAX))
    };
    let settled = bring(parts, hints).await;
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
async fn bring(parts: &DeliveriesParts, mut hints: Vec<Hint>) -> HashSet<TxSignature> {
    let Some(listener) = parts.listener.get().filter(|_| !hints.is_empty()) else { return HashSet::new() };
    hints.sort_by_key(|hint| (hint.transaction.slot, hint.transaction.index_in_block));
    let names: Vec<TxSignature> = hints.iter().map(|hint| hint.transaction.signature).collect();
    let Ok(standings) = listener.send(Hinted(hints)).await else { return HashSet::new() };
    faults::reached("deliveries:brought");
    let brought = standings.iter().filter(|standing| **standing == HintStanding::UnderWay).count();
    if brought > 0 {
        parts.health.metrics().note(|counts| counts.hints.with_label_values(&["brought"]).inc_by(brought as u64));
    }
    let settled = names.into_iter().zip(standings).filter(|(_, standing)| *standing == HintStanding::Settled);
    settled.map(|(signature, _)| signature).collect()
}

async fn settle(parts: &DeliveriesParts, works: &[Work]) -> Result<(), JournalError> {
    let done = || works.iter().filter(|work| work.is_decided());
    let worked_off: Vec<WorkedOff> = done().map(Work::worked_off).collect();
    deliveries::settle(&parts.pool, &worked_off).await?;
    let fates = || done().flat_map(|work| &work.told).filter_map(|told| told.fate);
    let never_came = fates().filter(|fate| *fate == Fate::NeverCame).count();
    if never_came > 0 {
        log::warn!("{never_came} transactions that deliveries told of never came");
    }
    parts.health.metrics().note(|counts| {
        for fate in fates() {
            counts.hints.with_label_values(&[fate.as_str()]).inc();
        }
        let unusable: usize = done().filter(|work| !work.has_more).map(|work| work.unusable.len()).sum();
        if unusable > 0 {
            counts.hints.with_label_values(&["unusable"]).inc_by(unusable as u64);
        }
    });
    Ok(())
}

/// Each once, in the order of the slots that are said: older ones come first to their streams.
fn signatures<'w>(claims: impl Iterator<Item = &'w Claim>) -> Vec<TxSignature> {
    let mut claims: Vec<&Claim> = claims.collect();
    claims.sort_by_key(|claim| claim.slot);
    let mut seen = HashSet::new();
    claims.into_iter().map(|claim| claim.signature).filter(|signature| seen.insert(*signature)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(id: i64, attempt: u32, signatures: std::ops::Range<usize>, decided: usize) -> DueDelivery {
        let claim = |n: usize| {
            let mut bytes = [9; 64];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            json!({ "signature": TxSignature(bytes), "slot": n })
        };
        let body = json!(signatures.map(claim).collect::<Vec<_>>()).to_string().into_bytes();
        DueDelivery { id, body, attempt, asked_at_slot: None, decided, outcome: None }
    }

    #[test]
    fn a_delivery_of_many_is_worked_off_in_parts_and_has_one_letter_of_what_never_came() {
        let (total, mut due) = (2 * SLICE + 10, due(7, 1, 0..2 * SLICE + 10, 0));
        for part in 1..=3 {
            let mut work = Work::of(due.clone(), false);
            assert!(!work.is_decided() && work.told.len() <= SLICE);
            work.decide(|_| Some(Fate::NeverCame));
            let done = work.worked_off();
            assert_eq!((done.decided, done.is_settled), (total.min(part * SLICE), part == 3));
            assert_eq!(done.outcome["never_came"], done.decided);
            assert_eq!(done.letters.len(), 1, "the first of them is kept");
            assert_eq!(done.letters[0].raw["signatures"].as_array().unwrap().len(), if part == 3 { 10 } else { 100 });
            (due.decided, due.outcome) = (done.decided, Some(done.outcome));
        }
    }

    #[test]
    fn a_pass_asks_for_so_many_of_newer_rows_first_and_for_none_that_is_on_its_way() {
        let rows = [(1, 5, 0..SLICE), (2, 2, 0..600), (3, 2, 0..600), (4, 2, 0..400), (5, 1, 0..5)];
        let mut works: Vec<Work> =
            rows.into_iter().map(|(id, attempt, claims)| Work::of(due(id, attempt, claims, 0), true)).collect();
        assert!(are_to_be_asked(&mut works));
        assert_eq!(works.iter().map(|work| work.asks).collect::<Vec<_>>(), [false, true, true, false, false]);
        works.iter_mut().flat_map(|work| &mut work.told).for_each(|told| told.is_under_way = true);
        assert!(!are_to_be_asked(&mut works) && works.iter().all(|work| !work.is_decided()));
    }
}
