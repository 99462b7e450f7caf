//! Buying and selling shares.

use solana_sdk::pubkey::Pubkey;

use super::{minus, plus};
use crate::program::Payout;
use crate::program::accounts::{Cursor, InitIfNeeded, Loaded, Place, arguments, create_if_needed};
use crate::program::error::{Code, Outcome, require, thrown};
use crate::program::event::{SharesBought, SharesSold, emit};
use crate::program::host::Host;
use crate::program::layout::{GlobalConfig, MarketAccount, MarketState, UserPosition, seeds};
use crate::program::lmsr::{self, Fees};

/// The least that a trade may be about, in lamports.
const MIN_TRADE: u64 = 10_000;

fn fees(amount: u64, config: &GlobalConfig) -> Result<Fees, Code> {
    Fees::of(amount, config.protocol_fee_bps, config.resolver_reward_bps, config.liquidity_provider_fee_bps)
}

fn side<'a>(yes: &'a mut u64, no: &'a mut u64, outcome: bool) -> &'a mut u64 {
    if outcome { yes } else { no }
}

/// The position of a first trade.
fn fresh(at: Place, market: Pubkey, user: Pubkey, bump: u8) -> Loaded<UserPosition> {
    let value = UserPosition {
        market,
        user,
        shares_yes: 0,
        shares_no: 0,
        total_invested: 0,
        trades_count: 0,
        last_trade_at: 0,
        has_claimed: false,
        claimed_amount: 0,
        reserved: [0; 64],
        bump,
    };
    Loaded { at, value }
}

pub(crate) fn buy(host: &mut dyn Host, data: &[u8], _: Payout) -> Outcome {
    let (outcome, target_cost): (bool, u64) = arguments(data)?;
    let mut cursor = Cursor::new(host);
    let config = cursor.account::<GlobalConfig>("global_config")?;
    let mut market = cursor.account::<MarketAccount>("market")?;
    let position_at = cursor.any("position")?;
    let user = cursor.signer("user")?;
    let wallet = cursor.any("protocol_fee_wallet")?;
    cursor.system_program()?;
    let seeds = [seeds::POSITION, market.at.key.as_ref(), user.key.as_ref()];
    let mut position = match create_if_needed::<UserPosition>(host, position_at, user, &seeds)? {
        InitIfNeeded::New(bump) => fresh(position_at, market.at.key, user.key, bump),
        InitIfNeeded::Present(loaded) if loaded.value.trades_count == 0 => {
            fresh(position_at, market.at.key, user.key, loaded.value.bump)
        }
        InitIfNeeded::Present(loaded) => loaded,
    };
    config.check(host)?;
    market.check(host)?;
    market.at.writable()?;
    market.at.require(market.value.state == MarketState::Active, Code::InvalidMarketState)?;
    user.writable()?;
    wallet.writable()?;
    wallet.require(wallet.key == config.value.protocol_fee_wallet, Code::Unauthorized)?;

    let value = &mut market.value;
    require(!config.value.is_paused, Code::ProtocolPaused)?;
    require(!value.is_locked, Code::Reentrant)?;
    require(target_cost >= MIN_TRADE, Code::TradeTooSmall)?;
    // The share of the budget that goes into shares is fixed at 10/11, whatever the fees are.
    let budget = target_cost.checked_mul(10_000).ok_or(Code::OverflowError)? / 11_000;
    let (cost, shares) = lmsr::buy(value.shares_yes, value.shares_no, value.b_parameter, outcome, budget)?;
    let fees = fees(cost, &config.value)?;
    let total = plus(cost, fees.total())?;
    require(total <= target_cost, Code::SlippageExceeded)?;
    host.transfer(user.index, market.at.index, minus(total, fees.protocol)?)?;
    host.transfer(user.index, wallet.index, fees.protocol)?;

    let bought = side(&mut value.shares_yes, &mut value.shares_no, outcome);
    *bought = plus(*bought, shares)?;
    value.total_volume = plus(value.total_volume, total)?;
    value.current_liquidity = plus(plus(value.current_liquidity, fees.resolver)?, fees.lp)?;
    value.accumulated_resolver_fees = plus(value.accumulated_resolver_fees, fees.resolver)?;
    value.accumulated_lp_fees = plus(value.accumulated_lp_fees, fees.lp)?;
    let timestamp = host.now()?;
    let held = &mut position.value;
    let bought = side(&mut held.shares_yes, &mut held.shares_no, outcome);
    *bought = plus(*bought, shares)?;
    held.total_invested = plus(held.total_invested, total)?;
    held.trades_count = held.trades_count.checked_add(1).ok_or(Code::OverflowError)?;
    held.last_trade_at = timestamp;
    let event = SharesBought {
        market_id: value.market_id,
        user: user.key,
        outcome,
        shares,
        cost: total,
        new_price_yes: lmsr::price_yes(value.shares_yes, value.shares_no, value.b_parameter)?,
        timestamp,
    };
    emit(host, &event);
    market.save(host)?;
    position.save(host)
}

