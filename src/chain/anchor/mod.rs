//! The program's bytes: events, accounts and instructions, both directions, and the log decoder that finds the events.
//!
//! Anchor puts an eight-byte discriminator before borsh. Every reader here is strict: an unknown discriminator, a bool
//! or an option tag other than 0 and 1, missing bytes and bytes left over are errors with a type of their own, never a
//! guess, since a layout that drifted must be noticed and not be read as wrong numbers (one event is known to be
//! described wrongly by an interface file in circulation, under its right discriminator).

pub mod accounts;
pub mod codec;
pub mod decode;
pub mod drafts;
pub mod events;
mod frames;
pub mod instructions;

#[cfg(test)]
mod fixture_tests;
