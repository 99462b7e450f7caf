//! Every window at its edges, as a table, and nothing that panics.

use proptest::prelude::*;

use super::{Readiness::*, *};

const T: i64 = 1_760_000_000;

/// A market in a phase: created at T, one step each 1,000 seconds.
fn times(phase: Phase) -> MarketTimes {
    MarketTimes {
        phase,
        created_at: UnixSeconds(T),
        approved_at: UnixSeconds(T + 1_000),
        activated_at: UnixSeconds(T + 2_000),
        resolution_proposed_at: UnixSeconds(T + 3_000),
        dispute_initiated_at: UnixSeconds(T + 4_000),
        closes_at: None,
    }
}

fn periods(dispute: i64, delay: i64) -> Periods {
    Periods { dispute_period_seconds: dispute, finalization_delay_seconds: delay, ..Periods::default() }
}

fn at(seconds: i64) -> UnixSeconds {
    UnixSeconds(T + seconds)
}

#[test]
fn at_the_end_of_the_window_finalization_works_and_dispute_does_not() {
    let (market, periods) = (times(Phase::Resolving), periods(500, 0));
    let not_before = |seconds| NotBefore(Deadline::after(at(seconds), 0));
    let rows: &[(i64, Readiness, Readiness)] = &[
        // Not in the second of the resolution itself.
        (3_000, not_before(3_001), not_before(3_500)),
        (3_001, Ready, not_before(3_500)),
        (3_499, Ready, not_before(3_500)),
        (3_500, Never, Ready),
        (3_501, Never, Ready),
    ];
    for &(seconds, dispute, finalization) in rows {
        assert_eq!(market.dispute(&periods, at(seconds)), dispute, "{seconds}");
        assert_eq!(market.finalization_allowed(&periods, at(seconds)), finalization, "{seconds}");
    }
}

#[test]
fn we_finalize_after_the_longer_of_period_and_delay() {
    let market = times(Phase::Resolving);
    for (dispute, delay, longer) in [(500, 400, 500), (400, 500, 500), (500, 500, 500), (500, -1, 500)] {
        let periods = periods(dispute, delay);
        let due = Deadline::after(at(3_000), longer);
        assert_eq!(market.finalization_due(&periods), due);
        assert_eq!(market.finalization(&periods, at(2_999 + longer)), NotBefore(due));
        assert_eq!(market.finalization(&periods, at(3_000 + longer)), Ready);
    }
    // 259,200 seconds on the chain, 48 hours of ours.
    let due = market.finalization_due(&Periods::default());
    assert_eq!(due.moment(), Some(at(3_000 + 259_200)));
}

#[test]
fn nothing_is_finalized_in_the_second_of_its_resolution() {
    let (market, periods) = (times(Phase::Resolving), periods(0, 0));
    let next = Deadline::after(at(3_001), 0);
    assert_eq!(market.finalization_allowed(&periods, at(3_000)), NotBefore(next));
    assert_eq!(market.finalization_allowed(&periods, at(3_001)), Ready);
    assert_eq!(market.dispute(&periods, at(3_000)), Never);
}

#[test]
fn an_outcome_is_proposed_after_the_second_of_the_activation() {
    let market = times(Phase::Active);
    assert_eq!(market.resolution(at(2_000)), NotBefore(Deadline::after(at(2_001), 0)));
    assert_eq!(market.resolution(at(2_001)), Ready);
}

#[test]
fn votes_on_a_dispute_end_when_the_verdict_begins() {
    let market = times(Phase::Disputed);
    let periods = Periods { dispute_voting_seconds: 100, ..Periods::default() };
    let due = Deadline::after(at(4_100), 0);
    assert_eq!(market.dispute_voting_end(&periods), due);
    for (seconds, takes_votes, verdict) in [(4_099, true, NotBefore(due)), (4_100, false, Ready), (4_101, false, Ready)]
    {
        assert_eq!(market.takes_dispute_votes(&periods, at(seconds)), takes_votes, "{seconds}");
        assert_eq!(market.verdict(&periods, at(seconds)), verdict, "{seconds}");
    }
}

