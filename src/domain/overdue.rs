//! What an operator should know of a market, by the chain's time.
//!
//! Owns how long our own work may take before it counts as stuck: finalizing is nobody else's business, so a market that
//! waits for us is none to alert of at once. Decides nothing about the market itself (`deadline` does).

use super::{
    alert::AlertKind,
    amount::UnixSeconds,
    deadline::{Deadline, MarketTimes, Periods, Stuck},
    phase::Phase,
};

/// What we should have done is stuck if it is not done so long after it was due.
pub const OUR_WORK_SECONDS: i64 = 3_600;

/// The periods after which a market counts as stuck: as they are, with time for our own work.
pub fn stuck_periods(periods: &Periods) -> Periods {
    Periods { dispute_voting_seconds: periods.dispute_voting_seconds.saturating_add(OUR_WORK_SECONDS), ..*periods }
}

/// A finalization that nobody disputes counts as stuck from then on.
pub fn finalization_stuck_at(times: &MarketTimes, periods: &Periods) -> Deadline {
    Deadline::after(times.resolution_proposed_at, periods.finalization_seconds().saturating_add(OUR_WORK_SECONDS))
}

/// What is to be said of a market, and since when it holds; `None` if it is as it should be.
pub fn finding(times: &MarketTimes, periods: &Periods, now: UnixSeconds) -> Option<(AlertKind, Deadline)> {
    match times.stuck(&stuck_periods(periods), now) {
        Some(Stuck::Proposed { due }) => Some((AlertKind::ProposalStuck, due)),
        Some(Stuck::Approved { due }) => Some((AlertKind::ApprovalStuck, due)),
        Some(Stuck::Unresolved { due }) => Some((AlertKind::Unresolved, due)),
        // Said of the window itself, not of the time that was left to us.
        Some(Stuck::Disputed { .. }) => Some((AlertKind::DisputeStuck, times.dispute_voting_end(periods))),
        Some(Stuck::TooOld { until }) => Some((AlertKind::TooOld, Deadline::after(until, 1))),
        None if times.phase == Phase::Resolving && finalization_stuck_at(times, periods).is_reached(now) => {
            Some((AlertKind::FinalizationStuck, times.finalization_due(periods)))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::deadline::LIFE_SECONDS;

    const DAY: i64 = 86_400;
    const START: i64 = 1_000_000;

    fn times(phase: Phase) -> MarketTimes {
        let start = UnixSeconds(START);
        MarketTimes {
            phase,
            created_at: start,
            approved_at: start,
            activated_at: start,
            resolution_proposed_at: start,
            dispute_initiated_at: start,
            closes_at: Some(UnixSeconds(START + DAY)),
        }
    }

    #[test]
    fn a_market_is_stuck_from_its_moment_on_and_our_own_work_has_an_hour() {
        let periods = Periods::default();
        for (phase, after, kind) in [
            (Phase::Proposed, 14 * DAY, AlertKind::ProposalStuck),
            (Phase::Approved, 3 * DAY, AlertKind::ApprovalStuck),
            (Phase::Active, DAY, AlertKind::Unresolved),
            (Phase::Resolving, 3 * DAY + OUR_WORK_SECONDS, AlertKind::FinalizationStuck),
            (Phase::Disputed, 3 * DAY + OUR_WORK_SECONDS, AlertKind::DisputeStuck),
        ] {
            let at = |now: i64| finding(&times(phase), &periods, UnixSeconds(now));
            assert_eq!(at(START + after - 1), None, "{phase:?}");
            assert_eq!(at(START + after).map(|(kind, _)| kind), Some(kind), "{phase:?}");
        }
        for over in [Phase::Finalized, Phase::Cancelled] {
            assert_eq!(finding(&times(over), &periods, UnixSeconds(i64::MAX)), None);
        }
    }

    #[test]
    fn a_market_that_can_not_be_ended_any_more_is_too_old_and_nothing_else() {
        let periods = Periods::default();
        let last = START + LIFE_SECONDS;
        for phase in [Phase::Active, Phase::Resolving, Phase::Disputed] {
            let at = |now: i64| finding(&times(phase), &periods, UnixSeconds(now)).map(|(kind, _)| kind);
            assert_ne!(at(last), Some(AlertKind::TooOld), "{phase:?}");
            assert_eq!(at(last + 1), Some(AlertKind::TooOld), "{phase:?}");
        }
        assert_eq!(
            finding(&times(Phase::Proposed), &periods, UnixSeconds(last + 1)).map(|(kind, _)| kind),
            Some(AlertKind::ProposalStuck),
            "one that holds no money"
        );
    }

    #[test]
    fn what_is_said_is_when_it_was_due_and_not_when_it_was_noticed() {
        let periods = Periods { finalization_delay_seconds: 5 * DAY, ..Periods::default() };
        let now = UnixSeconds(START + 30 * DAY);
        let due = |phase| finding(&times(phase), &periods, now).map(|(_, due)| due);
        assert_eq!(due(Phase::Disputed), Some(Deadline::after(UnixSeconds(START), 3 * DAY)));
        assert_eq!(due(Phase::Resolving), Some(Deadline::after(UnixSeconds(START), 5 * DAY)));
    }

    #[test]
    fn periods_and_moments_at_the_end_of_numbers_do_no_harm() {
        for seconds in [i64::MIN, -1, 0, i64::MAX] {
            let periods = Periods {
                dispute_period_seconds: seconds,
                finalization_delay_seconds: seconds,
                dispute_voting_seconds: seconds,
                proposed_seconds_max: seconds,
                approved_seconds_max: seconds,
            };
            for phase in Phase::ALL {
                for now in [i64::MIN, 0, i64::MAX] {
                    let extreme = MarketTimes { created_at: UnixSeconds(now), ..times(phase) };
                    let _ = finding(&extreme, &periods, UnixSeconds(now));
                }
            }
        }
    }
}
