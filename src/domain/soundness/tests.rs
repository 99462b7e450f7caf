//! Each region is shown from both sides: the program's curve misbehaves in it, and is sound right outside.

use proptest::prelude::*;

use super::{
    super::{amount::Bps, entry::FeeSchedule, error::ProgramError, trade::quote_buy},
    *,
};

const TEN_PERCENT: [u16; 3] = [300, 200, 500];
/// 1,000 shares.
const B: u64 = 1_000 * fixed::ONE;

/// A market in which YES leads by so many thousandths of b.
fn market(b: u64, lead_thousandths: u64, fees: [u16; 3]) -> Terms {
    let [protocol, resolver, lp] = fees.map(Bps);
    let mut quantities = Quantities::initial(ShareUnits(b));
    quantities.yes.0 += b / 1_000 * lead_thousandths;
    Terms {
        curve: Curve::Program,
        quantities,
        b_parameter: ShareUnits(b),
        fees: FeeSchedule { protocol, resolver, lp },
    }
}

fn leading(lead_thousandths: u64) -> Terms {
    market(B, lead_thousandths, TEN_PERCENT)
}

fn buy(outcome: Outcome, target_cost: u64) -> Trade {
    Trade::Buy { outcome, target_cost: Lamports(target_cost) }
}

fn reasons(terms: &Terms, trade: Trade) -> Vec<Unsound> {
    judge(terms, trade, Bounds::default())
}

fn has(terms: &Terms, trade: Trade, wanted: fn(&Unsound) -> bool) -> bool {
    reasons(terms, trade).iter().any(wanted)
}

/// Units of YES for a target cost, by the program and by the same budget on the exact curve.
fn shares(terms: &Terms, target: u64) -> (Result<u64, ProgramError>, u64) {
    let quote = quote_buy(terms, Outcome::Yes, Lamports(target)).map(|quote| quote.shares.0);
    let budget = budget_before_fees(Lamports(target)).unwrap();
    let exact = Curve::Exact.shares_for(terms.quantities, terms.b_parameter, Outcome::Yes, budget).unwrap();
    (quote, exact.0)
}

fn price(lead_thousandths: u64) -> PriceE9 {
    let terms = leading(lead_thousandths);
    Curve::Program.price_yes(terms.quantities, terms.b_parameter).unwrap()
}

#[test]
fn an_ordinary_trade_deserves_no_warning() {
    for lead in [50, 500, 1_000] {
        for outcome in [Outcome::Yes, Outcome::No] {
            assert_eq!(reasons(&leading(lead), buy(outcome, B / 100)), [], "{lead}");
        }
        let sale = Trade::Sell { outcome: Outcome::Yes, shares: ShareUnits(B / 100) };
        assert_eq!(reasons(&leading(lead), sale), [], "{lead}");
    }
}

#[test]
fn next_to_exact_balance_the_cost_drops() {
    let is_near = |reason: &Unsound| *reason == Unsound::NearBalance { jump: Lamports(143_068_000) };
    let balanced = leading(0);
    // Small budgets fail, the next larger ones get many times the fair number of shares, and are warned of.
    assert_eq!(shares(&balanced, B / 1_000_000).0, Err(ProgramError::UnderflowError));
    assert!(has(&balanced, buy(Outcome::Yes, B / 1_000_000), is_near));
    let (got, fair) = shares(&balanced, B / 80_000);
    assert!(got.unwrap() > 10 * fair, "{got:?} {fair}");
    assert!(has(&balanced, buy(Outcome::Yes, B / 80_000), is_near));
    // What starts elsewhere is fair, and so is what is large enough.
    for (terms, target) in [(leading(1), B / 80_000), (leading(1), B / 1_000), (balanced, B / 50)] {
        let (got, fair) = shares(&terms, target);
        let got = got.unwrap();
        assert!(got.abs_diff(fair) * 100 <= fair + 100_000_000, "{got} {fair}");
        assert!(!has(&terms, buy(Outcome::Yes, target), is_near));
    }
    // A sale that ends at exact balance brings too little, or is refused; one unit of the quotient more does not.
    let terms = leading(1);
    let sale = |units: u64| Trade::Sell { outcome: Outcome::Yes, shares: ShareUnits(units) };
    let sold = |units| Curve::Program.sell(terms.quantities, terms.b_parameter, Outcome::Yes, ShareUnits(units));
    let (at, past) = (sold(B / 1_000).unwrap(), sold(B / 1_000 + B / 1_000_000).unwrap());
    assert!(at.0 + 140_000_000 < past.0, "{at} {past}");
    assert!(has(&terms, sale(B / 1_000), is_near));
    assert!(!has(&terms, sale(B / 1_000 + B / 1_000_000), is_near));
}

