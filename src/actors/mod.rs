//! The actors.

pub mod registry;
pub mod stream;
