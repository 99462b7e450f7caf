//! What becomes of a transaction that a delivery names: a table over what our own node says. Pure.

use crate::{
    chain::{helius::delivery::Claim, model::Commitment, rpc::SignatureStatus},
    domain::ids::Slot,
};

/// A node may be so many slots behind the sender's: a slot that is said to be later is not waited for.
pub const AHEAD_MAX: u64 = 150;

/// What our node said, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'s> {
    /// Of the transaction.
    pub status: Option<&'s SignatureStatus>,
    /// The slot at which it answered.
    pub answered_at: Slot,
    /// Its finalized slot, asked for before.
    pub finalized: Slot,
    /// Its newest slot when the chain was first asked about the delivery.
    pub asked_at: Slot,
    /// It has history from this slot on.
    pub history_from: Slot,
    /// What it lacks is lacking: the second of two nodes may know less.
    pub decides: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is on the chain where it is said to be: read it.
    Read,
    /// It failed: it changed nothing.
    Failed,
    /// It is not there, and can't come any more.
    NeverCame,
    /// The node keeps no history where it is said to be: nobody here can tell.
    Untold,
    /// Ask again.
    Later,
}

/// It counts only in the slot that is said, confirmed, and without error. It is not there once that slot is final without it,
/// by a node that answers at or behind that slot, whose word decides.
pub fn verdict(claim: &Claim, asked: &Asked<'_>) -> Verdict {
    let is_there = |status: &&SignatureStatus| {
        status.commitment >= Commitment::Confirmed && claim.slot.is_none_or(|slot| slot == status.slot)
    };
    if let Some(status) = asked.status.filter(is_there) {
        return if status.failure.is_some() { Verdict::Failed } else { Verdict::Read };
    }
    let until = last_slot(claim, asked.asked_at);
    if asked.finalized < until || asked.answered_at < until || !asked.decides {
        Verdict::Later
    } else if asked.status.is_none() && claim.slot.is_some_and(|slot| slot < asked.history_from) {
        Verdict::Untold
    } else {
        Verdict::NeverCame
    }
}

/// Once this slot is final, it can't come any more as it was said: whatever a forger says, that is soon.
fn last_slot(claim: &Claim, asked_at: Slot) -> Slot {
    let latest = Slot(asked_at.0.saturating_add(AHEAD_MAX));
    claim.slot.unwrap_or(asked_at).min(latest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chain::rpc::TransactionFailure, domain::ids::TxSignature};

    fn claim(slot: Option<u64>) -> Claim {
        Claim { signature: TxSignature([1; 64]), slot: slot.map(Slot), failed: false }
    }

    fn status(slot: u64, commitment: Commitment, fails: bool) -> SignatureStatus {
        let failure = fails.then(|| TransactionFailure::from_wire(&serde_json::json!("AccountInUse")));
        SignatureStatus { slot: Slot(slot), commitment, failure }
    }

    #[test]
    fn a_claim_counts_in_its_slot_confirmed_and_without_error_and_is_given_up_when_that_slot_is_final() {
        use Commitment::{Confirmed, Finalized, Processed};
        use Verdict::{Failed, Later, NeverCame, Read, Untold};
        for (said, found, finalized, answered_at, expected) in [
            (Some(100), Some((100, Confirmed, false)), 60, 105, Read),
            (Some(100), Some((100, Finalized, false)), 130, 160, Read),
            (None, Some((100, Confirmed, false)), 60, 105, Read),
            (Some(100), Some((100, Confirmed, true)), 60, 105, Failed),
            // Not sure yet, elsewhere, or not known: as long as it may come.
            (Some(100), Some((100, Processed, false)), 60, 105, Later),
            (Some(100), Some((101, Confirmed, false)), 60, 105, Later),
            (Some(100), Some((101, Confirmed, false)), 100, 131, NeverCame),
            (Some(100), None, 99, 131, Later),
            (Some(100), None, 100, 131, NeverCame),
            // Where the node keeps nothing any more.
            (Some(20), None, 100, 131, Untold),
            (Some(20), Some((101, Confirmed, false)), 100, 131, NeverCame),
            // By a node that is itself behind: not yet.
            (Some(100), None, 100, 99, Later),
            // Said without a slot: from when it was first asked about (105).
            (None, None, 104, 140, Later),
            (None, None, 105, 140, NeverCame),
            // A slot far ahead is a lie, or our node is far behind: coverage finds it then.
            (Some(u64::MAX), None, 254, 300, Later),
            (Some(u64::MAX), None, 255, 300, NeverCame),
        ] {
            let found = found.map(|(slot, commitment, fails)| status(slot, commitment, fails));
            let asked = Asked {
                status: found.as_ref(),
                answered_at: Slot(answered_at),
                finalized: Slot(finalized),
                asked_at: Slot(105),
                history_from: Slot(50),
                decides: true,
            };
            assert_eq!(verdict(&claim(said), &asked), expected, "{said:?} {found:?} {finalized} {answered_at}");
            let by_second = verdict(&claim(said), &Asked { decides: false, ..asked });
            let is_final_word = matches!(expected, NeverCame | Untold);
            assert_eq!(
                by_second,
                if is_final_word { Later } else { expected },
                "{said:?} {found:?}: by the second node"
            );
        }
    }
}
