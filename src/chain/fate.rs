//! What becomes of signed transactions: where they stand, and sending them again.
//!
//! Owns the one order of questions by which "it can't land any more" may be said ([`fates`]): the finalized block height
//! first, then the statuses, then, for what is nowhere and past its height, the chain's history, by a node that reaches to
//! where such a height was final. Behind one address there may be several nodes, some of them behind: two numbers that are
//! compared are of one answer. Of two addresses only the first one's word ends a transaction's life. Sends bytes that are signed and durable already ([`send`]), as often as it is asked: they
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
    let rpc = &rpc.pinned();
    // Before the statuses: what is not there after this height is past can't come any more.
    let height = rpc.block_height(Commitment::Finalized).await?;
    let signatures: Vec<_> = signed.iter().map(|one| one.signature).collect();
    let mut statuses = rpc.signature_statuses(&signatures, false).await?;
    let is_past = |index: usize| signed.get(index).is_some_and(|one| height > one.last_valid_block_height);
    let unseen: Vec<usize> =
        (0..).zip(&statuses).filter(|(index, status)| status.is_none() && is_past(*index)).map(|(i, _)| i).collect();
    let mut searched_to = 0;
    if !unseen.is_empty() {
        let asked: Vec<_> = unseen.iter().filter_map(|index| signatures.get(*index).copied()).collect();
        match search(rpc, &asked).await {
            Ok((up_to, found)) => {
                searched_to = up_to;
                for (index, status) in unseen.into_iter().zip(found) {
                    if let Some(place) = statuses.get_mut(index) {
                        *place = status;
                    }
                }
            }
            // All else is known, and must not wait for those.
            Err(error) => log::warn!("what has not landed in time stays open: {error}"),
        }
    }
    let is_searched = |index: usize| signed.get(index).is_some_and(|one| searched_to > one.last_valid_block_height);
    let fate = |(index, status): (usize, Option<SignatureStatus>)| match status {
        Some(status) => Fate::There(status),
        // A second node may lack what the first one knew.
        None if is_past(index) && is_searched(index) && rpc.decides() => Fate::TooLate,
        None => Fate::Missing,
    };
    Ok((0..).zip(statuses).map(fate).collect())
}

/// What the chain's history says of these, and up to which finalized block height it was all there to be searched.
///
/// A node's quick memory is short: that something is nowhere is said by its history, and only by a node that reaches to
/// where that height was final.
async fn search(
    rpc: &ChainRpc,
    signatures: &[TxSignature],
) -> Result<(u64, Vec<Option<SignatureStatus>>), ChainReadError> {
    let tip = rpc.tip(Commitment::Finalized).await?;
    let (seen_at, found) = rpc.signature_statuses_at(signatures, true).await?;
    Ok((if seen_at >= tip.slot { tip.block_height } else { 0 }, found))
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::chain::rpc::node_tests::{asked_of, refusal, result};

    const SIGNED: Signed = Signed { signature: TxSignature([1; 64]), last_valid_block_height: 500 };

    fn statuses(slot: u64, status: Value) -> Value {
        json!({ "context": { "slot": slot }, "value": [status] })
    }

    fn tip(slot: u64, height: u64) -> Value {
        json!({ "absoluteSlot": slot, "blockHeight": height, "epoch": 1, "slotIndex": 2, "slotsInEpoch": 3 })
    }

    /// Of one transaction, by these answers: the height, its status, then (past its height) the tip and its status by history.
    async fn fate_by(answers: Vec<Value>) -> Fate {
        let (_node, rpc) = asked_of(answers.into_iter().map(result).collect()).await;
        fates(&rpc, &[SIGNED]).await.unwrap().remove(0)
    }

    #[tokio::test]
    async fn what_is_nowhere_is_too_late_past_its_height_by_a_node_that_reaches_there_and_not_before() {
        let nowhere = |slot| statuses(slot, Value::Null);
        assert_eq!(fate_by(vec![json!(500), nowhere(900)]).await, Fate::Missing, "at its height it may land");
        let by = |at, height, seen_at| fate_by(vec![json!(501), nowhere(900), tip(at, height), nowhere(seen_at)]);
        assert_eq!(by(800, 501, 800).await, Fate::TooLate);
        assert_eq!(by(800, 501, 799).await, Fate::Missing, "the history is of a node that is behind");
    }

    #[tokio::test]
    async fn a_height_of_one_node_says_nothing_about_the_history_of_another_that_is_behind() {
        // One node has the transaction as final, at height 501; the other is behind, agrees with itself, and has nothing.
        let nowhere = || statuses(870, Value::Null);
        let behind = fate_by(vec![json!(501), nowhere(), tip(768, 469), nowhere()]).await;
        assert_eq!(behind, Fate::Missing);
        let there = json!({ "slot": 760, "err": null, "confirmations": null, "confirmationStatus": "finalized" });
        let found = fate_by(vec![json!(501), nowhere(), tip(800, 501), statuses(900, there)]).await;
        assert_eq!(found.seen(), Seen::There { how: Landed::Finalized, failed: false });
    }

    #[tokio::test]
    async fn one_that_can_t_be_searched_for_stays_open_and_the_fates_of_others_are_told() {
        let other = Signed { signature: TxSignature([2; 64]), ..SIGNED };
        let there = json!({ "slot": 760, "err": null, "confirmations": 3, "confirmationStatus": "confirmed" });
        let both = json!({ "context": { "slot": 900 }, "value": [null, there] });
        for broken in [refusal(-32011, Value::Null), refusal(-32019, Value::Null)] {
            let script = vec![result(json!(501)), result(both.clone()), result(tip(800, 501)), broken];
            let (_node, rpc) = asked_of(script).await;
            let found = fates(&rpc, &[SIGNED, other]).await.unwrap();
            assert_eq!(found[0], Fate::Missing);
            assert_eq!(found[1].seen(), Seen::There { how: Landed::Confirmed, failed: false });
        }
    }
}
