//! What is shown of a wallet: its profile, positions, votes and its place among others. Pure.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::{
    domain::{
        amount::{Lamports, ShareUnits},
        entry::FeeSchedule,
        ids::{MarketAddress, Wallet},
        ledger::{Profit, Settlement, return_bps},
        phase::Phase,
        tally::VoteKind,
        valuation::{claimable, current_value},
    },
    journal::rows::wallets::{LeaderFound, PositionFound, Profile, VoteFound, VoteSource, WalletTotals, WindowName},
    view::social::VoteSourceView,
};

/// The windows of time, by their names.
pub const WINDOWS: [(&str, WindowName); 4] =
    [("24h", WindowName::Day), ("7d", WindowName::Week), ("30d", WindowName::Month), ("all", WindowName::All)];

/// A sum of money of any size, in lamports. In JSON a decimal string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum(pub u128);

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A part of something in basis points, shown with four decimals: `0.1234`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio(pub i128);

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, part) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(f, "{sign}{}.{:04}", part / 10_000, part % 10_000)
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A position, as its owner's page shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct PositionView {
    pub market_id: MarketAddress,
    /// `null`: the market's metadata is not known.
    pub question: Option<String>,
    pub state: Phase,
    #[serde(serialize_with = "state_code")]
    #[schema(value_type = u8)]
    pub state_code: Phase,
    pub shares_yes: ShareUnits,
    pub shares_no: ShareUnits,
    pub total_invested: Lamports,
    /// What selling it now would pay by the curve, after fees; of a finalized market what is to be claimed. `null` where
    /// the curve has no answer.
    pub current_value: Option<Lamports>,
    pub realized_pnl: Profit,
    /// `null` where there is no current value, and for a moment after a trade, until its cost is summed up.
    pub unrealized_pnl: Option<Profit>,
    /// Both together, as a part of what was invested; `null` where one of them is, or nothing was invested.
    pub roi: Option<Ratio>,
    pub has_claimed: bool,
    /// The program would pay a claim now.
    pub claimable: bool,
}

impl PositionView {
    /// Of a position; without the fees in force there is no current value of an open one.
    pub fn of(found: &PositionFound, fees: Option<FeeSchedule>) -> Self {
        let PositionFound { position, market, ledger, is_summed_up, question } = found;
        let settled = Settlement::of_position(ledger, market, position);
        let mut realized = ledger.realised;
        realized += settled.by_verdict;
        realized += settled.by_claim;
        let value = current_value(market, position, fees);
        // Shares without what they cost would show as a gain.
        let unrealized = value.filter(|_| *is_summed_up).map(|value| Profit::of(value, settled.open_cost));
        Self {
            market_id: market.address,
            question: question.clone(),
            state: market.phase,
            state_code: market.phase,
            shares_yes: position.shares_yes,
            shares_no: position.shares_no,
            total_invested: position.total_invested,
            current_value: value,
            realized_pnl: realized,
            unrealized_pnl: unrealized,
            roi: unrealized.and_then(|open| return_bps(realized, open, position.total_invested)).map(Ratio),
            has_claimed: position.has_claimed,
            claimable: claimable(market, position),
        }
    }
}

fn state_code<S: Serializer>(phase: &Phase, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(*phase as u8)
}

/// What a wallet did in all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct TotalsView {
    pub trades: u64,
    pub volume: Sum,
    pub markets_traded: u64,
    pub realized_pnl: Profit,
    /// `null`: nothing was decided yet.
    pub accuracy: Option<Ratio>,
    pub markets_decided: u64,
    /// At most 10,000.
    pub markets_created: u64,
    /// A vote here and one on the chain in the same matter are one; at most 10,000.
    pub votes: u64,
}

impl TotalsView {
    /// In the words of the API.
    pub fn of(totals: &WalletTotals) -> Self {
        let accuracy = (u128::from(totals.correct) * 10_000).checked_div(u128::from(totals.decided));
        Self {
            trades: totals.trades,
            volume: Sum(totals.volume),
            markets_traded: totals.markets_traded,
            realized_pnl: totals.realised,
            accuracy: accuracy.and_then(|bps| i128::try_from(bps).ok()).map(Ratio),
            markets_decided: totals.decided,
            markets_created: totals.markets_created,
            votes: totals.votes,
        }
    }
}

/// A wallet's profile. What it says of itself is `null` until it signs in and says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct WalletProfileView {
    pub wallet: Wallet,
    pub display_name: Option<String>,
    pub bio: Option<String>,
    pub avatar_url: Option<String>,
    /// When it first signed in.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<String>,
    pub totals: TotalsView,
}

impl WalletProfileView {
    /// Of a wallet that signed in, or only did something on the chain.
    pub fn of(wallet: Wallet, profile: Option<Profile>, totals: &WalletTotals) -> Self {
        let created_at = profile.as_ref().map(|profile| moment(profile.created_at));
        let (display_name, bio, avatar_url) =
            profile.map_or_else(Default::default, |said| (said.display_name, said.bio, said.avatar_url));
        Self { wallet, display_name, bio, avatar_url, created_at, totals: TotalsView::of(totals) }
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A vote of a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct WalletVoteView {
    pub market_id: MarketAddress,
    /// `proposal` or `dispute`.
    #[schema(value_type = String, pattern = "^(proposal|dispute)$")]
    pub vote_type: VoteKind,
    pub source: VoteSourceView,
    pub vote: bool,
    /// When it was cast; of one on the chain, when it was recorded here.
    #[schema(format = DateTime)]
    pub voted_at: String,
    /// The wallet's signature over the vote, if it gave one.
    pub signature: Option<String>,
    /// Of a vote on the chain.
    pub tx_signature: Option<String>,
}

impl WalletVoteView {
    /// In the words of the API.
    pub fn of(found: &VoteFound) -> Self {
        Self {
            market_id: found.place.market,
            vote_type: found.place.kind,
            source: match found.place.source {
                VoteSource::Here => VoteSourceView::Offchain,
                VoteSource::Chain => VoteSourceView::Onchain,
            },
            vote: found.vote,
            voted_at: moment(found.created_at),
            signature: found.signature.clone(),
            tx_signature: found.tx_signature.clone(),
        }
    }
}

/// A wallet of the leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct LeaderView {
    pub rank: u64,
    pub wallet: Wallet,
    pub display_name: Option<String>,
    pub realized_pnl: Profit,
    pub volume: Sum,
    pub trades: u64,
    /// `null`: nothing was decided in this window.
    pub accuracy: Option<Ratio>,
    pub markets_decided: u64,
    pub markets_correct: u64,
}

impl LeaderView {
    /// At a rank.
    pub fn of(rank: u64, found: LeaderFound) -> Self {
        Self {
            rank,
            wallet: found.wallet,
            display_name: found.display_name,
            realized_pnl: found.realised,
            volume: Sum(found.volume),
            trades: found.trades,
            accuracy: found.accuracy_bps.map(|bps| Ratio(i128::from(bps))),
            markets_decided: found.decided,
            markets_correct: found.correct,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_four_decimals_and_its_sign() {
        let rows = [(0, "0.0000"), (1, "0.0001"), (-1, "-0.0001"), (12_345, "1.2345"), (-20_000, "-2.0000")];
        for (bps, text) in rows {
            assert_eq!(Ratio(bps).to_string(), text);
        }
    }
}
