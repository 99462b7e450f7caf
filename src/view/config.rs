//! The program's config as clients see it: the rates, thresholds and periods in force, and the pause flag.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{
    amount::{Bps, UnixSeconds},
    config::ProgramConfig,
    ids::Wallet,
};

/// The three rates of a trade, in basis points.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[allow(missing_docs)] // the names say it
pub struct FeesView {
    pub protocol_bps: Bps,
    pub resolver_bps: Bps,
    pub lp_bps: Bps,
}

/// The shares of votes that decide, in basis points.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[allow(missing_docs)] // the names say it
pub struct ThresholdsView {
    pub proposal_approval_bps: Bps,
    pub dispute_success_bps: Bps,
}

/// The program's periods, in seconds.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[allow(missing_docs)] // the names say it
pub struct PeriodsView {
    pub min_resolution_delay_seconds: i64,
    pub dispute_period_seconds: i64,
}

/// The config object.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[allow(missing_docs)] // the names say it
pub struct ConfigView {
    pub fees: FeesView,
    pub thresholds: ThresholdsView,
    pub periods: PeriodsView,
    pub is_paused: bool,
    pub admin: Wallet,
    pub backend_authority: Wallet,
    pub protocol_fee_wallet: Wallet,
    pub updated_at: UnixSeconds,
}

impl From<&ProgramConfig> for ConfigView {
    fn from(config: &ProgramConfig) -> Self {
        Self {
            fees: FeesView {
                protocol_bps: config.fees.protocol,
                resolver_bps: config.fees.resolver,
                lp_bps: config.fees.lp,
            },
            thresholds: ThresholdsView {
                proposal_approval_bps: config.proposal_approval_threshold,
                dispute_success_bps: config.dispute_success_threshold,
            },
            periods: PeriodsView {
                min_resolution_delay_seconds: config.min_resolution_delay_seconds,
                dispute_period_seconds: config.dispute_period_seconds,
            },
            is_paused: config.is_paused,
            admin: config.admin,
            backend_authority: config.backend_authority,
            protocol_fee_wallet: config.protocol_fee_wallet,
            updated_at: config.updated_at,
        }
    }
}
