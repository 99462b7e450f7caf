//! Whether a dispute is decided by its votes.
//!
//! When the window for votes is over by the chain's time, `finalize_market` takes the votes of all finalized entries that came in
//! time (the program takes votes until it is finalized: those are told apart by their own time, and decide nothing); which
//! outcome follows from them is the program's to say. Votes that were acknowledged in time and are not final yet are waited
//! for: none can be cast here after the window, so that is a moment. Nobody voted in time: the program would refuse, so an alert is
//! all there is. `aggregate_dispute_votes` has no part in this: it throws the votes away (program facts, 8).

use super::{
    Purpose,
    decision::{Alert, ChainView, Standing, Verdict, Why},
};
use crate::domain::{
    deadline::{Periods, Readiness},
    phase::Phase,
};

/// Decides. Of the periods, the window for votes matters.
pub fn decide(standing: &Standing, periods: &Periods, chain: &ChainView) -> Verdict {
    if standing.times.phase != Phase::Disputed {
        return Verdict::nothing(Why::OtherPhase);
    }
    if standing.phase_at_head != Phase::Disputed {
        return Verdict::nothing(Why::Moving);
    }
    let due = standing.times.dispute_voting_end(periods);
    match standing.times.verdict(periods, chain.time) {
        Readiness::OtherPhase => Verdict::nothing(Why::OtherPhase),
        Readiness::Never => Verdict::nothing(Why::TooOld),
        Readiness::NotBefore(until) => Verdict { look_at: Some(until), ..Verdict::nothing(Why::WindowOpen { until }) },
        Readiness::Ready if standing.votes_on_their_way => Verdict::nothing(Why::VotesOnTheirWay),
        Readiness::Ready if standing.counted.total() == 0 => {
            Verdict { alert: Some(Alert::DisputeWithoutVotes { since: due }), ..Verdict::nothing(Why::NoVotes) }
        }
        Readiness::Ready => {
            let intent = standing.intent(Purpose::FinalizeDispute, chain, 0, Some(due));
            Verdict { submit: Some(intent), ..Verdict::nothing(Why::WindowOver) }
        }
    }
}

#[cfg(test)]
#[path = "dispute_tests.rs"]
mod tests;