#[test]
fn ten_years_after_creation_nothing_can_be_ended() {
    let periods = periods(500, 0);
    let last = at(LIFE_SECONDS);
    let late = at(LIFE_SECONDS + 1);
    let (active, resolving, disputed) = (times(Phase::Active), times(Phase::Resolving), times(Phase::Disputed));
    for (now, readiness) in [(last, Ready), (late, Never)] {
        assert_eq!(active.resolution(now), readiness);
        assert_eq!(resolving.finalization_allowed(&periods, now), readiness);
        assert_eq!(disputed.verdict(&periods, now), readiness);
    }
    for market in [active, resolving, disputed] {
        assert_eq!(market.stuck(&periods, late), Some(Stuck::TooOld { until: last }));
        assert_ne!(market.stuck(&periods, last), Some(Stuck::TooOld { until: last }));
    }
    // Known from the beginning where the window ends too late.
    let resolving = MarketTimes { resolution_proposed_at: at(LIFE_SECONDS - 400), ..resolving };
    assert_eq!(resolving.finalization_allowed(&periods, at(LIFE_SECONDS - 399)), Never);
    assert_eq!(resolving.dispute(&periods, at(LIFE_SECONDS - 399)), Ready);
    // What was never traded is not ended, only waited for.
    assert!(matches!(times(Phase::Proposed).stuck(&periods, late), Some(Stuck::Proposed { .. })));
}

#[test]
fn a_market_is_stuck_from_its_deadline_on() {
    const DAY: i64 = 86_400;
    let periods = Periods::default();
    let closing = MarketTimes { closes_at: Some(at(9_000)), ..times(Phase::Active) };
    type Made = fn(Deadline) -> Stuck;
    let rows: &[(MarketTimes, i64, Made)] = &[
        (times(Phase::Proposed), 14 * DAY, |due| Stuck::Proposed { due }),
        (times(Phase::Approved), 1_000 + 3 * DAY, |due| Stuck::Approved { due }),
        (closing, 9_000, |due| Stuck::Unresolved { due }),
        (times(Phase::Disputed), 4_000 + 3 * DAY, |due| Stuck::Disputed { due }),
    ];
    for (market, seconds, made) in rows {
        let due = Deadline::after(at(*seconds), 0);
        assert_eq!(market.next_due(&periods), Some(due));
        assert_eq!(market.stuck(&periods, at(seconds - 1)), None, "{market:?}");
        assert_eq!(market.stuck(&periods, at(*seconds)), Some(made(due)), "{market:?}");
    }
    for market in [times(Phase::Active), times(Phase::Finalized), times(Phase::Cancelled)] {
        assert_eq!((market.next_due(&periods), market.stuck(&periods, at(3_650 * DAY))), (None, None));
    }
    // To finalize is our own work.
    let resolving = times(Phase::Resolving);
    assert_eq!(resolving.next_due(&periods), Some(resolving.finalization_due(&periods)));
    assert_eq!(resolving.stuck(&periods, at(3_650 * DAY)), None);
}

#[test]
fn other_phases_wait_for_nothing_of_this() {
    let periods = Periods::default();
    for phase in Phase::ALL {
        let (market, now) = (times(phase), at(1_000_000));
        assert_eq!(market.resolution(now) == OtherPhase, phase != Phase::Active);
        assert_eq!(market.dispute(&periods, now) == OtherPhase, phase != Phase::Resolving);
        assert_eq!(market.finalization(&periods, now) == OtherPhase, phase != Phase::Resolving);
        assert_eq!(market.verdict(&periods, now) == OtherPhase, phase != Phase::Disputed);
        assert!(phase == Phase::Disputed || !market.takes_dispute_votes(&periods, at(4_001)));
    }
}

