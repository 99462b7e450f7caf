//! The price curve: what a quantity of shares costs, and what price it leaves (program facts, 7.4 and 7.5).
//!
//! Owns the market maker's functions behind one enum, so that another curve can stand beside the program's and every
//! quote, check and comparison takes the same way. Knows nothing of fees, budgets or phases (`trade`, `market`).
//! [`Curve::Program`] is the deployed program to the bit, where that is not LMSR too (7.8: the cost drops next to exact
//! balance, the price falls from a lead of 3.46 b on). [`Curve::Exact`] is true LMSR for every quantity. What of the
//! program's can be trusted where is `soundness`'s to say.

mod exact;
#[cfg(test)]
mod exact_tests;
mod inverse;
mod program;
mod wide;

pub(in crate::domain) use self::inverse::Way;
pub use self::program::log_sum_exp;
use super::{
    amount::{Lamports, PriceE9, ShareUnits},
    error::ProgramError,
    event::Outcome,
    fixed,
};

/// The smallest b that the curves are defined for: 100 shares.
pub const MIN_B: ShareUnits = ShareUnits(100 * fixed::ONE);

/// The shares of both outcomes that a market has issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quantities {
    /// Of YES.
    pub yes: ShareUnits,
    /// Of NO.
    pub no: ShareUnits,
}

impl Quantities {
    /// What a market starts with: floor(b / 1000) of each.
    pub fn initial(b: ShareUnits) -> Self {
        let each = ShareUnits(b.0 / 1000);
        Self { yes: each, no: each }
    }

    /// The shares of one outcome.
    pub fn of(self, outcome: Outcome) -> ShareUnits {
        match outcome {
            Outcome::Yes => self.yes,
            Outcome::No => self.no,
        }
    }

    fn with(self, outcome: Outcome, shares: ShareUnits) -> Self {
        match outcome {
            Outcome::Yes => Self { yes: shares, ..self },
            Outcome::No => Self { no: shares, ..self },
        }
    }

    /// After a purchase; `OverflowError` past 64 bits.
    pub fn bought(self, outcome: Outcome, shares: ShareUnits) -> Result<Self, ProgramError> {
        let sum = self.of(outcome).checked_add(shares).ok_or(ProgramError::OverflowError)?;
        Ok(self.with(outcome, sum))
    }

    /// After a sale; `InsufficientShares` below zero.
    pub fn sold(self, outcome: Outcome, shares: ShareUnits) -> Result<Self, ProgramError> {
        let rest = self.of(outcome).checked_sub(shares).ok_or(ProgramError::InsufficientShares)?;
        Ok(self.with(outcome, rest))
    }
}

/// What a purchase of a budget brings, before fees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purchase {
    /// Its cost: at most the budget; by the program's curve but for one quantum of its arithmetic.
    pub cost: Lamports,
    /// The shares. By the program's curve 0 where the budget is below the cost of 0.001 share, by the exact one the most
    /// whose cost is at most the budget.
    pub shares: ShareUnits,
}

/// A price curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Curve {
    /// The deployed program's, bit for bit.
    #[default]
    Program,
    /// True LMSR: cost rounded up, proceeds down, price to nearest, each within one unit.
    Exact,
}

impl Curve {
    /// COST: what all issued shares have cost together, up to a constant; by the exact curve rounded down.
    /// `InvalidBParameter` below [`MIN_B`], `OverflowError` past 64 bits; by the program's curve `ExponentTooLarge` where
    /// one outcome leads by more than 20 b.
    pub fn cost(self, quantities: Quantities, b: ShareUnits) -> Result<Lamports, ProgramError> {
        match self {
            Self::Program => program::cost(quantities, b),
            Self::Exact => exact::cost(quantities, b),
        }
    }

    /// PRICE_YES. The price of NO is its complement. Errors as for [`Curve::cost`], but that the exact curve has a price
    /// for all quantities.
    pub fn price_yes(self, quantities: Quantities, b: ShareUnits) -> Result<PriceE9, ProgramError> {
        match self {
            Self::Program => program::price_yes(quantities, b),
            Self::Exact => exact::price_yes(quantities, b),
        }
    }

