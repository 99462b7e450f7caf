//! Users' signed transactions: handed in once, and followed until the chain has said its last word.

pub mod show;
pub mod submit;
