//! Trades of the caller.

pub mod history;
