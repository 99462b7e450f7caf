//! What is read of a wallet, as plain values: positions with their ledgers, votes, totals, places among others.

use chrono::{DateTime, Utc};

use crate::domain::{
    ids::{MarketAddress, Wallet},
    ledger::{Ledger, Profit},
    market::Market,
    position::Position,
    tally::VoteKind,
};

/// Votes and created markets are counted up to here; the count of more is this number.
pub const COUNT_MAX: u32 = 10_000;

/// A position with its market and its ledger.
#[derive(Debug, Clone)]
pub struct PositionFound {
    /// The position.
    pub position: Position,
    /// The market.
    pub market: Market,
    /// What the shares cost and what was realised; empty until the keeper of ledgers has seen the first trade.
    pub ledger: Ledger,
    /// The ledger holds all trades that the position does.
    pub is_summed_up: bool,
    /// What the market is about, where that is known.
    pub question: Option<String>,
}

/// Where a vote was cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoteSource {
    /// Here, off the chain.
    Here,
    /// By the program.
    Chain,
}

/// A vote's place among those of its wallet: newest first, then by source, kind and market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VotePosition {
    /// When it was cast, in microseconds since 1970.
    pub created_at_us: i64,
    /// Where.
    pub source: VoteSource,
    /// What it was about.
    pub kind: VoteKind,
    /// The market.
    pub market: MarketAddress,
}

impl VotePosition {
    /// Source and kind as one number, in their order.
    pub fn code(&self) -> u8 {
        self.source as u8 * 2 + u8::from(self.kind == VoteKind::Dispute)
    }

    /// The source and the kind of a number.
    pub fn of_code(code: u8) -> Option<(VoteSource, VoteKind)> {
        let source = if code < 2 { VoteSource::Here } else { VoteSource::Chain };
        let kind = if code.is_multiple_of(2) { VoteKind::Proposal } else { VoteKind::Dispute };
        (code < 4).then_some((source, kind))
    }
}

/// A vote of a wallet; of one that is on the chain, `created_at` is when it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteFound {
    /// Where it stands.
    pub place: VotePosition,
    /// For or against.
    pub vote: bool,
    /// When it was cast.
    pub created_at: DateTime<Utc>,
    /// The wallet's signature over it, if it gave one.
    pub signature: Option<String>,
    /// The transaction of a vote on the chain.
    pub tx_signature: Option<String>,
}

/// What a wallet did in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WalletTotals {
    /// Trades that stand.
    pub trades: u64,
    /// Their volume, in lamports.
    pub volume: u128,
    /// Markets with at least one of them.
    pub markets_traded: u64,
    /// By sells, verdicts and claims.
    pub realised: Profit,
    /// Markets that were decided, where the wallet's larger holding could be right.
    pub decided: u64,
    /// Those where it was.
    pub correct: u64,
    /// Markets that it created, at most [`COUNT_MAX`].
    pub markets_created: u64,
    /// Votes, here and on the chain; both in one matter are one. At most [`COUNT_MAX`].
    pub votes: u64,
}

impl WalletTotals {
    /// Nothing at all is known of the wallet.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a wallet says of itself, once it has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the table's own
pub struct Profile {
    pub display_name: Option<String>,
    pub bio: Option<String>,
    pub avatar_url: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// What wallets are ranked by, largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ranking {
    /// Realised profit.
    Profit,
    /// Volume.
    Volume,
    /// The share of decided markets in which it was right, then their number; without wallets that have none.
    Accuracy,
}

/// A window of the leaderboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it
pub enum WindowName {
    Day,
    Week,
    Month,
    All,
}

impl WindowName {
    /// As in the API and in `leaderboard_windows`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::All => "all",
        }
    }

    /// Its length; `None`: without an end.
    pub fn hours(self) -> Option<i64> {
        match self {
            Self::Day => Some(24),
            Self::Week => Some(168),
            Self::Month => Some(720),
            Self::All => None,
        }
    }
}

/// A place in a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankingPlace {
    /// How many are before it, itself included.
    pub rank: u64,
    /// What it is ranked by: lamports, or basis points.
    pub value: i128,
    /// Decided markets, where it is ranked by accuracy; zero elsewhere.
    pub decided: u64,
    /// The wallet.
    pub wallet: Wallet,
}

/// A wallet of the leaderboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderFound {
    /// The wallet.
    pub wallet: Wallet,
    /// What it calls itself.
    pub display_name: Option<String>,
    /// Trades.
    pub trades: u64,
    /// Lamports.
    pub volume: u128,
    /// By sells, verdicts and claims.
    pub realised: Profit,
    /// Markets decided, where its larger holding could be right.
    pub decided: u64,
    /// Those where it was.
    pub correct: u64,
    /// Basis points; `None` where nothing was decided.
    pub accuracy_bps: Option<u64>,
}

impl LeaderFound {
    /// Its place, at a rank.
    pub fn place(&self, by: Ranking, rank: u64) -> RankingPlace {
        let (value, decided) = match by {
            Ranking::Profit => (self.realised.0, 0),
            Ranking::Volume => (i128::try_from(self.volume).unwrap_or(i128::MAX), 0),
            Ranking::Accuracy => (i128::from(self.accuracy_bps.unwrap_or_default()), self.decided),
        };
        RankingPlace { rank, value, decided, wallet: self.wallet }
    }
}
