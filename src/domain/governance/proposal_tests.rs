//! The rules of proposals, as a table and against a naive twin.

use proptest::prelude::*;

use super::*;
use crate::domain::{
    amount::{Bps, UnixSeconds},
    deadline::MarketTimes,
    governance::{Grounds, Intent},
    ids::{Epoch, MarketAddress, Seq, Slot},
    tally::Counts,
};

const CREATED: i64 = 1_760_000_000;
const HOUR: i64 = 3_600;

fn counts(in_favour: u32, against: u32) -> Counts {
    Counts::new(in_favour, against).unwrap()
}

fn standing(counted: Counts, on_chain: Counts) -> Standing {
    Standing {
        market: MarketAddress([7; 32]),
        epoch: Epoch(1),
        seq: Seq(42),
        times: MarketTimes {
            phase: Phase::Proposed,
            created_at: UnixSeconds(CREATED),
            approved_at: UnixSeconds(0),
            activated_at: UnixSeconds(0),
            resolution_proposed_at: UnixSeconds(0),
            dispute_initiated_at: UnixSeconds(0),
            closes_at: None,
        },
        counted,
        phase_at_head: Phase::Proposed,
        on_chain,
        refreshed_at: None,
        votes_on_their_way: false,
    }
}

fn chain(seconds_after_creation: i64) -> ChainView {
    let time = UnixSeconds(CREATED + seconds_after_creation);
    ChainView { slot: Slot(99), time, threshold: Bps(7_000), config_read: true }
}

const RULES: ProposalRules = ProposalRules { minimum: 10, min_age_seconds: 0, has_admin_key: true };

fn purpose(verdict: &Verdict) -> Option<Purpose> {
    verdict.submit.map(|intent| intent.purpose)
}

#[test]
fn a_proposal_is_approved_from_the_threshold_on_and_not_below_it() {
    let none = counts(0, 0);
    let rows = [
        // 69.99 % is not 70 %, nor is 69.999 %.
        (counts(6_999, 3_001), Some(Purpose::AggregateProposal), Why::BelowThreshold { approval: Bps(6_999) }),
        (counts(69_999, 30_001), Some(Purpose::AggregateProposal), Why::BelowThreshold { approval: Bps(6_999) }),
        (counts(7, 3), Some(Purpose::ApproveProposal), Why::Crossed { approval: Bps(7_000) }),
        (counts(70_000, 30_000), Some(Purpose::ApproveProposal), Why::Crossed { approval: Bps(7_000) }),
        (counts(10, 0), Some(Purpose::ApproveProposal), Why::Crossed { approval: Bps(10_000) }),
        // Counts whose products do not fit 32 bits.
        (counts(3_006_477_107, 1_288_490_188), Some(Purpose::ApproveProposal), Why::Crossed { approval: Bps(7_000) }),
        (counts(0, 10), Some(Purpose::AggregateProposal), Why::BelowThreshold { approval: Bps(0) }),
        // Too few votes: nothing is sent, not even the counts.
        (counts(9, 0), None, Why::TooFew { total: 9, minimum: 10 }),
        (none, None, Why::NoVotes),
    ];
    for (counted, sent, why) in rows {
        let verdict = RULES.decide(&standing(counted, none), &chain(5));
        assert_eq!((purpose(&verdict), verdict.why, verdict.alert), (sent, why, None), "{counted:?}");
    }
    // Nor without a minimum: the program approves nothing without votes.
    let verdict = ProposalRules { minimum: 0, ..RULES }.decide(&standing(none, none), &chain(5));
    assert_eq!(verdict, Verdict::nothing(Why::NoVotes));
}

#[test]
fn what_is_sent_says_on_what_grounds() {
    let rules = ProposalRules { min_age_seconds: 2, ..RULES };
    let view = ChainView { config_read: false, ..chain(5) };
    let verdict = rules.decide(&standing(counts(8, 2), counts(0, 0)), &view);
    let grounds = Grounds {
        epoch: Epoch(1),
        seq: Seq(42),
        slot: Slot(99),
        chain_time: UnixSeconds(CREATED + 5),
        threshold: Bps(7_000),
        minimum: 10,
        due_at: Some(UnixSeconds(CREATED + 2)),
        config_read: false,
    };
    let (market, purpose) = (MarketAddress([7; 32]), Purpose::ApproveProposal);
    assert_eq!(verdict.submit, Some(Intent { market, purpose, counts: Counts::new(8, 2), grounds }));
}

