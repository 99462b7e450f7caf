//! The bodies of the instructions, by what they are about.
//!
//! Each function has the same shape: read the arguments, parse the accounts in order, create the new ones, check the
//! others in field order, then act, then write back, in the order in which the recorded logs show it.

pub(crate) mod config;
pub(crate) mod lifecycle;
pub(crate) mod payout;
pub(crate) mod resolution;
pub(crate) mod trade;
pub(crate) mod votes;

use super::error::Code;

/// floor(part·scale / whole), and zero of nothing.
fn ratio(part: u32, whole: u32, scale: u64) -> u64 {
    (u64::from(part) * scale).checked_div(u64::from(whole)).unwrap_or(0)
}

/// a + b, or the overflow error.
fn plus(a: u64, b: u64) -> Result<u64, Code> {
    a.checked_add(b).ok_or(Code::OverflowError)
}

/// a − b, or the underflow error.
fn minus(a: u64, b: u64) -> Result<u64, Code> {
    a.checked_sub(b).ok_or(Code::UnderflowError)
}
