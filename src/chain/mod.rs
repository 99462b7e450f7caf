//! The chain as the engine sees it: bytes and logs become values here, and nowhere else.
//!
//! Owns the program's byte layouts ([`anchor`]), its addresses and instructions ([`program`]), transactions of users and
//! authorities ([`tx`]), what becomes of them ([`fate`]), the authorities' keys ([`keys`]), the transaction as the engine
//! keeps it ([`model`]), what Helius delivers ([`helius`]), and the two connections to a node: reads and sends ([`rpc`]), live notifications
//! ([`pubsub`]). Never decides what an event means for a market, never keeps a cursor, never retries for ever: that is
//! the actors' part. It imports `domain` only. Everything below `anchor` and `program` is pure, so that whatever a node
//! may answer can be tested as a table.

pub mod anchor;
pub mod fate;
pub mod helius;
pub mod keys;
pub mod model;
pub mod program;
pub mod pubsub;
pub mod rpc;
pub mod tx;
