//! The rules of a market's moves, through its public functions only. Here: the events that they are told with.

mod adoption;
mod lifecycle;
mod misfits;
mod trades;

use super::{
    super::{
        account::MarketAccount,
        amount::{Bps, Lamports, PriceE9, ShareUnits, UnixSeconds},
        entry::{EntryBody, FeeSchedule},
        error::ProgramError,
        event::*,
        ids::{MarketAddress, MarketSeed, Slot, Wallet},
        misfit::Misfit,
        payout::MARKET_RENT,
        phase::{Phase, Step, after},
    },
    AccountError, Market,
    sample::{ADDRESS, CREATOR, SEED, TEN_PERCENT, creation, event, market},
};

const B: u64 = 1_000_000_000_000;
const ADMIN: Wallet = Wallet([8; 32]);
const USER: Wallet = Wallet([4; 32]);
const EVIDENCE: IpfsHash = IpfsHash([b'E'; 46]);

fn at(seconds: i64) -> UnixSeconds {
    UnixSeconds(seconds)
}

fn tally(likes: u32, dislikes: u32) -> ChainEvent {
    let approved = likes > dislikes;
    event(ProposalAggregated {
        market_id: SEED,
        likes,
        dislikes,
        approval_percentage: 0,
        approved,
        timestamp: at(2_000),
    })
}

fn approval() -> ChainEvent {
    event(ProposalApproved { market_id: SEED, approved_by: ADMIN, timestamp: at(3_000) })
}

fn activation() -> ChainEvent {
    let initial_liquidity = Lamports(50_000_000_000);
    event(MarketActivated { market_id: SEED, creator: CREATOR, initial_liquidity, timestamp: at(4_000) })
}

fn resolution(outcome: bool) -> ChainEvent {
    event(MarketResolved { market_id: SEED, resolver: USER, outcome, evidence_hash: EVIDENCE, timestamp: at(5_000) })
}

fn dispute() -> ChainEvent {
    let disputed_outcome = Some(true);
    event(DisputeInitiated { market_id: SEED, initiator: ADMIN, disputed_outcome, timestamp: at(6_000) })
}

fn dispute_tally(agrees: u32, disagrees: u32, dispute_succeeded: bool) -> ChainEvent {
    let (market_id, agreement_percentage, timestamp) = (SEED, 0, at(7_000));
    event(DisputeAggregated { market_id, agrees, disagrees, agreement_percentage, dispute_succeeded, timestamp })
}

fn finalization(outcome: Option<bool>, votes: Option<(u32, u32)>) -> ChainEvent {
    let (was_disputed, timestamp) = (votes.is_some(), at(8_000));
    let facts =
        votes.map(|(agree, disagree)| InstructionFacts::Finalization { agree: Some(agree), disagree: Some(disagree) });
    ChainEvent { facts, ..event(MarketFinalized { market_id: SEED, final_outcome: outcome, was_disputed, timestamp }) }
}

fn claim(outcome: Option<bool>, amount: u64) -> ChainEvent {
    let (user, amount, timestamp) = (USER, Lamports(amount), at(9_000));
    event(WinningsClaimed { market: ADDRESS, user, outcome, amount, timestamp })
}

fn withdrawal(amount: u64) -> ChainEvent {
    let amount = Lamports(amount);
    event(LiquidityWithdrawn { market_id: SEED, creator: CREATOR, amount, timestamp: at(10_000) })
}

fn cancellation() -> ChainEvent {
    event(MarketCancelled { market_id: SEED, cancelled_by: ADMIN, cancelled_at: at(11_000) })
}

fn vote(on_dispute: bool) -> ChainEvent {
    let (market_id, user, vote, timestamp) = (SEED, USER, true, at(1_500));
    if on_dispute {
        event(DisputeVoteSubmitted { market_id, user, vote, timestamp })
    } else {
        event(ProposalVoteSubmitted { market_id, user, vote, timestamp })
    }
}

/// The event of a buy as the chain would emit it.
fn buy(market: &Market, outcome: Outcome, target: u64) -> Result<ChainEvent, ProgramError> {
    let quote = market.quote_buy(outcome, Lamports(target), TEN_PERCENT, false)?;
    Ok(event(SharesBought {
        market_id: SEED,
        user: USER,
        outcome: outcome.into(),
        shares: quote.shares,
        cost: quote.total_cost,
        new_price_yes: quote.price_yes_after,
        timestamp: at(4_500),
    }))
}

fn sell(market: &Market, outcome: Outcome, shares: u64) -> Result<ChainEvent, ProgramError> {
    let shares = ShareUnits(shares);
    let quote = market.quote_sell(shares, outcome, shares, Lamports(0), TEN_PERCENT, false)?;
    Ok(event(SharesSold {
        market_id: SEED,
        user: USER,
        outcome: outcome.into(),
        shares,
        proceeds: quote.net,
        new_price_yes: quote.price_yes_after,
        timestamp: at(4_600),
    }))
}

fn plan(market: &Market, event: &ChainEvent) -> Result<EntryBody, Misfit> {
    Market::plan(Some(market), ADDRESS, event, TEN_PERCENT)
}

/// The market after events that fit.
fn moved(mut market: Market, events: &[ChainEvent]) -> Market {
    for (index, event) in events.iter().enumerate() {
        let body = plan(&market, event).unwrap_or_else(|misfit| panic!("event {index}: {misfit}"));
        market.apply(&body).unwrap();
        if let EntryBody::Event { market: stored, .. } = &body {
            assert_eq!(**stored, market);
        }
    }
    market
}

fn active() -> Market {
    moved(market(), &[tally(7, 3), approval(), activation()])
}

fn traded() -> Market {
    let market = active();
    let first = buy(&market, Outcome::Yes, 50_000_000_000).unwrap();
    moved(market, &[first])
}

fn disputed() -> Market {
    moved(traded(), &[resolution(true), dispute()])
}
