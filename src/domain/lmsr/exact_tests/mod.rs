//! The rules of the exact curve, each as a property over its whole range and as a table of edges, against an oracle.

mod oracle;
mod wide;

use oracle::{Real, real};
use proptest::prelude::*;

use super::{
    super::{
        amount::{Bps, Lamports, PriceE9, ShareUnits},
        entry::FeeSchedule,
        error::ProgramError,
        event::Outcome,
        trade::{Terms, quote_buy},
    },
    Curve, MIN_B, Quantities,
};

const CURVE: Curve = Curve::Exact;
const E9: u64 = 1_000_000_000;

/// A market as the tests see it: its b, what it has issued of the outcome traded and of the other.
#[derive(Debug, Clone, Copy)]
struct Book {
    b: u64,
    own: u64,
    other: u64,
}

impl Book {
    fn b(self) -> ShareUnits {
        ShareUnits(self.b)
    }
    fn quantities(self) -> Quantities {
        Quantities { yes: ShareUnits(self.own), no: ShareUnits(self.other) }
    }
    fn lead(self) -> i128 {
        i128::from(self.own) - i128::from(self.other)
    }
    fn room(self) -> u64 {
        u64::MAX - self.own
    }
    fn after(self, shares: u64) -> Self {
        Self { own: self.own + shares, ..self }
    }
    fn cost(self, shares: u64) -> u64 {
        CURVE.purchase_cost(self.quantities(), self.b(), Outcome::Yes, ShareUnits(shares)).unwrap().0
    }
    fn proceeds(self, shares: u64) -> u64 {
        CURVE.sell(self.quantities(), self.b(), Outcome::Yes, ShareUnits(shares)).unwrap().0
    }
    fn price(self) -> u64 {
        CURVE.price_yes(self.quantities(), self.b()).unwrap().0
    }
    fn buy(self, budget: u64) -> Result<(u64, u64), ProgramError> {
        let purchase = CURVE.buy(self.quantities(), self.b(), Outcome::Yes, Lamports(budget))?;
        Ok((purchase.shares.0, purchase.cost.0))
    }
    fn real_cost(self, shares: u64) -> oracle::Split {
        oracle::rise(self.lead(), self.lead() + i128::from(shares), self.b)
    }
}

/// Any magnitude alike.
fn magnitudes() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0u32..64).prop_map(|(value, shift)| value >> shift)
}

fn depths() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => magnitudes().prop_map(|b| b.max(MIN_B.0)),
        1 => Just(MIN_B.0),
        1 => Just(u64::MAX),
        2 => (100u64..100_000_000).prop_map(|shares| shares * E9),
    ]
}

/// Leads that matter, by b, and any.
fn leads(b: u64) -> impl Strategy<Value = u64> {
    let near = |by: u64| (0u64..=2_000).prop_map(move |odd| by.saturating_add(odd).saturating_sub(1_000));
    prop_oneof![
        1 => Just(0),
        2 => near(0),
        2 => near(b / E9),
        3 => near(b),
        2 => near(b.saturating_mul(20)),
        1 => near(b.saturating_mul(48)),
        1 => near(b.saturating_mul(128)),
        1 => near(b.saturating_mul(100_000_000)),
        4 => (0u64..60_000).prop_map(move |thousandths| (b / 1_000).saturating_mul(thousandths)),
        4 => magnitudes(),
    ]
}

/// Books over the whole range, those at the end of 64 bits among them.
fn books() -> impl Strategy<Value = Book> {
    depths().prop_flat_map(|b| (Just(b), leads(b), any::<bool>(), 0u8..4, magnitudes())).prop_map(
        |(b, lead, ahead, place, base)| {
            let base = match place {
                0 => 0,
                1 => u64::MAX - lead,
                _ => base.min(u64::MAX - lead),
            };
            if ahead { Book { b, own: base + lead, other: base } } else { Book { b, own: base, other: base + lead } }
        },
    )
}

