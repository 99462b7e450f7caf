//! How the process feels: health for probes, figures for operators, logging for people.

pub mod census;
pub mod health;
pub mod intake;
pub mod logging;
pub mod metrics;
pub mod panics;
pub mod pools;
pub mod request;
pub mod service_manager;
pub mod threads;
