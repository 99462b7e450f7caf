//! What clients see of a trade before it is made: the reply of `GET /api/trades/estimate`, and part of what is signed.
//!
//! A quote is what the chain will do at that entry, to the unit; what true LMSR would ask stands beside it, with the reasons
//! for which the two differ.

use serde::Serialize;
use utoipa::ToSchema;

use super::market::Warning;
use crate::domain::{
    amount::{Lamports, PriceE9, ShareUnits},
    entry::FeeSchedule,
    event::Outcome,
    fees::Fees,
    ids::{MarketAddress, Seq, Slot},
    lmsr::{Curve, Quantities},
    market::Market,
    soundness::{Bounds, Trade, Unsound, judge},
    trade::{BuyQuote, SellQuote},
};

/// Which way a trade goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the names are those of the API
pub enum TradeSide {
    Buy,
    Sell,
}

/// The three fees of a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct QuoteFees {
    pub protocol: Lamports,
    pub resolver: Lamports,
    pub lp: Lamports,
    pub total: Lamports,
}

impl From<Fees> for QuoteFees {
    fn from(fees: Fees) -> Self {
        Self { protocol: fees.protocol, resolver: fees.resolver, lp: fees.lp, total: fees.total }
    }
}

/// Why a trade should be looked at twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuoteWarning {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// The price of YES after the trade, as the program has it; `null` where it has none.
    pub price_program: Option<PriceE9>,
    /// The price of YES after the trade, by true LMSR.
    pub price_fair: Option<PriceE9>,
}

/// A quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuoteView {
    /// The market's account.
    pub market_id: MarketAddress,
    /// Buy or sell.
    pub trade_type: TradeSide,
    /// What is traded.
    pub outcome: Outcome,
    /// Buy: the budget to offer, which caps what is paid. Sell: the same as `total`.
    pub target_cost: Lamports,
    /// By the program's curve, before fees.
    pub cost: Lamports,
    /// The fees.
    pub fees: QuoteFees,
    /// Buy: paid in all. Sell: received in the end.
    pub total: Lamports,
    /// What is really bought, or sold.
    pub shares: ShareUnits,
    /// `total` for a share; `null` for no shares.
    pub price_per_share: Option<PriceE9>,
    /// The price of YES before it.
    pub price_before: Option<PriceE9>,
    /// The price of YES after it: what the trade's event will say.
    pub price_after: PriceE9,
    /// By how much the price of the outcome traded moves, in basis points of what it was, rounded up.
    pub price_impact_bps: Option<u64>,
    /// What true LMSR would ask, or give, before fees.
    pub fair_cost: Option<Lamports>,
    /// Reasons for which the program's curve can't be trusted here.
    pub warnings: Vec<QuoteWarning>,
    /// The place on the chain of the market's newest entry.
    pub slot: Slot,
    /// That entry.
    pub seq: Seq,
}

/// Where a quote is made: a market at an entry, under the fees in force.
#[derive(Debug, Clone, Copy)]
pub struct QuotePlace<'a> {
    /// The market.
    pub market: &'a Market,
    /// Its newest entry.
    pub seq: Seq,
    /// The slot of that.
    pub slot: Slot,
    /// The rates in force.
    pub fees: FeeSchedule,
    /// When to warn.
    pub bounds: Bounds,
    /// The market may be behind the chain.
    pub stale: bool,
}

