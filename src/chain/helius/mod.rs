//! Helius: what its webhooks deliver ([`delivery`]), and its API, by which they are made ([`api`]).
//!
//! Nothing here is believed: a delivery is a hint that a transaction has landed, and the chain is asked.

pub mod api;
pub mod delivery;
