//! What a wallet holds in a market, and what an entry moves in it.
//!
//! Owns the fields of the position account and the difference that one entry makes. Differences of the same position
//! add up, so that a batch of entries touches each position once. Holds no market: the same entry moves both, and the
//! writer does it in one transaction.

use serde::{Deserialize, Serialize};

use super::{
    account::{FieldDifference, UserPositionAccount, differing},
    amount::{Lamports, ShareUnits, UnixSeconds},
    entry::EntryBody,
    event::{Outcome, ProgramEvent},
    ids::{MarketAddress, Wallet},
};

/// The position of a wallet in a market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The market.
    pub market: MarketAddress,
    /// The wallet.
    pub user: Wallet,
    /// YES shares held.
    pub shares_yes: ShareUnits,
    /// NO shares held.
    pub shares_no: ShareUnits,
    /// Sum of what was paid, fees included; a sell doesn't reduce it.
    pub total_invested: Lamports,
    /// Trades so far.
    pub trades_count: u32,
    /// The chain's time of the newest trade; zero before the first.
    pub last_trade_at: UnixSeconds,
    /// Paid out.
    pub has_claimed: bool,
    /// What was paid out.
    pub claimed_amount: Lamports,
}

/// A difference does not fit the position: events are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PositionMisfit {
    /// More is sold than is held.
    #[error("more shares are sold than are held")]
    Negative,
    /// A number leaves its range.
    #[error("a number does not fit its range")]
    Overflow,
    /// A second claim.
    #[error("the position has been paid already")]
    ClaimedTwice,
}

/// What one entry, or several, move in a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PositionDelta {
    /// YES share units, negative for a sell.
    pub shares_yes: i128,
    /// NO share units, negative for a sell.
    pub shares_no: i128,
    /// What was paid for shares, fees included. A market's entries pay less than 2^64 lamports in all.
    pub invested: Lamports,
    /// Trades.
    pub trades: u32,
    /// The chain's time of the newest trade, if there is one.
    pub last_trade_at: Option<UnixSeconds>,
    /// What a claim paid, if there is one.
    pub claimed: Option<Lamports>,
}

impl PositionDelta {
    /// What an entry moves, and whose; `None` for an entry that moves no position. Entries that an adopted market
    /// already contains move positions all the same: positions are made of trades alone.
    pub fn of(body: &EntryBody) -> Option<(Wallet, Self)> {
        let event = match body {
            EntryBody::Trade { event, .. } | EntryBody::Event { event, .. } | EntryBody::Contained { event, .. } => {
                event
            }
            EntryBody::Resync { .. }
            | EntryBody::Config { .. }
            | EntryBody::ConfigResync { .. }
            | EntryBody::Rollback { .. }
            | EntryBody::ConfigRollback { .. }
            | EntryBody::Vote { .. }
            | EntryBody::Comment { .. }
            | EntryBody::CommentDeleted { .. }
            | EntryBody::Metadata { .. } => return None,
        };
        match event {
            ProgramEvent::SharesBought(e) => {
                let bought = Self::trade(e.outcome.into(), i128::from(e.shares.0), e.timestamp);
                Some((e.user, Self { invested: e.cost, ..bought }))
            }
            ProgramEvent::SharesSold(e) => {
                Some((e.user, Self::trade(e.outcome.into(), -i128::from(e.shares.0), e.timestamp)))
            }
            ProgramEvent::WinningsClaimed(e) => Some((e.user, Self { claimed: Some(e.amount), ..Self::default() })),
            _ => None,
        }
    }

    fn trade(outcome: Outcome, shares: i128, at: UnixSeconds) -> Self {
        let (shares_yes, shares_no) = if outcome == Outcome::Yes { (shares, 0) } else { (0, shares) };
        Self { shares_yes, shares_no, trades: 1, last_trade_at: Some(at), ..Self::default() }
    }

    /// Adds a later difference of the same position.
    pub fn merge(&mut self, later: Self) {
        self.shares_yes = self.shares_yes.saturating_add(later.shares_yes);
        self.shares_no = self.shares_no.saturating_add(later.shares_no);
        self.invested = Lamports(self.invested.0.saturating_add(later.invested.0));
        self.trades = self.trades.saturating_add(later.trades);
        self.last_trade_at = later.last_trade_at.or(self.last_trade_at);
        self.claimed = later.claimed.or(self.claimed);
    }
}

impl Position {
    /// A position that has never traded.
    pub fn empty(market: MarketAddress, user: Wallet) -> Self {
        Self {
            market,
            user,
            shares_yes: ShareUnits::ZERO,
            shares_no: ShareUnits::ZERO,
            total_invested: Lamports::ZERO,
            trades_count: 0,
            last_trade_at: UnixSeconds(0),
            has_claimed: false,
            claimed_amount: Lamports::ZERO,
        }
    }

    /// The position that an account shows.
    pub fn from_account(account: &UserPositionAccount) -> Self {
        Self {
            market: account.market,
            user: account.user,
            shares_yes: account.shares_yes,
            shares_no: account.shares_no,
            total_invested: account.total_invested,
            trades_count: account.trades_count,
            last_trade_at: account.last_trade_at,
            has_claimed: account.has_claimed,
            claimed_amount: account.claimed_amount,
        }
    }