/// A book and shares that it has room for: few, any, those that turn the lead around, all.
fn trades() -> impl Strategy<Value = (Book, u64)> {
    books().prop_flat_map(|book| {
        let turn = book.lead().min(0).unsigned_abs() as u64;
        let shares = prop_oneof![
            1 => Just(0),
            1 => Just(1),
            2 => 2u64..100,
            8 => magnitudes(),
            2 => (0u64..5).prop_map(move |odd| turn.saturating_add(odd).saturating_sub(2)),
            2 => (0u64..5).prop_map(move |odd| turn.saturating_mul(2).saturating_add(odd).saturating_sub(2)),
            2 => leads(book.b),
            1 => Just(u64::MAX),
        ];
        (Just(book), shares.prop_map(move |shares| shares.min(book.room())))
    })
}

proptest! {
    #[test]
    fn a_cost_is_the_real_value_rounded_up((book, shares) in trades()) {
        prop_assert_eq!(i128::from(book.cost(shares)), book.real_cost(shares).ceil());
    }

    #[test]
    fn proceeds_are_the_real_value_rounded_down((book, shares) in trades()) {
        prop_assert_eq!(i128::from(book.after(shares).proceeds(shares)), book.real_cost(shares).floor());
    }

    #[test]
    fn a_price_is_the_real_value_rounded_to_nearest(book in books()) {
        let off = real(book.price()) - oracle::price(book.lead(), book.b);
        let half = real(1u8) / real(2u8);
        prop_assert!(off <= half && off >= -half, "{} off", off);
    }

    #[test]
    fn the_prices_of_both_outcomes_add_up_to_one(book in books()) {
        let mirror = Book { own: book.other, other: book.own, ..book };
        prop_assert_eq!(book.price() + mirror.price(), PriceE9::ONE.0);
    }

    #[test]
    fn the_sides_are_mirror_images((book, shares) in trades()) {
        let mirror = Quantities { yes: ShareUnits(book.other), no: ShareUnits(book.own) };
        let cost = CURVE.purchase_cost(mirror, book.b(), Outcome::No, ShareUnits(shares));
        prop_assert_eq!(cost, Ok(Lamports(book.cost(shares))));
        prop_assert_eq!(CURVE.cost(mirror, book.b()), CURVE.cost(book.quantities(), book.b()));
        let budget = Lamports(shares);
        let purchases = (
            CURVE.buy(mirror, book.b(), Outcome::No, budget),
            CURVE.buy(book.quantities(), book.b(), Outcome::Yes, budget),
        );
        prop_assert_eq!(purchases.0, purchases.1);
    }

    #[test]
    fn all_shares_together_cost_the_real_value_rounded_down(book in books()) {
        let excess = oracle::excess(book.lead().unsigned_abs() as u64, book.b);
        let real = oracle::Split { whole: i128::from(book.own.max(book.other)), rest: excess };
        let expected = u64::try_from(real.floor()).map(Lamports).map_err(|_| ProgramError::OverflowError);
        prop_assert_eq!(CURVE.cost(book.quantities(), book.b()), expected);
    }

    #[test]
    fn a_budget_gets_the_most_shares_whose_cost_fits(book in books(), budget in magnitudes(), cut in 0u64..3) {
        check_budget(book, budget)?;
        // Right at the cost of some shares, and around it.
        let shares = budget.min(book.room());
        check_budget(book, book.cost(shares).saturating_add(cut).saturating_sub(1))?;
    }

    #[test]
    fn shares_for_a_budget_are_those_of_the_purchase(book in books(), budget in magnitudes()) {
        let shares = CURVE.shares_for(book.quantities(), book.b(), Outcome::Yes, Lamports(budget));
        prop_assert_eq!(shares.map(|shares| shares.0), book.buy(budget).map(|(shares, _)| shares));
    }

    #[test]
    fn quotes_are_made_by_the_exact_curve_too(book in books(), target in 10_000u64..1_844_674_407_370_955, shift in 0u32..38) {
        let target = Lamports((target >> shift).max(10_000));
        let fees = FeeSchedule { protocol: Bps(300), resolver: Bps(200), lp: Bps(500) };
        let terms = Terms { curve: CURVE, quantities: book.quantities(), b_parameter: book.b(), fees };
        match quote_buy(&terms, Outcome::Yes, target) {
            Ok(quote) => {
                prop_assert!(quote.total_cost <= target);
                prop_assert_eq!(quote.cost_before_fees.0, book.cost(quote.shares.0));
                prop_assert_eq!(quote.price_yes_after.0, book.after(quote.shares.0).price());
            }
            Err(error) => {
                prop_assert_eq!(error, ProgramError::OverflowError);
                prop_assert!(target.0 > book.cost(book.room()));
            }
        }
    }

    #[test]
    fn more_shares_never_cost_less_and_never_more_than_they_can_pay((book, shares) in trades(), more in magnitudes()) {
        let more = more.min(book.room() - shares);
        let step = u64::from(shares < book.room());
        let (cost, next, far) = (book.cost(shares), book.cost(shares + step), book.cost(shares + more));
        prop_assert!(cost <= next && cost <= far, "{cost} {next} {far}");
        // A share pays at most one lamport a unit.
        prop_assert!(cost <= shares && far - cost <= more + 1);
        let (one, two) = (book.after(shares).proceeds(shares), book.after(shares + step).proceeds(shares + step));
        prop_assert!(one <= two, "{one} {two}");
    }

    #[test]
    fn a_price_never_falls_while_its_outcome_is_bought((book, shares) in trades()) {
        prop_assert!(book.price() <= book.after(shares).price());
        prop_assert!(book.price() <= book.after(u64::from(book.room() > 0)).price());
    }

    #[test]
    fn buying_and_selling_back_is_never_profitable((book, shares) in trades(), part in magnitudes(), apart in any::<bool>()) {
        let cost = book.cost(shares);
        let part = part.min(shares);
        let after = book.after(shares);
        let (first, rest) = (after.proceeds(part), book.after(shares - part).proceeds(shares - part));
        prop_assert!(first + rest <= cost);
        prop_assert!(after.proceeds(shares) <= cost);
        // Nor in two purchases and one sale.
        let costs = if apart { book.cost(part) + book.after(part).cost(shares - part) } else { cost };
        prop_assert!(after.proceeds(shares) <= costs);
    }

    #[test]
    fn a_path_costs_the_same_within_a_unit_a_step((book, shares) in trades(), cuts in prop::collection::vec(magnitudes(), 0..6)) {
        let mut places: Vec<u64> = cuts.into_iter().map(|cut| cut.min(shares)).chain([0, shares]).collect();
        places.sort_unstable();
        let steps = places.len() as u64 - 1;
        let (mut cost, mut proceeds) = (0u128, 0u128);
        for pair in places.windows(2) {
            cost += u128::from(book.after(pair[0]).cost(pair[1] - pair[0]));
            proceeds += u128::from(book.after(pair[1]).proceeds(pair[1] - pair[0]));
        }
        let (whole, back) = (u128::from(book.cost(shares)), u128::from(book.after(shares).proceeds(shares)));
        prop_assert!(whole <= cost && cost < whole + u128::from(steps), "{whole} {cost}");
        prop_assert!(proceeds <= back && back < proceeds + u128::from(steps), "{back} {proceeds}");
    }

    #[test]
    fn a_market_never_loses_more_than_b_ln_2(
        b in depths(), start in magnitudes(), trades in prop::collection::vec((any::<bool>(), any::<bool>(), magnitudes()), 1..40),
    ) {
        let start = Quantities { yes: ShareUnits(start), no: ShareUnits(start) };
        let (mut now, mut collected) = (start, 0i128);
        let bound = oracle::Split { whole: 0, rest: real(b) * real(2u8).ln() }.floor();
        for (yes, buys, shares) in trades {
            let outcome = Outcome::from(yes);
            if buys {
                let shares = ShareUnits(shares.min(u64::MAX - now.of(outcome).0));
                collected += i128::from(CURVE.purchase_cost(now, ShareUnits(b), outcome, shares).unwrap().0);
                now = now.bought(outcome, shares).unwrap();
            } else {
                // What traders hold: all but what was there at the start.
                let shares = ShareUnits(shares.min(now.of(outcome).0.saturating_sub(start.of(outcome).0)));
                collected -= i128::from(CURVE.sell(now, ShareUnits(b), outcome, shares).unwrap().0);
                now = now.sold(outcome, shares).unwrap();
            }
            for outcome in [Outcome::Yes, Outcome::No] {
                let payout = i128::from(now.of(outcome).0) - i128::from(start.of(outcome).0);
                prop_assert!(payout - collected <= bound, "{payout} − {collected}");
            }
        }
    }
}

