//! What a roll-back does to a market: it is again what it was without the entries that are taken back.
//!
//! Owns the entry and its check. Which entries stand, and what they make together, is [`super::super::rollback`]'s.

use super::{
    super::{
        amount::{Lamports, PriceE9, ShareUnits, UnixSeconds},
        entry::EntryBody,
        event::IpfsHash,
        ids::{Seq, Slot, Wallet},
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
        let (nobody, never) = (Wallet::default(), UnixSeconds(0));
        Self {
            address: self.address,
            seed: self.seed,
            creator: self.creator,
            phase: Phase::Proposed,
            b_parameter: self.b_parameter,
            initial_liquidity: Lamports::ZERO,
            current_liquidity: Lamports::ZERO,
            shares_yes: ShareUnits::ZERO,
            shares_no: ShareUnits::ZERO,
            total_volume: Lamports::ZERO,
            created_at: self.created_at,
            approved_at: never,
            activated_at: never,
            resolution_proposed_at: never,
            resolved_at: never,
            finalized_at: never,
            cancelled_at: None,
            resolver: nobody,
            proposed_outcome: None,
            final_outcome: None,
            question_hash: self.question_hash,
            evidence_hash: IpfsHash::EMPTY,
            dispute_initiated_at: never,
            dispute_initiator: nobody,
            accumulated_resolver_fees: Lamports::ZERO,
            accumulated_lp_fees: Lamports::ZERO,
            proposal_likes: 0,
            proposal_dislikes: 0,
            proposal_total_votes: 0,
            dispute_agree: 0,
            dispute_disagree: 0,
            dispute_total_votes: 0,
            was_disputed: false,
            lamports: Lamports::ZERO,
            trades_count: 0,
            price_yes: None,
            vanished: true,
        }
    }
}
