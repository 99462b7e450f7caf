//! The surface: REST on 4000, WebSocket on 4001, the indexer's port 4002.
//!
//! Handlers and sessions are thin: parse, ask an actor, answer. Live state comes from market actors through their
//! handles, history from [`crate::journal::read`]; nothing here owns a fact, and nothing here is shown before it is
//! durable. Every queue between the parts is bounded, and says beside its bound what happens past it.

pub mod app;
pub mod asyncapi;
pub mod auth;
pub mod body;
pub mod bounds;
pub mod compression;
pub mod connections;
pub mod console;
pub mod descriptors;
pub mod desk;
pub mod edge;
pub mod envelope;
pub mod error;
pub mod gateway;
pub mod idempotency;
pub mod limits;
mod meter;
pub mod openapi;
pub mod ops;
pub mod page;
mod per_address;
pub mod pool;
pub mod query;
pub mod reply;
pub mod routes;
mod sockets;
pub mod views;
pub mod webhook;
pub mod ws;

#[cfg(test)]
mod tests;
