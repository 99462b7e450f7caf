//! The pure heart of the engine: what a market is and how it moves.
//!
//! Owns the types of the field (identifiers, amounts), the program's arithmetic (fixed point, LMSR, fees, payouts),
//! the phase table and the market state machine. Never touches a clock, a socket, a database, an actor or a random
//! number, and imports no other module of the engine: time is an argument, and a value that comes from outside has been
//! checked by whoever brings it. Because it is pure, every rule here is tested by tables and property tests alone.

pub mod account;
pub mod alert;
pub mod amount;
pub mod attempt;
pub mod bounded_loss;
pub mod budget;
pub mod cid;
pub mod config;
pub mod counted;
pub mod deadline;
pub mod entry;
pub mod error;
pub mod event;
pub mod evidence;
pub mod fee_timeline;
pub mod fees;
pub mod fixed;
pub mod governance;
pub mod ids;
pub mod ledger;
pub mod lmsr;
pub mod market;
pub mod metadata;
pub mod misfit;
pub mod overdue;
pub mod payout;
pub mod phase;
pub mod portfolio;
pub mod position;
pub mod replay;
pub mod rollback;
pub mod schedule;
pub mod snapshot;
pub mod soundness;
pub mod submission;
pub mod tally;
pub mod trade;
pub mod user_write;
pub mod valuation;