#[test]
fn an_approved_market_is_not_approved_again_also_while_that_is_not_final() {
    let crossed = standing(counts(10, 0), counts(0, 0));
    let mut moving = crossed;
    moving.phase_at_head = Phase::Approved;
    assert_eq!(RULES.decide(&moving, &chain(5)), Verdict::nothing(Why::Moving));
    for phase in Phase::ALL.into_iter().filter(|phase| *phase != Phase::Proposed) {
        let mut other = crossed;
        (other.times.phase, other.phase_at_head) = (phase, phase);
        assert_eq!(RULES.decide(&other, &chain(5)), Verdict::nothing(Why::OtherPhase));
    }
}

#[test]
fn a_market_is_approved_at_its_age_and_not_a_second_before() {
    let rules = ProposalRules { min_age_seconds: 24 * HOUR, ..RULES };
    let until = Deadline::after(UnixSeconds(CREATED), 24 * HOUR);
    let mut crossed = standing(counts(10, 0), counts(10, 0));
    let young = rules.decide(&crossed, &chain(24 * HOUR - 1));
    assert_eq!(young, Verdict { look_at: Some(until), ..Verdict::nothing(Why::TooYoung { until }) });
    assert_eq!(purpose(&rules.decide(&crossed, &chain(24 * HOUR))), Some(Purpose::ApproveProposal));
    // A chain's time that was read before the creation is no obstacle where no age is asked for.
    assert_eq!(purpose(&RULES.decide(&crossed, &chain(-5))), Some(Purpose::ApproveProposal));
    // Its counts are shown on the chain meanwhile, once an hour.
    crossed.on_chain = counts(0, 0);
    assert_eq!(purpose(&rules.decide(&crossed, &chain(5))), Some(Purpose::AggregateProposal));
    crossed.refreshed_at = Some(UnixSeconds(CREATED));
    let verdict = rules.decide(&crossed, &chain(5));
    assert_eq!((verdict.submit, verdict.look_at), (None, Some(Deadline::after(UnixSeconds(CREATED), HOUR))));
    crossed.refreshed_at = Some(UnixSeconds(CREATED + 24 * HOUR - 2));
    assert_eq!(rules.decide(&crossed, &chain(24 * HOUR - 1)).look_at, Some(until));
}

#[test]
fn counts_that_decide_nothing_are_refreshed_at_most_once_an_hour_and_only_where_they_changed() {
    let mut below = standing(counts(6, 6), counts(6, 5));
    assert_eq!(purpose(&RULES.decide(&below, &chain(5))), Some(Purpose::AggregateProposal));
    below.refreshed_at = Some(UnixSeconds(CREATED));
    let due = Deadline::after(UnixSeconds(CREATED), HOUR);
    let why = Why::BelowThreshold { approval: Bps(5_000) };
    let early = RULES.decide(&below, &chain(HOUR - 1));
    assert_eq!(early, Verdict { look_at: Some(due), ..Verdict::nothing(why) });
    let in_time = RULES.decide(&below, &chain(HOUR)).submit.unwrap();
    assert_eq!((in_time.purpose, in_time.grounds.due_at), (Purpose::AggregateProposal, due.moment()));
    below.on_chain = below.counted;
    assert_eq!(RULES.decide(&below, &chain(HOUR)), Verdict::nothing(why));
}

#[test]
fn without_the_admins_key_counts_are_sent_where_they_differ_and_an_admin_is_called_once_the_chain_has_enough() {
    let rules = ProposalRules { has_admin_key: false, ..RULES };
    let alert = Some(Alert::NeedsAdmin { approval: Bps(8_000), threshold: Bps(7_000) });
    let mut crossed = standing(counts(8, 2), counts(4, 4));
    crossed.refreshed_at = Some(UnixSeconds(CREATED));
    // The chain's counts do not let an admin approve: at once, whenever they were last sent; nobody is called meanwhile.
    let verdict = rules.decide(&crossed, &chain(5));
    assert_eq!((purpose(&verdict), verdict.alert), (Some(Purpose::AggregateProposal), None));
    // They are the same.
    crossed.on_chain = crossed.counted;
    let verdict = rules.decide(&crossed, &chain(2 * HOUR));
    assert_eq!((verdict.submit, verdict.alert), (None, alert));
    // They are others, but let an admin approve: once an hour is enough.
    crossed.on_chain = counts(9, 0);
    let verdict = rules.decide(&crossed, &chain(5));
    assert_eq!((verdict.submit, verdict.alert), (None, alert));
    assert!(verdict.look_at.is_some());
    let verdict = rules.decide(&crossed, &chain(HOUR));
    assert_eq!((purpose(&verdict), verdict.alert), (Some(Purpose::AggregateProposal), alert));
}

