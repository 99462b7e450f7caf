//! The test tools, put to the test themselves.

mod feeder;
mod proxy;
