//! Events: the journal for those who poll.

pub mod latest;
