//! How every event but a trade moves a market (program facts, sections 4, 5, 8 and 9).
//!
//! Owns one function an event: the market before, what the event tells, the market after. That the phase allows it, and
//! which phase follows, was read from the table in `phase`. What an event repeats of the state (creator, outcome,
//! liquidity) must be what the state says: where it is not, an event is missing.

use super::{
    super::{
        amount::{Lamports, ShareUnits, UnixSeconds},
        error::ProgramError,
        event::{InstructionFacts, IpfsHash, MarketCreated, MarketFinalized, Outcome, ProgramEvent},
        ids::{MarketAddress, MarketSeed, Wallet},
        lmsr::{Curve, Quantities},
        misfit::Misfit,
        payout::{MARKET_RENT, WITHDRAWAL_REST},
        phase::Phase,
    },
    Market,
};

/// The market after an event that is no trade, in the phase that the table gives.
pub(super) fn moved(
    current: Option<&Market>,
    address: MarketAddress,
    phase: Phase,
    event: &ProgramEvent,
    facts: Option<&InstructionFacts>,
) -> Result<Market, Misfit> {
    if let ProgramEvent::MarketCreated(event) = event {
        return created(address, event, facts);
    }
    let mut market = Market { phase, ..current.ok_or(Misfit::Unknown)?.clone() };
    match event {
        // A vote is a record of its own; the market counts it only when a tally is reported.
        ProgramEvent::ProposalVoteSubmitted(_) | ProgramEvent::DisputeVoteSubmitted(_) => {}
        ProgramEvent::ProposalAggregated(e) => {
            market.proposal_total_votes = votes(e.likes, e.dislikes)?;
            (market.proposal_likes, market.proposal_dislikes) = (e.likes, e.dislikes);
        }
        ProgramEvent::ProposalApproved(e) => {
            // The chain approves only what has a tally.
            same(market.proposal_total_votes > 0, "proposal_total_votes")?;
            market.approved_at = e.timestamp;
        }
        ProgramEvent::MarketActivated(e) => {
            same(e.creator == market.creator, "creator")?;
            same(e.initial_liquidity == market.initial_liquidity, "initial_liquidity")?;
            market.activated_at = e.timestamp;
        }
        ProgramEvent::MarketCancelled(e) => market.cancelled_at = Some(e.cancelled_at),
        ProgramEvent::MarketResolved(e) => {
            market.proposed_outcome = Some(e.outcome.into());
            market.resolver = e.resolver;
            market.evidence_hash = e.evidence_hash;
            market.resolution_proposed_at = e.timestamp;
        }
        ProgramEvent::DisputeInitiated(e) => {
            same(e.disputed_outcome.map(Outcome::from) == market.proposed_outcome, "disputed_outcome")?;
            market.dispute_initiator = e.initiator;
            market.dispute_initiated_at = e.timestamp;
            // A second dispute begins to count anew.
            (market.dispute_agree, market.dispute_disagree, market.dispute_total_votes) = (0, 0, 0);
        }
        ProgramEvent::DisputeAggregated(e) => {
            count_dispute(&mut market, e.agrees, e.disagrees)?;
            market.was_disputed = true;
            if !e.dispute_succeeded {
                // The final outcome stays none and finalized_at zero: stakes are refunded.
                market.resolved_at = e.timestamp;
            }
        }
        ProgramEvent::MarketFinalized(e) => finalize(&mut market, e, facts)?,
        ProgramEvent::WinningsClaimed(e) => pay_claim(&mut market, e.outcome.map(Outcome::from), e.amount)?,
        ProgramEvent::LiquidityWithdrawn(e) => {
            same(e.creator == market.creator, "creator")?;
            withdraw(&mut market, e.amount)?;
        }
        ProgramEvent::MarketCreated(_)
        | ProgramEvent::SharesBought(_)
        | ProgramEvent::SharesSold(_)
        | ProgramEvent::GlobalConfigInitialized(_)
        | ProgramEvent::ConfigUpdated(_)
        | ProgramEvent::ProtocolPauseStatusChanged(_) => return Err(Misfit::OtherStream),
    }
    Ok(market)
}

fn same(holds: bool, field: &'static str) -> Result<(), Misfit> {
    if holds { Ok(()) } else { Err(Misfit::Field { field }) }
}

fn votes(one: u32, other: u32) -> Result<u32, Misfit> {
    one.checked_add(other).ok_or(Misfit::Arithmetic(ProgramError::OverflowError))
}