fn check_budget(book: Book, budget: u64) -> Result<(), TestCaseError> {
    match book.buy(budget) {
        Ok((shares, cost)) => {
            prop_assert_eq!(cost, book.cost(shares));
            prop_assert!(cost <= budget, "{} shares cost {}", shares, cost);
            if shares < book.room() {
                prop_assert!(budget < book.cost(shares + 1), "one more costs {}", book.cost(shares + 1));
            } else {
                prop_assert_eq!(cost, budget);
            }
        }
        Err(error) => {
            prop_assert_eq!(error, ProgramError::OverflowError);
            prop_assert!(book.cost(book.room()) < budget);
        }
    }
    Ok(())
}

/// Costs and proceeds at the edges, by the oracle; some of them by hand too.
#[test]
fn edges_of_the_curve() {
    const TWENTY: u64 = 20;
    let small = MIN_B.0;
    let huge = u64::MAX;
    // (b, own, other, shares).
    let rows: &[(u64, u64, u64, u64)] = &[
        (small, 0, 0, 0),
        (small, 0, 0, 1),
        (small, u64::MAX, u64::MAX, 0),
        (small, u64::MAX - 1, u64::MAX, 1),
        (small, 0, u64::MAX, 1),
        (small, 0, u64::MAX, u64::MAX),
        (small, u64::MAX - 1, 0, 1),
        (small, TWENTY * small, 0, 1),
        (small, 0, TWENTY * small, 1),
        (small, 0, TWENTY * small, 2 * TWENTY * small),
        (small, 0, TWENTY * small, 2 * TWENTY * small - 1),
        (small, 0, TWENTY * small, 2 * TWENTY * small + 1),
        (small, 0, 48 * small, 1),
        (small, 0, 48 * small - 1, 1),
        (small, 0, 48 * small - 1, u64::MAX),
        (small, 0, 100_000_000 * small, 200_000_000 * (small / 1_000)),
        (huge, 0, 0, 1),
        (huge, 0, 0, 2),
        (huge, 0, 2, 2),
        (huge, 0, 1, 1),
        (huge, 2, 0, 2),
        (huge, 0, 0, u64::MAX),
        (huge, 0, u64::MAX, u64::MAX),
        (huge, 0, u64::MAX, 1),
    ];
    for &(b, own, other, shares) in rows {
        let book = Book { b, own, other };
        let real = book.real_cost(shares);
        let computed = (i128::from(book.cost(shares)), i128::from(book.after(shares).proceeds(shares)));
        assert_eq!(computed, (real.ceil(), real.floor()), "{book:?} {shares}");
    }
    // By hand: half a lamport a unit at balance, and a 2^-65th above or below it where two are bought over a b of 2^64.
    assert_eq!(Book { b: huge, own: 0, other: 0 }.cost(2), 2);
    assert_eq!(Book { b: huge, own: 0, other: 2 }.cost(2), 1);
    assert_eq!(Book { b: huge, own: 2, other: 0 }.proceeds(2), 1);
    assert_eq!(Book { b: huge, own: 2, other: 2 }.proceeds(2), 0);
    // To turn a lead around costs exactly the lead.
    assert_eq!(Book { b: small, own: 0, other: 77 * small }.cost(2 * 77 * small), 77 * small);
    assert_eq!(Book { b: small, own: 154 * small, other: 77 * small }.proceeds(2 * 77 * small), 77 * small);
}

