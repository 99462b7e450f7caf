//! What a wallet gained or lost in a market: average cost, realised profit, what a verdict settles.
//!
//! Owns the arithmetic of a position's cost, trade by trade in the journal's order, and its split into hours: an hour's
//! row holds what its trades moved and the ledger at its end, so that a ledger can be taken up again after any of them
//! (that is how it is kept up to date, rebuilt after a roll-back, and read as it was at a moment). Integers only. Never
//! asks what shares are worth now: that is the curve's.
//!
//! Rounding: the cost of what is sold is its part of the whole cost, rounded down to a lamport; the last share takes the
//! rest, so nothing is lost or made up over a position's life.

use std::{fmt, ops::AddAssign};

use serde::{Serialize, Serializer};

use super::{
    amount::{Lamports, ShareUnits, UnixSeconds},
    event::Outcome,
    ids::{Epoch, Seq},
    market::Market,
    phase::Phase,
    position::Position,
};

/// Money gained, or (below zero) lost, in lamports. In JSON a decimal string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Profit(pub i128);

impl Profit {
    /// What came in, less what it had cost.
    pub fn of(income: Lamports, cost: Lamports) -> Self {
        Self(i128::from(income.0) - i128::from(cost.0))
    }
}

impl fmt::Display for Profit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Profit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl AddAssign for Profit {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

/// Shares of one outcome, and what they cost together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holding {
    /// The shares.
    pub shares: ShareUnits,
    /// What was paid for them, fees included.
    pub cost: Lamports,
}

impl Holding {
    /// Takes shares out, and with them their part of the cost. More than is held takes all: what was bought in a stretch
    /// of history that is gone has no cost.
    fn take(&mut self, shares: ShareUnits) -> Lamports {
        let Some(rest) = self.shares.checked_sub(shares).filter(|rest| *rest != ShareUnits::ZERO) else {
            return std::mem::take(self).cost;
        };
        // Less than the whole cost, which fits.
        let part = u128::from(self.cost.0) * u128::from(shares.0) / u128::from(self.shares.0);
        let part = Lamports(u64::try_from(part).unwrap_or(self.cost.0).min(self.cost.0));
        *self = Self { shares: rest, cost: Lamports(self.cost.0 - part.0) };
        part
    }
}

/// Which way a trade went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Shares for money.
    Buy,
    /// Money for shares.
    Sell,
}

/// A trade, as far as it moves a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerTrade {
    /// Its place in the market's journal.
    pub at: (Epoch, Seq),
    /// The chain's time of it.
    pub time: UnixSeconds,
    /// Which way.
    pub side: Side,
    /// Of which outcome.
    pub outcome: Outcome,
    /// How many.
    pub shares: ShareUnits,
    /// Buy: paid in all. Sell: received net.
    pub cost: Lamports,
    /// What it adds to the volume.
    pub volume: Lamports,
}

/// A position by average cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Of YES.
    pub yes: Holding,
    /// Of NO.
    pub no: Holding,
    /// What all sells brought, less the cost of what was sold.
    pub realised: Profit,
}

impl Ledger {
    /// The shares of one outcome.
    pub fn of(&self, outcome: Outcome) -> Holding {
        match outcome {
            Outcome::Yes => self.yes,
            Outcome::No => self.no,
        }
    }

    /// What the shares of both outcomes cost.
    pub fn cost(&self) -> Lamports {
        Lamports(self.yes.cost.0.saturating_add(self.no.cost.0))
    }

    /// Moves the ledger; what the trade realised.
    pub fn trade(&mut self, trade: &LedgerTrade) -> Profit {
        let holding = match trade.outcome {
            Outcome::Yes => &mut self.yes,
            Outcome::No => &mut self.no,
        };
        match trade.side {
            Side::Buy => {
                holding.shares = ShareUnits(holding.shares.0.saturating_add(trade.shares.0));
                holding.cost = Lamports(holding.cost.0.saturating_add(trade.cost.0));
                Profit::default()
            }
            Side::Sell => {
                let realised = Profit::of(trade.cost, holding.take(trade.shares));
                self.realised += realised;
                realised
            }
        }
    }
}

/// How a market ended, for those who hold shares of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verdict {
    /// Not yet.
    #[default]
    Open,
    /// Finalized: this outcome's shares are paid, the other's are worth nothing.
    Won(Outcome),
    /// Finalized without an outcome: what was invested is refunded.
    Void,
}