#[test]
fn counts_of_an_empty_chain_let_no_admin_approve() {
    // Not even where a threshold of zero would.
    let rules = ProposalRules { has_admin_key: false, ..RULES };
    let crossed = standing(counts(0, 10), counts(0, 0));
    let verdict = rules.decide(&crossed, &ChainView { threshold: Bps(0), ..chain(5) });
    assert_eq!(purpose(&verdict), Some(Purpose::AggregateProposal));
}

/// Said once more, the other way round: in fractions, and by what may be sent.
/// And whether an admin is called.
fn naive(rules: ProposalRules, standing: &Standing, chain: &ChainView) -> (Option<Purpose>, bool) {
    let (likes, all) = (u128::from(standing.counted.in_favour()), u128::from(standing.counted.total()));
    let is_proposed = standing.times.phase == Phase::Proposed && standing.phase_at_head == Phase::Proposed;
    if !is_proposed || all == 0 || all < u128::from(rules.minimum) {
        return (None, false);
    }
    // floor(likes · 10,000 / all) >= threshold says the same as this, since the threshold is whole.
    let is_enough = likes * 10_000 >= u128::from(chain.threshold.0) * all;
    let age = i128::from(chain.time.0) - i128::from(standing.times.created_at.0);
    let has_crossed = is_enough && (rules.min_age_seconds == 0 || age >= i128::from(rules.min_age_seconds));
    if has_crossed && rules.has_admin_key {
        return (Some(Purpose::ApproveProposal), false);
    }
    let (shown, shown_all) = (u128::from(standing.on_chain.in_favour()), u128::from(standing.on_chain.total()));
    let admin_can = shown_all > 0 && shown * 10_000 >= u128::from(chain.threshold.0) * shown_all;
    let waited = standing.refreshed_at.is_none_or(|at| i128::from(chain.time.0) - i128::from(at.0) >= 3_600);
    let differs = standing.counted != standing.on_chain;
    let sent = (differs && (waited || (has_crossed && !admin_can))).then_some(Purpose::AggregateProposal);
    (sent, has_crossed && admin_can)
}

fn phases() -> impl Strategy<Value = Phase> {
    prop_oneof![6 => Just(Phase::Proposed), 1 => prop::sample::select(Phase::ALL.to_vec())]
}

fn some_counts() -> impl Strategy<Value = Counts> {
    prop_oneof![
        (0u32..20, 0u32..20),
        (6_990u32..7_010, 2_990u32..3_010),
        (any::<u32>(), any::<u32>()).prop_map(|(a, b)| (a / 2, b / 2)),
    ]
    .prop_map(|(a, b)| counts(a, b))
}

proptest! {
    #[test]
    fn the_rules_are_those_of_a_naive_twin(
        counted in some_counts(),
        shown in prop::option::of(some_counts()),
        phase in phases(),
        phase_at_head in phases(),
        refreshed in prop::option::of(0i64..4 * HOUR),
        now in -10i64..5 * HOUR,
        minimum in 0u32..25,
        min_age_seconds in prop_oneof![Just(0i64), 0i64..4 * HOUR],
        has_admin_key in any::<bool>(),
        threshold in prop_oneof![Just(7_000u16), 0u16..=10_001],
    ) {
        let rules = ProposalRules { minimum, min_age_seconds, has_admin_key };
        let mut standing = standing(counted, shown.unwrap_or(counted));
        (standing.times.phase, standing.phase_at_head) = (phase, phase_at_head);
        standing.refreshed_at = refreshed.map(|at| UnixSeconds(CREATED + at));
        let view = ChainView { threshold: Bps(threshold), ..chain(now) };
        let verdict = rules.decide(&standing, &view);
        let found = (purpose(&verdict), verdict.alert.is_some());
        prop_assert_eq!(found, naive(rules, &standing, &view), "{:?}", verdict);
        if let Some(intent) = verdict.submit {
            prop_assert_eq!(intent.counts, Some(counted));
            prop_assert!(intent.grounds.due_at.is_none_or(|due| due <= view.time));
        }
        // Looked at again when it says, the same votes come to something else; a second before they do not.
        if let Some(at) = verdict.look_at.and_then(Deadline::moment) {
            prop_assert!(at > view.time);
            let then = |time| rules.decide(&standing, &ChainView { time, ..view });
            prop_assert_ne!(then(at), verdict);
            prop_assert_eq!(purpose(&then(UnixSeconds(at.0 - 1))), purpose(&verdict));
        }
    }
}