#[test]
fn past_the_peak_the_price_falls_while_the_leader_is_bought() {
    let falls = |reason: &Unsound| matches!(reason, Unsound::PriceFalls { .. });
    assert!(price(3_400) < price(3_464) && price(3_465) > price(3_500) && price(3_500) > price(4_000));
    let target = B / 1_000;
    let quote = quote_buy(&leading(3_465), Outcome::Yes, Lamports(target)).unwrap();
    assert!(quote.price_yes_after < price(3_465));
    assert!(has(&leading(3_465), buy(Outcome::Yes, target), falls));
    // Up to the peak it rises; a purchase that passes it is warned of too.
    let quote = quote_buy(&leading(3_400), Outcome::Yes, Lamports(target)).unwrap();
    assert!(quote.price_yes_after > price(3_400));
    assert!(!has(&leading(3_400), buy(Outcome::Yes, target), falls));
    assert!(has(&leading(3_400), buy(Outcome::Yes, B / 5), falls));
    let (quantities, b) = (leading(3_465).quantities, ShareUnits(B));
    let expected = Unsound::PriceFalls { lead: ShareUnits(B / 1_000 * 3_465) };
    assert_eq!(judge_price(quantities, b, Bounds::default()), Some(expected));
}

#[test]
fn past_the_peak_shares_of_the_other_outcome_cost_less_than_nothing() {
    let falls = |reason: &Unsound| matches!(reason, Unsound::CostFalls { .. });
    let target = B / 1_000;
    assert_eq!(quote_buy(&leading(4_000), Outcome::No, Lamports(target)), Err(ProgramError::UnderflowError));
    assert!(has(&leading(4_000), buy(Outcome::No, target), falls));
    assert!(quote_buy(&leading(3_400), Outcome::No, Lamports(target)).is_ok());
    assert!(!has(&leading(3_400), buy(Outcome::No, target), falls));
    // The same for sales of it.
    let sell = |lead| {
        let terms = leading(lead);
        Curve::Program.sell(terms.quantities, terms.b_parameter, Outcome::No, ShareUnits(B / 1_000))
    };
    let sale = Trade::Sell { outcome: Outcome::No, shares: ShareUnits(B / 1_000) };
    assert_eq!(sell(4_000), Err(ProgramError::UnderflowError));
    assert!(has(&leading(4_000), sale, falls));
    assert!(sell(3_400).is_ok() && !has(&leading(3_400), sale, falls));
}

#[test]
fn a_leader_by_more_than_ten_b_cannot_be_bought() {
    let stuck = |reason: &Unsound| matches!(reason, Unsound::LeaderStuck { .. });
    for target in [10_000, B / 1_000, B] {
        let trade = buy(Outcome::Yes, target);
        let quote = quote_buy(&leading(10_001), Outcome::Yes, Lamports(target));
        assert_eq!(quote, Err(ProgramError::ExponentTooLarge));
        assert!(has(&leading(10_001), trade, stuck));
    }
    assert!(quote_buy(&leading(10_000), Outcome::Yes, Lamports(B / 1_000)).is_ok());
    assert!(!has(&leading(10_000), buy(Outcome::Yes, B / 1_000), stuck));
    assert!(!has(&leading(10_001), buy(Outcome::No, B), stuck));
}

#[test]
fn beyond_twenty_b_nothing_works() {
    let (inside, outside) = (leading(20_000), leading(20_001));
    let beyond = Unsound::LeadBeyondCurve { lead: ShareUnits(B / 1_000 * 20_001) };
    let (q, b) = (outside.quantities, outside.b_parameter);
    assert_eq!(Curve::Program.price_yes(q, b), Err(ProgramError::ExponentTooLarge));
    assert_eq!(Curve::Program.cost(q, b), Err(ProgramError::ExponentTooLarge));
    assert_eq!(reasons(&outside, buy(Outcome::No, B)), [beyond]);
    assert_eq!(judge_price(q, b, Bounds::default()), Some(beyond));
    assert!(Curve::Program.price_yes(inside.quantities, b).is_ok());
    assert!(
        !reasons(&inside, buy(Outcome::No, B)).contains(&Unsound::LeadBeyondCurve { lead: lead(inside.quantities) })
    );
}

