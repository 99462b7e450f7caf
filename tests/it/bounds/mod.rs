//! Bounds that take servers to be reached; docs/runtime.md lists all bounds, and where each is reached by a test.

mod listed;
mod listener;
mod scale;
