//! The real-time engine of a prediction market on Solana.
#![recursion_limit = "256"]

pub mod actors;
pub mod chain;
pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
pub mod journal;
pub mod telemetry;
pub mod view;
