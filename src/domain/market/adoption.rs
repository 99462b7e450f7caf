//! A market as its account shows it: adopting it, and telling where the journal's differs.
//!
//! Owns the mapping between the account's fields and the market's. Compares only what a market carries: fields that the
//! program never uses can't be healed by adopting them.

use super::{
    super::{
        account::{FieldDifference, MarketAccount, differing},
        amount::{Lamports, ShareUnits},
        entry::EntryBody,
        event::{IpfsHash, Outcome},
        ids::{MarketAddress, Slot},
        phase::Phase,
    },
    Market,
};

/// An account that no market can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Its state byte is not one of the seven phases: another version of the program.
    #[error("the account's state byte {0} is no phase")]
    UnknownState(u8),
}

impl Market {
    /// The market that an account shows, holding `lamports`. What the account has forgotten (the question's hash once
    /// it is resolved) or never knew (the number of trades) is taken from `previous`.
    ///
    /// # Errors
    /// `UnknownState`.
    pub fn from_account(
        address: MarketAddress,
        account: &MarketAccount,
        lamports: Lamports,
        previous: Option<&Self>,
    ) -> Result<Self, AccountError> {
        let phase = Phase::from_code(account.state).ok_or(AccountError::UnknownState(account.state))?;
        // One field of the account holds the question's hash, until a resolution overwrites it with the evidence's.
        let (question_hash, evidence_hash) = match account.proposed_outcome {
            None => (account.ipfs_evidence_hash, IpfsHash::EMPTY),
            Some(_) => {
                let question = previous.map_or(IpfsHash::EMPTY, |market| market.question_hash);
                (question, account.ipfs_evidence_hash)
            }
        };
        let mut market = Self {
            address,
            seed: account.market_id,
            creator: account.creator,
            phase,
            b_parameter: ShareUnits(account.b_parameter),
            initial_liquidity: account.initial_liquidity,
            current_liquidity: account.current_liquidity,
            shares_yes: account.shares_yes,
            shares_no: account.shares_no,
            total_volume: account.total_volume,
            created_at: account.created_at,
            approved_at: account.approved_at,
            activated_at: account.activated_at,
            resolution_proposed_at: account.resolution_proposed_at,
            resolved_at: account.resolved_at,
            finalized_at: account.finalized_at,
            cancelled_at: account.cancelled_at,
            resolver: account.resolver,
            proposed_outcome: account.proposed_outcome.map(Outcome::from),
            final_outcome: account.final_outcome.map(Outcome::from),
            question_hash,
            evidence_hash,
            dispute_initiated_at: account.dispute_initiated_at,
            dispute_initiator: account.dispute_initiator,
            accumulated_resolver_fees: account.accumulated_resolver_fees,
            accumulated_lp_fees: account.accumulated_lp_fees,
            proposal_likes: account.proposal_likes,
            proposal_dislikes: account.proposal_dislikes,
            proposal_total_votes: account.proposal_total_votes,
            dispute_agree: account.dispute_agree,
            dispute_disagree: account.dispute_disagree,
            dispute_total_votes: account.dispute_total_votes,
            was_disputed: account.was_disputed,
            lamports,
            trades_count: previous.map_or(0, |market| market.trades_count),
            price_yes: None,
            vanished: false,
        };
        market.price_yes = market.current_price_yes();
        Ok(market)
    }

    /// Where the chain's account differs, in every field that events explain. Lamports are not compared: anyone may
    /// send the account some.
    pub fn differences(&self, account: &MarketAccount) -> Vec<FieldDifference> {
        let chain = match Self::from_account(self.address, account, self.lamports, Some(self)) {
            Ok(chain) => chain,
            Err(AccountError::UnknownState(state)) => {
                let journal = self.phase.as_str().to_owned();
                return vec![FieldDifference { field: "phase", journal, chain: state.to_string() }];
            }
        };
        differing!(self, chain;
            seed, creator, phase, b_parameter, initial_liquidity, current_liquidity, shares_yes, shares_no, total_volume,
            created_at, approved_at, activated_at, resolution_proposed_at, resolved_at, finalized_at, cancelled_at,
            resolver, proposed_outcome, final_outcome, question_hash, evidence_hash, dispute_initiated_at,
            dispute_initiator, accumulated_resolver_fees, accumulated_lp_fees, proposal_likes, proposal_dislikes,
            proposal_total_votes, dispute_agree, dispute_disagree, dispute_total_votes, was_disputed,
        )
    }

    /// The entry that adopts `market` (made by [`Market::from_account`]) in the place of `current`.
    pub fn plan_resync(current: Option<&Self>, market: Self, reason: String, slot: Slot) -> EntryBody {
        let current = current.filter(|market| !market.vanished);
        EntryBody::Resync {
            reason,
            price_yes_before: current.and_then(|market| market.price_yes),
            old_phase: current.map(|market| market.phase),
            market: Box::new(market),
            slot,
        }
    }
}
