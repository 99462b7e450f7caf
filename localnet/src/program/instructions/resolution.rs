//! The outcome of a market: proposed, disputed, final.

use super::ratio;
use crate::program::Payout;
use crate::program::accounts::{Cursor, arguments};
use crate::program::error::{Code, Outcome, require};
use crate::program::event::{DisputeInitiated, MarketFinalized, MarketResolved, emit};
use crate::program::host::Host;
use crate::program::layout::{GlobalConfig, MarketAccount, MarketState};
use crate::program::lmsr;

/// How long after its creation a market can be resolved and finalized, in seconds: ten years of 365 days.
const MAX_AGE: i64 = 315_360_000;

fn within_age(market: &MarketAccount, now: i64) -> bool {
    market.created_at <= now && now <= market.created_at.saturating_add(MAX_AGE)
}

pub(crate) fn resolve(host: &mut dyn Host, data: &[u8], _: Payout) -> Outcome {
    let (outcome, evidence_hash): (bool, [u8; 46]) = arguments(data)?;
    let mut cursor = Cursor::new(host);
    let config = cursor.account::<GlobalConfig>("global_config")?;
    let mut market = cursor.account::<MarketAccount>("market")?;
    let resolver = cursor.signer("resolver")?;
    config.check(host)?;
    market.check(host)?;
    market.at.writable()?;
    market.at.require(market.value.state == MarketState::Active, Code::InvalidMarketState)?;
    market.at.require(market.value.proposed_outcome.is_none(), Code::AlreadyResolved)?;
    resolver.writable()?;

    let value = &mut market.value;
    let timestamp = host.now()?;
    host.log(&format!("resolve at {timestamp}"));
    require(within_age(value, timestamp), Code::InvalidTimestamp)?;
    require(timestamp > value.activated_at, Code::InvalidTimestamp)?;
    value.proposed_outcome = Some(outcome);
    value.resolver = resolver.key;
    value.ipfs_evidence_hash = evidence_hash;
    value.resolution_proposed_at = timestamp;
    value.state = MarketState::Resolving;
    host.log(&format!("proposed {outcome}"));
    let event =
        MarketResolved { market_id: value.market_id, resolver: resolver.key, outcome, evidence_hash, timestamp };
    emit(host, &event);
    market.save(host)
}

pub(crate) fn dispute(host: &mut dyn Host, _: &[u8], _: Payout) -> Outcome {
    let mut cursor = Cursor::new(host);
    let config = cursor.account::<GlobalConfig>("global_config")?;
    let mut market = cursor.account::<MarketAccount>("market")?;
    let initiator = cursor.signer("initiator")?;
    config.check(host)?;
    market.check(host)?;
    market.at.writable()?;
    market.at.require(market.value.state == MarketState::Resolving, Code::InvalidMarketState)?;

    let value = &mut market.value;
    let timestamp = host.now()?;
    require(timestamp > value.resolution_proposed_at, Code::InvalidTimestamp)?;
    let end = value.resolution_proposed_at.checked_add(config.value.dispute_period).ok_or(Code::OverflowError)?;
    require(timestamp < end, Code::DisputePeriodEnded)?;
    value.dispute_initiator = initiator.key;
    value.dispute_initiated_at = timestamp;
    value.dispute_agree = 0;
    value.dispute_disagree = 0;
    value.dispute_total_votes = 0;
    value.state = MarketState::Disputed;
    host.log("disputed");
    let event = DisputeInitiated {
        market_id: value.market_id,
        initiator: initiator.key,
        disputed_outcome: value.proposed_outcome,
        timestamp,
    };
    emit(host, &event);
    market.save(host)
}

pub(crate) fn finalize(host: &mut dyn Host, data: &[u8], _: Payout) -> Outcome {
    let (agree, disagree): (Option<u32>, Option<u32>) = arguments(data)?;
    let mut cursor = Cursor::new(host);
    let config = cursor.account::<GlobalConfig>("global_config")?;
    let mut market = cursor.account::<MarketAccount>("market")?;
    let backend = cursor.signer("backend_authority")?;
    config.check(host)?;
    market.check(host)?;
    market.at.writable()?;
    let disputed = market.value.state == MarketState::Disputed;
    market.at.require(disputed || market.value.state == MarketState::Resolving, Code::InvalidMarketState)?;
    backend.require(backend.key == config.value.backend_authority, Code::Unauthorized)?;

    let value = &mut market.value;
    let timestamp = host.now()?;
    host.log(&format!("finalize at {timestamp}"));
    require(within_age(value, timestamp), Code::InvalidTimestamp)?;
    require(timestamp > value.resolution_proposed_at, Code::InvalidTimestamp)?;
    let proposed = value.proposed_outcome;
    let outcome = if disputed {
        let (agree, disagree) = agree.zip(disagree).ok_or(Code::NoVotesRecorded)?;
        let total = agree.checked_add(disagree).ok_or(Code::OverflowError)?;
        require(total > 0, Code::NoVotesRecorded)?;
        value.dispute_agree = agree;
        value.dispute_disagree = disagree;
        value.dispute_total_votes = total;
        let flipped = ratio(agree, total, 10_000) >= u64::from(config.value.dispute_success_threshold);
        proposed.map(|outcome| outcome != flipped)
    } else {
        let end = value.resolution_proposed_at.checked_add(config.value.dispute_period).ok_or(Code::OverflowError)?;
        require(timestamp >= end, Code::DisputePeriodNotEnded)?;
        proposed
    };
    let loss = value.initial_liquidity.saturating_sub(value.current_liquidity);
    require(loss <= lmsr::max_loss(value.b_parameter)?, Code::BoundedLossExceeded)?;
    value.final_outcome = outcome;
    value.was_disputed = disputed;
    value.finalized_at = timestamp;
    value.state = MarketState::Finalized;
    host.log("final");
    let event =
        MarketFinalized { market_id: value.market_id, final_outcome: outcome, was_disputed: disputed, timestamp };
    emit(host, &event);
    market.save(host)
}
