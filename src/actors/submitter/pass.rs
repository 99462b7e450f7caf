//! One look at all attempts that are on their way: what the chain says, what is sent again, what is written and told.
//!
//! As with users' transactions ([`crate::chain::fate`] is shared), with one thing more: done is what the journal has too, and
//! what the journal has is done.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use futures_util::{StreamExt, stream};

use super::{
    GovernanceNews, SubmitterParts,
    attempt::{is_past, refusal_of, resolve_failing, tell},
};
use crate::{
    actors::trouble::Trouble,
    chain::{
        fate::{self, Fate, Sent, Signed},
        model::Commitment,
        program::InstructionBuilder,
        rpc::{SignatureStatus, TransactionFailure},
        tx::failure::named_from,
    },
    domain::{
        alert::AlertKind,
        attempt::{AttemptStatus, ProgramRefusal, SubmissionId, Why, next},
        ids::{Epoch, Seq, TxSignature},
        submission::{Landed, Seen},
    },
    faults,
    journal::{
        JournalError,
        alerts::{self, NewAlert},
        chain_submissions::{self, Change, OpenAttempt, Recorded},
    },
};

/// Sends at once within a pass.
const SENDS_AT_ONCE: usize = 8;
/// Accounts that are looked at at once within a pass, for what has come to nothing.
const LOOKS_AT_ONCE: usize = 8;
/// What is final on the chain for longer, and not in the journal, is told: so long an outage of the journal's part may last.
const EVENT_LATE: Duration = Duration::from_secs(120);

/// How a pass ended.
#[derive(Debug, Default)]
pub struct PassEnd {
    /// What was tried to be sent, refused or not.
    pub sent: Vec<SubmissionId>,
    /// What is on its way.
    pub open: Vec<SubmissionId>,
}

/// Looks at everything that is on its way; what is due may be sent again.
pub async fn run(
    parts: &SubmitterParts,
    build: &InstructionBuilder,
    open: Vec<OpenAttempt>,
    due: &HashSet<SubmissionId>,
) -> Result<PassEnd, Trouble> {
    let signed: Vec<_> = open
        .iter()
        .map(|one| Signed { signature: one.signature, last_valid_block_height: one.last_valid_block_height })
        .collect();
    let mut fates = fate::fates(&parts.rpc, &signed).await?;
    let doubtful = open.iter().zip(&fates).filter(|(_, fate)| is_final(fate) || is_unseen(fate));
    let asked: Vec<_> = doubtful.map(|(one, _)| (one.signature, one.purpose)).collect();
    let mut entries = chain_submissions::entries(parts.pool.pool(), &asked).await?;
    for (one, fate) in open.iter().zip(&mut fates) {
        known(fate, entries.get(&one.signature));
    }
    let landed: Vec<_> = open.iter().zip(&fates).filter(|(_, fate)| is_final(fate)).collect();
    entries.extend(adopted(parts, &landed, &entries).await?);
    tell_missing(parts, &landed, &entries).await;

    let resend: Vec<_> =
        open.iter().zip(&fates).filter(|(one, fate)| **fate == Fate::Missing && due.contains(&one.id)).collect();
    let looks = open.iter().zip(&fates).map(|(one, fate)| {
        let entry = entries.get(&one.signature).map(|recorded| recorded.entry);
        change_of(parts, build, one, fate, entry)
    });
    let changes: Vec<_> = stream::iter(looks).buffered(LOOKS_AT_ONCE).collect().await;
    let changes: Vec<Change> = changes.into_iter().flatten().collect();
    if changes.iter().any(|change| change.to.status == AttemptStatus::Confirmed) {
        faults::reached("submitter:confirmed");
    }
    if changes.iter().any(|change| change.to.status == AttemptStatus::Finalized) {
        faults::reached("submitter:final");
    }
    record(parts, &open, changes).await?;

    let sends = stream::iter(resend.into_iter().map(|(one, _)| async move { (one, send(parts, one).await) }));
    let sends: Vec<_> = sends.buffer_unordered(SENDS_AT_ONCE).collect().await;
    let mut end = PassEnd::default();
    let mut changes = Vec::new();
    for (one, (was_sent, change)) in sends {
        end.sent.extend(was_sent.then_some(one.id));
        changes.extend(change);
    }
    record(parts, &open, changes).await?;
    end.open = open.iter().map(|one| one.id).collect();
    Ok(end)
}

