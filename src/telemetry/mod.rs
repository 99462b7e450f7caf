//! How the process feels: health for probes, figures for operators, logging for people.

pub mod health;
pub mod metrics;
pub mod service_manager;
pub mod threads;
