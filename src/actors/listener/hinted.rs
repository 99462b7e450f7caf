//! Transactions that a hint led to: read from the node by whoever had the hint, and given here like a live notification.
//!
//! They enter the window as those do: behind older ones of their lane, never while older ones may still be missing, and not at
//! all where coverage has been already. Unlike a notification, each is answered for: whoever had the hint asks again until
//! it is settled, so nothing is remembered here. What finds no room is not kept, and ends no subscription: it comes again, or
//! coverage finds it.

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

/// Transactions as the node told them, confirmed, in the chain's order. Answered in their order.
#[derive(Debug, Message)]
#[rtype(result = "Vec<HintStanding>")]
pub struct Hinted(pub Vec<RawTransaction>);

impl Listener {
    fn takes_hints(&self) -> bool {
        !self.catching_up && self.cursor.is_some() && !self.parts.pressure.is_full()
    }

    fn standing(&self, signature: &TxSignature, slot: Slot) -> HintStanding {
        match self.window.knows(signature, slot) {
            true if self.window.is_under_way(signature) => HintStanding::UnderWay,
            true => HintStanding::Settled,
            false => HintStanding::Unknown,
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

    fn handle(&mut self, Hinted(transactions): Hinted, ctx: &mut Context<Self>) -> Self::Result {
        let mut standings = Vec::with_capacity(transactions.len());
        for transaction in transactions {
            let (signature, slot) = (transaction.signature, Slot(transaction.slot));
            let standing = if self.comes_too_late(&transaction) {
                HintStanding::Settled
            } else if !self.takes_hints() {
                self.standing(&signature, slot)
            } else {
                match self.ingest(transaction, Source::Live, ctx) {
                    Admission::Taken | Admission::Known => self.standing(&signature, slot),
                    Admission::LaneFull(_) | Admission::WindowFull => HintStanding::Unknown,
                }
            };
            standings.push(standing);
        }
        self.dispatch(ctx);
        MessageResult(standings)
    }
}
