//! Transactions that a hint led to: read from the node by whoever had the hint, and given here like a live notification.
//!
//! They enter the window as those do: behind older ones of their lane, and never while older ones may still be missing. Unlike a
//! notification, each is answered for: whoever had the hint asks again until it is settled, so nothing is remembered here. What
//! finds no room is not kept, and ends no subscription: it comes again, or coverage finds it.
//!
//! One may come where coverage has been already, and be none that it found: a node's list had a hole. The node has it as final, so
//! it can't be of a fork that was given up: its streams are given it late, and look where it belongs. As long as the node does not
//! say that it is final, it is not taken there.

use actix::prelude::*;

use super::{Listener, waiting::Source, window::Admission};
use crate::{
    chain::model::RawTransaction,
    domain::ids::{Slot, TxSignature},
};

/// How a transaction stands that somebody was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HintStanding {
    /// It is durable, or known to have no effect.
    Settled,
    /// It is on its way to its streams.
    UnderWay,
    /// It is not known, or there is no room for it now.
    Unknown,
}

/// How do these stand, in these slots?
#[derive(Debug, Message)]
#[rtype(result = "KnownHints")]
pub struct AreKnown(pub Vec<(TxSignature, Slot)>);

/// How they stand.
#[derive(Debug, MessageResponse)]
pub struct KnownHints {
    /// In the order in which they were asked for.
    pub standings: Vec<HintStanding>,
    /// Others are of use now: neither is coverage looking for older ones, nor is the journal full.
    pub takes_others: bool,
}

/// A transaction as the node told it.
#[derive(Debug, Clone)]
pub struct Hint {
    /// Confirmed.
    pub transaction: RawTransaction,
    /// The first node has it as final, in this slot.
    pub is_final: bool,
}

/// Transactions in the chain's order. Answered in their order.
#[derive(Debug, Message)]
#[rtype(result = "Vec<HintStanding>")]
pub struct Hinted(pub Vec<Hint>);

impl Listener {
    fn takes_hints(&self) -> bool {
        !self.catching_up && self.cursor.is_some() && !self.parts.pressure.is_full()
    }

    fn standing(&self, signature: &TxSignature, slot: Slot) -> HintStanding {
        // What is staged and waits for its lane is not in the window.
        if self.window.is_under_way(signature) || self.staged_out.contains_key(signature) {
            HintStanding::UnderWay
        } else if self.window.knows(signature, slot) {
            HintStanding::Settled
        } else {
            HintStanding::Unknown
        }
    }

    fn take_hint(&mut self, Hint { transaction, is_final }: Hint, ctx: &mut Context<Self>) -> HintStanding {
        let (signature, slot) = (transaction.signature, Slot(transaction.slot));
        let standing = self.standing(&signature, slot);
        if standing != HintStanding::Unknown || !self.takes_hints() {
            return standing;
        }
        let is_late = self.comes_too_late(&transaction);
        if is_late && !is_final {
            return HintStanding::Unknown;
        }
        self.came("hint");
        match self.ingest(transaction, Source::Live, ctx) {
            Admission::Taken | Admission::Known => {
                let standing = self.standing(&signature, slot);
                if is_late && standing == HintStanding::UnderWay {
                    log::warn!("{signature} in slot {slot} was missed by coverage: a delivery has told of it");
                    self.parts.health.metrics().note(|counts| counts.hints.with_label_values(&["missed"]).inc());
                }
                standing
            }
            Admission::LaneFull(_) | Admission::WindowFull => HintStanding::Unknown,
        }
    }
}

impl Handler<AreKnown> for Listener {
    type Result = KnownHints;

    fn handle(&mut self, AreKnown(asked): AreKnown, _: &mut Context<Self>) -> Self::Result {
        let standings = asked.iter().map(|(signature, slot)| self.standing(signature, *slot)).collect();
        KnownHints { standings, takes_others: self.takes_hints() }
    }
}

impl Handler<Hinted> for Listener {
    type Result = MessageResult<Hinted>;

    fn handle(&mut self, Hinted(hints): Hinted, ctx: &mut Context<Self>) -> Self::Result {
        let standings = hints.into_iter().map(|hint| self.take_hint(hint, ctx)).collect();
        self.dispatch(ctx);
        MessageResult(standings)
    }
}
