//! Several engines on one database: who writes, who follows, and what their clients see.

mod lease;
