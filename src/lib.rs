//! The real-time engine of a prediction market on Solana: one process of actors between the chain, PostgreSQL and its
//! clients. The picture, the invariants and the life of a trade are told in ARCHITECTURE.md.
//!
//! Data runs one way: [`chain`] decodes what a node tells, [`actors`] own the streams (a market each, and the config) and
//! move them by [`domain`]'s rules, [`journal`] makes it durable, [`view`] makes the frames, [`http`] holds the sockets, [`ipfs`] pins
//! what was said.
//! [`config`], [`telemetry`] and [`cli`] stand around them; [`redis`] and [`tls`] say how servers of our own are reached.
#![recursion_limit = "256"]

pub mod actors;
pub mod bus;
pub mod chain;
pub mod cli;
pub mod config;
pub mod domain;
pub mod faults;
pub mod http;
pub mod ipfs;
pub mod journal;
pub mod redis;
pub mod telemetry;
pub mod tls;
pub mod view;
