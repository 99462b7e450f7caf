//! The least budget that buys a wanted number of shares.
//!
//! The program takes a budget and has no minimum of shares; who wants so many shares has to be told what to offer. Owns
//! that search: exact (no smaller budget brings as many), and bounded. It starts at the spend that the curve names
//! ([`Curve::least_spend`]) and, where the whole instruction refuses the budget all the same (a quantum of the cost too
//! much, a probe below nothing), goes on to the next budget that ends differently.

use super::{
    amount::{Lamports, ShareUnits},
    error::ProgramError,
    event::Outcome,
    fees::Fees,
    lmsr::Curve,
    trade::{BuyQuote, MIN_TRADE, Terms, budget_before_fees, quote_buy},
};

/// Budgets that are tried at most. Each leaves one refused stretch of the curve, of which a search can meet one a level.
const TRIES_MAX: u32 = 64;

/// The least budget whose buy brings at least so many shares (0 counts as 1), and that buy.
///
/// # Errors
/// The program's, where no budget does, or none was found within [`TRIES_MAX`] tries (fees above 10 % refuse most).
pub fn least_budget(terms: &Terms, outcome: Outcome, shares: ShareUnits) -> Result<(Lamports, BuyQuote), ProgramError> {
    let Terms { curve, quantities, b_parameter, .. } = *terms;
    let wanted = ShareUnits(shares.0.max(1));
    let mut budget = covering(curve.least_spend(quantities, b_parameter, outcome, wanted)?)?;
    let mut refusal = ProgramError::SlippageExceeded;
    for _ in 0..TRIES_MAX {
        let spend = budget_before_fees(budget)?;
        let mut enough = None;
        match quote_buy(terms, outcome, budget) {
            Ok(quote) if quote.shares >= wanted => return Ok((budget, quote)),
            Ok(_) => {}
            Err(error) => {
                refusal = error;
                if error == ProgramError::SlippageExceeded {
                    enough = total_of(terms, outcome, spend);
                }
            }
        }
        let next = curve.way(quantities, b_parameter, outcome, spend)?.next;
        let next = next.map(covering).transpose()?.into_iter().chain(enough).filter(|next| *next > budget).min();
        budget = next.ok_or(refusal)?;
    }
    Err(refusal)
}

/// The least budget that the program takes and spends so much of on shares.
fn covering(spend: Lamports) -> Result<Lamports, ProgramError> {
    let budget = (u128::from(spend.0) * 11).div_ceil(10);
    let budget = u64::try_from(budget).map_err(|_| ProgramError::OverflowError)?;
    Ok(Lamports(budget).max(MIN_TRADE))
}

