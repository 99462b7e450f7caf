//! What the program says: its 18 events, field by field, and the facts that events lack.
//!
//! The fields, their order and their meaning are the program's own; `chain::anchor` turns them from and into bytes.
//! [`InstructionFacts`] carries what only the transaction's instruction data tells.

use serde::{Deserialize, Serialize};

use super::{
    amount::{Bps, Lamports, PriceE9, ShareUnits, UnixSeconds},
    ids::{ChainPosition, EventId, MarketAddress, MarketSeed, Wallet},
};

/// An IPFS content id as the program keeps it: 46 bytes, a CIDv0 in base58 when the client behaved, anything otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpfsHash(pub [u8; 46]);

impl IpfsHash {
    /// All zero: never set.
    pub const EMPTY: Self = Self([0; 46]);

    /// 92 hex digits.
    pub fn hex(&self) -> String {
        let mut text = String::with_capacity(92);
        for byte in self.0 {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(digit), 16));
            }
        }
        text
    }

    /// The text, if it is printable ASCII (what a CIDv0 is); `None` for unset or garbage.
    pub fn text(&self) -> Option<&str> {
        if !self.0.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        std::str::from_utf8(&self.0).ok()
    }
}

impl Default for IpfsHash {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl Serialize for IpfsHash {
    /// In hex: whatever the bytes are, nothing is lost.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for IpfsHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let digits = text.as_bytes();
        let mut bytes = [0u8; 46];
        let bad = || serde::de::Error::custom("not 92 hexadecimal digits");
        if digits.len() != 92 {
            return Err(bad());
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |c: u8| (c as char).to_digit(16).ok_or_else(bad);
            *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Ok(Self(bytes))
    }
}

/// One of the two outcomes that shares are of. The program's `true` is YES.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// The program's `true`.
    Yes,
    /// The program's `false`.
    No,
}

impl Outcome {
    /// The other one.
    pub fn other(self) -> Self {
        if self == Self::Yes { Self::No } else { Self::Yes }
    }

    /// As wire text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "YES",
            Self::No => "NO",
        }
    }
}

impl From<bool> for Outcome {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl From<Outcome> for bool {
    fn from(outcome: Outcome) -> Self {
        outcome == Outcome::Yes
    }
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
        )*

