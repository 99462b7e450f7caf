//! The program's interface: its instructions, their accounts, its addresses.
//!
//! Owns what a client has to know to call it. Knows no network and no key: an instruction that is built here is signed
//! and sent elsewhere. The program's id is always an argument, since it is configuration.

pub mod build;
pub mod instructions;
pub mod pda;

pub use build::InstructionBuilder;
pub use instructions::{AccountSpec, InstructionKind, ProgramInstruction};
pub use pda::ProgramAddresses;