#[test]
fn budgets_at_the_edges() {
    let b = MIN_B.0;
    type Answer = Result<(u64, u64), ProgramError>;
    // (own, other, budget, answer).
    let rows: &[(u64, u64, u64, Answer)] = &[
        (0, 0, 0, Ok((0, 0))),
        // A unit costs a half and a little at balance: two of them are above one lamport already.
        (0, 0, 1, Ok((1, 1))),
        (0, 0, 2, Ok((3, 2))),
        (100 * b, 0, 5, Ok((5, 5))),
        (u64::MAX - 10, 0, 10, Ok((10, 10))),
        (u64::MAX - 10, 0, 11, Err(ProgramError::OverflowError)),
        (u64::MAX, 0, 0, Ok((0, 0))),
        (u64::MAX, 0, 1, Err(ProgramError::OverflowError)),
        (0, u64::MAX, u64::MAX, Err(ProgramError::OverflowError)),
    ];
    for &(own, other, budget, ref answer) in rows {
        let book = Book { b, own, other };
        assert_eq!(book.buy(budget), *answer, "{book:?} {budget}");
        check_budget(book, budget).unwrap();
    }
}

#[test]
fn errors_of_the_exact_curve() {
    use ProgramError::{InsufficientShares, InvalidBParameter, OverflowError};
    let (zero, full) = (Quantities::default(), Quantities { yes: ShareUnits(u64::MAX), no: ShareUnits(0) });
    let (small, one) = (ShareUnits(MIN_B.0 - 1), ShareUnits(1));
    let yes = Outcome::Yes;
    assert_eq!(CURVE.cost(zero, small), Err(InvalidBParameter));
    assert_eq!(CURVE.price_yes(zero, small), Err(InvalidBParameter));
    assert_eq!(CURVE.buy(zero, small, yes, Lamports(1)), Err(InvalidBParameter));
    assert_eq!(CURVE.buy(zero, ShareUnits(0), yes, Lamports(0)), Err(InvalidBParameter));
    assert_eq!(CURVE.purchase_cost(full, small, yes, one), Err(InvalidBParameter));
    assert_eq!(CURVE.sell(full, small, yes, one), Err(InvalidBParameter));
    assert_eq!(CURVE.sell(zero, small, yes, one), Err(InsufficientShares));
    assert_eq!(CURVE.purchase_cost(full, MIN_B, yes, one), Err(OverflowError));
    assert_eq!(CURVE.cost(Quantities { no: ShareUnits(u64::MAX), ..full }, MIN_B), Err(OverflowError));
    assert_eq!(CURVE.cost(full, MIN_B), Ok(Lamports(u64::MAX)));
}

