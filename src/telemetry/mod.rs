//! How the process feels: health for probes, figures for operators, logging for people.

pub mod census;
pub mod health;
pub mod metrics;
pub mod panics;
pub mod service_manager;
pub mod threads;
