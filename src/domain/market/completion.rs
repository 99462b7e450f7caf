//! What the program did, from what it was told to do: the rest of an event of which only the instruction is known.
//!
//! Owns one function: the market before, a draft, the event. The program is deterministic, so what a purchase brought follows
//! from the market and the fees at that place. Proves nothing by itself: whoever uses it compares the market after it with
//! the account.

use super::{
    super::{
        entry::FeeSchedule,
        event::{Outcome, ProgramEvent, SharesBought, SharesSold},
        trade::quote_sell,
    },
    Market,
};

impl Market {
    /// The event that the program printed where it was told that, in this market; `None` where it could not have.
    pub fn complete(current: Option<&Self>, draft: &ProgramEvent, schedule: FeeSchedule) -> Option<ProgramEvent> {
        if let ProgramEvent::MarketCreated(_) = draft {
            return Some(draft.clone());
        }
        let market = current.filter(|market| !market.vanished)?;
        let mut event = draft.clone();
        match &mut event {
            ProgramEvent::SharesBought(it) => {
                // Whether the program was paused is no question: it took effect.
                let quote = market.quote_buy(it.outcome.into(), it.cost, schedule, false).ok()?;
                *it = SharesBought {
                    market_id: market.seed,
                    shares: quote.shares,
                    cost: quote.total_cost,
                    new_price_yes: quote.price_yes_after,
                    ..it.clone()
                };
            }
            ProgramEvent::SharesSold(it) => {
                let (terms, outcome) = (market.terms(schedule), Outcome::from(it.outcome));
                let quote = quote_sell(&terms, outcome, it.shares, it.proceeds, market.current_liquidity).ok()?;
                *it = SharesSold {
                    market_id: market.seed,
                    proceeds: quote.net,
                    new_price_yes: quote.price_yes_after,
                    ..it.clone()
                };
            }
            ProgramEvent::MarketActivated(it) => {
                (it.market_id, it.creator) = (market.seed, market.creator);
                it.initial_liquidity = market.initial_liquidity;
            }
            ProgramEvent::DisputeInitiated(it) => {
                it.market_id = market.seed;
                it.disputed_outcome = market.proposed_outcome.map(bool::from);
            }
            ProgramEvent::ProposalVoteSubmitted(it) => it.market_id = market.seed,
            ProgramEvent::DisputeVoteSubmitted(it) => it.market_id = market.seed,
            ProgramEvent::ProposalApproved(it) => it.market_id = market.seed,
            ProgramEvent::MarketResolved(it) => it.market_id = market.seed,
            ProgramEvent::MarketCancelled(it) => it.market_id = market.seed,
            _ => return None,
        }
        Some(event)
    }
}
