//! The one place where rows and domain values meet.
//!
//! A row is a struct whose fields are the table's columns. Rows of streams (`markets`, `program_config`) are written with
//! `jsonb_populate_recordset`, and all are read with `to_jsonb`: PostgreSQL's numeric and a JSON number are both exact for
//! any u64, and one definition serves both ways. Rows that come by the thousand are written as `columns`.

pub mod wallets;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{
    amount::{Lamports, PriceE9, ShareUnits, UnixSeconds},
    config::ProgramConfig,
    entry::{Entry, EntryBody},
    event::{IpfsHash, Outcome, ProgramEvent},
    ids::{AccountAddress, Epoch, MarketAddress, MarketSeed, Seq, Slot, Wallet},
    market::Market,
    metadata::MarketMetadata,
    phase::Phase,
    position::Position,
    tally::MarketCounts,
};

/// A row holds what the domain can't: the database was changed by another hand.
#[derive(Debug, thiserror::Error)]
#[error("row of {table} can't be understood: {reason}")]
pub struct BadRow {
    /// The table.
    pub table: &'static str,
    /// What is wrong.
    pub reason: String,
}

/// A row of `markets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are the table's own
pub struct MarketRow {
    pub address: MarketAddress,
    pub market_seed: MarketSeed,
    pub epoch: u32,
    pub last_seq: u64,
    pub slot_high: u64,
    pub finalized_seq: u64,
    pub finalized_state: Option<Market>,
    pub creator_wallet: Wallet,
    pub phase: u8,
    pub b_parameter: u64,
    pub initial_liquidity: u64,
    pub current_liquidity: u64,
    pub shares_yes: u64,
    pub shares_no: u64,
    pub total_volume: u64,
    pub created_at_unix: i64,
    pub approved_at_unix: i64,
    pub activated_at_unix: i64,
    pub resolution_proposed_at_unix: i64,
    pub resolved_at_unix: i64,
    pub finalized_at_unix: i64,
    pub cancelled_at_unix: Option<i64>,
    pub resolver_wallet: Wallet,
    pub proposed_outcome: Option<Outcome>,
    pub final_outcome: Option<Outcome>,
    pub question_hash: IpfsHash,
    pub evidence_hash: IpfsHash,
    pub dispute_initiated_at_unix: i64,
    pub dispute_initiator_wallet: Wallet,
    pub accumulated_resolver_fees: u64,
    pub accumulated_lp_fees: u64,
    pub proposal_likes: u32,
    pub proposal_dislikes: u32,
    pub proposal_total_votes: u32,
    pub dispute_agree: u32,
    pub dispute_disagree: u32,
    pub dispute_total_votes: u32,
    pub was_disputed: bool,
    pub lamports: u64,
    pub trades_count: u64,
    #[serde(default)]
    pub traders_count: u64,
    pub price_yes: Option<u64>,
    pub vanished: bool,
    /// What the market is about, if the journal knows: written by the entry that tells it, and by no other.
    #[serde(default, skip_serializing)]
    pub metadata: Option<MarketMetadata>,
    /// The votes in it, where they were asked for: another table's.
    #[serde(default, skip_serializing)]
    pub tallies: Option<MarketCounts>,
}

/// Where a market's row stands in its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowHead {
    /// The journal's life.
    pub epoch: Epoch,
    /// The newest entry.
    pub last_seq: Seq,
    /// The highest slot of any entry.
    pub slot_high: Slot,
    /// The newest finalized entry.
    pub finalized_seq: Seq,
}

