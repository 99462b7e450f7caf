//! What a roll-back does to a market: it is again what it was without the entries that are taken back.
//!
//! Owns the entry and its check. Which entries stand, and what they make together, is [`super::super::rollback`]'s.

use super::{
    super::{
        amount::PriceE9,
        entry::EntryBody,
        ids::{Seq, Slot},
        misfit::Misfit,
        phase::Phase,
    },
    Market, agree,
};

impl Market {
    /// The entry that takes `reverted` back; `rebuilt` is what the others make, `None` if not even the creation is left.
    pub fn plan_rollback(&self, rebuilt: Option<Self>, reverted: Vec<Seq>, slot: Slot) -> EntryBody {
        EntryBody::Rollback {
            reverted,
            price_yes_before: self.price_yes,
            old_phase: (!self.vanished).then_some(self.phase),
            market: Box::new(rebuilt.unwrap_or_else(|| self.without_creation())),
            tallies: None,
            slot,
        }
    }

    pub(super) fn rolled_back(
        &self,
        price_yes_before: Option<PriceE9>,
        old_phase: Option<Phase>,
        market: &Self,
    ) -> Result<Self, Misfit> {
        if market.address != self.address {
            return Err(Misfit::OtherStream);
        }
        agree(old_phase == (!self.vanished).then_some(self.phase) && price_yes_before == self.price_yes)?;
        Ok(market.clone())
    }

    /// What is left of a market whose creation was taken back: its names.
    fn without_creation(&self) -> Self {
        let empty = Self::empty(self.address, self.seed, self.creator, self.b_parameter, self.created_at);
        Self { question_hash: self.question_hash, vanished: true, ..empty }
    }
}
