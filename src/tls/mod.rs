//! TLS towards the servers that the engine itself connects to: PostgreSQL and Redis.
//!
//! Owns whom it trusts ([`roots`]), what of a certificate is checked ([`verifier`]), and why a server is refused, in words that
//! an operator can act on ([`refusal`]). One implementation, rustls over ring, for both. Never decides whether TLS is wanted:
//! that is said by the address, which `journal::connector` and `redis` read. TLS of the engine's own ports ends in front of it.

pub mod refusal;
pub mod roots;
pub mod verifier;

use std::net::IpAddr;

/// A name or an address that leads to this machine only.
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}
