//! The program's four accounts, field by field, as the chain keeps them.
//!
//! Plain values: `chain::anchor` turns them from and into bytes. Zero stands for "not yet" in times and for "nobody" in
//! addresses, as on chain.

use super::{
    amount::{Bps, Lamports, ShareUnits, UnixSeconds},
    event::IpfsHash,
    ids::{MarketAddress, MarketSeed, Wallet},
};

/// The one config account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the program's own
pub struct GlobalConfigAccount {
    pub admin: Wallet,
    pub backend_authority: Wallet,
    pub protocol_fee_wallet: Wallet,
    pub protocol_fee_bps: Bps,
    pub resolver_reward_bps: Bps,
    pub liquidity_provider_fee_bps: Bps,
    pub proposal_approval_threshold: Bps,
    pub dispute_success_threshold: Bps,
    /// Seconds.
    pub min_resolution_delay: i64,
    /// Seconds.
    pub dispute_period: i64,
    pub min_resolver_reputation: u16,
    pub is_paused: bool,
    pub reserved: [u8; 64],
    pub bump: u8,
}

/// A market.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the program's own
pub struct MarketAccount {
    pub market_id: MarketSeed,
    pub creator: Wallet,
    /// 0..=6, see [`crate::domain::phase::Phase`].
    pub state: u8,
    /// Fixed point 1e9.
    pub b_parameter: u64,
    pub initial_liquidity: Lamports,
    pub current_liquidity: Lamports,
    pub shares_yes: ShareUnits,
    pub shares_no: ShareUnits,
    pub total_volume: Lamports,
    pub created_at: UnixSeconds,
    pub approved_at: UnixSeconds,
    pub activated_at: UnixSeconds,
    pub resolution_proposed_at: UnixSeconds,
    pub resolved_at: UnixSeconds,
    pub finalized_at: UnixSeconds,
    pub resolver: Wallet,
    pub proposed_outcome: Option<bool>,
    pub final_outcome: Option<bool>,
    /// The question's hash until a resolution replaces it by the evidence's.
    pub ipfs_evidence_hash: IpfsHash,
    pub dispute_initiated_at: UnixSeconds,
    pub dispute_initiator: Wallet,
    pub accumulated_protocol_fees: Lamports,
    pub accumulated_resolver_fees: Lamports,
    pub accumulated_lp_fees: Lamports,
    pub proposal_likes: u32,
    pub proposal_dislikes: u32,
    pub proposal_total_votes: u32,
    pub resolution_agree: u32,
    pub resolution_disagree: u32,
    pub resolution_total_votes: u32,
    pub dispute_agree: u32,
    pub dispute_disagree: u32,
    pub dispute_total_votes: u32,
    pub was_disputed: bool,
    pub is_cancelled: bool,
    pub cancelled_at: Option<UnixSeconds>,
    pub is_locked: bool,
    pub reserved: [u8; 119],
    pub bump: u8,
}

/// What a wallet holds in a market.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the program's own
pub struct UserPositionAccount {
    pub market: MarketAddress,
    pub user: Wallet,
    pub shares_yes: ShareUnits,
    pub shares_no: ShareUnits,
    /// Sum of total costs, fees included; never reduced.
    pub total_invested: Lamports,
    pub trades_count: u32,
    pub last_trade_at: UnixSeconds,
    pub has_claimed: bool,
    pub claimed_amount: Lamports,
    pub reserved: [u8; 64],
    pub bump: u8,
}

/// A vote that was cast on chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the program's own
pub struct VoteRecordAccount {
    pub market: MarketAddress,
    pub user: Wallet,
    /// 0 = proposal, 1 = dispute.
    pub vote_type: u8,
    pub vote: bool,
    pub voted_at: UnixSeconds,
    pub bump: u8,
}
