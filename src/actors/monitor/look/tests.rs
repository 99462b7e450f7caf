//! What is decided from a row: by its finalized state and the chain's time, never by what is newer.

use super::*;
use crate::domain::{
    ids::{Epoch, MarketAddress, Seq, Slot},
    market::{Market, sample},
};

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
const PROPOSED_AT: i64 = 1_700_000_000;

fn ground(now: i64, dispute_period_seconds: i64) -> Ground {
    let clock = ChainClock { slot: Slot(7), unix_timestamp: UnixSeconds(now) };
    let periods = Periods { dispute_period_seconds, ..Periods::default() };
    Ground { clock, periods, config: None, threshold: Bps(6_000) }
}

fn market(phase: Phase) -> Market {
    let created_at = UnixSeconds(PROPOSED_AT - DAY);
    Market { phase, created_at, resolution_proposed_at: UnixSeconds(PROPOSED_AT), ..sample::market() }
}

fn resolving(finalized: Option<Market>) -> Resolving {
    Resolving {
        market: MarketAddress([1; 32]),
        proposed_at: UnixSeconds(PROPOSED_AT),
        epoch: Epoch(3),
        finalized_seq: Seq(5),
        finalized,
    }
}

#[test]
fn an_outcome_is_final_after_the_longer_of_both_periods_and_not_a_second_before() {
    for (dispute_period, wait) in [(3 * DAY, 3 * DAY), (HOUR, 48 * HOUR), (48 * HOUR, 48 * HOUR), (-5, 48 * HOUR)] {
        let found = resolving(Some(market(Phase::Resolving)));
        let due = PROPOSED_AT + wait;
        assert_eq!(undisputed(&found, &ground(due - 1, dispute_period)), Decision::NotFinal, "{dispute_period}");
        assert!(ground(due - 1, dispute_period).due_since() < UnixSeconds(PROPOSED_AT), "nor is it looked at");
        let Decision::Due(intent) = undisputed(&found, &ground(due, dispute_period)) else {
            panic!("{dispute_period}: not due")
        };
        assert_eq!(ground(due, dispute_period).due_since(), UnixSeconds(PROPOSED_AT));
        assert_eq!((intent.market, intent.purpose, intent.counts), (found.market, Purpose::FinalizeUndisputed, None));
        let grounds = Grounds {
            epoch: Epoch(3),
            seq: Seq(5),
            slot: Slot(7),
            chain_time: UnixSeconds(due),
            threshold: Bps(6_000),
            minimum: 0,
            due_at: Some(UnixSeconds(due)),
            config_read: false,
        };
        assert_eq!(intent.grounds, grounds);
    }
}

#[test]
fn what_is_not_final_decides_nothing() {
    let late = ground(PROPOSED_AT + 30 * DAY, 3 * DAY);
    assert_eq!(undisputed(&resolving(None), &late), Decision::NotFinal);
    for phase in [Phase::Active, Phase::Disputed, Phase::Finalized] {
        assert_eq!(undisputed(&resolving(Some(market(phase))), &late), Decision::NotFinal, "{phase:?}");
    }
    // Proposed again after a dispute, by an entry that is final: the newer moment counts.
    let again = Market { resolution_proposed_at: UnixSeconds(PROPOSED_AT + 29 * DAY), ..market(Phase::Resolving) };
    assert_eq!(undisputed(&resolving(Some(again)), &late), Decision::NotFinal);
    let vanished = Market { vanished: true, ..market(Phase::Resolving) };
    assert_eq!(undisputed(&resolving(Some(vanished)), &late), Decision::NotFinal);
}

#[test]
fn what_is_too_old_is_left_alone_and_no_number_overflows() {
    let old = ground(PROPOSED_AT + LIFE_SECONDS + DAY, 3 * DAY);
    assert_eq!(undisputed(&resolving(Some(market(Phase::Resolving))), &old), Decision::Nothing);
    for now in [i64::MIN, i64::MAX] {
        for period in [i64::MIN, 0, i64::MAX] {
            let ground = ground(now, period);
            let _ = (ground.due_since(), undisputed(&resolving(Some(market(Phase::Resolving))), &ground));
        }
    }
}
