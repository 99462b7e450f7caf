//! One look at a page of transactions that are on their way: what the chain says, what is sent again, what is written.

use futures_util::{StreamExt, stream};

use super::{PAGE, SubmissionNews, SubmissionParts};
use crate::{
    chain::{
        model::Commitment,
        program::InstructionBuilder,
        rpc::{ChainReadError, ChainSendError, SendOptions, SignatureStatus, TransactionFailure},
        tx::{
            failure::{Named, named},
            inspect::place_of_ours,
        },
    },
    domain::{
        ids::TxSignature,
        submission::{Landed, Seen, SubmissionStatus, next},
    },
    journal::{
        JournalError,
        submissions::{self, Change, FailureReason, Place, SubmissionRow, Unsettled},
    },
};

/// Sends at once within a pass.
const SENDS_AT_ONCE: usize = 8;

/// Most of a pass that are sent again although a rehearsal refused them; others have their turn in a later one.
const REFUSED_SENDS_MAX: usize = 32;

/// Why a pass ended early. It is begun again.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The table.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The node.
    #[error(transparent)]
    Node(#[from] ChainReadError),
}

/// How a pass ended.
#[derive(Debug, Default)]
pub struct PassEnd {
    /// Where the next one begins; `None`: at the oldest.
    pub place: Option<Place>,
    /// What was tried to be sent, refused or not.
    pub sent: Vec<TxSignature>,
    /// What needs no look any more.
    pub settled: Vec<TxSignature>,
}

/// How a send ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The node has it, as far as one knows.
    Taken,
    /// It was not taken now, for a reason that passes.
    Later,
    /// The node's rehearsal says that it would fail.
    WouldFail(FailureReason),
}

/// The page after a place.
pub async fn read(parts: &SubmissionParts, after: Option<Place>) -> Result<(Vec<Unsettled>, Option<Place>), Trouble> {
    let (page, place) = submissions::unsettled(parts.pool.pool(), after.as_ref(), PAGE).await?;
    let is_last = page.len() < PAGE;
    Ok((page, place.filter(|_| !is_last)))
}

/// Looks at a page; `due` says which of it may be sent again.
pub async fn run(
    parts: &SubmissionParts,
    build: &InstructionBuilder,
    page: Vec<Unsettled>,
    due: &[bool],
    place: Option<Place>,
) -> Result<PassEnd, Trouble> {
    if page.is_empty() {
        return Ok(PassEnd { place, ..PassEnd::default() });
    }
    // Before the statuses: what is not there after this height is past can't come any more.
    let height = parts.rpc.block_height(Commitment::Finalized).await?;
    let signatures: Vec<_> = page.iter().map(|one| one.row.signature).collect();
    let mut statuses = parts.rpc.signature_statuses(&signatures, false).await?;
    let is_past = |one: &Unsettled| height > one.row.last_valid_block_height;
    let unseen: Vec<usize> =
        (0..page.len()).filter(|index| statuses[*index].is_none() && is_past(&page[*index])).collect();
    let mut is_history_read = true;
    if !unseen.is_empty() {
        // A node's quick memory is short; that something is nowhere is said by its history, and only by one that reaches
        // to where that height was final: behind one address there may be nodes that are behind others.
        let final_slot = parts.rpc.slot(Commitment::Finalized).await?;
        let asked: Vec<_> = unseen.iter().map(|index| signatures[*index]).collect();
        let (seen_at, found) = parts.rpc.signature_statuses_at(&asked, true).await?;
        is_history_read = seen_at >= final_slot;
        for (index, status) in unseen.into_iter().zip(found) {
            statuses[index] = status;
        }
    }
    let is_late = |one: &Unsettled| is_history_read && is_past(one);
    let mut changes = Vec::new();
    let mut resend = Vec::new();
    let mut refused_sends = 0;
    for (index, (one, status)) in page.iter().zip(&statuses).enumerate() {
        let (seen, slot, reason) = look(build, one, status.as_ref(), is_late(one));
        if seen == Seen::Missing && due.get(index).copied().unwrap_or(true) {
            // One node that was behind may have refused what the next one takes.
            let was_refused = one.row.status == SubmissionStatus::Failed;
            refused_sends += usize::from(was_refused);
            if !was_refused || refused_sends <= REFUSED_SENDS_MAX {
                resend.push(one);
            }
        }
        let to = next(one.row.status, seen);
        let reason = reason.or_else(|| one.row.reason.clone()).filter(|_| to.status == SubmissionStatus::Failed);
        if (to.status, to.settled, slot) != (one.row.status, one.row.settled, one.row.slot) {
            changes.push(Change { signature: one.row.signature, from: one.row.status, to, slot, reason });
        }
    }
    let sends = stream::iter(resend.into_iter().map(|one| async move { (one, send(parts, build, one).await) }));
    let sends: Vec<_> = sends.buffer_unordered(SENDS_AT_ONCE).collect().await;
    let mut sent = Vec::new();
    for (one, outcome) in sends {
        match outcome {
            Sent::Later => {}
            Sent::Taken => sent.push(one.row.signature),
            Sent::WouldFail(reason) => {
                sent.push(one.row.signature);
                changes.retain(|change| change.signature != one.row.signature);
                // Refused once more, it has nothing new to tell.
                if one.row.status != SubmissionStatus::Failed {
                    changes.push(would_fail(&one.row, reason));
                }
            }
        }
    }
    let made = tell(parts, &page, changes).await?;
    let settled = made.iter().filter(|change| change.to.settled).map(|change| change.signature).collect();
    Ok(PassEnd { place, sent, settled })
}

