//! Where the program's price curve cannot be trusted, and by how much it departs from true LMSR (program facts, 7.8).
//!
//! Owns the reasons why a trade deserves a warning before a wallet signs it. A quote is what the chain will do; this says
//! whether the chain does what a price curve should. Never refuses anything, and changes no quote: whoever shows one shows
//! the reasons beside it, and asks for a consent before a transaction is built. The bounds are arguments.
//!
//! Reasons by place ([`Unsound::PriceFalls`] and its like) are the curve's known regions; those by comparison
//! ([`Unsound::PriceDivergence`], [`Unsound::CostDivergence`]) hold the program's answer against [`Curve::Exact`] and so
//! find what no list of places does (a cost counts in steps of b / 1e9, for one).

use serde::Serialize;

use super::{
    amount::{Lamports, PriceE9, ShareUnits},
    event::Outcome,
    fixed,
    lmsr::{Curve, MIN_B, Quantities},
    trade::{Terms, budget_before_fees},
};

/// The program's exp is largest at 2√3, here in units of 1e-9: a lead of more b, and prices fall while the leader is
/// bought.
pub const PEAK_E9: u64 = 3_464_101_615;
/// By so many b (1e-9) the program's cost is lower next to balance than at it: ln 2 is exact at X = Y, the series at
/// 1.999999999 is not.
pub const JUMP_E9: u64 = 143_068;
/// The fees that the program sizes every buy for, in basis points.
const ASSUMED_FEES_BPS: u64 = 1_000;
const ALL_BPS: u128 = 10_000;

/// By how much the curves may differ before a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Of prices: basis points of the price of certainty. By default 100, a percentage point.
    pub price_bps: u16,
    /// Of a trade's cost or proceeds: basis points of what true LMSR says. By default 100, a percent.
    pub cost_bps: u16,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { price_bps: 100, cost_bps: 100 }
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trade {
    /// Buy for at most so much, fees included.
    Buy {
        /// The outcome.
        outcome: Outcome,
        /// What is offered.
        target_cost: Lamports,
    },
    /// Sell so many shares.
    Sell {
        /// The outcome.
        outcome: Outcome,
        /// The shares.
        shares: ShareUnits,
    },
}

impl Trade {
    fn outcome(self) -> Outcome {
        match self {
            Self::Buy { outcome, .. } | Self::Sell { outcome, .. } => outcome,
        }
    }
}

/// Why a trade by the program's curve deserves a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Unsound {
    /// The market cannot be traded, and has no price.
    #[error("the market's b of {b} units is below the program's minimum of 100 shares: it cannot be traded")]
    BelowMinimumB {
        /// The market's.
        b: ShareUnits,
    },
    /// One outcome leads by more than 20 b: nothing works, the price included.
    #[error("one outcome leads by {lead} units, more than 20 b: the program's curve ends there")]
    LeadBeyondCurve {
        /// By how much.
        lead: ShareUnits,
    },
    /// The leader leads by more than 10 b and can be bought for no amount.
    #[error("the outcome leads by {lead} units, more than 10 b: no purchase of it can succeed")]
    LeaderStuck {
        /// By how much.
        lead: ShareUnits,
    },
    /// The lead, before or after the trade, is past the peak of the price: it falls while the leader is bought.
    #[error("a lead of {lead} units is more than 3.4641 b: the program's price falls there while the leader is bought")]
    PriceFalls {
        /// The larger of both leads.
        lead: ShareUnits,
    },
    /// As `PriceFalls`, and the outcome behind is traded: its cost is less than nothing for a stretch.
    #[error("a lead of {lead} units is more than 3.4641 b: shares of the other outcome cost less than nothing there")]
    CostFalls {
        /// The larger of both leads.
        lead: ShareUnits,
    },
    /// The trade starts or ends at exact balance, next to which the cost drops, by more than the bound of the trade.
    #[error("next to exact balance the program's cost drops by {jump} lamports, which is much for this trade")]
    NearBalance {
        /// The drop.
        jump: Lamports,
    },
    /// A purchase that succeeds, costs nothing and brings nothing: its budget is below the cost of the fewest shares that
    /// the program's search looks at, 0.0005 to 0.001 share by b.
    #[error("the budget is below the cost of 0.001 share: the purchase would succeed and bring nothing")]
    BudgetTooSmall,
    /// Purchases are sized for fees of 10 %: with more they fail, with less they spend too little, without any they fail.
    #[error("fees are {total_bps} basis points, and the program sizes purchases for 1,000")]
    FeesNotTenPercent {
        /// All fees together.
        total_bps: u64,
    },
    /// The price of YES, before or after the trade, differs by more than the bound.
    #[error("the program's price of YES is {program}, by true LMSR {exact}")]
    PriceDivergence {
        /// By the program's curve.
        program: PriceE9,
        /// By true LMSR, for the same shares.
        exact: PriceE9,
        /// The difference in basis points of certainty, rounded up.
        difference_bps: u64,
    },
    /// What the shares cost or bring, before fees, differs by more than the bound (and one lamport).
    #[error("{program} lamports before fees by the program's curve, {exact} by true LMSR")]
    CostDivergence {
        /// By the program's curve.
        program: Lamports,
        /// By true LMSR, for the same shares.
        exact: Lamports,
        /// The difference in basis points of the latter, rounded up.
        difference_bps: u64,
    },
}

