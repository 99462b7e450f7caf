//! The real-time engine of a prediction market on Solana.

pub mod cli;
pub mod domain;