/// What a status says of a transaction.
fn look(
    build: &InstructionBuilder,
    one: &Unsettled,
    status: Option<&SignatureStatus>,
    is_late: bool,
) -> (Seen, Option<crate::domain::ids::Slot>, Option<FailureReason>) {
    let Some(status) = status else {
        return (if is_late { Seen::TooLate } else { Seen::Missing }, None, None);
    };
    let how = match status.commitment {
        Commitment::Processed => Landed::Processed,
        Commitment::Confirmed => Landed::Confirmed,
        Commitment::Finalized => Landed::Finalized,
    };
    let reason = status.failure.as_ref().map(|failure| reason(build, one, failure));
    (Seen::There { how, failed: reason.is_some() }, Some(status.slot), reason)
}

fn reason(build: &InstructionBuilder, one: &Unsettled, failure: &TransactionFailure) -> FailureReason {
    let ours = place_of_ours(build, &one.wire).unwrap_or(usize::MAX);
    let Named { code, name } = named(failure, ours);
    FailureReason { code, name: name.into_owned() }
}

/// The change of one that the node's rehearsal refused.
pub fn would_fail(row: &SubmissionRow, reason: FailureReason) -> Change {
    let to = next(row.status, Seen::WouldFail);
    Change { signature: row.signature, from: row.status, to, slot: None, reason: Some(reason) }
}

/// Sends one. The node rehearses it, so one that would only cost its fee is not forwarded.
pub async fn send(parts: &SubmissionParts, build: &InstructionBuilder, one: &Unsettled) -> Sent {
    match parts.rpc.send_transaction(&one.wire, SendOptions::default()).await {
        Ok(_) => Sent::Taken,
        Err(ChainSendError::Rejected { failure: TransactionFailure::AlreadyProcessed, .. }) => Sent::Taken,
        // Too early for this node, or too late: the block height will tell.
        Err(ChainSendError::Rejected { failure: TransactionFailure::BlockhashNotFound, .. }) => Sent::Later,
        Err(ChainSendError::Rejected { failure, .. }) => Sent::WouldFail(reason(build, one, &failure)),
        Err(error @ ChainSendError::OutcomeUnknown { .. }) => {
            log::debug!("{}: {error}", one.row.signature);
            Sent::Taken
        }
        Err(error) => {
            log::debug!("{}: {error}", one.row.signature);
            Sent::Later
        }
    }
}

/// Writes changes and tells them.
pub async fn tell(parts: &SubmissionParts, page: &[Unsettled], changes: Vec<Change>) -> Result<Vec<Change>, Trouble> {
    let made = submissions::record(&parts.pool, changes).await?;
    let now = chrono::Utc::now().timestamp_millis();
    for change in &made {
        let Some(one) = page.iter().find(|one| one.row.signature == change.signature) else { continue };
        let row = SubmissionRow {
            status: change.to.status,
            settled: change.to.settled,
            slot: change.slot,
            reason: change.reason.clone(),
            updated_at_ms: now,
            ..one.row.clone()
        };
        // Nobody need be listening.
        let _ = parts.news.send(SubmissionNews { row });
    }
    Ok(made)
}
