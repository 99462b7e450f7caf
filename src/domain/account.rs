//! The program's four accounts, field by field, as the chain keeps them.
//!
//! Plain values: `chain::anchor` turns them from and into bytes. Zero stands for "not yet" in times and for "nobody" in
//! addresses, as on chain. [`FieldDifference`] is how a comparison of the journal with an account is told.

use super::{
    amount::{Bps, Lamports, ShareUnits, UnixSeconds},
    event::{IpfsHash, Outcome},
    ids::{MarketAddress, MarketSeed, Wallet},
    phase::Phase,
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

/// A field in which the journal's state and the chain's account differ, both as text for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldDifference {
    /// The account's name of it.
    pub field: &'static str,
    /// What the journal says.
    pub journal: String,
    /// What the chain says.
    pub chain: String,
}

impl std::fmt::Display for FieldDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is {} in the journal and {} on the chain", self.field, self.journal, self.chain)
    }
}

impl FieldDifference {
    /// The difference of two values, if they differ.
    pub fn between<T: PartialEq + Readable + ?Sized>(field: &'static str, journal: &T, chain: &T) -> Option<Self> {
        (journal != chain).then(|| Self { field, journal: journal.readable(), chain: chain.readable() })
    }
}

/// A value that a difference can show.
pub trait Readable {
    /// The text.
    fn readable(&self) -> String;
}

macro_rules! readable_by_display {
    ($($type:ty),*) => {$(
        impl Readable for $type {
            fn readable(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
readable_by_display!(MarketAddress, MarketSeed, Wallet, Lamports, ShareUnits, UnixSeconds, bool, u32, i64);

impl Readable for Bps {
    fn readable(&self) -> String {
        self.0.to_string()
    }
}

impl Readable for Phase {
    fn readable(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Readable for Outcome {
    fn readable(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Readable for IpfsHash {
    fn readable(&self) -> String {
        match self.text() {
            Some(text) => text.to_owned(),
            None => self.0.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl<T: Readable> Readable for Option<T> {
    fn readable(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), Readable::readable)
    }
}

/// The differences of two values of one type, in the fields named.
macro_rules! differing {
    ($journal:expr, $chain:expr; $($field:ident),* $(,)?) => {
        [$($crate::domain::account::FieldDifference::between(stringify!($field), &$journal.$field, &$chain.$field)),*]
            .into_iter()
            .flatten()
            .collect()
    };
}
pub(crate) use differing;