    /// BUY: the shares that a budget before fees brings, and their cost. By the program's curve `UnderflowError` where the
    /// search meets a quantity that would cost less than nothing, `OverflowError` where 20 b or a probe does not fit 64
    /// bits; by the exact one `OverflowError` where the budget pays for more shares than 64 bits can hold.
    pub fn buy(
        self,
        quantities: Quantities,
        b: ShareUnits,
        outcome: Outcome,
        budget: Lamports,
    ) -> Result<Purchase, ProgramError> {
        match self {
            Self::Program => {
                let search = program::Search::new(quantities, b, outcome)?;
                let shares = search.shares_for(budget)?;
                Ok(Purchase { cost: search.cost_of(shares)?, shares })
            }
            Self::Exact => exact::buy(quantities, b, outcome, budget),
        }
    }

    /// The shares of [`Curve::buy`] alone, whatever they cost in the end.
    pub fn shares_for(
        self,
        quantities: Quantities,
        b: ShareUnits,
        outcome: Outcome,
        budget: Lamports,
    ) -> Result<ShareUnits, ProgramError> {
        match self {
            Self::Program => program::Search::new(quantities, b, outcome)?.shares_for(budget),
            Self::Exact => exact::buy(quantities, b, outcome, budget).map(|purchase| purchase.shares),
        }
    }

    /// The least spend before fees that can bring so many shares: by the program's curve it may still be refused (see
    /// [`Curve::way`]).
    pub(in crate::domain) fn least_spend(
        self,
        quantities: Quantities,
        b: ShareUnits,
        outcome: Outcome,
        shares: ShareUnits,
    ) -> Result<Lamports, ProgramError> {
        match self {
            Self::Program => program::Search::new(quantities, b, outcome)?.least_spend(shares),
            Self::Exact => exact::purchase_cost(quantities, b, outcome, shares),
        }
    }

    /// Where a buy of that spend goes, and the next spend that goes elsewhere.
    pub(in crate::domain) fn way(
        self,
        quantities: Quantities,
        b: ShareUnits,
        outcome: Outcome,
        spend: Lamports,
    ) -> Result<Way, ProgramError> {
        match self {
            Self::Program => program::Search::new(quantities, b, outcome)?.way(spend),
            // Each spend is its own.
            Self::Exact => Ok(Way { next: spend.checked_add(Lamports(1)) }),
        }
    }

    /// What a purchase of exactly so many shares costs before fees; `OverflowError` if they do not fit 64 bits, by the
    /// program's curve `UnderflowError` if less than nothing.
    pub fn purchase_cost(
        self,
        quantities: Quantities,
        b: ShareUnits,
        outcome: Outcome,
        shares: ShareUnits,
    ) -> Result<Lamports, ProgramError> {
        match self {
            Self::Program => {
                let before = self.cost(quantities, b)?;
                let after = self.cost(quantities.bought(outcome, shares)?, b)?;
                after.checked_sub(before).ok_or(ProgramError::UnderflowError)
            }
            Self::Exact => exact::purchase_cost(quantities, b, outcome, shares),
        }
    }

    /// SELL: what shares bring before fees. `InsufficientShares` if the market has issued fewer, by the program's curve
    /// `UnderflowError` if they bring less than nothing.
    pub fn sell(
        self,
        quantities: Quantities,
        b: ShareUnits,
        outcome: Outcome,
        shares: ShareUnits,
    ) -> Result<Lamports, ProgramError> {
        match self {
            Self::Program => {
                let rest = quantities.sold(outcome, shares)?;
                let before = self.cost(quantities, b)?;
                before.checked_sub(self.cost(rest, b)?).ok_or(ProgramError::UnderflowError)
            }
            Self::Exact => exact::sell(quantities, b, outcome, shares),
        }
    }
}
