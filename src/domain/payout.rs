//! What a finalized market pays: claims of winners, refunds, and what the creator takes (program facts, section 9).
//!
//! Owns the amounts and the order in which the program refuses. Changes nothing: the chain pays, and its events move the
//! market. `balance` is what the account really holds, rent included; a market's own `lamports` are only what the
//! events account for.

use super::{
    amount::{Lamports, ShareUnits},
    error::ProgramError,
    event::Outcome,
    ids::Wallet,
    market::Market,
    phase::Phase,
    position::Position,
};

/// The rent minimum of a market's account, which no payout may break.
pub const MARKET_RENT: Lamports = Lamports(4_287_360);
/// What a withdrawal leaves above the rent.
pub const WITHDRAWAL_REST: Lamports = Lamports(10_000);

/// What a claim pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// To the claimer.
    pub amount: Lamports,
    /// To the resolver, with the first claim of a market that has an outcome; zero otherwise.
    pub resolver_fees: Lamports,
}

/// What `claim_winnings` will pay for a position.
///
/// With a final outcome: floor(w · L / W), where w are the position's winning shares, W the market's (phantom shares
/// included) and L the liquidity on paper; L and W are the same for every claimer. Without one: what was invested.
///
/// # Errors
/// In the program's order: `InvalidMarketState`, `AlreadyClaimed`, `NoWinnings`, `InsufficientLiquidity`,
/// `WouldBreakRentExemption`.
pub fn claim(market: &Market, position: &Position, balance: Lamports) -> Result<Claim, ProgramError> {
    if market.phase != Phase::Finalized {
        return Err(ProgramError::InvalidMarketState);
    }
    if position.has_claimed {
        return Err(ProgramError::AlreadyClaimed);
    }
    let (amount, resolver_fees) = match market.final_outcome {
        Some(outcome) => (winnings(market, position.shares(outcome), outcome)?, market.accumulated_resolver_fees),
        None => (position.total_invested, Lamports::ZERO),
    };
    if amount == Lamports::ZERO {
        return Err(ProgramError::NoWinnings);
    }
    let needed = amount.checked_add(resolver_fees).ok_or(ProgramError::OverflowError)?;
    let rest = balance.checked_sub(needed).ok_or(ProgramError::InsufficientLiquidity)?;
    // Two payments, each of which has to leave the rent: the second leaves less than the first.
    if rest < MARKET_RENT {
        return Err(ProgramError::WouldBreakRentExemption);
    }
    Ok(Claim { amount, resolver_fees })
}

fn winnings(market: &Market, shares: ShareUnits, outcome: Outcome) -> Result<Lamports, ProgramError> {
    if shares == ShareUnits::ZERO {
        return Err(ProgramError::NoWinnings);
    }
    let product = u128::from(shares.0) * u128::from(market.current_liquidity.0);
    let all = u128::from(market.quantities().of(outcome).0);
    // The program cuts to 64 bits. It never matters: nobody holds more than the market has issued.
    Ok(Lamports(product.checked_div(all).ok_or(ProgramError::DivisionByZero)? as u64))
}

/// What `withdraw_liquidity` will pay its caller: all but the rent and 10,000 lamports. It waits for nobody's claim.
///
/// # Errors
/// In the program's order: `Unauthorized` for anyone but the creator, `InvalidMarketState`, `InsufficientLiquidity`
/// if nothing is left.
pub fn withdrawal(market: &Market, caller: Wallet, balance: Lamports) -> Result<Lamports, ProgramError> {
    if caller != market.creator {
        return Err(ProgramError::Unauthorized);
    }
    if market.phase != Phase::Finalized {
        return Err(ProgramError::InvalidMarketState);
    }
    let kept = MARKET_RENT.0 + WITHDRAWAL_REST.0;
    match balance.0.saturating_sub(kept) {
        0 => Err(ProgramError::InsufficientLiquidity),
        amount => Ok(Lamports(amount)),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::market::sample, *};

    fn finalized(outcome: Option<Outcome>) -> Market {
        Market {
            phase: Phase::Finalized,
            final_outcome: outcome,
            shares_yes: ShareUnits(3_000),
            shares_no: ShareUnits(7),
            current_liquidity: Lamports(100_000),
            accumulated_resolver_fees: Lamports(500),
            ..sample::market()
        }
    }

    fn holding(yes: u64, no: u64, invested: u64) -> Position {
        let empty = Position::empty(sample::market().address, Wallet([9; 32]));
        Position { shares_yes: ShareUnits(yes), shares_no: ShareUnits(no), total_invested: Lamports(invested), ..empty }
    }

    #[test]
    fn claims_pay_by_the_page_and_fail_in_its_order() {
        use ProgramError::*;
        const RENT: u64 = 4_287_360;
        let yes = || finalized(Some(Outcome::Yes));
        let refund = || finalized(None);
        let claimed = Position { has_claimed: true, ..holding(1_000, 0, 50) };
        let active = Market { phase: Phase::Active, ..yes() };
        let withdrawn = Market { current_liquidity: Lamports(0), ..yes() };
        type Paid = Result<(u64, u64), ProgramError>;
        let rows: &[(Market, Position, u64, Paid)] = &[
            (yes(), holding(1_000, 0, 50), RENT + 33_833, Ok((33_333, 500))),
            (active, claimed.clone(), 0, Err(InvalidMarketState)),
            (yes(), claimed, 0, Err(AlreadyClaimed)),
            (yes(), holding(0, 1_000, 50), 0, Err(NoWinnings)),
            (withdrawn, holding(1_000, 0, 50), 0, Err(NoWinnings)),
            (yes(), holding(1_000, 0, 50), 33_832, Err(InsufficientLiquidity)),
            (yes(), holding(1_000, 0, 50), 33_833, Err(WouldBreakRentExemption)),
            (yes(), holding(1_000, 0, 50), RENT + 33_832, Err(WouldBreakRentExemption)),
            (refund(), holding(0, 0, 50), RENT + 50, Ok((50, 0))),
            (refund(), holding(9, 9, 0), RENT + 50, Err(NoWinnings)),
            (refund(), holding(0, 0, 50), 49, Err(InsufficientLiquidity)),
            (refund(), holding(0, 0, 50), RENT + 49, Err(WouldBreakRentExemption)),
        ];
        for (row, (market, position, balance, expected)) in rows.iter().enumerate() {
            let paid = claim(market, position, Lamports(*balance)).map(|c| (c.amount.0, c.resolver_fees.0));
            assert_eq!(paid, *expected, "row {row}");
        }
    }

    #[test]
    fn withdrawals_take_all_but_the_rent_and_a_rest() {
        use ProgramError::*;
        let market = finalized(None);
        let (creator, other) = (market.creator, Wallet([9; 32]));
        let active = Market { phase: Phase::Active, ..market.clone() };
        assert_eq!(withdrawal(&active, other, Lamports(0)), Err(Unauthorized));
        assert_eq!(withdrawal(&active, creator, Lamports(9_000_000)), Err(InvalidMarketState));
        assert_eq!(withdrawal(&market, creator, Lamports(4_297_360)), Err(InsufficientLiquidity));
        assert_eq!(withdrawal(&market, creator, Lamports(0)), Err(InsufficientLiquidity));
        assert_eq!(withdrawal(&market, creator, Lamports(4_297_361)), Ok(Lamports(1)));
    }
}
