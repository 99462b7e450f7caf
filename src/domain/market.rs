//! A market and the one way it changes.

use serde::{Deserialize, Serialize};

use super::{
    amount::{Lamports, PriceE9, ShareUnits, UnixSeconds},
    event::{IpfsHash, Outcome},
    ids::{MarketAddress, MarketSeed, Wallet},
    phase::Phase,
};

/// The state of a market: every field of its account that can change, what only its creation tells, and counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are the account's own
pub struct Market {
    pub address: MarketAddress,
    pub seed: MarketSeed,
    pub creator: Wallet,
    pub phase: Phase,
    /// LMSR's b, fixed point 1e9 (share units).
    pub b_parameter: ShareUnits,
    pub initial_liquidity: Lamports,
    pub current_liquidity: Lamports,
    pub shares_yes: ShareUnits,
    pub shares_no: ShareUnits,
    pub total_volume: Lamports,
    /// Times: zero stands for "not yet", as on chain.
    pub created_at: UnixSeconds,
    pub approved_at: UnixSeconds,
    pub activated_at: UnixSeconds,
    pub resolution_proposed_at: UnixSeconds,
    pub resolved_at: UnixSeconds,
    pub finalized_at: UnixSeconds,
    pub cancelled_at: Option<UnixSeconds>,
    /// All zero: nobody yet.
    pub resolver: Wallet,
    pub proposed_outcome: Option<Outcome>,
    pub final_outcome: Option<Outcome>,
    /// The question's document; the account forgets it when it is resolved.
    pub question_hash: IpfsHash,
    /// The evidence's document; zero before a resolution.
    pub evidence_hash: IpfsHash,
    pub dispute_initiated_at: UnixSeconds,
    pub dispute_initiator: Wallet,
    pub accumulated_resolver_fees: Lamports,
    pub accumulated_lp_fees: Lamports,
    pub proposal_likes: u32,
    pub proposal_dislikes: u32,
    pub proposal_total_votes: u32,
    pub dispute_agree: u32,
    pub dispute_disagree: u32,
    pub dispute_total_votes: u32,
    pub was_disputed: bool,
    /// What the events say that the account holds, rent included. Anybody can send it more.
    pub lamports: Lamports,
    /// Trades so far.
    pub trades_count: u64,
    /// Price of YES as the newest trade said, or by the curve before the first; `None` where the curve has none
    /// (b below the program's minimum).
    pub price_yes: Option<PriceE9>,
}
