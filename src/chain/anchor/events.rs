//! The bytes of the 18 events (`docs/program.md`, section 5).

use super::codec::{CodecError, Discriminator, Wire, join, layout, split};
use crate::domain::event::{
    ConfigUpdated, DisputeAggregated, DisputeInitiated, DisputeVoteSubmitted, GlobalConfigInitialized,
    LiquidityWithdrawn, MarketActivated, MarketCancelled, MarketCreated, MarketFinalized, MarketResolved, ProgramEvent,
    ProposalAggregated, ProposalApproved, ProposalVoteSubmitted, ProtocolPauseStatusChanged, SharesBought, SharesSold,
    WinningsClaimed,
};

/// The size of the longest event, discriminator included (MarketResolved).
pub const EVENT_BYTES_MAX: usize = 127;

layout! {
    GlobalConfigInitialized { admin, backend_authority, protocol_fee_bps, timestamp }
    ConfigUpdated {
        protocol_fee_bps, resolver_reward_bps, liquidity_provider_fee_bps, proposal_approval_threshold,
        dispute_success_threshold, min_resolution_delay, dispute_period, timestamp,
    }
    ProtocolPauseStatusChanged { is_paused, paused_by, timestamp }
    MarketCreated { market_id, creator, b_parameter, state, timestamp }
    ProposalVoteSubmitted { market_id, user, vote, timestamp }
    ProposalAggregated { market_id, likes, dislikes, approval_percentage, approved, timestamp }
    ProposalApproved { market_id, approved_by, timestamp }
    MarketActivated { market_id, creator, initial_liquidity, timestamp }
    SharesBought { market_id, user, outcome, shares, cost, new_price_yes, timestamp }
    SharesSold { market_id, user, outcome, shares, proceeds, new_price_yes, timestamp }
    MarketResolved { market_id, resolver, outcome, evidence_hash, timestamp }
    DisputeInitiated { market_id, initiator, disputed_outcome, timestamp }
    DisputeVoteSubmitted { market_id, user, vote, timestamp }
    DisputeAggregated { market_id, agrees, disagrees, agreement_percentage, dispute_succeeded, timestamp }
    MarketFinalized { market_id, final_outcome, was_disputed, timestamp }
    WinningsClaimed { market, user, outcome, amount, timestamp }
    LiquidityWithdrawn { market_id, creator, amount, timestamp }
    MarketCancelled { market_id, cancelled_by, cancelled_at }
}

macro_rules! event_table {
    ($($name:ident = $discriminator:literal),* $(,)?) => {
        /// Each event's name and discriminator (`sha256("event:Name")[..8]`).
        pub const EVENT_DISCRIMINATORS: &[(&str, Discriminator)] =
            &[$((stringify!($name), u64::to_be_bytes($discriminator))),*];

        /// Reads an event: the discriminator, the fields, and nothing behind them.
        pub fn decode_event(bytes: &[u8]) -> Result<ProgramEvent, CodecError> {
            let (discriminator, mut reader) = split(bytes)?;
            let event = match u64::from_be_bytes(discriminator) {
                $($discriminator => ProgramEvent::$name(Wire::read(&mut reader)?),)*
                _ => return Err(CodecError::UnknownDiscriminator),
            };
            reader.end()?;
            Ok(event)
        }

        /// Writes an event as the program does.
        pub fn encode_event(event: &ProgramEvent) -> Vec<u8> {
            match event {
                $(ProgramEvent::$name(event) => join(u64::to_be_bytes($discriminator), event),)*
            }
        }

        #[cfg(test)]
        pub(super) fn show_event(event: &ProgramEvent) -> serde_json::Value {
            match event { $(ProgramEvent::$name(event) => event.show(),)* }
        }
    };
}
event_table! {
    GlobalConfigInitialized = 0x05ddac9e4d579d71,
    ConfigUpdated = 0x28f1e67a0b13c6c2,
    ProtocolPauseStatusChanged = 0xbd96d80167233167,
    MarketCreated = 0x58b882e7e254063a,
    ProposalVoteSubmitted = 0x9c438f02d9a20638,
    ProposalAggregated = 0xeaa647763cf38bd5,
    ProposalApproved = 0x46319be49d2b5831,
    MarketActivated = 0xc4494e30bb846b0b,
    SharesBought = 0xf062450afdeae241,
    SharesSold = 0x23e70535e49e71fb,
    MarketResolved = 0x5943e65f8f6ac7ca,
    DisputeInitiated = 0x966d5dfcc604b799,
    DisputeVoteSubmitted = 0x2702d5c34e0ac172,
    DisputeAggregated = 0x3a11d2a04b246926,
    MarketFinalized = 0x533e42cc254ceab3,
    WinningsClaimed = 0xbbb81dc436754696,
    LiquidityWithdrawn = 0xf078498b9a1fda44,
    MarketCancelled = 0x8ba321a813b451aa,
}