impl Verdict {
    /// Of a market.
    pub fn of(phase: Phase, final_outcome: Option<Outcome>) -> Self {
        match (phase, final_outcome) {
            (Phase::Finalized, Some(outcome)) => Self::Won(outcome),
            (Phase::Finalized, None) => Self::Void,
            _ => Self::Open,
        }
    }

    /// Of a market.
    pub fn of_market(market: &Market) -> Self {
        Self::of(market.phase, market.final_outcome)
    }
}

/// What a verdict and a claim settle of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settlement {
    /// Realised by the verdict itself: the cost of the losing shares, as a loss.
    pub by_verdict: Profit,
    /// Realised by the claim: the payout less the cost of what it paid for.
    pub by_claim: Profit,
    /// The cost of what is neither written off nor paid.
    pub open_cost: Lamports,
    /// Was the larger of both holdings the winning one? `None` where that is no question: no outcome, or neither larger.
    pub was_right: Option<bool>,
}

impl Settlement {
    /// `held` is the position on the chain (a claim leaves its shares), `claimed` what was paid.
    pub fn of(ledger: &Ledger, verdict: Verdict, held: (ShareUnits, ShareUnits), claimed: Option<Lamports>) -> Self {
        let (winning, losing) = match verdict {
            Verdict::Open => return Self { open_cost: ledger.cost(), ..Self::default() },
            Verdict::Won(Outcome::Yes) => (ledger.yes.cost, ledger.no.cost),
            Verdict::Won(Outcome::No) => (ledger.no.cost, ledger.yes.cost),
            Verdict::Void => (ledger.cost(), Lamports::ZERO),
        };
        let was_right = match verdict {
            Verdict::Won(outcome) if held.0 != held.1 => Some((held.0 > held.1) == (outcome == Outcome::Yes)),
            _ => None,
        };
        Self {
            by_verdict: Profit::of(Lamports::ZERO, losing),
            by_claim: claimed.map_or(Profit::default(), |paid| Profit::of(paid, winning)),
            open_cost: if claimed.is_some() { Lamports::ZERO } else { winning },
            was_right,
        }
    }

    /// As [`Settlement::of`], of a position and its market.
    pub fn of_position(ledger: &Ledger, market: &Market, position: &Position) -> Self {
        let claimed = position.has_claimed.then_some(position.claimed_amount);
        Self::of(ledger, Verdict::of_market(market), (position.shares_yes, position.shares_no), claimed)
    }
}

/// Whole hours since 1970 (UTC) on the chain's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixHour(pub i64);

impl UnixHour {
    /// The hour that a moment is in.
    pub fn of(moment: UnixSeconds) -> Self {
        Self(moment.0.div_euclid(3_600))
    }
}

/// What an hour's trades moved in a position, and the ledger at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerHour {
    /// The hour.
    pub hour: UnixHour,
    /// Its trades.
    pub trades: u64,
    /// Their volume.
    pub volume: u128,
    /// What they realised.
    pub realised: Profit,
    /// The newest of them.
    pub last: (Epoch, Seq),
    /// The ledger after it.
    pub ledger: Ledger,
}

/// Goes on from an hour (none: from nothing) through later trades, in the journal's order: the hours that they make or
/// change, oldest first. A trade that was recorded after a later one counts in that one's hour, so that hours follow the
/// journal.
pub fn go_on(from: Option<LedgerHour>, trades: &[LedgerTrade]) -> Vec<LedgerHour> {
    let mut hours: Vec<LedgerHour> = Vec::new();
    let mut now = from;
    for trade in trades {
        let hour = UnixHour::of(trade.time);
        let mut row = match now {
            Some(row) if hour <= row.hour => row,
            before => LedgerHour {
                hour,
                trades: 0,
                volume: 0,
                realised: Profit::default(),
                last: trade.at,
                ledger: before.map(|row| row.ledger).unwrap_or_default(),
            },
        };
        row.realised += row.ledger.trade(trade);
        row.trades += 1;
        row.volume += u128::from(trade.volume.0);
        row.last = trade.at;
        match hours.last_mut().filter(|last| last.hour == row.hour) {
            Some(last) => *last = row,
            None => hours.push(row),
        }
        now = Some(row);
    }
    hours
}

/// Gains and losses together, as a part of what was invested: in units of 1e-4 (basis points), rounded towards zero.
/// `None` where nothing was invested.
pub fn return_bps(realised: Profit, unrealised: Profit, invested: Lamports) -> Option<i128> {
    let gained = realised.0.saturating_add(unrealised.0);
    gained.saturating_mul(10_000).checked_div(i128::from(invested.0))
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