#[test]
fn a_budget_below_the_last_look_of_the_search_buys_nothing_and_succeeds() {
    let terms = leading(500);
    let (q, b) = (terms.quantities, terms.b_parameter);
    // The last look of the search: 20 b, halved until it is at most 0.001 share.
    let last = (0..).map(|halvings| (20 * B) >> halvings).find(|width| *width <= 1_000_000).unwrap();
    let least = Curve::Program.purchase_cost(q, b, Outcome::Yes, ShareUnits(last)).unwrap().0;
    let small = |reason: &Unsound| *reason == Unsound::BudgetTooSmall;
    // Between two steps of the cost, so that the search does not end at once on an equal cost.
    let (below, at) = ((least - 500) * 11 / 10, least * 11 / 10 + 2);
    let quote = quote_buy(&terms, Outcome::Yes, Lamports(below)).unwrap();
    assert_eq!((quote.shares, quote.total_cost), (ShareUnits(0), Lamports(0)));
    assert!(has(&terms, buy(Outcome::Yes, below), small));
    assert!(quote_buy(&terms, Outcome::Yes, Lamports(at)).unwrap().shares > ShareUnits(0));
    assert!(!has(&terms, buy(Outcome::Yes, at), small));
}

#[test]
fn fees_other_than_ten_percent_break_purchases() {
    let target = B / 100;
    let with = |fees| market(B, 500, fees);
    let quote = |fees| quote_buy(&with(fees), Outcome::Yes, Lamports(target)).map(|quote| quote.total_cost.0);
    let warned = |fees: [u16; 3]| {
        let total_bps = fees.iter().map(|fee| u64::from(*fee)).sum();
        reasons(&with(fees), buy(Outcome::Yes, target)).contains(&Unsound::FeesNotTenPercent { total_bps })
    };
    type Check = fn(Result<u64, ProgramError>) -> bool;
    let rows: [([u16; 3], Check); 4] = [
        ([400, 300, 600], |answer| answer == Err(ProgramError::SlippageExceeded)),
        ([0, 0, 0], |answer| answer == Err(ProgramError::DivisionByZero)),
        // Half of the fees are not spent on shares either.
        ([150, 100, 250], |answer| answer.is_ok_and(|total| total < B / 100 / 100 * 96)),
        (TEN_PERCENT, |answer| answer.is_ok_and(|total| total > B / 100 / 1_000 * 999)),
    ];
    for (fees, misbehaves) in rows {
        assert!(misbehaves(quote(fees)), "{fees:?}");
        assert_eq!(warned(fees), fees != TEN_PERCENT, "{fees:?}");
    }
    // A sale's fees are what they are.
    let sale = Trade::Sell { outcome: Outcome::Yes, shares: ShareUnits(B / 100) };
    assert_eq!(reasons(&with([0, 0, 0]), sale), []);
}

#[test]
fn a_market_below_the_minimum_cannot_be_traded() {
    let (below, at) = (market(MIN_B.0 - 1, 500, TEN_PERCENT), market(MIN_B.0, 500, TEN_PERCENT));
    let quote = quote_buy(&below, Outcome::Yes, Lamports(1_000_000_000));
    assert_eq!(quote, Err(ProgramError::InvalidBParameter));
    let expected = Unsound::BelowMinimumB { b: ShareUnits(MIN_B.0 - 1) };
    assert_eq!(reasons(&below, buy(Outcome::Yes, 1_000_000_000)), [expected]);
    assert_eq!(judge_price(below.quantities, below.b_parameter, Bounds::default()), Some(expected));
    assert!(quote_buy(&at, Outcome::Yes, Lamports(1_000_000_000)).is_ok());
    assert_eq!(reasons(&at, buy(Outcome::Yes, 1_000_000_000)), []);
}