/// What a price is where one outcome has all but won.
#[test]
fn prices_at_the_edges() {
    let b = MIN_B.0;
    let rows: &[(u64, u64, u64)] = &[
        (0, 0, 500_000_000),
        (u64::MAX, u64::MAX, 500_000_000),
        (b, 0, 731_058_579),
        (0, b, 268_941_421),
        (20 * b, 0, 999_999_998),
        (21 * b, 0, 999_999_999),
        (22 * b, 0, 1_000_000_000),
        (0, 22 * b, 0),
        (u64::MAX, 0, 1_000_000_000),
        (0, u64::MAX, 0),
    ];
    for &(own, other, price) in rows {
        assert_eq!(Book { b, own, other }.price(), price, "{own} {other}");
        let off = real(price) - oracle::price(i128::from(own) - i128::from(other), b);
        assert!(off.clone() * real(2u8) <= real(1u8) && off * real(2u8) >= -real(1u8));
    }
}

#[test]
fn the_oracle_knows_what_is_known() {
    let close = |a: Real, b: &str| {
        let b: Real = real(
            b.parse::<dashu_float::DBig>().unwrap().with_precision(100).value().to_binary().value().with_rounding(),
        );
        let off = a / b - real(1u8);
        let limit = oracle::power_of_two(-120);
        off < limit.clone() && off > -limit
    };
    assert!(close(oracle::excess(0, 1), "0.693147180559945309417232121458176568075500134360255"));
    assert!(close(oracle::decay(1, 1), "0.367879441171442321595523770161460867445811131031768"));
    assert!(close(oracle::excess(1, 1), "0.31326168751822283404899549496785564191528008567034"));
}
