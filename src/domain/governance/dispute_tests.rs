//! The rules of disputes, as tables and against a naive twin.

use proptest::prelude::*;

use super::*;
use crate::domain::{
    amount::{Bps, UnixSeconds},
    deadline::{Deadline, LIFE_SECONDS, MarketTimes},
    ids::{Epoch, MarketAddress, Seq, Slot},
    tally::Counts,
};

const CREATED: i64 = 1_760_000_000;
const RESOLVED: i64 = CREATED + 1_000;
const DISPUTED: i64 = CREATED + 2_000;
const WINDOW: i64 = 72 * 3_600;

fn standing(agree: u32, disagree: u32) -> Standing {
    Standing {
        market: MarketAddress([7; 32]),
        epoch: Epoch(1),
        seq: Seq(42),
        times: MarketTimes {
            phase: Phase::Disputed,
            created_at: UnixSeconds(CREATED),
            approved_at: UnixSeconds(CREATED + 1),
            activated_at: UnixSeconds(CREATED + 2),
            resolution_proposed_at: UnixSeconds(RESOLVED),
            dispute_initiated_at: UnixSeconds(DISPUTED),
            closes_at: None,
        },
        counted: Counts::new(agree, disagree).unwrap(),
        phase_at_head: Phase::Disputed,
        on_chain: Counts::default(),
        refreshed_at: None,
        votes_on_their_way: false,
    }
}

fn at(time: i64) -> ChainView {
    ChainView { slot: Slot(99), time: UnixSeconds(time), threshold: Bps(6_000), config_read: true }
}

#[test]
fn a_dispute_is_decided_when_its_window_is_over_and_not_a_second_before() {
    let (periods, until) = (Periods::default(), Deadline::after(UnixSeconds(DISPUTED), WINDOW));
    // One vote is enough, whichever way: what follows from it is the program's to say.
    for (agree, disagree) in [(1, 0), (0, 1), (6, 4), (599, 401)] {
        let standing = standing(agree, disagree);
        let early = decide(&standing, &periods, &at(DISPUTED + WINDOW - 1));
        assert_eq!(early, Verdict { look_at: Some(until), ..Verdict::nothing(Why::WindowOpen { until }) });
        let verdict = decide(&standing, &periods, &at(DISPUTED + WINDOW));
        let intent = verdict.submit.unwrap();
        assert_eq!((intent.purpose, intent.counts), (Purpose::FinalizeDispute, Counts::new(agree, disagree)));
        assert_eq!((intent.grounds.due_at, intent.grounds.threshold), (until.moment(), Bps(6_000)));
        assert_eq!((verdict.alert, verdict.why), (None, Why::WindowOver));
    }
}

#[test]
fn a_dispute_without_votes_sends_nothing_and_calls_somebody() {
    let since = Deadline::after(UnixSeconds(DISPUTED), WINDOW);
    let verdict = decide(&standing(0, 0), &Periods::default(), &at(DISPUTED + WINDOW));
    let alert = Some(Alert::DisputeWithoutVotes { since });
    assert_eq!(verdict, Verdict { alert, ..Verdict::nothing(Why::NoVotes) });
    // Not while it is open.
    assert_eq!(decide(&standing(0, 0), &Periods::default(), &at(DISPUTED)).alert, None);
}

#[test]
fn votes_that_came_in_time_are_waited_for() {
    for votes in [0, 5] {
        let late = Standing { votes_on_their_way: true, ..standing(votes, 0) };
        let verdict = decide(&late, &Periods::default(), &at(DISPUTED + WINDOW));
        assert_eq!(verdict, Verdict::nothing(Why::VotesOnTheirWay));
    }
}

#[test]
fn no_other_phase_is_decided_nor_one_that_is_not_final() {
    let (periods, now) = (Periods::default(), at(DISPUTED + WINDOW));
    for phase in Phase::ALL.into_iter().filter(|phase| *phase != Phase::Disputed) {
        let moving = Standing { phase_at_head: phase, ..standing(5, 0) };
        assert_eq!(decide(&moving, &periods, &now), Verdict::nothing(Why::Moving), "{phase:?}");
        let mut other = standing(5, 0);
        other.times.phase = phase;
        assert_eq!(decide(&other, &periods, &now), Verdict::nothing(Why::OtherPhase), "{phase:?}");
    }
}

#[test]
fn a_market_past_its_life_is_left_to_the_alert_of_those_that_are_stuck() {
    let last = at(CREATED + LIFE_SECONDS);
    assert!(decide(&standing(5, 0), &Periods::default(), &last).submit.is_some());
    let too_late = at(CREATED + LIFE_SECONDS + 1);
    assert_eq!(decide(&standing(5, 0), &Periods::default(), &too_late), Verdict::nothing(Why::TooOld));
}

proptest! {
    #[test]
    fn the_rules_are_those_of_a_naive_twin(
        agree in 0u32..4, disagree in 0u32..4, on_their_way: bool,
        resolved in -5i64..5, disputed in -5i64..5, window in 0i64..10, now in -20i64..20, life_left in any::<bool>(),
    ) {
        let mut standing = Standing { votes_on_their_way: on_their_way, ..standing(agree, disagree) };
        let created = if life_left { CREATED } else { CREATED - LIFE_SECONDS };
        standing.times.created_at = UnixSeconds(created);
        standing.times.resolution_proposed_at = UnixSeconds(CREATED + resolved);
        standing.times.dispute_initiated_at = UnixSeconds(CREATED + disputed);
        let periods = Periods { dispute_voting_seconds: window, ..Periods::default() };
        let verdict = decide(&standing, &periods, &at(CREATED + now));
        // The program's own checks, and our window.
        let takes = created <= CREATED + now && CREATED + now <= created + LIFE_SECONDS && now > resolved;
        let is_over = now >= disputed + window;
        let is_sent = takes && is_over && agree + disagree > 0 && !on_their_way;
        prop_assert_eq!(verdict.submit.is_some(), is_sent, "{:?}", verdict);
        prop_assert_eq!(verdict.alert.is_some(), takes && is_over && agree + disagree == 0 && !on_their_way);
    }
}
