//! Reading what there is of a wallet: positions, trades, votes, totals, its place among others. Bounded pages, each one
//! statement that finds its rows in an index of the wallet's own.
//!
//! Never writes, and works inside a transaction: what it tells together is of one moment.

mod holdings;
mod leaderboard;
mod portfolio;
mod totals;

use super::{IS_CONTAINED, ReadFailure, SHOWN_MARKETS, SHOWN_TRADE, of_json};
use crate::journal::rows::wallets as rows;

pub use self::{
    holdings::{WalletTradeFound, WalletTradePosition, config, positions, trades, votes},
    leaderboard::leaders,
    portfolio::{PastFound, first_hour, pasts, prices},
    totals::{profile, totals},
};
