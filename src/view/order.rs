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
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct OrderFailure {
    pub code: Option<u32>,
    pub name: String,
}

/// A transaction, as its owner sees it: the fields of `GET /api/transactions/{signature}`.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct OrderView {
    pub signature: TxSignature,
    pub status: &'static str,
    pub settled: bool,
    pub client_ref: Option<String>,
    pub market_id: MarketAddress,
    pub purpose: String,
    pub slot: Option<Slot>,
    pub reason: Option<OrderFailure>,
    pub last_valid_block_height: u64,
    pub received_at: String,
    pub updated_at: String,
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
    data: OrderView,
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
pub fn order_update(channel: Channel, order: OrderView) -> ByteString {
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
