//! What a wallet's positions were worth at moments of the past.
//!
//! Owns the definition of a portfolio's value: an open position counts its shares at the market's price of that moment
//! (without fees, rounded down to a lamport an outcome), one that was decided its payout until that is claimed, and money
//! that was taken out nothing. Moments are ends of whole hours. Knows no market: prices are given.

use super::{
    amount::{Lamports, PriceE9, ShareUnits},
    ledger::{Ledger, LedgerHour, Profit, UnixHour},
};

/// A position's past.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    /// Its hours, oldest first.
    pub hours: Vec<LedgerHour>,
    /// The hour of the verdict, and what that realised.
    pub verdict: Option<(UnixHour, Profit)>,
    /// The hour of the claim, and what that realised.
    pub claim: Option<(UnixHour, Profit)>,
    /// What the verdict gave it to claim.
    pub payout: Lamports,
}

/// What positions were worth, together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Worth {
    /// By the prices of the moment.
    pub value: u128,
    /// What it had cost.
    pub cost: u128,
    /// Realised up to then.
    pub realised: Profit,
}

impl Worth {
    /// Another position's beside it.
    pub fn add(&mut self, other: Self) {
        self.value = self.value.saturating_add(other.value);
        self.cost = self.cost.saturating_add(other.cost);
        self.realised += other.realised;
    }
}

impl Past {
    fn ledger(&self, end: UnixHour) -> Ledger {
        let before = self.hours.partition_point(|row| row.hour < end);
        before.checked_sub(1).and_then(|last| self.hours.get(last)).map(|row| row.ledger).unwrap_or_default()
    }

    fn decided(&self, end: UnixHour) -> Option<Profit> {
        self.verdict.filter(|(hour, _)| *hour < end).map(|(_, realised)| realised)
    }

    /// Its worth at the end of the hour before `end` depends on a price.
    pub fn needs_price(&self, end: UnixHour) -> bool {
        let ledger = self.ledger(end);
        self.decided(end).is_none() && (ledger.yes.shares, ledger.no.shares) != (ShareUnits::ZERO, ShareUnits::ZERO)
    }

    /// Its worth at the end of the hour before `end`, at a price of YES.
    pub fn worth(&self, end: UnixHour, price_yes: PriceE9) -> Worth {
        let ledger = self.ledger(end);
        let cost = u128::from(ledger.cost().0);
        let Some(by_verdict) = self.decided(end) else {
            let at = |shares: ShareUnits, price: PriceE9| {
                u128::from(shares.0) * u128::from(price.0) / u128::from(PriceE9::ONE.0)
            };
            let value = at(ledger.yes.shares, price_yes) + at(ledger.no.shares, price_yes.complement());
            return Worth { value, cost, realised: ledger.realised };
        };
        let mut realised = ledger.realised;
        realised += by_verdict;
        match self.claim.filter(|(hour, _)| *hour < end) {
            Some((_, by_claim)) => {
                realised += by_claim;
                Worth { value: 0, cost: 0, realised }
            }
            // What was written off is exactly what it lost by the verdict.
            None => {
                Worth { value: self.payout.0.into(), cost: cost.saturating_sub(by_verdict.0.unsigned_abs()), realised }
            }
        }
    }
}

/// At most `points` moments, evenly spread over whole hours, from `from` to `end`: ends of hours, the last being `end`.
pub fn moments(from: UnixHour, end: UnixHour, points: u32) -> Vec<UnixHour> {
    let hours = i128::from(end.0) - i128::from(from.0);
    if hours <= 0 || points < 2 {
        return vec![end];
    }
    let gaps = i128::from(points - 1).min(hours);
    let at = |gap: i128| i64::try_from(i128::from(from.0) + hours * gap / gaps).unwrap_or(end.0);
    (0..=gaps).map(|gap| UnixHour(at(gap))).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            amount::UnixSeconds,
            event::Outcome,
            ids::{Epoch, Seq},
            ledger::{LedgerTrade, Settlement, Side, Verdict, go_on},
        },
        *,
    };

    const SHARE: u64 = 1_000_000_000;

    fn trade(seq: u64, hour: i64, side: Side, outcome: Outcome, shares: u64, cost: u64) -> LedgerTrade {
        let (shares, cost) = (ShareUnits(shares * SHARE), Lamports(cost));
        let at = (Epoch(1), Seq(seq));
        LedgerTrade { at, time: UnixSeconds(hour * 3_600 + 7), side, outcome, shares, cost, volume: cost }
    }

    #[test]
    fn a_position_is_worth_its_shares_at_the_price_then_its_payout_then_nothing() {
        let trades = [
            trade(1, 10, Side::Buy, Outcome::Yes, 4, 2_000),
            trade(2, 10, Side::Buy, Outcome::No, 2, 500),
            trade(3, 12, Side::Sell, Outcome::Yes, 1, 900),
        ];
        let hours = go_on(None, &trades);
        let ledger = hours.last().unwrap().ledger;
        let held = (ledger.yes.shares, ledger.no.shares);
        let settled = Settlement::of(&ledger, Verdict::Won(Outcome::Yes), held, Some(Lamports(3_000)));
        let past = Past {
            hours,
            verdict: Some((UnixHour(20), settled.by_verdict)),
            claim: Some((UnixHour(25), settled.by_claim)),
            payout: Lamports(3_000),
        };
        let rows = [
            (10, false, (0, 0, 0)),
            // 4 · 0.6 + 2 · 0.4
            (11, true, (3_200_000_000, 2_500, 0)),
            (12, true, (3_200_000_000, 2_500, 0)),
            // 3 · 0.6 + 2 · 0.4; a quarter of 2,000 was sold for 900.
            (13, true, (2_600_000_000, 2_000, 400)),
            (20, true, (2_600_000_000, 2_000, 400)),
            (21, false, (3_000, 1_500, -100)),
            (26, false, (0, 0, 1_400)),
        ];
        for (end, needs_price, (value, cost, realised)) in rows {
            assert_eq!(past.needs_price(UnixHour(end)), needs_price, "{end}");
            let expected = Worth { value, cost, realised: Profit(realised) };
            assert_eq!(past.worth(UnixHour(end), PriceE9(600_000_000)), expected, "{end}");
        }
    }

    #[test]
    fn moments_are_even_and_end_with_the_end() {
        let hours = |from, end, points| -> Vec<i64> {
            moments(UnixHour(from), UnixHour(end), points).iter().map(|at| at.0).collect()
        };
        let rows: [((i64, i64, u32), Vec<i64>); 5] = [
            ((0, 24, 3), vec![0, 12, 24]),
            ((0, 2, 30), vec![0, 1, 2]),
            ((5, 5, 30), vec![5]),
            ((9, 5, 30), vec![5]),
            ((0, 10, 4), vec![0, 3, 6, 10]),
        ];
        for ((from, end, points), expected) in rows {
            let found = hours(from, end, points);
            assert_eq!(found, expected, "{from} {end} {points}");
        }
        assert_eq!(moments(UnixHour(i64::MIN), UnixHour(i64::MAX), 3).len(), 3);
    }
}
