//! The tests that need more than one part of the engine at once: one binary, a folder a topic.

mod backfill;
mod bounds;
mod channels;
mod cli;
mod commands;
mod edge;
mod faults;
mod feed;
mod gateway;
mod governance;
mod history;
mod journal;
mod layering;
mod nodes;
mod ops;
mod reads;
mod snapshots;
mod spine;
mod tls;
mod verify;
mod webhook;
mod ws;
