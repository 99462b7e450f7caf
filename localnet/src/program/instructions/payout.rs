//! What leaves a finalized market: the winnings, the resolver's fee, the creator's rest.

use super::trade::pay;
use crate::program::Payout;
use crate::program::accounts::Cursor;
use crate::program::error::{Code, Outcome, require};
use crate::program::event::{LiquidityWithdrawn, WinningsClaimed, emit};
use crate::program::host::Host;
use crate::program::layout::{GlobalConfig, MarketAccount, MarketState, UserPosition};

/// What a withdrawal leaves on top of the rent minimum, in lamports.
const WITHDRAWAL_RESERVE: u64 = 10_000;

pub(crate) fn claim(host: &mut dyn Host, _: &[u8], _: Payout) -> Outcome {
    let mut cursor = Cursor::new(host);
    let config = cursor.account::<GlobalConfig>("global_config")?;
    let mut market = cursor.account::<MarketAccount>("market")?;
    let mut position = cursor.account::<UserPosition>("position")?;
    let user = cursor.signer("user")?;
    let resolver = cursor.any("resolver")?;
    cursor.system_program()?;
    config.check(host)?;
    market.check(host)?;
    market.at.writable()?;
    market.at.require(market.value.state == MarketState::Finalized, Code::InvalidMarketState)?;
    position.check(host, market.at.key, user.key)?;
    position.at.writable()?;
    position.at.has_one(position.value.user, user.key, Code::ConstraintHasOne)?;
    position.at.require(!position.value.has_claimed, Code::AlreadyClaimed)?;
    user.writable()?;
    resolver.writable()?;
    resolver.require(resolver.key == market.value.resolver, Code::InvalidResolver)?;

    let value = &mut market.value;
    let held = &mut position.value;
    let balance = market.at.lamports(host)?;
    let amount = match value.final_outcome {
        Some(outcome) => {
            let (winning, all) =
                if outcome { (held.shares_yes, value.shares_yes) } else { (held.shares_no, value.shares_no) };
            require(winning > 0, Code::NoWinnings)?;
            let product = u128::from(winning) * u128::from(value.current_liquidity);
            let share = product.checked_div(u128::from(all)).ok_or(Code::DivisionByZero)?;
            // The program cuts the quotient to 64 bits; so does this.
            let amount = (share & u128::from(u64::MAX)) as u64;
            require(amount > 0, Code::NoWinnings)?;
            let needed = amount.checked_add(value.accumulated_resolver_fees);
            require(needed.is_some_and(|needed| needed <= balance), Code::InsufficientLiquidity)?;
            amount
        }
        None => {
            require(held.total_invested > 0, Code::NoWinnings)?;
            require(held.total_invested <= balance, Code::InsufficientLiquidity)?;
            held.total_invested
        }
    };
    host.log(&format!("claim of {amount}"));
    pay(host, market.at, user, amount)?;
    if value.final_outcome.is_some() && value.accumulated_resolver_fees > 0 {
        pay(host, market.at, resolver, value.accumulated_resolver_fees)?;
        value.accumulated_resolver_fees = 0;
    }
    host.log("paid");
    held.has_claimed = true;
    held.claimed_amount = amount;
    let timestamp = host.now()?;
    let event =
        WinningsClaimed { market: market.at.key, user: user.key, outcome: value.final_outcome, amount, timestamp };
    emit(host, &event);
    market.save(host)?;
    position.save(host)
}

pub(crate) fn withdraw(host: &mut dyn Host, _: &[u8], _: Payout) -> Outcome {
    let mut cursor = Cursor::new(host);
    let mut market = cursor.account::<MarketAccount>("market")?;
    let creator = cursor.signer("creator")?;
    market.check(host)?;
    market.at.writable()?;
    market.at.has_one(market.value.creator, creator.key, Code::Unauthorized)?;
    market.at.require(market.value.state == MarketState::Finalized, Code::InvalidMarketState)?;
    creator.writable()?;

    let minimum = host.rent_minimum(host.data(market.at.index)?.len())?;
    let kept = minimum.saturating_add(WITHDRAWAL_RESERVE);
    let amount = market.at.lamports(host)?.saturating_sub(kept);
    require(amount > 0, Code::InsufficientLiquidity)?;
    pay(host, market.at, creator, amount)?;
    market.value.current_liquidity = 0;
    market.value.accumulated_lp_fees = 0;
    let market_id = market.value.market_id;
    let timestamp = host.now()?;
    emit(host, &LiquidityWithdrawn { market_id, creator: creator.key, amount, timestamp });
    market.save(host)
}