#[test]
fn prices_that_differ_by_more_than_the_bound_are_told_both() {
    let terms = leading(3_000);
    let (q, b) = (terms.quantities, terms.b_parameter);
    // e^3 is 20.09, the program's 13.
    let (program, exact) = (PriceE9(928_571_428), PriceE9(952_574_127));
    let reason = Unsound::PriceDivergence { program, exact, difference_bps: 241 };
    assert_eq!(judge_price(q, b, Bounds::default()), Some(reason));
    // The bound itself is allowed.
    assert_eq!(judge_price(q, b, Bounds { price_bps: 241, cost_bps: 100 }), None);
    assert_eq!(judge_price(q, b, Bounds { price_bps: 240, cost_bps: 100 }), Some(reason));
    let found = reasons(&terms, buy(Outcome::No, B / 1_000));
    assert!(found.iter().any(|reason| matches!(reason, Unsound::PriceDivergence { .. })), "{found:?}");
    assert_eq!(judge_price(leading(2_000).quantities, b, Bounds::default()), None);
}

#[test]
fn costs_that_differ_by_more_than_the_bound_are_told_both() {
    let is_cost = |reason: &Unsound| matches!(reason, Unsound::CostDivergence { .. });
    // A cost counts in steps of b / 1e9: here a million lamports, more than the whole trade.
    let deep = market(1_000_000 * fixed::ONE, 500, TEN_PERCENT);
    let quote = quote_buy(&deep, Outcome::Yes, Lamports(900_000)).unwrap();
    let fair = Curve::Exact.purchase_cost(deep.quantities, deep.b_parameter, Outcome::Yes, quote.shares).unwrap();
    assert!(quote.cost_before_fees.0.abs_diff(fair.0) * 10 > fair.0);
    assert!(has(&deep, buy(Outcome::Yes, 900_000), is_cost));
    assert!(!has(&deep, buy(Outcome::Yes, 1_000_000_000_000), is_cost));
    let wide = Bounds { price_bps: u16::MAX, cost_bps: u16::MAX };
    assert_eq!(judge(&deep, buy(Outcome::Yes, 900_000), wide), []);
}

#[test]
fn reasons_have_a_form_on_the_wire() {
    let reason = Unsound::PriceDivergence { program: PriceE9(1), exact: PriceE9(2), difference_bps: 1 };
    let json = serde_json::to_string(&reason).unwrap();
    let expected = r#"{"reason":"PRICE_DIVERGENCE","program":"0.000000001","exact":"0.000000002","difference_bps":1}"#;
    assert_eq!(json, expected);
    assert_eq!(serde_json::to_string(&Unsound::BudgetTooSmall).unwrap(), r#"{"reason":"BUDGET_TOO_SMALL"}"#);
}

proptest! {
    /// What is not warned of is what it should be: within the bounds of true LMSR.
    #[test]
    fn without_a_warning_a_purchase_is_within_the_bounds(
        b in MIN_B.0..1_000_000_000_000_000, lead in 0u64..25_000, yes in any::<bool>(), target in 10_000u64..u64::MAX, shift in 0u32..54,
    ) {
        let terms = market(b, lead, TEN_PERCENT);
        let (outcome, target) = (Outcome::from(yes), (target >> shift).max(10_000));
        if let (Ok(quote), true) =
            (quote_buy(&terms, outcome, Lamports(target)), reasons(&terms, buy(outcome, target)).is_empty())
        {
            let fair = Curve::Exact.purchase_cost(terms.quantities, terms.b_parameter, outcome, quote.shares).unwrap();
            prop_assert!(quote.cost_before_fees.0.abs_diff(fair.0) <= fair.0 / 100 + 1);
            let exact = Curve::Exact.price_yes(quote.quantities_after, terms.b_parameter).unwrap();
            prop_assert!(quote.price_yes_after.0.abs_diff(exact.0) <= 10_000_000);
            prop_assert!(quote.shares.0 > 0);
        }
    }

    #[test]
    fn anything_can_be_judged(b in any::<u64>(), yes in any::<u64>(), no in any::<u64>(), amount in any::<u64>(), shift in 0u32..64, is_buy in any::<bool>()) {
        let b = ShareUnits(b);
        let quantities = Quantities { yes: ShareUnits(yes >> shift), no: ShareUnits(no >> shift) };
        let terms = Terms { quantities, b_parameter: b, ..leading(0) };
        let outcome = Outcome::Yes;
        let trade = if is_buy { buy(outcome, amount) } else { Trade::Sell { outcome, shares: ShareUnits(amount) } };
        let found = reasons(&terms, trade);
        prop_assert!(found.len() <= 8);
        judge_price(quantities, b, Bounds::default());
    }
}
