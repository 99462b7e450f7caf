//! The servers that the tests run against, started by the tests themselves on free ports, and clients that check what they
//! hear.
//!
//! Owns processes and folders, and gives them back: whatever a test started is gone when the test is. Every wait is
//! bounded and says what it waited for; no test asserts how long anything took. Logs are printed when a test fails.

pub mod audit;
pub mod authority;
pub mod ballots;
pub mod chain;
pub mod chaos;
pub mod compare;
pub mod engine;
pub mod feeder;
pub mod folder;
pub mod helius;
pub mod helius_api;
pub mod hook;
pub mod host_clock;
pub mod http;
pub mod http_server;
pub mod link;
pub mod load;
pub mod network;
pub mod patience;
pub mod pins;
pub mod postgres;
pub mod process;
pub mod programs;
pub mod proxy;
pub mod raw_socket;
pub mod redis;
pub mod seed;
pub mod signed_in;
pub mod soak;
pub mod socket;
pub mod stage;
pub mod subscriber;
pub mod tls_relay;