/// Why the price of a market as it stands cannot be trusted; `None` if it can.
pub fn judge_price(quantities: Quantities, b: ShareUnits, bounds: Bounds) -> Option<Unsound> {
    if b < MIN_B {
        return Some(Unsound::BelowMinimumB { b });
    }
    let lead = lead(quantities);
    let Ok(program) = Curve::Program.price_yes(quantities, b) else {
        return Some(Unsound::LeadBeyondCurve { lead });
    };
    if is_past(lead, b, PEAK_E9) {
        return Some(Unsound::PriceFalls { lead });
    }
    price_divergence(quantities, b, program, bounds)
}

/// All reasons to warn of a trade; none if the program's curve does what it should. Those by place come first. `terms`
/// names a curve too, which plays no part.
pub fn judge(terms: &Terms, trade: Trade, bounds: Bounds) -> Vec<Unsound> {
    let Terms { quantities, b_parameter: b, fees, .. } = *terms;
    if b < MIN_B {
        return vec![Unsound::BelowMinimumB { b }];
    }
    let start = lead(quantities);
    let Ok(price) = Curve::Program.price_yes(quantities, b) else {
        return vec![Unsound::LeadBeyondCurve { lead: start }];
    };
    let mut reasons = Vec::new();
    let is_buy = matches!(trade, Trade::Buy { .. });
    let outcome = trade.outcome();
    if is_buy && fees.total_bps() != ASSUMED_FEES_BPS {
        reasons.push(Unsound::FeesNotTenPercent { total_bps: fees.total_bps() });
    }
    let leads = quantities.of(outcome) >= quantities.of(outcome.other());
    if is_buy && leads && is_past(start, b, 10 * fixed::ONE) {
        reasons.push(Unsound::LeaderStuck { lead: start });
    }
    let done = effect(quantities, b, trade);
    if done.is_some_and(|done| is_buy && done.shares == ShareUnits::ZERO) {
        reasons.push(Unsound::BudgetTooSmall);
    }
    let after = done.map_or(quantities, |done| done.after);
    let far = start.max(lead(after));
    if is_past(far, b, PEAK_E9) {
        reasons.push(if leads { Unsound::PriceFalls { lead: far } } else { Unsound::CostFalls { lead: far } });
    }
    let balanced = is_balanced(quantities, b) || done.is_some_and(|done| is_balanced(done.after, b));
    let jump = Lamports((u128::from(b.0) * u128::from(JUMP_E9) / u128::from(fixed::ONE)) as u64);
    let size = size(trade, done);
    if balanced && size.is_some_and(|size| is_above(jump.0, size.0, bounds.cost_bps)) {
        reasons.push(Unsound::NearBalance { jump });
    }
    let after_price = Curve::Program.price_yes(after, b).unwrap_or(price);
    let prices = price_divergence(after, b, after_price, bounds);
    reasons.extend(prices.or_else(|| price_divergence(quantities, b, price, bounds)));
    reasons.extend(done.and_then(|done| cost_divergence(quantities, b, trade, done, bounds)));
    reasons
}

