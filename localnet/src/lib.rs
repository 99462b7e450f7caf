//! The development chain: a real Solana runtime with the zmart-core program inside, as native code.
//!
//! Owns: the program a second time ([`program`]), its place in the runtime ([`native`]), and the server around both
//! ([`chain`]). Never: anything of the engine, which only knows URLs.

pub mod chain;
pub mod native;
pub mod program;