impl MarketRow {
    /// The row of a market at its head and, if given, as it was at its last finalized entry.
    pub fn new(head: RowHead, market: &Market, finalized_state: Option<Market>) -> Self {
        Self {
            address: market.address,
            market_seed: market.seed,
            epoch: head.epoch.0,
            last_seq: head.last_seq.0,
            slot_high: head.slot_high.0,
            finalized_seq: head.finalized_seq.0,
            finalized_state,
            creator_wallet: market.creator,
            phase: market.phase as u8,
            b_parameter: market.b_parameter.0,
            initial_liquidity: market.initial_liquidity.0,
            current_liquidity: market.current_liquidity.0,
            shares_yes: market.shares_yes.0,
            shares_no: market.shares_no.0,
            total_volume: market.total_volume.0,
            created_at_unix: market.created_at.0,
            approved_at_unix: market.approved_at.0,
            activated_at_unix: market.activated_at.0,
            resolution_proposed_at_unix: market.resolution_proposed_at.0,
            resolved_at_unix: market.resolved_at.0,
            finalized_at_unix: market.finalized_at.0,
            cancelled_at_unix: market.cancelled_at.map(|at| at.0),
            resolver_wallet: market.resolver,
            proposed_outcome: market.proposed_outcome,
            final_outcome: market.final_outcome,
            question_hash: market.question_hash,
            evidence_hash: market.evidence_hash,
            dispute_initiated_at_unix: market.dispute_initiated_at.0,
            dispute_initiator_wallet: market.dispute_initiator,
            accumulated_resolver_fees: market.accumulated_resolver_fees.0,
            accumulated_lp_fees: market.accumulated_lp_fees.0,
            proposal_likes: market.proposal_likes,
            proposal_dislikes: market.proposal_dislikes,
            proposal_total_votes: market.proposal_total_votes,
            dispute_agree: market.dispute_agree,
            dispute_disagree: market.dispute_disagree,
            dispute_total_votes: market.dispute_total_votes,
            was_disputed: market.was_disputed,
            lamports: market.lamports.0,
            trades_count: market.trades_count,
            traders_count: 0,
            price_yes: market.price_yes.map(|price| price.0),
            vanished: market.vanished,
            metadata: None,
            tallies: None,
        }
    }

    /// Where the row stands.
    pub fn head(&self) -> RowHead {
        RowHead {
            epoch: Epoch(self.epoch),
            last_seq: Seq(self.last_seq),
            slot_high: Slot(self.slot_high),
            finalized_seq: Seq(self.finalized_seq),
        }
    }

    /// The market at its head.
    ///
    /// # Errors
    /// [`BadRow`] if the phase is none.
    pub fn market(&self) -> Result<Market, BadRow> {
        let bad_phase = || BadRow { table: "markets", reason: format!("phase {}", self.phase) };
        Ok(Market {
            address: self.address,
            seed: self.market_seed,
            creator: self.creator_wallet,
            phase: Phase::from_code(self.phase).ok_or_else(bad_phase)?,
            b_parameter: ShareUnits(self.b_parameter),
            initial_liquidity: Lamports(self.initial_liquidity),
            current_liquidity: Lamports(self.current_liquidity),
            shares_yes: ShareUnits(self.shares_yes),
            shares_no: ShareUnits(self.shares_no),
            total_volume: Lamports(self.total_volume),
            created_at: UnixSeconds(self.created_at_unix),
            approved_at: UnixSeconds(self.approved_at_unix),
            activated_at: UnixSeconds(self.activated_at_unix),
            resolution_proposed_at: UnixSeconds(self.resolution_proposed_at_unix),
            resolved_at: UnixSeconds(self.resolved_at_unix),
            finalized_at: UnixSeconds(self.finalized_at_unix),
            cancelled_at: self.cancelled_at_unix.map(UnixSeconds),
            resolver: self.resolver_wallet,
            proposed_outcome: self.proposed_outcome,
            final_outcome: self.final_outcome,
            question_hash: self.question_hash,
            evidence_hash: self.evidence_hash,
            dispute_initiated_at: UnixSeconds(self.dispute_initiated_at_unix),
            dispute_initiator: self.dispute_initiator_wallet,
            accumulated_resolver_fees: Lamports(self.accumulated_resolver_fees),
            accumulated_lp_fees: Lamports(self.accumulated_lp_fees),
            proposal_likes: self.proposal_likes,
            proposal_dislikes: self.proposal_dislikes,
            proposal_total_votes: self.proposal_total_votes,
            dispute_agree: self.dispute_agree,
            dispute_disagree: self.dispute_disagree,
            dispute_total_votes: self.dispute_total_votes,
            was_disputed: self.was_disputed,
            lamports: Lamports(self.lamports),
            trades_count: self.trades_count,
            price_yes: self.price_yes.map(PriceE9),
            vanished: self.vanished,
        })
    }
}