/// What a trade does by the program's curve.
#[derive(Debug, Clone, Copy)]
struct Effect {
    shares: ShareUnits,
    amount: Lamports,
    after: Quantities,
}

/// `None` if the program refuses it: the quote says why.
fn effect(quantities: Quantities, b: ShareUnits, trade: Trade) -> Option<Effect> {
    let curve = Curve::Program;
    match trade {
        Trade::Buy { outcome, target_cost } => {
            let purchase = curve.buy(quantities, b, outcome, budget_before_fees(target_cost).ok()?).ok()?;
            let after = quantities.bought(outcome, purchase.shares).ok()?;
            Some(Effect { shares: purchase.shares, amount: purchase.cost, after })
        }
        Trade::Sell { outcome, shares } => {
            let amount = curve.sell(quantities, b, outcome, shares).ok()?;
            Some(Effect { shares, amount, after: quantities.sold(outcome, shares).ok()? })
        }
    }
}

/// What a trade is worth, for comparisons: what it costs or brings, or the budget where the program refuses it. `None`
/// where not even that is known.
fn size(trade: Trade, done: Option<Effect>) -> Option<Lamports> {
    match (done, trade) {
        (Some(done), _) => Some(done.amount),
        (None, Trade::Buy { target_cost, .. }) => budget_before_fees(target_cost).ok(),
        // Refused next to balance because it would bring less than nothing.
        (None, Trade::Sell { .. }) => Some(Lamports::ZERO),
    }
}

fn lead(quantities: Quantities) -> ShareUnits {
    ShareUnits(quantities.yes.0.abs_diff(quantities.no.0))
}

/// Is a lead above so many b?
fn is_past(lead: ShareUnits, b: ShareUnits, times_e9: u64) -> bool {
    u128::from(lead.0) * u128::from(fixed::ONE) > u128::from(b.0) * u128::from(times_e9)
}

/// As the program's cost sees it: by the quotients.
fn is_balanced(quantities: Quantities, b: ShareUnits) -> bool {
    fixed::div(quantities.yes.0, b.0) == fixed::div(quantities.no.0, b.0)
}

/// Is a part more than so many basis points of a whole?
fn is_above(part: u64, whole: u64, bps: u16) -> bool {
    u128::from(part) * ALL_BPS > u128::from(whole) * u128::from(bps)
}

/// A part in basis points of a whole, rounded up; of a whole of nothing `u64::MAX`.
fn in_bps(part: u64, whole: u64) -> u64 {
    if whole == 0 {
        return u64::MAX;
    }
    u64::try_from((u128::from(part) * ALL_BPS).div_ceil(u128::from(whole))).unwrap_or(u64::MAX)
}

fn price_divergence(quantities: Quantities, b: ShareUnits, program: PriceE9, bounds: Bounds) -> Option<Unsound> {
    let exact = Curve::Exact.price_yes(quantities, b).ok()?;
    let difference = program.0.abs_diff(exact.0);
    let difference_bps = in_bps(difference, PriceE9::ONE.0);
    is_above(difference, PriceE9::ONE.0, bounds.price_bps).then_some(Unsound::PriceDivergence {
        program,
        exact,
        difference_bps,
    })
}

fn cost_divergence(
    quantities: Quantities,
    b: ShareUnits,
    trade: Trade,
    done: Effect,
    bounds: Bounds,
) -> Option<Unsound> {
    let (curve, program) = (Curve::Exact, done.amount);
    let exact = match trade {
        Trade::Buy { outcome, .. } => curve.purchase_cost(quantities, b, outcome, done.shares),
        Trade::Sell { outcome, .. } => curve.sell(quantities, b, outcome, done.shares),
    };
    let exact = exact.ok()?;
    let difference = program.0.abs_diff(exact.0);
    let difference_bps = in_bps(difference, exact.0);
    // Both are rounded to whole lamports.
    (difference > 1 && is_above(difference, exact.0, bounds.cost_bps)).then_some(Unsound::CostDivergence {
        program,
        exact,
        difference_bps,
    })
}

#[cfg(test)]
mod tests;
