//! Wallets, ranked: by what they gained, traded and foresaw. What the figures mean is `journal::ledgers`' and the glossary's.

pub mod list;
