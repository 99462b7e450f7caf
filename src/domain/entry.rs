//! A journal entry: the one thing that moves a market, and all that a client is ever told of it.
//!
//! An entry carries the values that hold *after* it, so that a frame is a pure function of its row: nothing is computed
//! when it is sent, and a replay equals the live stream byte for byte.

use serde::{Deserialize, Serialize};

use super::{
    amount::{Bps, Lamports, PriceE9, ShareUnits, UnixSeconds},
    config::ProgramConfig,
    event::{InstructionFacts, ProgramEvent},
    fees::Fees,
    ids::{ChainPosition, EventId, Seq, Slot, TxSignature, Wallet},
    market::Market,
    metadata::MarketMetadata,
    phase::Phase,
    tally::{Counts, MarketCounts, VoteKind},
};

/// The three rates that a trade pays, in force at its place in the chain's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeSchedule {
    /// To the protocol's wallet.
    pub protocol: Bps,
    /// To the resolver, kept in the market until the first claim.
    pub resolver: Bps,
    /// To the liquidity, kept in the market.
    pub lp: Bps,
}

/// What a trade moved and what holds after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeFigures {
    /// The LMSR cost (buy) or proceeds (sell) before fees.
    pub amount_before_fees: Lamports,
    /// The fees of it.
    pub fees: Fees,
    /// The rates in force.
    pub schedule: FeeSchedule,
    /// Price of YES before.
    pub price_yes_before: PriceE9,
    /// Price of YES after, as the chain says.
    pub price_yes: PriceE9,
    /// The market's YES shares after.
    pub shares_yes: ShareUnits,
    /// The market's NO shares after.
    pub shares_no: ShareUnits,
}

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntryBody {
    /// A trade on the chain (SharesBought, SharesSold).
    Trade {
        /// Identity.
        id: EventId,
        /// Place in the chain's order.
        position: ChainPosition,
        /// The event.
        event: ProgramEvent,
        /// What it moved.
        figures: TradeFigures,
    },
    /// Any other event of a market.
    Event {
        /// Identity.
        id: EventId,
        /// Place in the chain's order.
        position: ChainPosition,
        /// The event.
        event: ProgramEvent,
        /// What only the instruction tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        facts: Option<InstructionFacts>,
        /// The phase before; `None` for a creation.
        old_phase: Option<Phase>,
        /// The market after it.
        market: Box<Market>,
        /// Of a vote: what is counted after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tally: Option<Counts>,
    },
    /// An event whose effect an adopted state already contains: recorded, with its trade, but no quantity moves.
    Contained {
        /// Identity.
        id: EventId,
        /// Place in the chain's order.
        position: ChainPosition,
        /// The event.
        event: ProgramEvent,
        /// For a trade: the fees as far as they can be told. `shares_*` are those of the market as it stands.
        figures: Option<TradeFigures>,
        /// Of a vote: what is counted after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tally: Option<Counts>,
    },
    /// The account's state was adopted, because no known sequence of events leads to it.
    Resync {
        /// Why.
        reason: String,
        /// Price of YES before, where there was one.
        price_yes_before: Option<PriceE9>,
        /// The phase before; `None` where the market was not known.
        old_phase: Option<Phase>,
        /// The market after it.
        market: Box<Market>,
        /// The slot that the account was read at.
        slot: super::ids::Slot,
    },
    /// An event of the config account.
    Config {
        /// Identity.
        id: EventId,
        /// Place in the chain's order.
        position: ChainPosition,
        /// The event.
        event: ProgramEvent,
        /// The config after it.
        config: Box<ProgramConfig>,
    },
    /// The config account's state was adopted.
    ConfigResync {
        /// Why.
        reason: String,
        /// The config after it.
        config: Box<ProgramConfig>,
        /// The slot that the account was read at.
        slot: super::ids::Slot,
    },
    /// Earlier entries of this market are not what the chain holds any more: they are taken back.
    Rollback {
        /// Their numbers, ascending. Together with those that earlier roll-backs name, each at most once.
        reverted: Vec<Seq>,
        /// Price of YES before, where there was one.
        price_yes_before: Option<PriceE9>,
        /// The phase before; `None` where there was no market.
        old_phase: Option<Phase>,
        /// The market without them.
        market: Box<Market>,
        /// What is counted after it, where votes are among them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tallies: Option<MarketCounts>,
        /// The finalized slot that proved it.
        slot: super::ids::Slot,
    },
    /// The same of the config account.
    ConfigRollback {
        /// As in a market's.
        reverted: Vec<Seq>,
        /// The config without them.
        config: Box<ProgramConfig>,
        /// The finalized slot that proved it.
        slot: super::ids::Slot,
    },
    /// A vote that was cast here, not by a transaction.
    Vote {
        /// On what.
        vote_kind: VoteKind,
        /// Whose.
        wallet: Wallet,
        /// Which way.
        vote: bool,
        /// The wallet's own signature over the vote's message, where it was given: checked before it is recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<TxSignature>,
        /// When the vote was cast, in milliseconds since 1970.
        voted_at_ms: i64,
        /// What is counted after it.
        tally: Counts,
        /// The stream's slot when it was recorded: what users write has none of its own.
        slot: Slot,
        /// The request that it was written by; `None` where it was written past the API, or before requests were named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<uuid::Uuid>,
    },
    /// Somebody commented on the market.
    Comment {
        /// The comment.
        id: uuid::Uuid,
        /// Whose.
        wallet: Wallet,
        /// What was said.
        content: String,
        /// When, in milliseconds since 1970.
        created_at_ms: i64,
        /// As in a vote.
        slot: Slot,
        /// As in a vote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<uuid::Uuid>,
    },
    /// A comment was deleted by its author.
    CommentDeleted {
        /// The comment.
        id: uuid::Uuid,
        /// Whose.
        wallet: Wallet,
        /// As in a vote.
        slot: Slot,
        /// As in a vote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<uuid::Uuid>,
    },
    /// What the market is about has come: the document whose hash is the chain's.
    Metadata {
        /// The document's fields.
        metadata: Box<MarketMetadata>,
        /// The market as it stands.
        market: Box<Market>,
        /// As in a vote.
        slot: Slot,
        /// As in a vote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<uuid::Uuid>,
    },
}

