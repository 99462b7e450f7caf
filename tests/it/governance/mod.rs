//! Governance from outside: votes become approvals and resolutions become final by themselves, on the development chain
//! with its clock moved, whatever dies, lies or stands still meanwhile.
//!
//! In every case three things are asked: is the chain in the right state, did each instruction land once
//! ([`court::Court::landed`]), is the journal what the chain is ([`court::Court::is_in_order`]).

mod aggregator;
mod court;
mod crashes;
mod lies;
mod life;
mod monitor;
mod nodes;
mod submitter;
mod trail;
mod votes;