impl QuotePlace<'_> {
    /// A buy that offers `target_cost`.
    pub fn buy(&self, target_cost: Lamports, quote: &BuyQuote) -> QuoteView {
        let outcome = quote.outcome;
        let fair =
            Curve::Exact.purchase_cost(self.market.quantities(), self.market.b_parameter, outcome, quote.shares).ok();
        QuoteView {
            trade_type: TradeSide::Buy,
            target_cost,
            cost: quote.cost_before_fees,
            fees: quote.fees.into(),
            total: quote.total_cost,
            shares: quote.shares,
            price_per_share: per_share(quote.total_cost, quote.shares),
            price_after: quote.price_yes_after,
            fair_cost: fair,
            ..self.view(outcome, Trade::Buy { outcome, target_cost }, quote.quantities_after, quote.price_yes_after)
        }
    }

    /// A sell.
    pub fn sell(&self, quote: &SellQuote) -> QuoteView {
        let (outcome, shares) = (quote.outcome, quote.shares);
        let fair = Curve::Exact.sell(self.market.quantities(), self.market.b_parameter, outcome, shares).ok();
        QuoteView {
            trade_type: TradeSide::Sell,
            target_cost: quote.net,
            cost: quote.gross,
            fees: quote.fees.into(),
            total: quote.net,
            shares,
            price_per_share: per_share(quote.net, shares),
            price_after: quote.price_yes_after,
            fair_cost: fair,
            ..self.view(outcome, Trade::Sell { outcome, shares }, quote.quantities_after, quote.price_yes_after)
        }
    }

    /// What does not depend on the side; the rest is empty.
    fn view(&self, outcome: Outcome, trade: Trade, after: Quantities, price_after: PriceE9) -> QuoteView {
        let Self { market, seq, slot, fees, bounds, stale } = *self;
        let before = Curve::Program.price_yes(market.quantities(), market.b_parameter).ok();
        let of_outcome = |price: PriceE9| if outcome == Outcome::Yes { price } else { price.complement() };
        let impact = before.and_then(|before| impact_bps(of_outcome(before), of_outcome(price_after)));
        let price_fair = Curve::Exact.price_yes(after, market.b_parameter).ok();
        let unsound =
            judge(&market.terms(fees), trade, bounds).into_iter().map(|reason| (code(&reason), reason.to_string()));
        let behind = stale.then(|| ("STALE", Warning::STALE.message.into_owned()));
        let warning = |(code, message)| QuoteWarning { code, message, price_program: Some(price_after), price_fair };
        QuoteView {
            market_id: market.address,
            trade_type: TradeSide::Buy,
            outcome,
            target_cost: Lamports::ZERO,
            cost: Lamports::ZERO,
            fees: Fees::default().into(),
            total: Lamports::ZERO,
            shares: ShareUnits::ZERO,
            price_per_share: None,
            price_before: before,
            price_after,
            price_impact_bps: impact,
            fair_cost: None,
            warnings: unsound.chain(behind).map(warning).collect(),
            slot,
            seq,
        }
    }
}

/// The reason's name in JSON: that of its own serialisation.
fn code(reason: &Unsound) -> &'static str {
    match reason {
        Unsound::BelowMinimumB { .. } => "BELOW_MINIMUM_B",
        Unsound::LeadBeyondCurve { .. } => "LEAD_BEYOND_CURVE",
        Unsound::LeaderStuck { .. } => "LEADER_STUCK",
        Unsound::PriceFalls { .. } => "PRICE_FALLS",
        Unsound::CostFalls { .. } => "COST_FALLS",
        Unsound::NearBalance { .. } => "NEAR_BALANCE",
        Unsound::BudgetTooSmall => "BUDGET_TOO_SMALL",
        Unsound::FeesNotTenPercent { .. } => "FEES_NOT_TEN_PERCENT",
        Unsound::PriceDivergence { .. } => "PRICE_DIVERGENCE",
        Unsound::CostDivergence { .. } => "COST_DIVERGENCE",
    }
}

fn per_share(total: Lamports, shares: ShareUnits) -> Option<PriceE9> {
    let price = (u128::from(total.0) * u128::from(PriceE9::ONE.0)).checked_div(u128::from(shares.0))?;
    u64::try_from(price).ok().map(PriceE9)
}

fn impact_bps(before: PriceE9, after: PriceE9) -> Option<u64> {
    let moved = u128::from(before.0.abs_diff(after.0)) * 10_000;
    let whole = u128::from(before.0);
    if whole == 0 { None } else { u64::try_from(moved.div_ceil(whole)).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_names_of_the_reasons() {
        let shares = ShareUnits(1);
        let reasons = [
            Unsound::BelowMinimumB { b: shares },
            Unsound::LeadBeyondCurve { lead: shares },
            Unsound::LeaderStuck { lead: shares },
            Unsound::PriceFalls { lead: shares },
            Unsound::CostFalls { lead: shares },
            Unsound::NearBalance { jump: Lamports(1) },
            Unsound::BudgetTooSmall,
            Unsound::FeesNotTenPercent { total_bps: 1 },
            Unsound::PriceDivergence { program: PriceE9(1), exact: PriceE9(2), difference_bps: 1 },
            Unsound::CostDivergence { program: Lamports(1), exact: Lamports(2), difference_bps: 1 },
        ];
        for reason in reasons {
            assert_eq!(serde_json::to_value(reason).unwrap()["reason"], code(&reason));
        }
    }

    #[test]
    fn figures_of_a_share() {
        assert_eq!(per_share(Lamports(3), ShareUnits(0)), None);
        assert_eq!(per_share(Lamports(1), ShareUnits(2)), Some(PriceE9(500_000_000)));
        assert_eq!(per_share(Lamports(u64::MAX), ShareUnits(1)), None);
        assert_eq!(impact_bps(PriceE9(500_000_000), PriceE9(505_000_001)), Some(101));
        assert_eq!(impact_bps(PriceE9(500_000_000), PriceE9(495_000_000)), Some(100));
        assert_eq!(impact_bps(PriceE9(0), PriceE9(1)), None);
    }
}