impl EntryBody {
    /// Identity and place of the chain event, if it is one.
    pub fn chain_event(&self) -> Option<(EventId, ChainPosition, &ProgramEvent)> {
        match self {
            Self::Trade { id, position, event, .. }
            | Self::Event { id, position, event, .. }
            | Self::Contained { id, position, event, .. }
            | Self::Config { id, position, event, .. } => Some((*id, *position, event)),
            _ => None,
        }
    }

    /// True for what a user wrote beside the chain: no event, and no account tells of it.
    pub fn is_users(&self) -> bool {
        matches!(self, Self::Vote { .. } | Self::Comment { .. } | Self::CommentDeleted { .. } | Self::Metadata { .. })
    }

    /// What a user wrote names the request that it was written by. Nothing happens to others.
    pub fn caused_by(mut self, request: Option<uuid::Uuid>) -> Self {
        if let Self::Vote { request_id, .. }
        | Self::Comment { request_id, .. }
        | Self::CommentDeleted { request_id, .. }
        | Self::Metadata { request_id, .. } = &mut self
        {
            *request_id = request;
        }
        self
    }

    /// The request that it was written by, where a user wrote it and that is known.
    pub fn request_id(&self) -> Option<uuid::Uuid> {
        match self {
            Self::Vote { request_id, .. }
            | Self::Comment { request_id, .. }
            | Self::CommentDeleted { request_id, .. }
            | Self::Metadata { request_id, .. } => *request_id,
            _ => None,
        }
    }

    /// True for what is said about a market whatever becomes of it on the chain: it fits any state, changes none, and no
    /// roll-back takes it back. A document is not among them: it is of the market that the chain tells.
    pub fn fits_always(&self) -> bool {
        self.is_users() && !matches!(self, Self::Metadata { .. })
    }

    /// What it leaves counted, if that is another number than before it.
    pub fn tallies(&self) -> impl Iterator<Item = (VoteKind, Counts)> {
        let one = match self {
            Self::Vote { vote_kind, tally, .. } => Some((*vote_kind, *tally)),
            Self::Event { event, tally: Some(tally), .. } | Self::Contained { event, tally: Some(tally), .. } => {
                VoteKind::of(event).map(|(kind, ..)| (kind, *tally))
            }
            _ => None,
        };
        let both = match self {
            Self::Rollback { tallies: Some(tallies), .. } => VoteKind::ALL.map(|kind| Some((kind, tallies.of(kind)))),
            _ => [None, None],
        };
        one.into_iter().chain(both.into_iter().flatten())
    }

    /// Of a vote on the chain: what is counted after it. Nothing happens to others.
    pub fn set_tally(&mut self, counts: Counts) {
        if let Self::Event { tally, .. } | Self::Contained { tally, .. } = self {
            *tally = Some(counts);
        }
    }

    /// The numbers that it takes back; none unless it is a roll-back.
    pub fn reverted(&self) -> &[Seq] {
        match self {
            Self::Rollback { reverted, .. } | Self::ConfigRollback { reverted, .. } => reverted,
            _ => &[],
        }
    }

    /// Of a market's roll-back: what is counted after it. Nothing happens to others.
    pub fn set_tallies(&mut self, counts: MarketCounts) {
        if let Self::Rollback { tallies, .. } = self {
            *tallies = Some(counts);
        }
    }

    /// True where a price holds after it that it tells.
    pub fn has_price(&self) -> bool {
        match self {
            Self::Trade { .. } => true,
            Self::Resync { market, .. } | Self::Rollback { market, .. } => market.price_yes.is_some(),
            _ => false,
        }
    }

    /// True for a roll-back, of a market or of the config.
    pub fn is_rollback(&self) -> bool {
        matches!(self, Self::Rollback { .. } | Self::ConfigRollback { .. })
    }

    /// The slot that it belongs to.
    pub fn slot(&self) -> super::ids::Slot {
        match self {
            Self::Resync { slot, .. }
            | Self::ConfigResync { slot, .. }
            | Self::Rollback { slot, .. }
            | Self::ConfigRollback { slot, .. }
            | Self::Vote { slot, .. }
            | Self::Comment { slot, .. }
            | Self::CommentDeleted { slot, .. }
            | Self::Metadata { slot, .. } => *slot,
            Self::Trade { position, .. }
            | Self::Event { position, .. }
            | Self::Contained { position, .. }
            | Self::Config { position, .. } => position.slot,
        }
    }
}

/// An entry of a stream's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the stream.
    pub seq: Seq,
    /// When it was recorded, in milliseconds since 1970 UTC: given by whoever makes the entry, stored, shown in frames.
    pub recorded_at_ms: i64,
    /// What it is about.
    pub body: EntryBody,
}

impl Entry {
    /// The chain's time of the event, where it is one.
    pub fn chain_time(&self) -> Option<UnixSeconds> {
        self.body.chain_event().map(|(_, _, event)| event.timestamp())
    }
}
