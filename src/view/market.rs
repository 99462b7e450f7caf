//! The market object, in two widths: what a journal entry tells (frames and snapshots: a pure function of the entry), and
//! what REST adds to it (what is true now, `null` where it is not known).

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::{
    amount::{Lamports, PriceE9, ShareUnits, UnixSeconds},
    event::Outcome,
    ids::{MarketAddress, MarketSeed, Seq, Slot, Wallet},
    market::Market,
    metadata::MarketMetadata,
    phase::Phase,
};

/// What was decided. `Invalid`: finalized without an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FinalOutcome {
    /// YES won.
    Yes,
    /// NO won.
    No,
    /// Nobody won.
    Invalid,
}

impl FinalOutcome {
    /// Of a market; `None` while it is open.
    pub fn of(market: &Market) -> Option<Self> {
        match market.final_outcome {
            Some(Outcome::Yes) => Some(Self::Yes),
            Some(Outcome::No) => Some(Self::No),
            None if market.phase == Phase::Finalized => Some(Self::Invalid),
            None => None,
        }
    }
}

/// A state byte in JSON is a number.
fn state_code<S: Serializer>(phase: &Phase, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(*phase as u8)
}

/// What a market is about, as its creator wrote it; all `null` where only the chain tells of the market.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct MetadataView {
    pub question: Option<String>,
    pub description: Option<String>,
    pub category: Option<String>,
    pub tags: Vec<String>,
    pub resolution_criteria: Option<String>,
    pub closes_at: Option<UnixSeconds>,
}

impl From<&MarketMetadata> for MetadataView {
    fn from(metadata: &MarketMetadata) -> Self {
        Self {
            question: Some(metadata.question.clone()),
            description: Some(metadata.description.clone()),
            category: Some(metadata.category.clone()),
            tags: metadata.tags.clone(),
            resolution_criteria: metadata.resolution_criteria.clone(),
            closes_at: metadata.closes_at,
        }
    }
}

/// The market object as an entry tells it: inside `market_update` frames, and as the snapshot of a subscription.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)] // the names are those of the API
pub struct MarketView {
    pub id: MarketAddress,
    pub on_chain_address: MarketAddress,
    pub market_seed: MarketSeed,
    /// Left out of what an entry of the chain tells: nothing of it has changed then.
    #[serde(flatten)]
    pub metadata: Option<MetadataView>,
    pub creator_wallet: Wallet,
    pub resolver_wallet: Option<Wallet>,
    pub state: Phase,
    #[serde(serialize_with = "state_code")]
    pub state_code: Phase,
    pub b_parameter: ShareUnits,
    pub initial_liquidity: Lamports,
    pub current_liquidity: Lamports,
    pub shares_yes: ShareUnits,
    pub shares_no: ShareUnits,
    pub total_volume: Lamports,
    pub current_price_yes: Option<PriceE9>,
    pub current_price_no: Option<PriceE9>,
    pub proposed_outcome: Option<Outcome>,
    pub final_outcome: Option<FinalOutcome>,
    pub proposal_likes: u32,
    pub proposal_dislikes: u32,
    pub dispute_agree: u32,
    pub dispute_disagree: u32,
    pub was_disputed: bool,
    pub created_at: UnixSeconds,
    pub approved_at: Option<UnixSeconds>,
    pub activated_at: Option<UnixSeconds>,
    pub resolution_proposed_at: Option<UnixSeconds>,
    pub resolved_at: Option<UnixSeconds>,
    pub finalized_at: Option<UnixSeconds>,
    pub cancelled_at: Option<UnixSeconds>,
    pub ipfs_question_hash: Option<String>,
    pub ipfs_evidence_hash: Option<String>,
    pub trades_count: u64,
    pub seq: Seq,
    pub slot: Slot,
    /// Its creation was rolled back; left out of every other market.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub vanished: bool,
}