#[test]
fn deadlines_past_the_clock_are_never_reached() {
    let never = Deadline::after(UnixSeconds(i64::MAX), 1);
    assert!(!never.is_reached(UnixSeconds(i64::MAX)));
    assert_eq!((never.moment(), never.seconds_left(UnixSeconds(i64::MAX))), (None, 1));
    assert_eq!(never.seconds_left(UnixSeconds(i64::MIN)), u64::MAX);
    let always = Deadline::after(UnixSeconds(i64::MIN), i64::MIN);
    assert!(always.is_reached(UnixSeconds(i64::MIN)));
    assert_eq!((always.moment(), always.seconds_left(UnixSeconds(i64::MIN))), (None, 0));
}

/// Hostile as well as ordinary moments and periods.
fn seconds() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => 0i64..400_000_000,
        1 => any::<i64>(),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), Just(-1)],
    ]
}

proptest! {
    #[test]
    fn whatever_the_chain_holds_the_programs_comparisons_decide(
        phase in 0u8..7, moments in [seconds(), seconds(), seconds(), seconds(), seconds(), seconds()],
        lengths in [seconds(), seconds(), seconds(), seconds(), seconds()],
    ) {
        let [created, activated, proposed, disputed, closes, now] = moments;
        let [dispute, delay, voting, proposal, approval] = lengths;
        let market = MarketTimes {
            phase: Phase::from_code(phase).unwrap(),
            created_at: UnixSeconds(created),
            approved_at: UnixSeconds(created),
            activated_at: UnixSeconds(activated),
            resolution_proposed_at: UnixSeconds(proposed),
            dispute_initiated_at: UnixSeconds(disputed),
            closes_at: Some(UnixSeconds(closes)),
        };
        let periods = Periods {
            dispute_period_seconds: dispute,
            finalization_delay_seconds: delay,
            dispute_voting_seconds: voting,
            proposed_seconds_max: proposal,
            approved_seconds_max: approval,
        };
        let moment = UnixSeconds(now);
        // As the page writes them, in wide integers.
        let [created, activated, proposed, now] = [created, activated, proposed, now].map(i128::from);
        let [dispute, delay] = [dispute, delay].map(i128::from);
        let alive = created <= now && now <= created + 315_360_000;
        let resolves = market.phase == Phase::Active && alive && now > activated;
        let disputes = market.phase == Phase::Resolving && now > proposed && now < proposed + dispute;
        let finalizes = market.phase == Phase::Resolving && alive && now > proposed && now >= proposed + dispute;
        prop_assert_eq!(market.resolution(moment) == Ready, resolves);
        prop_assert_eq!(market.dispute(&periods, moment) == Ready, disputes);
        prop_assert_eq!(market.finalization_allowed(&periods, moment) == Ready, finalizes);
        // We do nothing that the program would refuse.
        let ours = market.finalization(&periods, moment) == Ready;
        prop_assert_eq!(ours, finalizes && now >= proposed + dispute.max(delay));
        let verdict = market.verdict(&periods, moment) == Ready;
        prop_assert!(!verdict || market.phase == Phase::Disputed && alive && now > proposed);
        prop_assert!(!(verdict && market.takes_dispute_votes(&periods, moment)));
        // What is told to wait can be done at the moment that it is told.
        for readiness in [market.resolution(moment), market.finalization_allowed(&periods, moment)] {
            if let NotBefore(start) = readiness && let Some(start) = start.moment() {
                let then = if market.phase == Phase::Active {
                    market.resolution(start)
                } else {
                    market.finalization_allowed(&periods, start)
                };
                prop_assert_eq!(then, Ready);
            }
        }
        let stuck = market.stuck(&periods, moment);
        prop_assert!(stuck.is_none() || !matches!(market.phase, Phase::Finalized | Phase::Cancelled));
    }
}
