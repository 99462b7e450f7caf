//! The test tools, put to the test themselves.

mod proxy;