fn is_final(fate: &Fate) -> bool {
    fate.seen() == Seen::There { how: Landed::Finalized, failed: false }
}

fn is_unseen(fate: &Fate) -> bool {
    matches!(fate, Fate::Missing | Fate::TooLate)
}

/// What is final in the journal is on the chain, whatever a node may lack: it may be behind, or keep no history.
fn known(fate: &mut Fate, recorded: Option<&Recorded>) {
    if let Some(Recorded { slot, .. }) = recorded
        && is_unseen(fate)
    {
        *fate = Fate::There(SignatureStatus { slot: *slot, commitment: Commitment::Finalized, failure: None });
    }
}

/// Sends one, and what its row has to say of that.
pub async fn send(parts: &SubmitterParts, one: &OpenAttempt) -> (bool, Option<Change>) {
    let outcome = fate::send(&parts.rpc, one.signature, &one.wire).await;
    let change = |seen, reason| {
        let to = next(one.status, seen, false);
        Change { id: one.id, from: one.status, to, slot: None, reason, entry: None }
    };
    match outcome {
        Sent::Later => (false, None),
        Sent::Taken if one.status == AttemptStatus::Signed => {
            faults::reached("submitter:sent");
            let mut change = change(Seen::Missing, None);
            change.to.status = AttemptStatus::Sent;
            (true, Some(change))
        }
        Sent::Taken => (true, None),
        // Refused once more, it has nothing new to tell.
        Sent::WouldFail(_) if one.status == AttemptStatus::Failed => (true, None),
        Sent::WouldFail(failure) => {
            log::warn!("{}: {} of {} would fail: {failure}", one.id, one.purpose.as_str(), one.market);
            (true, Some(change(Seen::WouldFail, Some(reason(&failure)))))
        }
    }
}

/// Instructions of the compute budget stand in front, one or two, and can't fail with a number of their own: all others are
/// our program's.
fn reason(failure: &TransactionFailure) -> ProgramRefusal {
    refusal_of(named_from(failure, 1))
}

/// What of a row changes, if anything does.
async fn change_of(
    parts: &SubmitterParts,
    build: &InstructionBuilder,
    one: &OpenAttempt,
    fate: &Fate,
    entry: Option<(Epoch, Seq)>,
) -> Option<Change> {
    let to = next(one.status, fate.seen(), entry.is_some());
    let entry = entry.filter(|_| to.status == AttemptStatus::Finalized);
    if (to.status, to.settled, fate.slot()) == (one.status, false, one.slot) {
        return None;
    }
    let mut reason = fate.failure().map(reason).or_else(|| one.reason.clone());
    let had_no_effect = matches!(to.status, AttemptStatus::Failed | AttemptStatus::Expired);
    // What failed because another did it first is done. Nothing is asked of one that may yet change.
    if to.settled && had_no_effect && is_past(&parts.rpc, build, one.market, one.purpose, one.counts).await {
        let (code, name) = reason.map_or((None, "AlreadyDone".to_owned()), |reason| (reason.code, reason.name));
        reason = Some(ProgramRefusal { why: Why::AlreadyDone, code, name });
    }
    let reason = reason.filter(|_| had_no_effect);
    Some(Change { id: one.id, from: one.status, to, slot: fate.slot(), reason, entry })
}