pub(crate) fn sell(host: &mut dyn Host, data: &[u8], payout: Payout) -> Outcome {
    let (outcome, shares, min_proceeds): (bool, u64, u64) = arguments(data)?;
    let mut cursor = Cursor::new(host);
    let config = cursor.account::<GlobalConfig>("global_config")?;
    let mut market = cursor.account::<MarketAccount>("market")?;
    let mut position = cursor.account::<UserPosition>("position")?;
    let user = cursor.signer("user")?;
    let wallet = cursor.any("protocol_fee_wallet")?;
    cursor.system_program()?;
    config.check(host)?;
    market.check(host)?;
    market.at.writable()?;
    market.at.require(market.value.state == MarketState::Active, Code::InvalidMarketState)?;
    position.at.writable()?;
    position.at.has_one(position.value.user, user.key, Code::Unauthorized)?;
    position.at.require(position.value.market == market.at.key, Code::InvalidMarketId)?;
    position.check(host, market.at.key, user.key)?;
    user.writable()?;
    wallet.writable()?;
    wallet.require(wallet.key == config.value.protocol_fee_wallet, Code::Unauthorized)?;

    let value = &mut market.value;
    require(!config.value.is_paused, Code::ProtocolPaused)?;
    require(!value.is_locked, Code::Reentrant)?;
    let held = &mut position.value;
    require(*side(&mut held.shares_yes, &mut held.shares_no, outcome) >= shares, Code::InsufficientShares)?;
    let gross = lmsr::sell(value.shares_yes, value.shares_no, value.b_parameter, outcome, shares)?;
    require(gross >= MIN_TRADE, Code::TradeTooSmall)?;
    let fees = fees(gross, &config.value)?;
    let net = minus(gross, fees.total())?;
    require(net >= min_proceeds, Code::SlippageExceeded)?;
    let paid_out = plus(net, fees.protocol)?;
    require(value.current_liquidity >= paid_out, Code::InsufficientLiquidity)?;

    let sold = side(&mut value.shares_yes, &mut value.shares_no, outcome);
    *sold = minus(*sold, shares)?;
    value.total_volume = plus(value.total_volume, gross)?;
    value.current_liquidity = minus(value.current_liquidity, paid_out)?;
    value.accumulated_resolver_fees = plus(value.accumulated_resolver_fees, fees.resolver)?;
    value.accumulated_lp_fees = plus(value.accumulated_lp_fees, fees.lp)?;
    let timestamp = host.now()?;
    let sold = side(&mut held.shares_yes, &mut held.shares_no, outcome);
    *sold = minus(*sold, shares)?;
    held.trades_count = held.trades_count.checked_add(1).ok_or(Code::OverflowError)?;
    held.last_trade_at = timestamp;
    host.log(&format!("pays {net} of {gross}"));
    for (to, amount) in [(user, net), (wallet, fees.protocol)] {
        match payout {
            Payout::Direct => pay(host, market.at, to, amount)?,
            Payout::AsDeployed => host.transfer(market.at.index, to.index, amount)?,
        }
    }
    let event = SharesSold {
        market_id: value.market_id,
        user: user.key,
        outcome,
        shares,
        proceeds: net,
        new_price_yes: lmsr::price_yes(value.shares_yes, value.shares_no, value.b_parameter)?,
        timestamp,
    };
    emit(host, &event);
    market.save(host)?;
    position.save(host)
}

/// Moves lamports out of a market, down to its rent minimum.
#[track_caller]
pub(super) fn pay(host: &mut dyn Host, market: Place, to: Place, amount: u64) -> Outcome {
    let left = market.lamports(host)?.checked_sub(amount);
    let minimum = host.rent_minimum(host.data(market.index)?.len())?;
    if left.is_none_or(|left| left < minimum) {
        return Err(thrown(Code::WouldBreakRentExemption));
    }
    Ok(host.move_lamports(market.index, to.index, amount)?)
}
