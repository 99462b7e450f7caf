//! What a client sees of a journal entry or a state: pure functions from domain values to JSON.
//!
//! Shared by the market actor (which makes a frame once for all its subscribers) and by REST, so that both show the same
//! objects. Owns no state and knows no socket.

pub mod channel;
pub mod chart;
pub mod config;
pub mod frame;
pub mod market;
pub mod order;
pub mod pack;
pub mod quote;
pub mod schema;
pub mod social;
pub mod trade;
pub mod user;
pub mod wallet;
pub mod wire;