/// Writes changes and tells those that settle something.
pub async fn record(parts: &SubmitterParts, open: &[OpenAttempt], changes: Vec<Change>) -> Result<(), Trouble> {
    let settled: Vec<_> = chain_submissions::record(&parts.pool, changes).await?;
    for change in settled.into_iter().filter(|change| change.to.settled) {
        let Some(one) = open.iter().find(|one| one.id == change.id) else { continue };
        let (purpose, market, status) = (one.purpose.as_str(), one.market, change.to.status);
        match &change.reason {
            None => log::info!("{}: {purpose} of {market} is {}", one.id, status.as_str()),
            Some(reason) => log::warn!("{}: {purpose} of {market} is {}: {reason}", one.id, status.as_str()),
        }
        faults::reached("submitter:settled");
        let is_done = change.reason.as_ref().is_some_and(|reason| reason.why == Why::AlreadyDone);
        if status == AttemptStatus::Finalized || is_done {
            resolve_failing(parts, market, one.purpose).await;
        }
        parts.metrics.note(|counts| counts.governance.with_label_values(&[purpose, status.as_str()]).inc());
        // Nobody need be listening.
        let _ = parts.news.send(GovernanceNews { market, purpose: one.purpose, status });
    }
    Ok(())
}

/// True for what waits for its event longer than it should.
fn is_late(one: &OpenAttempt) -> bool {
    one.status == AttemptStatus::Confirmed && one.unchanged_for > EVENT_LATE
}

/// Of what is final on the chain and whose event does not come: the entries by which its market was adopted since. Their
/// state has what it did, and no event of it will ever come.
async fn adopted(
    parts: &SubmitterParts,
    landed: &[(&OpenAttempt, &Fate)],
    entries: &HashMap<TxSignature, Recorded>,
) -> Result<HashMap<TxSignature, Recorded>, JournalError> {
    let waits = |one: &OpenAttempt| is_late(one) && !entries.contains_key(&one.signature);
    let late = landed.iter().filter(|(one, _)| waits(one));
    let late: Vec<_> = late.filter_map(|(one, fate)| Some((one.signature, one.market, fate.slot()?))).collect();
    let found = chain_submissions::adoptions(parts.pool.pool(), &late).await?;
    for (signature, Recorded { entry: (epoch, seq), .. }) in &found {
        log::warn!("{signature}: its event is lost; the state that entry {seq} of epoch {epoch} adopted contains it");
    }
    Ok(found)
}

/// What is final on the chain and long not in the journal; what has come meanwhile is told no more.
async fn tell_missing(
    parts: &SubmitterParts,
    landed: &[(&OpenAttempt, &Fate)],
    entries: &HashMap<TxSignature, Recorded>,
) {
    for (one, _) in landed.iter().filter(|(one, _)| is_late(one)) {
        if entries.contains_key(&one.signature) {
            tell(alerts::resolve(&parts.pool, AlertKind::EventMissing, one.signature).await);
            continue;
        }
        let message = format!("{} of market {} is final on the chain", one.purpose.as_str(), one.market);
        tell(alerts::raise(&parts.pool, &NewAlert::new(AlertKind::EventMissing, one.signature, message)).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Slot;

    #[test]
    fn what_the_journal_has_as_final_did_not_expire_whatever_a_node_says() {
        let recorded = Recorded { entry: (Epoch(1), Seq(5)), slot: Slot(70) };
        for unseen in [Fate::Missing, Fate::TooLate] {
            let mut fate = unseen.clone();
            known(&mut fate, Some(&recorded));
            assert_eq!(fate.slot(), Some(Slot(70)), "{unseen:?}");
            assert_eq!(next(AttemptStatus::Sent, fate.seen(), true).status, AttemptStatus::Finalized, "{unseen:?}");
            let mut fate = unseen.clone();
            known(&mut fate, None);
            assert_eq!(fate, unseen);
        }
        // Its slot is the chain's to say, where the chain has it.
        let there = SignatureStatus { slot: Slot(71), commitment: Commitment::Finalized, failure: None };
        let mut fate = Fate::There(there);
        known(&mut fate, Some(&recorded));
        assert_eq!(fate.slot(), Some(Slot(71)));
    }
}
