//! When something may be done to a market, when it should have been, and when it is too late (program facts, 4 and 8).
//!
//! Owns the windows of resolution, dispute and finalization, with the program's own comparisons, and the times after which
//! a market counts as stuck. Time is an argument, and is the chain's: the host's clock decides nothing here. Sums of
//! whatever the chain holds cannot overflow, because a [`Deadline`] is wider than a moment.

use super::{amount::UnixSeconds, market::Market, phase::Phase};

/// The program refuses to resolve or finalize a market later than this after its creation.
pub const LIFE_SECONDS: i64 = 315_360_000;
const HOUR_SECONDS: i64 = 3_600;
const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;

/// A moment of the chain from which on something holds; it may lie where no clock of 64 bits ever gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(i128);

impl Deadline {
    /// So long after a moment.
    pub fn after(start: UnixSeconds, seconds: i64) -> Self {
        Self(i128::from(start.0) + i128::from(seconds))
    }

    /// It is reached at the moment itself, not only after it.
    pub fn is_reached(self, now: UnixSeconds) -> bool {
        i128::from(now.0) >= self.0
    }

    /// As a moment; `None` if no clock of 64 bits shows it.
    pub fn moment(self) -> Option<UnixSeconds> {
        i64::try_from(self.0).ok().map(UnixSeconds)
    }

    /// Seconds until it is reached, 0 if it is.
    pub fn seconds_left(self, now: UnixSeconds) -> u64 {
        u64::try_from((self.0 - i128::from(now.0)).max(0)).unwrap_or(u64::MAX)
    }
}

/// How long things may take: periods of the chain's config and of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// The config's on the chain, as it is now: a change of it moves the windows of running markets.
    pub dispute_period_seconds: i64,
    /// We finalize no sooner after a resolution, whatever the chain allows.
    pub finalization_delay_seconds: i64,
    /// How long votes on a dispute are taken. The program knows no such window.
    pub dispute_voting_seconds: i64,
    /// Stuck if proposed for so long.
    pub proposed_seconds_max: i64,
    /// Stuck if approved for so long without an activation.
    pub approved_seconds_max: i64,
}

impl Periods {
    /// So long after a resolution we finalize what nobody disputes: the longer of the chain's period and our own delay.
    pub fn finalization_seconds(&self) -> i64 {
        self.dispute_period_seconds.max(self.finalization_delay_seconds)
    }
}

impl Default for Periods {
    /// 3 days of dispute (the program's first value), 48 hours, 72 hours; stuck after 14 and 3 days.
    fn default() -> Self {
        Self {
            dispute_period_seconds: 3 * DAY_SECONDS,
            finalization_delay_seconds: 48 * HOUR_SECONDS,
            dispute_voting_seconds: 72 * HOUR_SECONDS,
            proposed_seconds_max: 14 * DAY_SECONDS,
            approved_seconds_max: 3 * DAY_SECONDS,
        }
    }
}

/// The moments of a market's life that deadlines hang on. Zero stands for "not yet", as on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the account's own
pub struct MarketTimes {
    pub phase: Phase,
    pub created_at: UnixSeconds,
    pub approved_at: UnixSeconds,
    pub activated_at: UnixSeconds,
    pub resolution_proposed_at: UnixSeconds,
    pub dispute_initiated_at: UnixSeconds,
    /// When its question is to be answered, as its creator said here; the chain does not know it.
    pub closes_at: Option<UnixSeconds>,
}

/// Whether something can be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Now.
    Ready,
    /// From then on.
    NotBefore(Deadline),
    /// Not any more: it is too late, or will be before it becomes possible.
    Never,
    /// Not in the market's phase.
    OtherPhase,
}

/// Why a market counts as stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stuck {
    /// Proposed for too long.
    Proposed {
        /// Since then it is.
        due: Deadline,
    },
    /// Approved, and not activated.
    Approved {
        /// Since then it is.
        due: Deadline,
    },
    /// Past the time of its question, and nobody proposed an outcome.
    Unresolved {
        /// Since then it is.
        due: Deadline,
    },
    /// Disputed, and the window for votes is over.
    Disputed {
        /// Since then it is.
        due: Deadline,
    },
    /// Older than the program lets a market be resolved or finalized: its money stays where it is.
    TooOld {
        /// The last second in which it could have been.
        until: UnixSeconds,
    },
}

impl MarketTimes {
    /// Those of a market.
    pub fn of(market: &Market, closes_at: Option<UnixSeconds>) -> Self {
        Self {
            phase: market.phase,
            created_at: market.created_at,
            approved_at: market.approved_at,
            activated_at: market.activated_at,
            resolution_proposed_at: market.resolution_proposed_at,
            dispute_initiated_at: market.dispute_initiated_at,
            closes_at,
        }
    }

    /// The end of the window for disputes: from then on the program refuses them, and allows the finalization.
    pub fn dispute_end(&self, periods: &Periods) -> Deadline {
        Deadline::after(self.resolution_proposed_at, periods.dispute_period_seconds)
    }

