//! Several engines on one database: who writes, who follows, and what their clients see.

mod agreement;
mod alone;
mod dirty;
mod governance;
mod lease;
mod pause;
mod roles;
mod stage;
mod takeover;
