//! The tests that need more than one part of the engine at once: one binary, a folder a topic.

mod bounds;
mod channels;
mod commands;
mod edge;
mod faults;
mod feed;
mod gateway;
mod governance;
mod journal;
mod layering;
mod nodes;
mod reads;
mod snapshots;
mod spine;
mod ws;
