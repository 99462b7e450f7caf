//! TLS towards the servers that the engine itself connects to: PostgreSQL and Redis.
//!
//! Owns whom it trusts ([`roots`]), what of a certificate is checked ([`verifier`]), and why a server is refused, in words that
//! an operator can act on ([`refusal`]). One implementation, rustls over ring, for both. Never decides whether TLS is wanted:
//! that is said by the address, which `journal::connector` and `redis` read. TLS of the engine's own ports ends in front of it.

pub mod refusal;
pub mod roots;
pub mod verifier;
