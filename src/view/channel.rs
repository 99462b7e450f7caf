//! Channels: what a client can follow, and how each is named.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::domain::{
    counted::Counted,
    ids::{AccountAddress, MarketAddress, Wallet},
};

/// What a client can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// A market.
    Market(MarketAddress),
    /// The config account.
    Config(AccountAddress),
    /// Every market's trades, or what a list of markets shows, with numbers of its own.
    Counted(Counted),
    /// Every market's newest price; no numbers.
    Ticker,
    /// What concerns a wallet alone; no numbers.
    Wallet(Wallet),
}

impl Channel {
    /// The market, on a market's channel.
    pub fn market(self) -> Option<MarketAddress> {
        match self {
            Self::Market(address) => Some(address),
            _ => None,
        }
    }

    /// The account whose journal it shows, if it is of one.
    pub fn stream(self) -> Option<AccountAddress> {
        match self {
            Self::Market(address) => Some(address.account()),
            Self::Config(address) => Some(address),
            Self::Counted(_) | Self::Ticker | Self::Wallet(_) => None,
        }
    }

    /// Its frames have numbers: it can be resumed.
    pub fn is_numbered(self) -> bool {
        !matches!(self, Self::Ticker | Self::Wallet(_))
    }
}

/// As clients name it: `market:<address>`, `config`, `markets`, `trades`, `ticker`, `wallet:<address>`.
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Market(address) => write!(f, "market:{address}"),
            Self::Config(_) => f.write_str("config"),
            Self::Counted(channel) => f.write_str(channel.as_str()),
            Self::Ticker => f.write_str("ticker"),
            Self::Wallet(wallet) => write!(f, "wallet:{wallet}"),
        }
    }
}

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
