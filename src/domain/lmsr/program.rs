//! The deployed program's price curve, bit for bit (program facts, 7.4 and 7.5).
//!
//! Owns COST, PRICE and BUY in the program's fixed point, with its search and its errors. It is LMSR only roughly (7.8);
//! nothing here may be made better.

use std::cmp::Ordering;

use super::{
    super::{
        amount::{Lamports, PriceE9, ShareUnits},
        error::ProgramError,
        event::Outcome,
        fixed,
    },
    MIN_B, Quantities,
};

/// The search for a buy's shares ends at this width: 0.001 share.
pub(super) const SEARCH_WIDTH: u64 = 1_000_000;
/// The search for a buy's shares looks at most so often.
pub(super) const SEARCH_ROUNDS_MAX: u32 = 50;

/// ln(e^x + e^y) as the program has it, in fixed point.
pub fn log_sum_exp(x: u64, y: u64) -> Result<u64, ProgramError> {
    let rest = fixed::ln(fixed::ONE + fixed::exp_negative(x.abs_diff(y))?)?;
    x.max(y).checked_add(rest).ok_or(ProgramError::OverflowError)
}

fn checked_b(b: ShareUnits) -> Result<u64, ProgramError> {
    if b < MIN_B { Err(ProgramError::InvalidBParameter) } else { Ok(b.0) }
}

pub(super) fn cost(quantities: Quantities, b: ShareUnits) -> Result<Lamports, ProgramError> {
    let b = checked_b(b)?;
    let (x, y) = (fixed::div(quantities.yes.0, b)?, fixed::div(quantities.no.0, b)?);
    fixed::mul(b, log_sum_exp(x, y)?).map(Lamports)
}

pub(super) fn price_yes(quantities: Quantities, b: ShareUnits) -> Result<PriceE9, ProgramError> {
    let b = checked_b(b)?;
    let (yes, no) = (quantities.yes.0, quantities.no.0);
    // The difference first, the division then: not the difference of the two quotients that the cost takes.
    let e = fixed::exp(fixed::div(yes.abs_diff(no), b)?)?;
    let (leader, sum) = (e, e + fixed::ONE);
    fixed::div(if yes >= no { leader } else { fixed::ONE }, sum).map(PriceE9)
}

/// A purchase that is being sized: what stands still while its shares are searched.
pub(super) struct Search {
    b: u64,
    /// COST before it.
    before: u64,
    /// Shares of the side bought.
    held: u64,
    /// The other side's quotient by b. Cost is symmetric in the sides.
    other: u64,
}

impl Search {
    pub(super) fn new(quantities: Quantities, b: ShareUnits, outcome: Outcome) -> Result<Self, ProgramError> {
        Ok(Self {
            before: cost(quantities, b)?.0,
            b: b.0,
            held: quantities.of(outcome).0,
            other: fixed::div(quantities.of(outcome.other()).0, b.0)?,
        })
    }

    /// What so many shares cost; `UnderflowError` if less than nothing.
    pub(super) fn cost_of(&self, shares: ShareUnits) -> Result<Lamports, ProgramError> {
        let moved = self.held.checked_add(shares.0).ok_or(ProgramError::OverflowError)?;
        let after = fixed::mul(self.b, log_sum_exp(fixed::div(moved, self.b)?, self.other)?)?;
        after.checked_sub(self.before).map(Lamports).ok_or(ProgramError::UnderflowError)
    }

    /// The shares that the search begins with; `OverflowError` where they do not fit 64 bits.
    pub(super) fn width(&self) -> Result<u64, ProgramError> {
        self.b.checked_mul(20).ok_or(ProgramError::OverflowError)
    }