    /// The shares of one outcome.
    pub fn shares(&self, outcome: Outcome) -> ShareUnits {
        match outcome {
            Outcome::Yes => self.shares_yes,
            Outcome::No => self.shares_no,
        }
    }

    /// Moves the position; unchanged on an error.
    pub fn apply(&mut self, delta: &PositionDelta) -> Result<(), PositionMisfit> {
        let moved = |held: ShareUnits, by: i128| {
            let after = i128::from(held.0).checked_add(by).ok_or(PositionMisfit::Overflow)?;
            if after < 0 {
                return Err(PositionMisfit::Negative);
            }
            u64::try_from(after).map(ShareUnits).map_err(|_| PositionMisfit::Overflow)
        };
        if delta.claimed.is_some() && self.has_claimed {
            return Err(PositionMisfit::ClaimedTwice);
        }
        let shares_yes = moved(self.shares_yes, delta.shares_yes)?;
        let shares_no = moved(self.shares_no, delta.shares_no)?;
        let total_invested = self.total_invested.checked_add(delta.invested).ok_or(PositionMisfit::Overflow)?;
        let trades_count = self.trades_count.checked_add(delta.trades).ok_or(PositionMisfit::Overflow)?;
        *self = Self {
            shares_yes,
            shares_no,
            total_invested,
            trades_count,
            last_trade_at: delta.last_trade_at.unwrap_or(self.last_trade_at),
            has_claimed: self.has_claimed || delta.claimed.is_some(),
            claimed_amount: delta.claimed.unwrap_or(self.claimed_amount),
            ..*self
        };
        Ok(())
    }

    /// Where the chain's account differs.
    pub fn differences(&self, account: &UserPositionAccount) -> Vec<FieldDifference> {
        let chain = Self::from_account(account);
        differing!(self, chain;
            market, user, shares_yes, shares_no, total_invested, trades_count, last_trade_at, has_claimed, claimed_amount
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position() -> Position {
        Position::empty(MarketAddress([1; 32]), Wallet([2; 32]))
    }

    fn bought(shares: i128, paid: u64, at: i64) -> PositionDelta {
        let trade = PositionDelta::trade(Outcome::Yes, shares, UnixSeconds(at));
        PositionDelta { invested: Lamports(paid), ..trade }
    }

    #[test]
    fn merged_differences_move_as_one_by_one() {
        let sold = PositionDelta::trade(Outcome::Yes, -3, UnixSeconds(8));
        let claim = PositionDelta { claimed: Some(Lamports(5)), ..PositionDelta::default() };
        let steps = [bought(10, 100, 7), sold, claim];
        let (mut one_by_one, mut at_once) = (position(), position());
        let mut sum = PositionDelta::default();
        for step in steps {
            one_by_one.apply(&step).unwrap();
            sum.merge(step);
        }
        at_once.apply(&sum).unwrap();
        assert_eq!(one_by_one, at_once);
        assert_eq!((at_once.shares_yes, at_once.total_invested), (ShareUnits(7), Lamports(100)));
        assert_eq!((at_once.trades_count, at_once.last_trade_at), (2, UnixSeconds(8)));
        assert_eq!((at_once.has_claimed, at_once.claimed_amount), (true, Lamports(5)));
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut held = position();
        held.apply(&PositionDelta { claimed: Some(Lamports(5)), ..bought(10, 100, 7) }).unwrap();
        let before = held.clone();
        let rows = [
            (bought(-11, 0, 8), PositionMisfit::Negative),
            (bought(i128::from(u64::MAX), 0, 8), PositionMisfit::Overflow),
            (bought(1, u64::MAX, 8), PositionMisfit::Overflow),
            (PositionDelta { trades: u32::MAX, ..PositionDelta::default() }, PositionMisfit::Overflow),
            (PositionDelta { claimed: Some(Lamports(1)), ..PositionDelta::default() }, PositionMisfit::ClaimedTwice),
        ];
        for (row, (delta, expected)) in rows.into_iter().enumerate() {
            assert_eq!(held.apply(&delta), Err(expected), "row {row}");
            assert_eq!(held, before, "row {row}");
        }
    }

    #[test]
    fn differences_name_the_fields() {
        let mut held = position();
        held.apply(&bought(10, 100, 7)).unwrap();
        let account = UserPositionAccount {
            market: held.market,
            user: held.user,
            shares_yes: ShareUnits(11),
            shares_no: ShareUnits(0),
            total_invested: Lamports(100),
            trades_count: 1,
            last_trade_at: UnixSeconds(7),
            has_claimed: true,
            claimed_amount: Lamports(0),
            reserved: [0; 64],
            bump: 255,
        };
        let fields: Vec<_> = held.differences(&account).into_iter().map(|d| (d.field, d.journal, d.chain)).collect();
        let expected = [("shares_yes", "10", "11"), ("has_claimed", "false", "true")];
        assert_eq!(fields, expected.map(|(field, journal, chain)| (field, journal.to_owned(), chain.to_owned())));
        assert_eq!(Position::from_account(&account).differences(&account), []);
    }
}
