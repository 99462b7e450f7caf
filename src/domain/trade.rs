//! What a trade will do: the handlers of `buy_shares` and `sell_shares` as pure functions (program facts, 4 and 7).
//!
//! Owns the order of the handlers' own checks, so that a quote fails with the error that the chain would give. What
//! stands before the handler (phase, pause, holdings) is asked by `market::quote`, balances by nobody here.

use super::{
    amount::{Lamports, PriceE9, ShareUnits},
    entry::FeeSchedule,
    error::ProgramError,
    event::Outcome,
    fees::Fees,
    lmsr::{Curve, Quantities},
};

/// The least that a buyer may offer and a seller may get before fees.
pub const MIN_TRADE: Lamports = Lamports(10_000);
/// What the program takes the fees for when it sizes a buy: always 10 %, whatever they are.
const ASSUMED_COST_WITH_FEES_BPS: u64 = 11_000;

/// What a quote is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The price curve.
    pub curve: Curve,
    /// The market's shares before the trade.
    pub quantities: Quantities,
    /// The market's b.
    pub b_parameter: ShareUnits,
    /// The rates in force.
    pub fees: FeeSchedule,
}

/// A buy as the chain will do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuyQuote {
    /// The outcome bought.
    pub outcome: Outcome,
    /// Shares received; can be 0, then the cost is 0 too.
    pub shares: ShareUnits,
    /// The curve's cost.
    pub cost_before_fees: Lamports,
    /// The fees of it.
    pub fees: Fees,
    /// What the buyer pays: cost and fees.
    pub total_cost: Lamports,
    /// What the market's account gets: all but the protocol's fee.
    pub to_market: Lamports,
    /// What the liquidity on paper grows by.
    pub liquidity_delta: Lamports,
    /// The market's shares after it.
    pub quantities_after: Quantities,
    /// The price of YES after it.
    pub price_yes_after: PriceE9,
}

/// A sell as the chain would do it, if its last step (the transfer out of the market) worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SellQuote {
    /// The outcome sold.
    pub outcome: Outcome,
    /// Shares given.
    pub shares: ShareUnits,
    /// What the curve gives.
    pub gross: Lamports,
    /// The fees of it.
    pub fees: Fees,
    /// What the seller gets.
    pub net: Lamports,
    /// What leaves the market's account: net and the protocol's fee.
    pub payout: Lamports,
    /// The market's shares after it.
    pub quantities_after: Quantities,
    /// The price of YES after it.
    pub price_yes_after: PriceE9,
}

/// The part of a budget that the program spends on shares; `OverflowError` above 1,844,674,407,370,955 lamports.
pub fn budget_before_fees(target_cost: Lamports) -> Result<Lamports, ProgramError> {
    let product = target_cost.0.checked_mul(10_000).ok_or(ProgramError::OverflowError)?;
    Ok(Lamports(product / ASSUMED_COST_WITH_FEES_BPS))
}

/// The handler of `buy_shares` after the pause check. `target_cost` caps what is paid, fees included; there is no lower
/// bound for the shares.
///
/// Errors, in this order: `TradeTooSmall`, `OverflowError` of the budget, those of [`Curve::buy`], those of [`Fees::of`],
/// `SlippageExceeded`.
pub fn quote_buy(terms: &Terms, outcome: Outcome, target_cost: Lamports) -> Result<BuyQuote, ProgramError> {
    use ProgramError::{OverflowError, SlippageExceeded, TradeTooSmall, UnderflowError};
    let Terms { curve, quantities, b_parameter, fees: schedule } = *terms;
    if target_cost < MIN_TRADE {
        return Err(TradeTooSmall);
    }
    let purchase = curve.buy(quantities, b_parameter, outcome, budget_before_fees(target_cost)?)?;
    let fees = Fees::of(purchase.cost, schedule)?;
    let total_cost = purchase.cost.checked_add(fees.total).ok_or(OverflowError)?;
    if total_cost > target_cost {
        return Err(SlippageExceeded);
    }
    let quantities_after = quantities.bought(outcome, purchase.shares)?;
    Ok(BuyQuote {
        outcome,
        shares: purchase.shares,
        cost_before_fees: purchase.cost,
        fees,
        total_cost,
        to_market: total_cost.checked_sub(fees.protocol).ok_or(UnderflowError)?,
        liquidity_delta: fees.kept()?,
        quantities_after,
        price_yes_after: curve.price_yes(quantities_after, b_parameter)?,
    })
}

