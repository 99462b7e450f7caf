//! One look at a page of transactions that are on their way: what the chain says, what is sent again, what is written.

use futures_util::{StreamExt, stream};

use super::{PAGE, SubmissionParts};
use crate::{
    actors::trouble::Trouble,
    chain::{
        fate::{self, Sent, Signed},
        program::InstructionBuilder,
        rpc::TransactionFailure,
        tx::{
            failure::{Named, named},
            inspect::place_of_ours,
        },
    },
    domain::{
        ids::TxSignature,
        submission::{Seen, SubmissionStatus, next},
    },
    journal::submissions::{self, Change, FailureReason, Place, SubmissionRow, Unsettled},
};

/// Sends at once within a pass.
const SENDS_AT_ONCE: usize = 8;

/// Most of a pass that are sent again although a rehearsal refused them; others have their turn in a later one.
const REFUSED_SENDS_MAX: usize = 32;

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
    let signed = |one: &Unsettled| Signed {
        signature: one.row.signature,
        last_valid_block_height: one.row.last_valid_block_height,
    };
    let fates = fate::fates(&parts.rpc, &page.iter().map(signed).collect::<Vec<_>>()).await?;
    let mut changes = Vec::new();
    let mut resend = Vec::new();
    let mut refused_sends = 0;
    for (index, (one, fate)) in page.iter().zip(&fates).enumerate() {
        let (seen, slot) = (fate.seen(), fate.slot());
        let reason = fate.failure().map(|failure| reason(build, one, failure));
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
    let sends = stream::iter(
        resend.into_iter().map(|one| async move { (one, fate::send(&parts.rpc, one.row.signature, &one.wire).await) }),
    );
    let sends: Vec<_> = sends.buffer_unordered(SENDS_AT_ONCE).collect().await;
    let mut sent = Vec::new();
    for (one, outcome) in sends {
        match outcome {
            Sent::Later => {}
            Sent::Taken => sent.push(one.row.signature),
            Sent::WouldFail(failure) => {
                sent.push(one.row.signature);
                changes.retain(|change| change.signature != one.row.signature);
                // Refused once more, it has nothing new to tell.
                if one.row.status != SubmissionStatus::Failed {
                    changes.push(would_fail(build, one, &failure));
                }
            }
        }
    }
    let made = tell(parts, &page, changes).await?;
    let settled = made.iter().filter(|change| change.to.settled).map(|change| change.signature).collect();
    Ok(PassEnd { place, sent, settled })
}

fn reason(build: &InstructionBuilder, one: &Unsettled, failure: &TransactionFailure) -> FailureReason {
    let ours = place_of_ours(build, &one.wire).unwrap_or(usize::MAX);
    let Named { code, name } = named(failure, ours);
    FailureReason { code, name: name.into_owned() }
}

/// The change of one that the node's rehearsal refused.
pub fn would_fail(build: &InstructionBuilder, one: &Unsettled, failure: &TransactionFailure) -> Change {
    let (row, reason) = (&one.row, reason(build, one, failure));
    let to = next(row.status, Seen::WouldFail);
    Change { signature: row.signature, from: row.status, to, slot: None, reason: Some(reason) }
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
        parts.tell(row);
    }
    Ok(made)
}
