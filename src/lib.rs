//! The real-time engine of a prediction market on Solana.

pub mod chain;
pub mod domain;
