//! The program's config: fees, thresholds, periods, pause. A stream of its own, ordered against the trades.

use serde::{Deserialize, Serialize};

use super::{
    amount::{Bps, UnixSeconds},
    entry::FeeSchedule,
    ids::Wallet,
};

/// The config in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramConfig {
    /// Who may change it.
    pub admin: Wallet,
    /// Who may report tallies.
    pub backend_authority: Wallet,
    /// Where protocol fees go.
    pub protocol_fee_wallet: Wallet,
    /// The three rates of a trade.
    pub fees: FeeSchedule,
    /// Share of likes that approves a proposal.
    pub proposal_approval_threshold: Bps,
    /// Share of agreement that makes a dispute succeed.
    pub dispute_success_threshold: Bps,
    /// No instruction reads it.
    pub min_resolution_delay_seconds: i64,
    /// The window for disputes, after a resolution was proposed.
    pub dispute_period_seconds: i64,
    /// Creation and trading are stopped.
    pub is_paused: bool,
    /// The chain's time of the newest change.
    pub updated_at: UnixSeconds,
}
