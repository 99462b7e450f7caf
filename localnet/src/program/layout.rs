//! The four accounts of the program, to the byte.
//!
//! Owns: field order, discriminators, allocated sizes. Never: who may change what. `docs/program.md`, section 2. Borsh
//! moves the fields behind an `Option`, so nothing here has fixed offsets.

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};
use solana_sdk::pubkey::Pubkey;

/// The first eight bytes of the hash of a name with its kind, as Anchor marks accounts, events and instructions.
pub fn discriminator(kind: &str, name: &str) -> [u8; 8] {
    let hash = Sha256::digest(format!("{kind}:{name}").as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    first
}

/// A kind of account.
pub trait Layout: BorshSerialize + BorshDeserialize {
    /// The name that its discriminator is made of.
    const NAME: &'static str;
    /// Bytes that are allocated for it, with the discriminator.
    const SPACE: usize;
}

/// The state byte of a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
#[allow(missing_docs)]
pub enum MarketState {
    Proposed,
    Approved,
    Active,
    Resolving,
    Disputed,
    Finalized,
    Cancelled,
}

/// The one configuration of a program.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[allow(missing_docs)]
pub struct GlobalConfig {
    pub admin: Pubkey,
    pub backend_authority: Pubkey,
    pub protocol_fee_wallet: Pubkey,
    pub protocol_fee_bps: u16,
    pub resolver_reward_bps: u16,
    pub liquidity_provider_fee_bps: u16,
    pub proposal_approval_threshold: u16,
    pub dispute_success_threshold: u16,
    pub min_resolution_delay: i64,
    pub dispute_period: i64,
    pub min_resolver_reputation: u16,
    pub is_paused: bool,
    pub reserved: [u8; 64],
    pub bump: u8,
}

impl Layout for GlobalConfig {
    const NAME: &'static str = "GlobalConfig";
    const SPACE: usize = 206;
}

/// A market.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[allow(missing_docs)]
pub struct MarketAccount {
    pub market_id: [u8; 32],
    pub creator: Pubkey,
    pub state: MarketState,
    pub b_parameter: u64,
    pub initial_liquidity: u64,
    pub current_liquidity: u64,
    pub shares_yes: u64,
    pub shares_no: u64,
    pub total_volume: u64,
    pub created_at: i64,
    pub approved_at: i64,
    pub activated_at: i64,
    pub resolution_proposed_at: i64,
    pub resolved_at: i64,
    pub finalized_at: i64,
    pub resolver: Pubkey,
    pub proposed_outcome: Option<bool>,
    pub final_outcome: Option<bool>,
    pub ipfs_evidence_hash: [u8; 46],
    pub dispute_initiated_at: i64,
    pub dispute_initiator: Pubkey,
    pub accumulated_protocol_fees: u64,
    pub accumulated_resolver_fees: u64,
    pub accumulated_lp_fees: u64,
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
    pub cancelled_at: Option<i64>,
    pub is_locked: bool,
    pub reserved: [u8; 119],
    pub bump: u8,
}

impl Layout for MarketAccount {
    const NAME: &'static str = "MarketAccount";
    const SPACE: usize = 488;
}

/// What one user holds in one market.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[allow(missing_docs)]
pub struct UserPosition {
    pub market: Pubkey,
    pub user: Pubkey,
    pub shares_yes: u64,
    pub shares_no: u64,
    pub total_invested: u64,
    pub trades_count: u32,
    pub last_trade_at: i64,
    pub has_claimed: bool,
    pub claimed_amount: u64,
    pub reserved: [u8; 64],
    pub bump: u8,
}

impl Layout for UserPosition {
    const NAME: &'static str = "UserPosition";
    const SPACE: usize = 182;
}

/// That one user voted, and how.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[allow(missing_docs)]
pub struct VoteRecord {
    pub market: Pubkey,
    pub user: Pubkey,
    pub vote_type: u8,
    pub vote: bool,
    pub voted_at: i64,
    pub bump: u8,
}

impl Layout for VoteRecord {
    const NAME: &'static str = "VoteRecord";
    const SPACE: usize = 83;
}

/// The bytes at the start of an account of this kind: discriminator, then borsh.
pub fn encode<T: Layout>(value: &T) -> Vec<u8> {
    let mut bytes = discriminator("account", T::NAME).to_vec();
    append(value, &mut bytes);
    bytes
}

/// Borsh behind what is there already. Writing to memory has no error to answer.
pub(crate) fn append<T: BorshSerialize>(value: &T, bytes: &mut Vec<u8>) {
    let written = value.serialize(bytes);
    debug_assert!(written.is_ok());
}

/// The seeds of the program's addresses.
pub mod seeds {
    /// GlobalConfig.
    pub const GLOBAL_CONFIG: &[u8] = b"global-config";
    /// MarketAccount, before the market id.
    pub const MARKET: &[u8] = b"market";
    /// UserPosition, before market and user.
    pub const POSITION: &[u8] = b"position";
    /// VoteRecord, before market, user and kind of vote.
    pub const VOTE: &[u8] = b"vote";
}
