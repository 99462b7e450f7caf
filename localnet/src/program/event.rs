//! The events of the program, to the byte.
//!
//! Owns: field order. Never: when an event is written. `docs/program.md`, section 5.

use borsh::BorshSerialize;
use solana_sdk::pubkey::Pubkey;

use super::host::Host;
use super::layout::{MarketState, append, discriminator};

/// A kind of event.
pub(crate) trait Event: BorshSerialize {
    /// The name that its discriminator is made of.
    const NAME: &'static str;
}

/// Writes the event's `Program data:` line.
pub(crate) fn emit<E: Event>(host: &mut dyn Host, event: &E) {
    let mut bytes = discriminator("event", E::NAME).to_vec();
    append(event, &mut bytes);
    host.event(&bytes);
}

macro_rules! events {
    ($($name:ident { $($field:ident: $kind:ty),* })*) => {
        $(
            #[derive(BorshSerialize)]
            pub(crate) struct $name { $(pub(crate) $field: $kind),* }

            impl Event for $name {
                const NAME: &'static str = stringify!($name);
            }
        )*
    };
}

events! {
    GlobalConfigInitialized { admin: Pubkey, backend_authority: Pubkey, protocol_fee_bps: u16, timestamp: i64 }
    ConfigUpdated {
        protocol_fee_bps: u16, resolver_reward_bps: u16, liquidity_provider_fee_bps: u16,
        proposal_approval_threshold: u16, dispute_success_threshold: u16,
        min_resolution_delay: i64, dispute_period: i64, timestamp: i64
    }
    ProtocolPauseStatusChanged { is_paused: bool, paused_by: Pubkey, timestamp: i64 }
    MarketCreated { market_id: [u8; 32], creator: Pubkey, b_parameter: u64, state: MarketState, timestamp: i64 }
    ProposalVoteSubmitted { market_id: [u8; 32], user: Pubkey, vote: bool, timestamp: i64 }
    ProposalAggregated {
        market_id: [u8; 32], likes: u32, dislikes: u32, approval_percentage: u8, approved: bool, timestamp: i64
    }
    ProposalApproved { market_id: [u8; 32], approved_by: Pubkey, timestamp: i64 }
    MarketActivated { market_id: [u8; 32], creator: Pubkey, initial_liquidity: u64, timestamp: i64 }
    SharesBought {
        market_id: [u8; 32], user: Pubkey, outcome: bool, shares: u64, cost: u64, new_price_yes: u64, timestamp: i64
    }
    SharesSold {
        market_id: [u8; 32], user: Pubkey, outcome: bool, shares: u64, proceeds: u64, new_price_yes: u64, timestamp: i64
    }
    MarketResolved {
        market_id: [u8; 32], resolver: Pubkey, outcome: bool, evidence_hash: [u8; 46], timestamp: i64
    }
    DisputeInitiated { market_id: [u8; 32], initiator: Pubkey, disputed_outcome: Option<bool>, timestamp: i64 }
    DisputeVoteSubmitted { market_id: [u8; 32], user: Pubkey, vote: bool, timestamp: i64 }
    DisputeAggregated {
        market_id: [u8; 32], agrees: u32, disagrees: u32, agreement_percentage: u8, dispute_succeeded: bool,
        timestamp: i64
    }
    MarketFinalized { market_id: [u8; 32], final_outcome: Option<bool>, was_disputed: bool, timestamp: i64 }
    WinningsClaimed { market: Pubkey, user: Pubkey, outcome: Option<bool>, amount: u64, timestamp: i64 }
    LiquidityWithdrawn { market_id: [u8; 32], creator: Pubkey, amount: u64, timestamp: i64 }
    MarketCancelled { market_id: [u8; 32], cancelled_by: Pubkey, cancelled_at: i64 }
}