fn created(address: MarketAddress, event: &MarketCreated, facts: Option<&InstructionFacts>) -> Result<Market, Misfit> {
    let Some(InstructionFacts::Creation { initial_liquidity, question_hash }) = facts else {
        return Err(Misfit::LacksFacts);
    };
    same(event.state == Phase::Proposed.code(), "state")?;
    let b_parameter = ShareUnits(event.b_parameter);
    // The phantom shares: nobody holds them, and winners share the payout with them.
    let quantities = Quantities::initial(b_parameter);
    Ok(Market {
        initial_liquidity: *initial_liquidity,
        current_liquidity: *initial_liquidity,
        shares_yes: quantities.yes,
        shares_no: quantities.no,
        question_hash: *question_hash,
        // The liquidity is a claim on paper: only the rent is paid in.
        lamports: MARKET_RENT,
        price_yes: Curve::Program.price_yes(quantities, b_parameter).ok(),
        ..Market::empty(address, event.market_id, event.creator, b_parameter, event.timestamp)
    })
}

impl Market {
    /// A proposal that holds nothing, and in which nothing has happened.
    pub(super) fn empty(
        address: MarketAddress,
        seed: MarketSeed,
        creator: Wallet,
        b_parameter: ShareUnits,
        created_at: UnixSeconds,
    ) -> Self {
        Self {
            address,
            seed,
            creator,
            phase: Phase::Proposed,
            b_parameter,
            initial_liquidity: Lamports::ZERO,
            current_liquidity: Lamports::ZERO,
            shares_yes: ShareUnits::ZERO,
            shares_no: ShareUnits::ZERO,
            total_volume: Lamports::ZERO,
            created_at,
            approved_at: UnixSeconds(0),
            activated_at: UnixSeconds(0),
            resolution_proposed_at: UnixSeconds(0),
            resolved_at: UnixSeconds(0),
            finalized_at: UnixSeconds(0),
            cancelled_at: None,
            resolver: Wallet([0; 32]),
            proposed_outcome: None,
            final_outcome: None,
            question_hash: IpfsHash::EMPTY,
            evidence_hash: IpfsHash::EMPTY,
            dispute_initiated_at: UnixSeconds(0),
            dispute_initiator: Wallet([0; 32]),
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
            vanished: false,
        }
    }
}

fn count_dispute(market: &mut Market, agree: u32, disagree: u32) -> Result<(), Misfit> {
    market.dispute_total_votes = votes(agree, disagree)?;
    (market.dispute_agree, market.dispute_disagree) = (agree, disagree);
    Ok(())
}

fn finalize(market: &mut Market, event: &MarketFinalized, facts: Option<&InstructionFacts>) -> Result<(), Misfit> {
    let outcome = event.final_outcome.map(Outcome::from);
    if event.was_disputed {
        let Some(InstructionFacts::Finalization { agree: Some(agree), disagree: Some(disagree) }) = facts else {
            return Err(Misfit::LacksFacts);
        };
        count_dispute(market, *agree, *disagree)?;
        // Kept or turned by the votes, by a threshold that the chain has applied; never lost.
        same(outcome.is_some() == market.proposed_outcome.is_some(), "final_outcome")?;
    } else {
        // The instruction's counts are ignored, and the outcome stands as proposed.
        same(outcome == market.proposed_outcome, "final_outcome")?;
    }
    market.final_outcome = outcome;
    // Overwrites a true that an earlier tally left.
    market.was_disputed = event.was_disputed;
    market.finalized_at = event.timestamp;
    Ok(())
}

fn pay_claim(market: &mut Market, outcome: Option<Outcome>, amount: Lamports) -> Result<(), Misfit> {
    same(outcome == market.final_outcome, "outcome")?;
    // A share of the liquidity, or a refund of what was staked: never more than that, and never nothing.
    let most = if outcome.is_some() { market.current_liquidity } else { market.total_volume };
    same(amount > Lamports::ZERO && amount <= most, "amount")?;
    let resolver_fees =
        if outcome.is_some() { std::mem::take(&mut market.accumulated_resolver_fees) } else { Lamports::ZERO };
    let paid = amount.checked_add(resolver_fees).ok_or(ProgramError::OverflowError)?;
    market.lamports = market.lamports_after_payment(paid);
    Ok(())
}

fn withdraw(market: &mut Market, amount: Lamports) -> Result<(), Misfit> {
    let rest = Lamports(MARKET_RENT.0 + WITHDRAWAL_REST.0);
    // Everything above the rest is taken. More than the events account for was sent by somebody; less means that a
    // payment is missing.
    let least = market.lamports.checked_sub(rest).unwrap_or_default();
    same(amount > Lamports::ZERO && amount >= least, "amount")?;
    market.lamports = rest;
    market.current_liquidity = Lamports::ZERO;
    market.accumulated_lp_fees = Lamports::ZERO;
    Ok(())
}