/// A row of `journal`. `recorded_at` has milliseconds, and is read as milliseconds (see `journal::read`).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)] // the names are the table's own
pub struct JournalRow<'a> {
    pub stream: String,
    pub epoch: u32,
    pub seq: u64,
    pub kind: &'static str,
    pub slot: u64,
    pub slot_high: u64,
    pub recorded_at: DateTime<Utc>,
    pub payload: &'a EntryBody,
    pub markets_seq: Option<u64>,
    pub trades_seq: Option<u64>,
}

/// The journal's `kind` of an entry.
pub fn kind(body: &EntryBody) -> &'static str {
    match body {
        EntryBody::Trade { .. } => "trade",
        EntryBody::Event { .. } => "event",
        EntryBody::Contained { .. } => "contained",
        EntryBody::Resync { .. } => "resync",
        EntryBody::Config { .. } => "config",
        EntryBody::ConfigResync { .. } => "config_resync",
        EntryBody::Rollback { .. } | EntryBody::ConfigRollback { .. } => "rollback",
        EntryBody::Vote { .. } => "vote",
        EntryBody::Comment { .. } | EntryBody::CommentDeleted { .. } => "comment",
        EntryBody::Metadata { .. } => "metadata",
    }
}

/// A moment in milliseconds since 1970, as PostgreSQL keeps it.
pub fn moment(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

/// RFC 3339 with milliseconds.
pub fn timestamp(ms: i64) -> String {
    moment(ms).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// A row of `chain_events`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)] // the names are the table's own
pub struct ChainEventRow {
    pub signature: String,
    pub n: u16,
    pub stream: String,
    pub epoch: u32,
    pub seq: u64,
    pub event: &'static str,
    pub slot: u64,
    pub transaction_index: Option<u32>,
    pub block_time_unix: i64,
    pub orphaned: bool,
}

impl ChainEventRow {
    /// The row of an entry, if it is a chain event.
    pub fn of(stream: &str, epoch: Epoch, entry: &Entry) -> Option<Self> {
        let (id, position, event) = entry.body.chain_event()?;
        Some(Self {
            signature: id.signature.to_string(),
            n: id.n,
            stream: stream.to_owned(),
            epoch: epoch.0,
            seq: entry.seq.0,
            event: event.name(),
            slot: position.slot.0,
            transaction_index: position.transaction_index,
            block_time_unix: event.timestamp().0,
            orphaned: false,
        })
    }
}

/// A row of `trades`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are the table's own
pub struct TradeRow {
    pub market: String,
    pub epoch: u32,
    pub seq: u64,
    pub signature: String,
    pub n: u16,
    pub user_wallet: Wallet,
    pub trade_type: String,
    pub outcome: Outcome,
    pub shares: u64,
    pub cost: u64,
    pub amount_before_fees: u64,
    pub protocol_fee: u64,
    pub resolver_fee: u64,
    pub lp_fee: u64,
    pub protocol_fee_bps: u16,
    pub resolver_fee_bps: u16,
    pub lp_fee_bps: u16,
    pub price_yes_before: u64,
    pub price_yes: u64,
    pub slot: u64,
    pub block_time_unix: i64,
    pub recorded_at: String,
    /// Its entry was rolled back.
    pub orphaned: bool,
}

impl TradeRow {
    /// The row of an entry, if it is a trade.
    pub fn of(stream: &str, epoch: Epoch, entry: &Entry) -> Option<Self> {
        let figures = match &entry.body {
            EntryBody::Trade { figures, .. } | EntryBody::Contained { figures: Some(figures), .. } => figures,
            _ => return None,
        };
        let (id, position, event) = entry.body.chain_event()?;
        let (user, outcome, shares, cost, trade_type) = match event {
            ProgramEvent::SharesBought(e) => (e.user, e.outcome, e.shares, e.cost, "buy"),
            ProgramEvent::SharesSold(e) => (e.user, e.outcome, e.shares, e.proceeds, "sell"),
            _ => return None,
        };
        Some(Self {
            market: stream.to_owned(),
            epoch: epoch.0,
            seq: entry.seq.0,
            signature: id.signature.to_string(),
            n: id.n,
            user_wallet: user,
            trade_type: trade_type.to_owned(),
            outcome: outcome.into(),
            shares: shares.0,
            cost: cost.0,
            amount_before_fees: figures.amount_before_fees.0,
            protocol_fee: figures.fees.protocol.0,
            resolver_fee: figures.fees.resolver.0,
            lp_fee: figures.fees.lp.0,
            protocol_fee_bps: figures.schedule.protocol.0,
            resolver_fee_bps: figures.schedule.resolver.0,
            lp_fee_bps: figures.schedule.lp.0,
            price_yes_before: figures.price_yes_before.0,
            price_yes: figures.price_yes.0,
            slot: position.slot.0,
            block_time_unix: event.timestamp().0,
            recorded_at: timestamp(entry.recorded_at_ms),
            orphaned: false,
        })
    }
}

/// A row of `program_config`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are the table's own
pub struct ConfigRow {
    pub address: AccountAddress,
    pub epoch: u32,
    pub last_seq: u64,
    pub slot_high: u64,
    pub finalized_seq: u64,
    pub finalized_state: Option<ProgramConfig>,
    pub state: ProgramConfig,
}

impl ConfigRow {
    /// Where the row stands.
    pub fn head(&self) -> RowHead {
        RowHead {
            epoch: Epoch(self.epoch),
            last_seq: Seq(self.last_seq),
            slot_high: Slot(self.slot_high),
            finalized_seq: Seq(self.finalized_seq),
        }
    }
}

/// What a batch adds to a row of `positions`: the deltas of all its entries for one market and wallet.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)] // the names are the table's own
pub struct PositionDeltaRow {
    pub market: String,
    pub wallet: Wallet,
    pub shares_yes: i128,
    pub shares_no: i128,
    pub total_invested: u64,
    pub trades_count: u32,
    pub last_trade_at_unix: Option<i64>,
    pub claimed_amount: Option<u64>,
    pub claimed_at_unix: Option<i64>,
}

/// A row of `positions`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)] // the names are the table's own
pub struct PositionRow {
    pub market: MarketAddress,
    pub wallet: Wallet,
    pub shares_yes: u64,
    pub shares_no: u64,
    pub total_invested: u64,
    pub trades_count: u32,
    pub last_trade_at_unix: i64,
    pub has_claimed: bool,
    pub claimed_amount: u64,
}

impl PositionRow {
    /// The position.
    pub fn position(&self) -> Position {
        Position {
            market: self.market,
            user: self.wallet,
            shares_yes: ShareUnits(self.shares_yes),
            shares_no: ShareUnits(self.shares_no),
            total_invested: Lamports(self.total_invested),
            trades_count: self.trades_count,
            last_trade_at: UnixSeconds(self.last_trade_at_unix),
            has_claimed: self.has_claimed,
            claimed_amount: Lamports(self.claimed_amount),
        }
    }
}

/// A bucket in which something was traded. Prices of YES in units of 1e-9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredCandle {
    /// Its first second.
    pub bucket_unix: i64,
    /// After its first trade.
    pub open: u64,
    /// The highest.
    pub high: u64,
    /// The lowest.
    pub low: u64,
    /// After its last trade.
    pub close: u64,
    /// Lamports.
    pub volume: u128,
    /// How many trades.
    pub trades: u64,
}
