//! Rules of the ledger: tables, and a naive twin that remembers every share's lot.

use proptest::prelude::*;

use super::*;

fn trade(seq: u64, time: i64, side: Side, outcome: Outcome, shares: u64, cost: u64) -> LedgerTrade {
    LedgerTrade {
        at: (Epoch(1), Seq(seq)),
        time: UnixSeconds(time),
        side,
        outcome,
        shares: ShareUnits(shares),
        cost: Lamports(cost),
        volume: Lamports(cost + 1),
    }
}

use Outcome::{No, Yes};
use Side::{Buy, Sell};

fn after(trades: &[LedgerTrade]) -> Ledger {
    go_on(None, trades).last().map(|hour| hour.ledger).unwrap_or_default()
}

fn ledger(yes: (u64, u64), no: (u64, u64)) -> Ledger {
    let holding = |(shares, cost)| Holding { shares: ShareUnits(shares), cost: Lamports(cost) };
    Ledger { yes: holding(yes), no: holding(no), realised: Profit(0) }
}

#[test]
fn a_sell_realises_what_it_brings_less_its_part_of_the_cost() {
    /// Trades, the ledger after them, what they realised.
    type Case<'a> = (&'a [(Side, Outcome, u64, u64)], Ledger, i128);
    let rows: &[Case<'_>] = &[
        (&[(Buy, Yes, 10, 100)], ledger((10, 100), (0, 0)), 0),
        (&[(Buy, Yes, 10, 100), (Buy, Yes, 10, 200), (Sell, Yes, 5, 90)], ledger((15, 225), (0, 0)), 15),
        // The part of the cost is rounded down: 100 / 3 = 33.
        (&[(Buy, Yes, 3, 100), (Sell, Yes, 1, 20)], ledger((2, 67), (0, 0)), -13),
        // The last share takes the rest.
        (&[(Buy, Yes, 3, 100), (Sell, Yes, 2, 66), (Sell, Yes, 1, 34)], ledger((0, 0), (0, 0)), 0),
        // Outcomes have a cost of their own.
        (&[(Buy, Yes, 10, 100), (Buy, No, 10, 50), (Sell, No, 10, 60)], ledger((10, 100), (0, 0)), 10),
        // What was bought in lost history has no cost.
        (&[(Sell, No, 10, 60)], ledger((0, 0), (0, 0)), 60),
        (&[(Buy, Yes, 4, 40), (Sell, Yes, 10, 60)], ledger((0, 0), (0, 0)), 20),
        // Nothing for nothing.
        (&[(Buy, Yes, 0, 0), (Sell, Yes, 0, 0)], ledger((0, 0), (0, 0)), 0),
    ];
    for (row, (trades, expected, realised)) in rows.iter().enumerate() {
        let trades: Vec<_> = (1..)
            .zip(trades.iter())
            .map(|(seq, &(side, of, shares, cost))| trade(seq, 7, side, of, shares, cost))
            .collect();
        assert_eq!(after(&trades), Ledger { realised: Profit(*realised), ..*expected }, "row {row}");
    }
}

#[test]
fn a_verdict_writes_off_what_lost_and_a_claim_realises_what_won() {
    let both = ledger((10, 100), (4, 30));
    let held = |yes, no| (ShareUnits(yes), ShareUnits(no));
    let rows = [
        (Verdict::Open, held(10, 4), None, (0, 0, 130, None)),
        (Verdict::Won(Yes), held(10, 4), None, (-30, 0, 100, Some(true))),
        (Verdict::Won(Yes), held(10, 4), Some(150), (-30, 50, 0, Some(true))),
        (Verdict::Won(No), held(10, 4), None, (-100, 0, 30, Some(false))),
        (Verdict::Won(No), held(10, 4), Some(5), (-100, -25, 0, Some(false))),
        (Verdict::Won(No), held(4, 4), None, (-100, 0, 30, None)),
        (Verdict::Void, held(10, 4), None, (0, 0, 130, None)),
        (Verdict::Void, held(10, 4), Some(170), (0, 40, 0, None)),
    ];
    for (row, (verdict, held, claimed, (by_verdict, by_claim, open, was_right))) in rows.into_iter().enumerate() {
        let expected = Settlement {
            by_verdict: Profit(by_verdict),
            by_claim: Profit(by_claim),
            open_cost: Lamports(open),
            was_right,
        };
        assert_eq!(Settlement::of(&both, verdict, held, claimed.map(Lamports)), expected, "row {row}");
    }
}

#[test]
fn a_trade_recorded_late_counts_in_the_hour_that_the_journal_had_reached() {
    let trades =
        [trade(1, 3_600, Buy, Yes, 10, 100), trade(2, 7_200, Buy, Yes, 10, 100), trade(3, 3_601, Sell, Yes, 5, 60)];
    let hours: Vec<_> = go_on(None, &trades).iter().map(|row| (row.hour.0, row.trades, row.realised.0)).collect();
    assert_eq!(hours, [(1, 1, 0), (2, 2, 10)]);
}