impl MarketView {
    /// The market as it is at an entry.
    pub fn at(market: &Market, seq: Seq, slot: Slot) -> Self {
        // Zero is "not yet" on the chain.
        let set = |at: UnixSeconds| (at.0 != 0).then_some(at);
        Self {
            id: market.address,
            on_chain_address: market.address,
            market_seed: market.seed,
            metadata: None,
            creator_wallet: market.creator,
            resolver_wallet: (market.resolver != Wallet::default()).then_some(market.resolver),
            state: market.phase,
            state_code: market.phase,
            b_parameter: market.b_parameter,
            initial_liquidity: market.initial_liquidity,
            current_liquidity: market.current_liquidity,
            shares_yes: market.shares_yes,
            shares_no: market.shares_no,
            total_volume: market.total_volume,
            current_price_yes: market.price_yes,
            current_price_no: market.price_yes.map(PriceE9::complement),
            proposed_outcome: market.proposed_outcome,
            final_outcome: FinalOutcome::of(market),
            proposal_likes: market.proposal_likes,
            proposal_dislikes: market.proposal_dislikes,
            dispute_agree: market.dispute_agree,
            dispute_disagree: market.dispute_disagree,
            was_disputed: market.was_disputed,
            created_at: market.created_at,
            approved_at: set(market.approved_at),
            activated_at: set(market.activated_at),
            resolution_proposed_at: set(market.resolution_proposed_at),
            resolved_at: set(market.resolved_at),
            finalized_at: set(market.finalized_at),
            cancelled_at: market.cancelled_at.and_then(set),
            ipfs_question_hash: market.question_hash.text().map(str::to_owned),
            ipfs_evidence_hash: market.evidence_hash.text().map(str::to_owned),
            trades_count: market.trades_count,
            seq,
            slot,
            vanished: market.vanished,
        }
    }

    /// With what the market is about: `null`, where that is not known.
    pub fn with_metadata(self, metadata: Option<&MarketMetadata>) -> Self {
        Self { metadata: Some(metadata.map_or_else(MetadataView::default, MetadataView::from)), ..self }
    }
}

/// Something that a reader of a market should know before he trusts its figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// For programs.
    pub code: WarningCode,
    /// For people.
    pub message: &'static str,
}

/// What a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WarningCode {
    /// The market may be behind the chain.
    Stale,
    /// What the market is about is not known here.
    NoMetadata,
}

impl Warning {
    /// The market is being healed.
    pub const STALE: Self =
        Self { code: WarningCode::Stale, message: "The market may be behind the chain; it is being read again." };
    /// Only the chain tells of the market.
    pub const NO_METADATA: Self = Self {
        code: WarningCode::NoMetadata,
        message: "What the market is about is not known here: its creator has not supplied the document.",
    };
}

/// The market object of REST: what is true now.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)] // the names are those of the API
pub struct MarketDetail {
    #[serde(flatten)]
    pub market: MarketView,
    pub volume_24h: Option<Lamports>,
    pub fair_price_yes: Option<PriceE9>,
    /// From here on the proposed outcome can no longer be disputed; only while RESOLVING (`docs/program.md`, section 8).
    pub dispute_deadline: Option<UnixSeconds>,
    pub traders_count: Option<u64>,
    pub warnings: Vec<Warning>,
}

impl MarketDetail {
    /// The market now. `dispute_period_seconds` is the config's, where it is known.
    pub fn new(market: &Market, seq: Seq, slot: Slot, dispute_period_seconds: Option<i64>, stale: bool) -> Self {
        let proposed_at = market.resolution_proposed_at.0;
        let dispute_deadline = match (market.phase, dispute_period_seconds) {
            (Phase::Resolving, Some(period)) if proposed_at != 0 => proposed_at.checked_add(period).map(UnixSeconds),
            _ => None,
        };
        Self {
            market: MarketView::at(market, seq, slot).with_metadata(None),
            volume_24h: None,
            fair_price_yes: None,
            dispute_deadline,
            traders_count: None,
            warnings: if stale { vec![Warning::STALE] } else { Vec::new() },
        }
    }

    /// With what the market is about, or a warning that this is not known.
    pub fn with_metadata(mut self, metadata: Option<&MarketMetadata>) -> Self {
        if metadata.is_none() {
            self.warnings.push(Warning::NO_METADATA);
        }
        Self { market: self.market.with_metadata(metadata), ..self }
    }
}

/// The prices of a market: the reply of `GET /api/markets/{market}/prices`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)] // the names are those of the API
pub struct PricesView {
    pub price_yes: Option<PriceE9>,
    pub price_no: Option<PriceE9>,
    pub shares_yes: ShareUnits,
    pub shares_no: ShareUnits,
    pub b_parameter: ShareUnits,
    pub seq: Seq,
    pub slot: Slot,
}

impl PricesView {
    /// The prices at an entry.
    pub fn at(market: &Market, seq: Seq, slot: Slot) -> Self {
        Self {
            price_yes: market.price_yes,
            price_no: market.price_yes.map(PriceE9::complement),
            shares_yes: market.shares_yes,
            shares_no: market.shares_no,
            b_parameter: market.b_parameter,
            seq,
            slot,
        }
    }
}
