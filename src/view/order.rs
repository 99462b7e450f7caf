//! What a wallet's own channel tells: what became of its transactions, and what it holds.

use bytestring::ByteString;
use serde::Serialize;
use serde_json::Value;
use utoipa::{PartialSchema, ToSchema};

use super::{
    channel::Channel,
    frame::{described::Schemas, text},
};
use crate::{
    domain::{
        amount::{Lamports, ShareUnits},
        entry::Entry,
        ids::{Epoch, MarketAddress, Seq, Slot, TxSignature},
        position::Position,
    },
    journal::rows::timestamp,
};

/// Why a transaction failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrderFailure {
    /// The number of a program's own error, where it has one: 6000 and more are the zmart program's.
    pub code: Option<u32>,
    /// Its name.
    pub name: String,
}

/// A transaction, as its owner sees it: by REST and on the wallet's own channel.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SubmissionView {
    /// Its name on the chain.
    pub signature: TxSignature,
    /// received, processed, confirmed, finalized, failed or expired.
    pub status: &'static str,
    /// Nothing changes that any more.
    pub settled: bool,
    /// The client's name for it.
    pub client_ref: Option<String>,
    /// The market's account.
    pub market_id: MarketAddress,
    /// The program's instruction.
    pub purpose: String,
    /// The slot that it is in.
    pub slot: Option<Slot>,
    /// Why it failed.
    pub reason: Option<OrderFailure>,
    /// Past this block height it can't land any more.
    pub last_valid_block_height: u64,
    /// When it was handed in.
    pub received_at: String,
    /// When its status last changed.
    pub updated_at: String,
    /// The request that handed it in, as its answer named it in `x-request-id`.
    pub request_id: Option<uuid::Uuid>,
}

/// What a wallet holds in a market, without what is computed from prices.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct HoldingView {
    pub market_id: MarketAddress,
    pub shares_yes: ShareUnits,
    pub shares_no: ShareUnits,
    pub total_invested: Lamports,
    pub trades_count: u32,
    pub has_claimed: bool,
    pub claimed_amount: Lamports,
}

impl From<&Position> for HoldingView {
    fn from(position: &Position) -> Self {
        Self {
            market_id: position.market,
            shares_yes: position.shares_yes,
            shares_no: position.shares_no,
            total_invested: position.total_invested,
            trades_count: position.trades_count,
            has_claimed: position.has_claimed,
            claimed_amount: position.claimed_amount,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename = "order_update")]
struct OrderUpdate {
    channel: Channel,
    market_id: MarketAddress,
    timestamp: String,
    data: SubmissionView,
}

#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename = "position_update")]
struct PositionUpdate {
    channel: Channel,
    market_id: MarketAddress,
    epoch: Epoch,
    market_seq: Seq,
    slot: Slot,
    timestamp: String,
    data: HoldingView,
}

/// The frame that says what became of a transaction.
pub fn order_update(channel: Channel, order: SubmissionView) -> ByteString {
    let (market_id, timestamp) = (order.market_id, order.updated_at.clone());
    text(&OrderUpdate { channel, market_id, timestamp, data: order })
}

/// The frame that says what a position is, after an entry moved it; it may hold what came after that entry.
pub fn position_update(channel: Channel, epoch: Epoch, position: &Position, entry: &Entry) -> ByteString {
    text(&PositionUpdate {
        channel,
        market_id: position.market,
        epoch,
        market_seq: entry.seq,
        slot: entry.body.slot(),
        timestamp: timestamp(entry.recorded_at_ms),
        data: position.into(),
    })
}

/// What the document says of these frames: the type of each, what it tells, the whole of it.
pub fn described(schemas: &mut Schemas) -> [(&'static str, &'static str, Value); 2] {
    OrderUpdate::schemas(schemas);
    PositionUpdate::schemas(schemas);
    let whole = |schema| serde_json::to_value(schema).unwrap_or_default();
    [
        ("order_update", "What became of a transaction of the wallet.", whole(OrderUpdate::schema())),
        (
            "position_update",
            "What the wallet holds in a market, after entry `market_seq` moved it.",
            whole(PositionUpdate::schema()),
        ),
    ]
}