        /// An event of the program.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "event")]
        pub enum ProgramEvent { $($(#[$doc])* $name($name)),* }

        impl ProgramEvent {
            /// The names of all events, in the order of the program's interface.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The event's name in the program's interface.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name)),* }
            }
        }

        $(impl From<$name> for ProgramEvent {
            fn from(event: $name) -> Self {
                Self::$name(event)
            }
        })*
    };
}

events! {
    /// The config account was created; fees and thresholds not named here have the program's defaults.
    GlobalConfigInitialized {
        /// Who may change the config.
        admin: Wallet,
        /// Who may report tallies.
        backend_authority: Wallet,
        /// Protocol fee in force.
        protocol_fee_bps: Bps,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// The config's values that are in force from here on.
    ConfigUpdated {
        /// Protocol fee.
        protocol_fee_bps: Bps,
        /// Resolver's reward.
        resolver_reward_bps: Bps,
        /// Liquidity providers' fee.
        liquidity_provider_fee_bps: Bps,
        /// Share of likes that approves a proposal.
        proposal_approval_threshold: Bps,
        /// Share of agreement that makes a dispute succeed.
        dispute_success_threshold: Bps,
        /// Seconds; no instruction reads it.
        min_resolution_delay: i64,
        /// Seconds after a resolution in which it can be disputed.
        dispute_period: i64,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// Trading and creation were paused or resumed.
    ProtocolPauseStatusChanged {
        /// Paused from here on?
        is_paused: bool,
        /// The admin.
        paused_by: Wallet,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// A market was proposed. Its liquidity and question hash are in the instruction only.
    MarketCreated {
        /// The market.
        market_id: MarketSeed,
        /// Who proposed it.
        creator: Wallet,
        /// LMSR's b, fixed point 1e9 (share units).
        b_parameter: u64,
        /// Always 0 (Proposed).
        state: u8,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// A wallet voted on a proposal, on chain.
    ProposalVoteSubmitted {
        /// The market.
        market_id: MarketSeed,
        /// The voter.
        user: Wallet,
        /// True = like.
        vote: bool,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// The backend reported a tally of proposal votes; the state stays Proposed.
    ProposalAggregated {
        /// The market.
        market_id: MarketSeed,
        /// Votes for it.
        likes: u32,
        /// Votes against it.
        dislikes: u32,
        /// Percent of likes, floored.
        approval_percentage: u8,
        /// The threshold is met.
        approved: bool,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// The admin approved the proposal.
    ProposalApproved {
        /// The market.
        market_id: MarketSeed,
        /// The admin.
        approved_by: Wallet,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// Trading begins.
    MarketActivated {
        /// The market.
        market_id: MarketSeed,
        /// Its creator.
        creator: Wallet,
        /// Liquidity on paper.
        initial_liquidity: Lamports,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// A purchase of shares.
    SharesBought {
        /// The market.
        market_id: MarketSeed,
        /// The buyer.
        user: Wallet,
        /// True = YES.
        outcome: bool,
        /// Shares received; may be 0.
        shares: ShareUnits,
        /// Paid in all, fees included.
        cost: Lamports,
        /// The price of YES after it.
        new_price_yes: PriceE9,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// A sale of shares (the deployed program can never emit it).
    SharesSold {
        /// The market.
        market_id: MarketSeed,
        /// The seller.
        user: Wallet,
        /// True = YES.
        outcome: bool,
        /// Shares given.
        shares: ShareUnits,
        /// Received, net of fees.
        proceeds: Lamports,
        /// The price of YES after it.
        new_price_yes: PriceE9,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// An outcome was proposed.
    MarketResolved {
        /// The market.
        market_id: MarketSeed,
        /// Who proposed it.
        resolver: Wallet,
        /// True = YES.
        outcome: bool,
        /// Evidence; replaces the question hash in the account.
        evidence_hash: IpfsHash,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// The proposed outcome is disputed.
    DisputeInitiated {
        /// The market.
        market_id: MarketSeed,
        /// Who disputes.
        initiator: Wallet,
        /// What was proposed.
        disputed_outcome: Option<bool>,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// A wallet voted on a dispute, on chain.
    DisputeVoteSubmitted {
        /// The market.
        market_id: MarketSeed,
        /// The voter.
        user: Wallet,
        /// True = the proposed outcome is wrong.
        vote: bool,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// The backend reported a tally of dispute votes: back to Resolving if it succeeded, else Finalized as INVALID.
    DisputeAggregated {
        /// The market.
        market_id: MarketSeed,
        /// Votes that the outcome is wrong.
        agrees: u32,
        /// Votes that it is right.
        disagrees: u32,
        /// Percent of agreement, floored.
        agreement_percentage: u8,
        /// The threshold is met.
        dispute_succeeded: bool,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// The outcome is final. The vote counts of a finalization from Disputed are in the instruction only.
    MarketFinalized {
        /// The market.
        market_id: MarketSeed,
        /// The outcome.
        final_outcome: Option<bool>,
        /// It was decided from Disputed.
        was_disputed: bool,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// A winner was paid. Names the market by its account, unlike all other events.
    WinningsClaimed {
        /// The market's account.
        market: MarketAddress,
        /// The winner.
        user: Wallet,
        /// The outcome that paid.
        outcome: Option<bool>,
        /// Paid.
        amount: Lamports,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// The creator took what was left.
    LiquidityWithdrawn {
        /// The market.
        market_id: MarketSeed,
        /// The creator.
        creator: Wallet,
        /// Taken.
        amount: Lamports,
        /// The chain's clock.
        timestamp: UnixSeconds,
    }
    /// The proposal was cancelled.
    MarketCancelled {
        /// The market.
        market_id: MarketSeed,
        /// The admin.
        cancelled_by: Wallet,
        /// The chain's clock.
        cancelled_at: UnixSeconds,
    }
}

/// Whose stream an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventSubject {
    /// The config account.
    Config,
    /// A market, named by its seed.
    Market(MarketSeed),
    /// A market, named by its account.
    MarketAccount(MarketAddress),
}

impl ProgramEvent {
    /// Whose stream the event belongs to.
    pub fn subject(&self) -> EventSubject {
        use EventSubject::{Config, Market, MarketAccount};
        match self {
            Self::GlobalConfigInitialized(_) | Self::ConfigUpdated(_) | Self::ProtocolPauseStatusChanged(_) => Config,
            Self::MarketCreated(e) => Market(e.market_id),
            Self::ProposalVoteSubmitted(e) => Market(e.market_id),
            Self::ProposalAggregated(e) => Market(e.market_id),
            Self::ProposalApproved(e) => Market(e.market_id),
            Self::MarketActivated(e) => Market(e.market_id),
            Self::SharesBought(e) => Market(e.market_id),
            Self::SharesSold(e) => Market(e.market_id),
            Self::MarketResolved(e) => Market(e.market_id),
            Self::DisputeInitiated(e) => Market(e.market_id),
            Self::DisputeVoteSubmitted(e) => Market(e.market_id),
            Self::DisputeAggregated(e) => Market(e.market_id),
            Self::MarketFinalized(e) => Market(e.market_id),
            Self::WinningsClaimed(e) => MarketAccount(e.market),
            Self::LiquidityWithdrawn(e) => Market(e.market_id),
            Self::MarketCancelled(e) => Market(e.market_id),
        }
    }

    /// The chain's clock when it was emitted.
    pub fn timestamp(&self) -> UnixSeconds {
        match self {
            Self::GlobalConfigInitialized(e) => e.timestamp,
            Self::ConfigUpdated(e) => e.timestamp,
            Self::ProtocolPauseStatusChanged(e) => e.timestamp,
            Self::MarketCreated(e) => e.timestamp,
            Self::ProposalVoteSubmitted(e) => e.timestamp,
            Self::ProposalAggregated(e) => e.timestamp,
            Self::ProposalApproved(e) => e.timestamp,
            Self::MarketActivated(e) => e.timestamp,
            Self::SharesBought(e) => e.timestamp,
            Self::SharesSold(e) => e.timestamp,
            Self::MarketResolved(e) => e.timestamp,
            Self::DisputeInitiated(e) => e.timestamp,
            Self::DisputeVoteSubmitted(e) => e.timestamp,
            Self::DisputeAggregated(e) => e.timestamp,
            Self::MarketFinalized(e) => e.timestamp,
            Self::WinningsClaimed(e) => e.timestamp,
            Self::LiquidityWithdrawn(e) => e.timestamp,
            Self::MarketCancelled(e) => e.cancelled_at,
        }
    }
}

/// What an event lacks and only its instruction's data tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstructionFacts {
    /// Of `initialize_global_config`.
    Initialization {
        /// The account that protocol fees go to.
        protocol_fee_wallet: Wallet,
    },
    /// Of `create_market`.
    Creation {
        /// Liquidity on paper.
        initial_liquidity: Lamports,
        /// The question's document.
        question_hash: IpfsHash,
    },
    /// Of `finalize_market` (`None` where the caller gave none).
    Finalization {
        /// Votes that the outcome is wrong.
        agree: Option<u32>,
        /// Votes that it is right.
        disagree: Option<u32>,
    },
}

/// An event with its identity, its place and what its instruction adds: what a source hands to the actors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEvent {
    /// Identity.
    pub id: EventId,
    /// Place in the chain's order.
    pub position: ChainPosition,
    /// The event.
    pub event: ProgramEvent,
    /// What the event lacks; `None` when only the logs were seen.
    pub facts: Option<InstructionFacts>,
}

impl ChainEvent {
    /// True if the event can't be applied without its instruction's data, and that is not here.
    pub fn lacks_facts(&self) -> bool {
        let needs = matches!(self.event, ProgramEvent::MarketCreated(_) | ProgramEvent::GlobalConfigInitialized(_))
            || matches!(&self.event, ProgramEvent::MarketFinalized(e) if e.was_disputed);
        needs && self.facts.is_none()
    }
}