    /// When we finalize what nobody disputes: after the chain's period and our own delay.
    pub fn finalization_due(&self, periods: &Periods) -> Deadline {
        Deadline::after(self.resolution_proposed_at, periods.finalization_seconds())
    }

    /// The end of the window for votes on the dispute: from then on votes are refused, and the tally decides.
    pub fn dispute_voting_end(&self, periods: &Periods) -> Deadline {
        Deadline::after(self.dispute_initiated_at, periods.dispute_voting_seconds)
    }

    /// The first moment at which the program says that the market is too old.
    fn end_of_life(&self) -> Deadline {
        Deadline(Deadline::after(self.created_at, LIFE_SECONDS).0 + 1)
    }

    /// Can an outcome be proposed? The program wants a later second than the activation's, and at most ten years.
    pub fn resolution(&self, now: UnixSeconds) -> Readiness {
        if self.phase != Phase::Active {
            return Readiness::OtherPhase;
        }
        self.readiness(Deadline::after(self.activated_at, 1), now)
    }

    /// Can the proposed outcome be disputed? Strictly between the resolution and the end of the window.
    pub fn dispute(&self, periods: &Periods, now: UnixSeconds) -> Readiness {
        if self.phase != Phase::Resolving {
            return Readiness::OtherPhase;
        }
        between(Deadline::after(self.resolution_proposed_at, 1), self.dispute_end(periods), now)
    }

    /// Can, by the program alone, what nobody disputes be finalized? At the very end of the window it can.
    pub fn finalization_allowed(&self, periods: &Periods, now: UnixSeconds) -> Readiness {
        self.undisputed(self.dispute_end(periods), now)
    }

    /// Should we finalize what nobody disputes?
    pub fn finalization(&self, periods: &Periods, now: UnixSeconds) -> Readiness {
        self.undisputed(self.finalization_due(periods), now)
    }

    /// Should we finalize a dispute by its votes? The program sets no window, only an order of seconds.
    pub fn verdict(&self, periods: &Periods, now: UnixSeconds) -> Readiness {
        if self.phase != Phase::Disputed {
            return Readiness::OtherPhase;
        }
        let ordered = Deadline::after(self.resolution_proposed_at, 1);
        self.readiness(self.dispute_voting_end(periods).max(ordered), now)
    }

    /// Is a vote on the dispute in time? One that comes at the end of the window is not.
    pub fn takes_dispute_votes(&self, periods: &Periods, now: UnixSeconds) -> bool {
        self.phase == Phase::Disputed && !self.dispute_voting_end(periods).is_reached(now)
    }

    fn undisputed(&self, due: Deadline, now: UnixSeconds) -> Readiness {
        if self.phase != Phase::Resolving {
            return Readiness::OtherPhase;
        }
        self.readiness(due.max(Deadline::after(self.resolution_proposed_at, 1)), now)
    }

    /// From `start` (but not before the creation) to the end of life.
    fn readiness(&self, start: Deadline, now: UnixSeconds) -> Readiness {
        between(start.max(Deadline::after(self.created_at, 0)), self.end_of_life(), now)
    }

    /// What the market waits for next, by the clock; `None` if it waits for nothing.
    pub fn next_due(&self, periods: &Periods) -> Option<Deadline> {
        match self.phase {
            Phase::Proposed => Some(Deadline::after(self.created_at, periods.proposed_seconds_max)),
            Phase::Approved => Some(Deadline::after(self.approved_at, periods.approved_seconds_max)),
            Phase::Active => self.closes_at.map(|closes_at| Deadline::after(closes_at, 0)),
            Phase::Resolving => Some(self.finalization_due(periods)),
            Phase::Disputed => Some(self.dispute_voting_end(periods)),
            Phase::Finalized | Phase::Cancelled => None,
        }
    }

    /// Is the market stuck: did it not do in time what its phase waits for?
    pub fn stuck(&self, periods: &Periods, now: UnixSeconds) -> Option<Stuck> {
        let waits_for_an_end = matches!(self.phase, Phase::Active | Phase::Resolving | Phase::Disputed);
        if waits_for_an_end && self.end_of_life().is_reached(now) {
            let until = Deadline::after(self.created_at, LIFE_SECONDS).moment()?;
            return Some(Stuck::TooOld { until });
        }
        let due = self.next_due(periods).filter(|due| due.is_reached(now))?;
        match self.phase {
            Phase::Proposed => Some(Stuck::Proposed { due }),
            Phase::Approved => Some(Stuck::Approved { due }),
            Phase::Active => Some(Stuck::Unresolved { due }),
            Phase::Disputed => Some(Stuck::Disputed { due }),
            // Finalizing it when it is due is our own work, and no reason to alert anybody.
            Phase::Resolving | Phase::Finalized | Phase::Cancelled => None,
        }
    }
}

/// From `start` on, and before `end`.
fn between(start: Deadline, end: Deadline, now: UnixSeconds) -> Readiness {
    if end.is_reached(now) || end <= start {
        Readiness::Never
    } else if start.is_reached(now) {
        Readiness::Ready
    } else {
        Readiness::NotBefore(start)
    }
}

#[cfg(test)]
mod tests;