    /// The shares that a budget brings.
    pub(super) fn shares_for(&self, budget: Lamports) -> Result<ShareUnits, ProgramError> {
        let (mut low, mut high) = (0, self.width()?);
        for _ in 0..SEARCH_ROUNDS_MAX {
            if high - low <= SEARCH_WIDTH {
                break;
            }
            let middle = low + (high - low) / 2;
            match self.cost_of(ShareUnits(middle))?.cmp(&budget) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(ShareUnits(middle)),
            }
        }
        Ok(ShareUnits(low))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{Curve, Purchase},
        *,
    };

    /// BUY as the page says it, one full COST a probe, in wide integers.
    fn naive_buy(q: Quantities, b: ShareUnits, outcome: Outcome, budget: u64) -> Result<Purchase, ProgramError> {
        let cost_after = |shares: i128| {
            let shares = u64::try_from(shares).map_err(|_| ProgramError::OverflowError)?;
            let cost = Curve::Program.cost(q.bought(outcome, ShareUnits(shares))?, b)?;
            Ok(i128::from(cost.0))
        };
        let start = cost_after(0)?;
        let (mut low, mut high) = (0i128, 20 * i128::from(b.0));
        if high > i128::from(u64::MAX) {
            return Err(ProgramError::OverflowError);
        }
        let mut rounds = 0;
        while rounds < 50 && high - low > 1_000_000 {
            rounds += 1;
            let middle = (low + high) / 2;
            let cost = cost_after(middle)? - start;
            if cost < 0 {
                return Err(ProgramError::UnderflowError);
            }
            if cost == i128::from(budget) {
                low = middle;
                break;
            }
            if cost < i128::from(budget) { low = middle + 1 } else { high = middle }
        }
        let cost = cost_after(low)? - start;
        match (u64::try_from(cost), u64::try_from(low)) {
            (Ok(cost), Ok(shares)) => Ok(Purchase { cost: Lamports(cost), shares: ShareUnits(shares) }),
            _ => Err(ProgramError::UnderflowError),
        }
    }

    fn outcomes() -> impl Strategy<Value = Outcome> {
        any::<bool>().prop_map(Outcome::from)
    }

    /// b of every magnitude, quantities up to some b of lead, now and then anything at all.
    fn books() -> impl Strategy<Value = (Quantities, ShareUnits)> {
        let b = prop_oneof![
            8 => (MIN_B.0..1_000_000_000_000_000u64, 0u32..14).prop_map(|(b, shift)| (b >> shift).max(MIN_B.0)),
            1 => Just(MIN_B.0),
            1 => any::<u64>(),
        ];
        let side = || prop_oneof![6 => 0u64..5_000, 1 => 0u64..25_000];
        (b, side(), side(), 0u64..1_000_000).prop_map(|(b, yes, no, odd)| {
            let shares = |thousandths: u64| ShareUnits((b / 1_000).saturating_mul(thousandths).saturating_add(odd));
            (Quantities { yes: shares(yes), no: shares(no) }, ShareUnits(b))
        })
    }

    proptest! {
        #[test]
        fn buying_is_the_search_of_the_page(
            (q, b) in books(), outcome in outcomes(), budget in 0u64..u64::MAX, shift in 0u32..64,
        ) {
            let budget = budget >> shift;
            let purchase = Curve::Program.buy(q, b, outcome, Lamports(budget));
            prop_assert_eq!(purchase, naive_buy(q, b, outcome, budget));
            let shares = Curve::Program.shares_for(q, b, outcome, Lamports(budget));
            // Only the cost of what the search found can still fail.
            prop_assert!(purchase.is_err() || shares == purchase.map(|purchase| purchase.shares));
            if let Ok(purchase) = purchase {
                prop_assert_eq!(Curve::Program.purchase_cost(q, b, outcome, purchase.shares), Ok(purchase.cost));
            }
        }

        #[test]
        fn the_sides_are_mirror_images((q, b) in books(), outcome in outcomes(), budget in 0u64..1_000_000_000_000) {
            let mirror = Quantities { yes: q.no, no: q.yes };
            prop_assert_eq!(Curve::Program.cost(q, b), Curve::Program.cost(mirror, b));
            prop_assert_eq!(
                Curve::Program.buy(q, b, outcome, Lamports(budget)),
                Curve::Program.buy(mirror, b, outcome.other(), Lamports(budget))
            );
            // Each of the two is floored on its own, so one unit can be missing (7.4).
            if let (Ok(yes), Ok(no)) = (Curve::Program.price_yes(q, b), Curve::Program.price_yes(mirror, b)) {
                prop_assert!((999_999_999..=1_000_000_000).contains(&(yes.0 + no.0)) || q.yes == q.no);
            }
        }

        #[test]
        fn what_was_bought_sells_for_what_it_cost((q, b) in books(), outcome in outcomes(), shares in any::<u64>(), shift in 0u32..64) {
            let shares = ShareUnits(shares >> shift);
            if let Ok(cost) = Curve::Program.purchase_cost(q, b, outcome, shares) {
                let after = q.bought(outcome, shares).unwrap();
                prop_assert_eq!(Curve::Program.sell(after, b, outcome, shares), Ok(cost));
            }
        }
    }

    #[test]
    fn limits_of_the_curve() {
        let (zero, b) = (Quantities::default(), ShareUnits(1_000 * fixed::ONE));
        let curve = Curve::Program;
        let yes = |units| Quantities { yes: ShareUnits(units), no: ShareUnits(0) };
        let small = ShareUnits(MIN_B.0 - 1);
        type Answer = Result<u64, ProgramError>;
        let rows: &[(Answer, Answer)] = &[
            (curve.cost(zero, small).map(|c| c.0), Err(ProgramError::InvalidBParameter)),
            (curve.price_yes(zero, small).map(|p| p.0), Err(ProgramError::InvalidBParameter)),
            (curve.price_yes(zero, MIN_B).map(|p| p.0), Ok(500_000_000)),
            // The peak of the price, at 2√3 b, and the fall after it.
            (curve.price_yes(yes(3_464_101_615_138), b).map(|p| p.0), Ok(933_012_701)),
            (curve.price_yes(yes(20_000 * fixed::ONE), b).map(|p| p.0), Ok(645_631_067)),
            (curve.price_yes(yes(20_000 * fixed::ONE + 1_000), b).map(|p| p.0), Err(ProgramError::ExponentTooLarge)),
            (curve.cost(yes(20_001 * fixed::ONE), b).map(|c| c.0), Err(ProgramError::ExponentTooLarge)),
            // A lead above 10 b: the first probe of any buy of the leader is past 20 b.
            (
                curve.buy(yes(10_001 * fixed::ONE), b, Outcome::Yes, Lamports(10_000)).map(|p| p.shares.0),
                Err(ProgramError::ExponentTooLarge),
            ),
            // 20 b has to fit 64 bits.
            (
                curve
                    .buy(zero, ShareUnits(922_337_203_685_477_581), Outcome::Yes, Lamports(10_000))
                    .map(|p| p.shares.0),
                Err(ProgramError::OverflowError),
            ),
        ];
        for (row, (got, expected)) in rows.iter().enumerate() {
            assert_eq!(got, expected, "row {row}");
        }
    }
}
