//! The surface over real sockets, with streams that tests can hurt.

mod commands;
mod connections;
mod edge;
mod envelope;
mod fakes;
mod rest;
mod resume;
mod sockets;
mod upgrade;
mod webhook;