#[test]
fn a_return_is_a_part_of_what_was_invested_rounded_towards_zero() {
    let rows = [(15, 0, 100, Some(1_500)), (-10, 5, 30_000, Some(-1)), (-1, 0, 30_000, Some(0)), (5, 0, 0, None)];
    for (realised, unrealised, invested, expected) in rows {
        assert_eq!(return_bps(Profit(realised), Profit(unrealised), Lamports(invested)), expected);
    }
}

/// A twin that keeps money as fractions: the cost of a share as (numerator, denominator) of exact rationals would grow
/// without end, so it checks the two rules that define average cost instead: what leaves is at most its exact part, and
/// short of it by less than a lamport; and money in equals money accounted for.
fn check_by_hand(trades: &[LedgerTrade]) -> Result<(), TestCaseError> {
    let mut held: [(u128, u128); 2] = [(0, 0); 2];
    let (mut paid, mut received, mut realised) = (0u128, 0u128, 0i128);
    let mut machine = Ledger::default();
    for one in trades {
        let (shares, cost) = &mut held[usize::from(one.outcome == Outcome::No)];
        let (count, money) = (u128::from(one.shares.0), u128::from(one.cost.0));
        let said = machine.trade(one);
        match one.side {
            Side::Buy => {
                *shares += count;
                *cost += money;
                paid += money;
                prop_assert_eq!(said, Profit(0));
            }
            Side::Sell => {
                let given = if count >= *shares { *cost } else { count * *cost / *shares };
                if count < *shares {
                    prop_assert!(given * *shares <= *cost * count, "never more than its part");
                    prop_assert!((given + 1) * *shares > *cost * count, "short of it by less than a lamport");
                }
                *shares = shares.saturating_sub(count);
                *cost -= given;
                received += money;
                realised += money as i128 - given as i128;
                prop_assert_eq!(said, Profit(money as i128 - given as i128));
            }
        }
    }
    for (outcome, (shares, cost)) in [Outcome::Yes, Outcome::No].into_iter().zip(held) {
        let holding = machine.of(outcome);
        prop_assert_eq!((u128::from(holding.shares.0), u128::from(holding.cost.0)), (shares, cost));
    }
    prop_assert_eq!(machine.realised, Profit(realised));
    // Money in and out is all accounted for: as realised profit, or as the cost of what is left.
    prop_assert_eq!(realised, received as i128 - (paid as i128 - i128::from(machine.cost().0)));
    Ok(())
}

fn trades() -> impl Strategy<Value = Vec<LedgerTrade>> {
    let amount = || (any::<u64>(), 24u32..64).prop_map(|(value, shift)| value >> shift);
    let one = (any::<bool>(), any::<bool>(), amount(), amount(), -1_000i64..6_000);
    proptest::collection::vec(one, 0..40).prop_map(|rows| {
        let mut time = 0;
        let rows = (1..).zip(rows).map(|(seq, (buys, yes, shares, cost, later))| {
            time += later;
            let side = if buys { Side::Buy } else { Side::Sell };
            trade(seq, time, side, Outcome::from(yes), shares, cost)
        });
        rows.collect()
    })
}

proptest! {
    #[test]
    fn the_ledger_is_average_cost_counted_by_hand(trades in trades()) {
        check_by_hand(&trades)?;
    }

    /// Taken up again after any trade, or rebuilt from any hour before it, it is the same.
    #[test]
    fn a_ledger_taken_up_again_is_the_one_that_went_on(trades in trades(), cut in any::<prop::sample::Index>()) {
        let whole = go_on(None, &trades);
        let cut = cut.index(trades.len() + 1);
        let mut stored = go_on(None, &trades[..cut]);
        let resume = stored.last().copied();
        for row in go_on(resume, &trades[cut..]) {
            match stored.last_mut().filter(|last| last.hour == row.hour) {
                Some(last) => *last = row,
                None => stored.push(row),
            }
        }
        prop_assert_eq!(&stored, &whole);
        // A roll-back of everything from the cut on: the rows that reach it go, and the trades after the rest come again.
        let from = (Epoch(1), Seq(cut as u64 + 1));
        let mut kept = whole;
        kept.retain(|row| row.last < from);
        let resume = kept.last().copied();
        let after = resume.map_or((Epoch(0), Seq(0)), |row| row.last);
        let standing: Vec<_> = trades[..cut].iter().filter(|trade| trade.at > after).copied().collect();
        kept.extend(go_on(resume, &standing));
        let distinct: std::collections::BTreeSet<_> = kept.iter().map(|row| row.hour).collect();
        prop_assert_eq!(distinct.len(), kept.len());
        prop_assert_eq!(kept, go_on(None, &trades[..cut]));
    }
}
