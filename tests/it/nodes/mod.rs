//! Several engines on one database: who writes, who follows, and what their clients see.

mod agreement;
mod alone;
mod lease;
mod pause;
mod stage;
mod takeover;