/// The handler of `sell_shares` from the curve on, up to the transfer. `min_proceeds` bounds what the seller gets, net.
///
/// Errors, in this order: `InsufficientShares`, those of [`Curve::sell`], `TradeTooSmall`, those of [`Fees::of`],
/// `SlippageExceeded`, `InsufficientLiquidity`.
pub fn quote_sell(
    terms: &Terms,
    outcome: Outcome,
    shares: ShareUnits,
    min_proceeds: Lamports,
    current_liquidity: Lamports,
) -> Result<SellQuote, ProgramError> {
    use ProgramError::{InsufficientLiquidity, OverflowError, SlippageExceeded, TradeTooSmall, UnderflowError};
    let Terms { curve, quantities, b_parameter, fees: schedule } = *terms;
    let gross = curve.sell(quantities, b_parameter, outcome, shares)?;
    if gross < MIN_TRADE {
        return Err(TradeTooSmall);
    }
    let fees = Fees::of(gross, schedule)?;
    let net = gross.checked_sub(fees.total).ok_or(UnderflowError)?;
    if net < min_proceeds {
        return Err(SlippageExceeded);
    }
    let payout = net.checked_add(fees.protocol).ok_or(OverflowError)?;
    if current_liquidity < payout {
        return Err(InsufficientLiquidity);
    }
    let quantities_after = quantities.sold(outcome, shares)?;
    let price_yes_after = curve.price_yes(quantities_after, b_parameter)?;
    Ok(SellQuote { outcome, shares, gross, fees, net, payout, quantities_after, price_yes_after })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::amount::Bps, *};

    fn terms(b: u64, fees: [u16; 3]) -> Terms {
        let [protocol, resolver, lp] = fees.map(Bps);
        let b_parameter = ShareUnits(b);
        let quantities = Quantities::initial(b_parameter);
        Terms { curve: Curve::Program, quantities, b_parameter, fees: FeeSchedule { protocol, resolver, lp } }
    }

    #[test]
    fn buys_fail_in_the_order_of_the_handler() {
        use ProgramError::*;
        const TEN: [u16; 3] = [300, 200, 500];
        const B: u64 = 1_000_000_000_000;
        let rows: &[(u64, [u16; 3], u64, ProgramError)] = &[
            (B, TEN, 9_999, TradeTooSmall),
            (1, TEN, 9_999, TradeTooSmall),
            (1, TEN, 1_844_674_407_370_956, OverflowError),
            (1, TEN, 1_844_674_407_370_955, InvalidBParameter),
            // Next to exact balance the program's cost drops (7.8).
            (B, TEN, 10_000_000, UnderflowError),
            (B, [0, 0, 0], 100_000_000_000, DivisionByZero),
            (B, [300, 200, 501], 100_000_000_000, SlippageExceeded),
        ];
        for (row, &(b, fees, target, expected)) in rows.iter().enumerate() {
            let quote = quote_buy(&terms(b, fees), Outcome::Yes, Lamports(target));
            assert_eq!(quote, Err(expected), "row {row}");
        }
    }

    #[test]
    fn sells_fail_in_the_order_of_the_handler() {
        use ProgramError::*;
        let mut terms = terms(1_000_000_000_000, [300, 200, 500]);
        terms.quantities.yes = ShareUnits(301_000_000_000);
        // 1 share brings 574,510,000 before fees: 517,059,000 net, and 17,235,300 to the protocol.
        let rows: &[(u64, u64, u64, Result<u64, ProgramError>)] = &[
            (301_000_000_001, u64::MAX, 0, Err(InsufficientShares)),
            (1_000, u64::MAX, 0, Err(TradeTooSmall)),
            (1_000_000_000, 517_059_001, 0, Err(SlippageExceeded)),
            (1_000_000_000, 517_059_000, 534_294_299, Err(InsufficientLiquidity)),
            (1_000_000_000, 517_059_000, 534_294_300, Ok(517_059_000)),
        ];
        for (row, &(shares, least, liquidity, expected)) in rows.iter().enumerate() {
            let quote = quote_sell(&terms, Outcome::Yes, ShareUnits(shares), Lamports(least), Lamports(liquidity));
            assert_eq!(quote.map(|quote| quote.net.0), expected, "row {row}");
        }
    }

    proptest! {
        #[test]
        fn a_buy_costs_at_most_its_target_and_its_parts_add_up(
            b in 100_000_000_000u64..1_000_000_000_000_000,
            lead in 0u64..3_000,
            fees in [0u16..500, 0u16..500, 0u16..500],
            yes in any::<bool>(),
            target in 10_000u64..2_000_000_000_000_000,
            shift in 0u32..32,
        ) {
            let mut terms = terms(b, fees);
            terms.quantities.yes.0 += b / 1_000 * lead;
            let target = (target >> shift).max(10_000);
            if let Ok(quote) = quote_buy(&terms, Outcome::from(yes), Lamports(target)) {
                prop_assert!(quote.total_cost.0 <= target);
                prop_assert_eq!(quote.to_market.0 + quote.fees.protocol.0, quote.total_cost.0);
                prop_assert_eq!(quote.cost_before_fees.0 + quote.liquidity_delta.0, quote.to_market.0);
                prop_assert_eq!(
                    crate::domain::fees::cost_before_fees(quote.total_cost, terms.fees),
                    Some(quote.cost_before_fees)
                );
            }
        }
    }
}
