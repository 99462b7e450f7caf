//! How the process feels: health for probes, logging for people.

pub mod health;
pub mod threads;
