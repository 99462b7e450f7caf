//! Whether a proposal is approved, or its counts on the chain are brought up to date.
//!
//! Crossed is: at least so many votes, floor(likes · 10,000 / total) at the threshold or above, and the market old enough.
//! Then the counts and the approval go in one transaction. Where the admin's key is not ours, only the counts can go; once
//! the chain has them, an admin is told. Not crossed, but changed: the counts are refreshed, at most once an hour. Below the minimum nothing
//! is sent, so that a vote of a fresh key alone never costs a transaction.

use super::{
    Purpose,
    decision::{Alert, ChainView, Standing, Verdict, Why},
};
use crate::domain::{deadline::Deadline, phase::Phase, tally::Decision};

/// Counts that decide nothing are refreshed on the chain no more often.
pub const REFRESH_SECONDS: i64 = 3_600;

/// What we ask for beside the chain's threshold, and whether we can approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProposalRules {
    /// So many votes make a tally count; the program knows no minimum.
    pub minimum: u32,
    /// So long after its creation a market can be approved.
    pub min_age_seconds: i64,
    /// The admin's key is ours.
    pub has_admin_key: bool,
}

impl ProposalRules {
    /// Decides.
    pub fn decide(&self, standing: &Standing, chain: &ChainView) -> Verdict {
        if standing.times.phase != Phase::Proposed {
            return Verdict::nothing(Why::OtherPhase);
        }
        if standing.phase_at_head != Phase::Proposed {
            return Verdict::nothing(Why::Moving);
        }
        let approval = match standing.counted.decide(self.minimum, chain.threshold) {
            Decision::NoVotes => return Verdict::nothing(Why::NoVotes),
            Decision::TooFew { total, minimum } => return Verdict::nothing(Why::TooFew { total, minimum }),
            Decision::BelowThreshold { approval, .. } => {
                return self.refresh(standing, chain, Why::BelowThreshold { approval });
            }
            Decision::Crossed { approval } => approval,
        };
        // Without a minimum the age is no question: the chain's time may be read from before the creation.
        let old_enough = Deadline::after(standing.times.created_at, self.min_age_seconds);
        let due = (self.min_age_seconds > 0).then_some(old_enough);
        if let Some(until) = due.filter(|due| !due.is_reached(chain.time)) {
            let refreshed = self.refresh(standing, chain, Why::TooYoung { until });
            let look_at = refreshed.look_at.map_or(until, |at| at.min(until));
            return Verdict { look_at: Some(look_at), ..refreshed };
        }
        let why = Why::Crossed { approval };
        if self.has_admin_key {
            let intent = standing.intent(Purpose::ApproveProposal, chain, self.minimum, due);
            return Verdict { submit: Some(intent), ..Verdict::nothing(why) };
        }
        // An admin is called once the chain's own counts let one approve; from then on more votes are no hurry.
        if let Decision::Crossed { .. } = standing.on_chain.decide(0, chain.threshold) {
            let alert = Some(Alert::NeedsAdmin { approval, threshold: chain.threshold });
            return Verdict { alert, ..self.refresh(standing, chain, why) };
        }
        let intent = standing.intent(Purpose::AggregateProposal, chain, self.minimum, None);
        Verdict { submit: Some(intent), ..Verdict::nothing(why) }
    }

    fn refresh(&self, standing: &Standing, chain: &ChainView, why: Why) -> Verdict {
        let nothing = Verdict::nothing(why);
        if standing.counted == standing.on_chain {
            return nothing;
        }
        let due = standing.refreshed_at.map(|at| Deadline::after(at, REFRESH_SECONDS));
        match due {
            Some(due) if !due.is_reached(chain.time) => Verdict { look_at: Some(due), ..nothing },
            _ => {
                let intent = standing.intent(Purpose::AggregateProposal, chain, self.minimum, due);
                Verdict { submit: Some(intent), ..nothing }
            }
        }
    }
}

#[cfg(test)]
#[path = "proposal_tests.rs"]
mod tests;
