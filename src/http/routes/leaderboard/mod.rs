//! Wallets, ranked.

pub mod list;