/// What a buy of that spend costs in all, whatever was offered.
fn total_of(terms: &Terms, outcome: Outcome, spend: Lamports) -> Option<Lamports> {
    let Terms { curve, quantities, b_parameter, fees } = *terms;
    let curve: Curve = curve;
    let purchase = curve.buy(quantities, b_parameter, outcome, spend).ok()?;
    purchase.cost.checked_add(Fees::of(purchase.cost, fees).ok()?.total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{amount::Bps, entry::FeeSchedule, lmsr::Quantities},
        *,
    };

    const B: u64 = 1_000_000_000_000;

    fn terms(b: u64, yes: u64, no: u64, fees: [u16; 3]) -> Terms {
        let [protocol, resolver, lp] = fees.map(Bps);
        let quantities = Quantities { yes: ShareUnits(yes), no: ShareUnits(no) };
        let fees = FeeSchedule { protocol, resolver, lp };
        Terms { curve: Curve::Program, quantities, b_parameter: ShareUnits(b), fees }
    }

    fn brings(terms: &Terms, outcome: Outcome, budget: u64, wanted: u64) -> bool {
        quote_buy(terms, outcome, Lamports(budget)).is_ok_and(|quote| quote.shares.0 >= wanted)
    }

    /// Offers every budget from the program's minimum on.
    fn by_counting(terms: &Terms, outcome: Outcome, wanted: u64, end: u64) -> Option<u64> {
        (MIN_TRADE.0..end).find(|budget| brings(terms, outcome, *budget, wanted))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
        #[test]
        fn no_smaller_budget_brings_as_many(
            (b, shift) in (100_000_000_000u64..1_000_000_000_000_000, 0u32..12),
            yes in 0u64..5_000, no in 0u64..5_000, odd in 0u64..1_000_000,
            is_yes in any::<bool>(), wanted in 1u64..5_000_000_000_000, wanted_shift in 0u32..40,
            fees in prop_oneof![3 => Just([300u16, 200, 500]), 1 => (0u16..400, 0u16..300, 1u16..300).prop_map(|(a, b, c)| [a, b, c])],
            smaller in proptest::collection::vec(any::<u64>(), 64),
        ) {
            let b = (b >> shift).max(100_000_000_000);
            let shares = |thousandths: u64| (b / 1_000) * thousandths + odd;
            let terms = terms(b, shares(yes), shares(no), fees);
            let outcome = Outcome::from(is_yes);
            let wanted = (wanted >> wanted_shift).max(1);
            match least_budget(&terms, outcome, ShareUnits(wanted)) {
                Ok((budget, quote)) => {
                    prop_assert_eq!(quote_buy(&terms, outcome, budget), Ok(quote));
                    prop_assert!(quote.shares.0 >= wanted);
                    let near = (1..40u64).filter_map(|less| budget.0.checked_sub(less));
                    let far = smaller.iter().map(|any| any % budget.0.max(1));
                    for less in near.chain(far).filter(|less| *less >= MIN_TRADE.0) {
                        prop_assert!(!brings(&terms, outcome, less, wanted), "{} brings {} too", less, wanted);
                    }
                }
                Err(_) => {
                    for any in smaller {
                        let budget = any >> (any % 50);
                        prop_assert!(!brings(&terms, outcome, budget, wanted), "{} brings {}", budget, wanted);
                    }
                }
            }
        }
    }

    proptest! {
        // Counting is slow: a case tries up to 200,000 budgets.
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn the_least_budget_is_the_first_that_counting_finds(
            yes in 0u64..1_000_000_000, no in 0u64..1_000_000_000, is_yes in any::<bool>(), wanted in 1u64..60_000_000,
        ) {
            let terms = terms(100_000_000_000, yes, no, [300, 200, 500]);
            let outcome = Outcome::from(is_yes);
            let found = least_budget(&terms, outcome, ShareUnits(wanted)).map(|(budget, _)| budget.0);
            let end = found.map_or(100_000, |budget| (budget + 1).min(200_000));
            let counted = by_counting(&terms, outcome, wanted, end);
            prop_assert!(counted == found.ok() || (counted.is_none() && found.is_ok_and(|budget| budget >= end)));
        }
    }

    #[test]
    fn rows() {
        // (b, yes, no, fees, wanted) -> the budget, or why there is none.
        let even = B / 1_000;
        type Row = (u64, u64, u64, [u16; 3], u64, Result<bool, ProgramError>);
        let rows: &[Row] = &[
            (B, even, even, [300, 200, 500], 1_000_000_000, Ok(true)),
            (B, even, even, [0, 0, 0], 1_000_000_000, Err(ProgramError::DivisionByZero)),
            (99_999_999_999, even, even, [300, 200, 500], 1, Err(ProgramError::InvalidBParameter)),
            (B, even + 11 * B, even, [300, 200, 500], 1, Err(ProgramError::ExponentTooLarge)),
            (B, even, even, [300, 200, 500], u64::MAX, Err(ProgramError::ExponentTooLarge)),
        ];
        for (row, (b, yes, no, fees, wanted, expected)) in rows.iter().enumerate() {
            let found = least_budget(&terms(*b, *yes, *no, *fees), Outcome::Yes, ShareUnits(*wanted));
            assert_eq!(found.map(|(_, quote)| quote.shares.0 >= *wanted), *expected, "row {row}");
        }
    }
}
