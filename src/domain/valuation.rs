//! What a position is worth now.
//!
//! Owns the definition of current value: what selling all of it now would pay by the program's curve, after fees; once the
//! market is finalized, what is to be claimed. Whether the market's account could pay is no part of it (that is what
//! [`claimable`] asks), nor the program's smallest trade.

use super::{
    amount::Lamports, entry::FeeSchedule, event::Outcome, fees::Fees, lmsr::Curve, market::Market, payout,
    phase::Phase, position::Position,
};

/// What a position is worth: its YES shares sold at once, then its NO shares, each less the fees of its proceeds. `None`
/// where the curve has no answer for them, or where the fees in force are not known and would be needed.
pub fn current_value(market: &Market, position: &Position, schedule: Option<FeeSchedule>) -> Option<Lamports> {
    if market.phase == Phase::Finalized {
        // As if the account could pay all.
        let paid = payout::claim(market, position, Lamports(u64::MAX));
        return Some(paid.map_or(Lamports::ZERO, |claim| claim.amount));
    }
    let mut quantities = market.quantities();
    let mut value = Lamports::ZERO;
    for outcome in [Outcome::Yes, Outcome::No] {
        let shares = position.shares(outcome);
        if shares.0 == 0 {
            continue;
        }
        let gross = Curve::Program.sell(quantities, market.b_parameter, outcome, shares).ok()?;
        let fees = Fees::of(gross, schedule?).ok()?;
        value = value.checked_add(gross.checked_sub(fees.total)?)?;
        quantities = quantities.sold(outcome, shares).ok()?;
    }
    Some(value)
}

/// Would the program pay a claim now? By what the market's events say that its account holds.
pub fn claimable(market: &Market, position: &Position) -> bool {
    payout::claim(market, position, market.lamports).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            amount::{Bps, ShareUnits},
            ids::Wallet,
            market::sample,
            trade::quote_sell,
        },
        *,
    };

    const FEES: FeeSchedule = FeeSchedule { protocol: Bps(300), resolver: Bps(200), lp: Bps(500) };
    const SHARE: u64 = 1_000_000_000;

    fn market() -> Market {
        Market {
            phase: Phase::Active,
            shares_yes: ShareUnits(100 * SHARE),
            shares_no: ShareUnits(40 * SHARE),
            ..sample::market()
        }
    }

    fn holding(yes: u64, no: u64) -> Position {
        let empty = Position::empty(sample::market().address, Wallet([9; 32]));
        Position { shares_yes: ShareUnits(yes), shares_no: ShareUnits(no), total_invested: Lamports(77), ..empty }
    }

    #[test]
    fn a_position_of_one_outcome_is_worth_what_its_sale_would_pay() {
        let market = market();
        let sold =
            quote_sell(&market.terms(FEES), Outcome::Yes, ShareUnits(30 * SHARE), Lamports(0), Lamports(u64::MAX));
        assert_eq!(current_value(&market, &holding(30 * SHARE, 0), Some(FEES)), Some(sold.unwrap().net));
        assert_eq!(current_value(&market, &holding(0, 0), Some(FEES)), Some(Lamports::ZERO));
    }

    #[test]
    fn both_outcomes_are_sold_one_after_the_other() {
        let mut market = market();
        let first = current_value(&market, &holding(30 * SHARE, 0), Some(FEES)).unwrap();
        let both = current_value(&market, &holding(30 * SHARE, 20 * SHARE), Some(FEES)).unwrap();
        market.shares_yes = ShareUnits(70 * SHARE);
        let second = current_value(&market, &holding(0, 20 * SHARE), Some(FEES)).unwrap();
        assert_eq!(both.0, first.0 + second.0);
    }

    #[test]
    fn a_curve_without_an_answer_gives_no_value() {
        assert_eq!(current_value(&market(), &holding(101 * SHARE, 0), Some(FEES)), None);
    }

    #[test]
    fn a_finalized_market_is_worth_what_can_be_claimed_and_nothing_after() {
        let rent = payout::MARKET_RENT.0;
        let won = Market {
            phase: Phase::Finalized,
            final_outcome: Some(Outcome::Yes),
            current_liquidity: Lamports(1_000),
            lamports: Lamports(rent + 300),
            ..market()
        };
        let void = Market { final_outcome: None, ..won.clone() };
        let claimed = Position { has_claimed: true, ..holding(30 * SHARE, 0) };
        let poor = Market { lamports: Lamports(rent + 299), ..won.clone() };
        let rows = [
            (&won, holding(30 * SHARE, 0), 300, true),
            (&poor, holding(30 * SHARE, 0), 300, false),
            (&won, holding(0, 30 * SHARE), 0, false),
            (&won, claimed, 0, false),
            (&void, holding(0, 0), 77, true),
        ];
        for (row, (market, position, value, can_claim)) in rows.into_iter().enumerate() {
            assert_eq!(current_value(market, &position, Some(FEES)), Some(Lamports(value)), "row {row}");
            assert_eq!(claimable(market, &position), can_claim, "row {row}");
        }
    }
}
