//! What becomes of signed transactions: where they stand, and sending them again.
//!
//! Owns the one order of questions by which "it can't land any more" may be said ([`fates`]): the finalized block height
//! first, then the statuses, then, for what is nowhere and past its height, the chain's history, by a node that reaches to
//! where that height was final. Sends bytes that are signed and durable already ([`send`]), as often as it is asked: they
//! land once. Never decides what follows, and keeps nothing.

use super::{
    model::Commitment,
    rpc::{ChainReadError, ChainRpc, ChainSendError, SendOptions, SignatureStatus, TransactionFailure},
};
use crate::domain::{
    ids::{Slot, TxSignature},
    submission::{Landed, Seen},
};

/// A signed transaction, as far as its fate depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// Its name.
    pub signature: TxSignature,
    /// Past this block height, finalized, it can't land.
    pub last_valid_block_height: u64,
}

/// Where a transaction stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is on the chain, by that much.
    There(SignatureStatus),
    /// It is not there, and may still land.
    Missing,
    /// It is not there, and can't land any more.
    TooLate,
}

impl Fate {
    /// As the tables of statuses take it.
    pub fn seen(&self) -> Seen {
        match self {
            Self::Missing => Seen::Missing,
            Self::TooLate => Seen::TooLate,
            Self::There(status) => {
                let how = match status.commitment {
                    Commitment::Processed => Landed::Processed,
                    Commitment::Confirmed => Landed::Confirmed,
                    Commitment::Finalized => Landed::Finalized,
                };
                Seen::There { how, failed: status.failure.is_some() }
            }
        }
    }

    /// The slot that it is in, if it is in one.
    pub fn slot(&self) -> Option<Slot> {
        match self {
            Self::There(status) => Some(status.slot),
            Self::Missing | Self::TooLate => None,
        }
    }

    /// Why it had no effect, if it is there and had none.
    pub fn failure(&self) -> Option<&TransactionFailure> {
        match self {
            Self::There(status) => status.failure.as_ref(),
            Self::Missing | Self::TooLate => None,
        }
    }
}

/// The fates of transactions, in the order asked.
///
/// # Errors
/// [`ChainReadError`]: nothing is known of any of them.
pub async fn fates(rpc: &ChainRpc, signed: &[Signed]) -> Result<Vec<Fate>, ChainReadError> {
    if signed.is_empty() {
        return Ok(Vec::new());
    }
    // Before the statuses: what is not there after this height is past can't come any more.
    let height = rpc.block_height(Commitment::Finalized).await?;
    let signatures: Vec<_> = signed.iter().map(|one| one.signature).collect();
    let mut statuses = rpc.signature_statuses(&signatures, false).await?;
    let is_past = |index: usize| signed.get(index).is_some_and(|one| height > one.last_valid_block_height);
    let unseen: Vec<usize> =
        (0..).zip(&statuses).filter(|(index, status)| status.is_none() && is_past(*index)).map(|(i, _)| i).collect();
    let mut is_history_read = true;
    if !unseen.is_empty() {
        // A node's quick memory is short; that something is nowhere is said by its history, and only by one that reaches
        // to where that height was final: behind one address there may be nodes that are behind others.
        let final_slot = rpc.slot(Commitment::Finalized).await?;
        let asked: Vec<_> = unseen.iter().filter_map(|index| signatures.get(*index).copied()).collect();
        let (seen_at, found) = rpc.signature_statuses_at(&asked, true).await?;
        is_history_read = seen_at >= final_slot;
        for (index, status) in unseen.into_iter().zip(found) {
            if let Some(place) = statuses.get_mut(index) {
                *place = status;
            }
        }
    }
    let fate = |(index, status): (usize, Option<SignatureStatus>)| match status {
        Some(status) => Fate::There(status),
        None if is_history_read && is_past(index) => Fate::TooLate,
        None => Fate::Missing,
    };
    Ok((0..).zip(statuses).map(fate).collect())
}

/// How a send ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The node has it, as far as one knows.
    Taken,
    /// It was not taken now, for a reason that passes.
    Later,
    /// The node's rehearsal says that it would fail.
    WouldFail(TransactionFailure),
}

/// Sends one. The node rehearses it, so one that would only cost its fee is not forwarded.
pub async fn send(rpc: &ChainRpc, signature: TxSignature, wire: &[u8]) -> Sent {
    match rpc.send_transaction(wire, SendOptions::default()).await {
        Ok(_) => Sent::Taken,
        Err(ChainSendError::Rejected { failure: TransactionFailure::AlreadyProcessed, .. }) => Sent::Taken,
        // Too early for this node, or too late: the block height will tell.
        Err(ChainSendError::Rejected { failure: TransactionFailure::BlockhashNotFound, .. }) => Sent::Later,
        Err(ChainSendError::Rejected { failure, .. }) => Sent::WouldFail(failure),
        Err(error @ ChainSendError::OutcomeUnknown { .. }) => {
            log::debug!("{signature}: {error}");
            Sent::Taken
        }
        Err(error) => {
            log::debug!("{signature}: {error}");
            Sent::Later
        }
    }
}
