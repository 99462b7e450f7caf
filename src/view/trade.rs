//! The trade object: the same from a journal entry (frames) and from a row of `trades` (REST).

use std::fmt;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::{
    domain::{
        amount::{Lamports, PriceE9, ShareUnits, UnixSeconds},
        entry::{Entry, EntryBody},
        event::{Outcome, ProgramEvent},
        fees::Fees,
        ids::{EventId, MarketAddress, Seq, Slot, TxSignature, Wallet},
    },
    journal::rows::{BadRow, TradeRow, timestamp},
};

/// A trade's id in text: its signature, and the number of the invocation in that transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TradeId(pub EventId);

impl fmt::Display for TradeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.signature, self.0.n)
    }
}

impl Serialize for TradeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TradeType {
    /// SharesBought.
    Buy,
    /// SharesSold.
    Sell,
}

/// How final it is on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TradeStatus {
    /// Voted on by two thirds of the stake.
    Confirmed,
    /// Rooted.
    Finalized,
}

/// The trade object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[allow(missing_docs)] // the names are those of the API
pub struct TradeView {
    #[schema(value_type = String, example = "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW:0")]
    pub id: TradeId,
    pub market_id: MarketAddress,
    pub user_wallet: Wallet,
    pub trade_type: TradeType,
    pub outcome: Outcome,
    pub shares: ShareUnits,
    /// Buy: paid in all. Sell: received net.
    pub cost: Lamports,
    /// `None` where they can't be told.
    pub fees: Option<Fees>,
    pub price_after: PriceE9,
    pub tx_signature: TxSignature,
    pub slot: Slot,
    pub block_time: UnixSeconds,
    #[schema(format = DateTime)]
    pub created_at: String,
    pub seq: Seq,
    pub status: TradeStatus,
    /// True: an adopted state contained it already, so no quantity moved when it was recorded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub contained: bool,
}

impl TradeView {
    /// The trade of an entry, if it is one.
    pub fn of(market_id: MarketAddress, entry: &Entry) -> Option<Self> {
        let fees = match &entry.body {
            EntryBody::Trade { figures, .. } => Some(figures.fees),
            EntryBody::Contained { figures, .. } => figures.as_ref().map(|figures| figures.fees),
            _ => return None,
        };
        let (id, position, event) = entry.body.chain_event()?;
        let (user_wallet, outcome, shares, cost, price_after, trade_type) = match event {
            ProgramEvent::SharesBought(e) => (e.user, e.outcome, e.shares, e.cost, e.new_price_yes, TradeType::Buy),
            ProgramEvent::SharesSold(e) => (e.user, e.outcome, e.shares, e.proceeds, e.new_price_yes, TradeType::Sell),
            _ => return None,
        };
        Some(Self {
            id: TradeId(id),
            market_id,
            user_wallet,
            trade_type,
            outcome: outcome.into(),
            shares,
            cost,
            fees,
            price_after,
            tx_signature: id.signature,
            slot: position.slot,
            block_time: event.timestamp(),
            created_at: timestamp(entry.recorded_at_ms),
            seq: entry.seq,
            status: TradeStatus::Confirmed,
            contained: matches!(entry.body, EntryBody::Contained { .. }),
        })
    }

    /// The trade of a row.
    ///
    /// # Errors
    /// [`BadRow`] if a text in it is not what the schema promises.
    pub fn of_row(row: &TradeRow, status: TradeStatus, contained: bool) -> Result<Self, BadRow> {
        let bad = |reason: String| BadRow { table: "trades", reason };
        let signature: TxSignature = row.signature.parse().map_err(|error| bad(format!("signature: {error}")))?;
        let fees = [row.protocol_fee, row.resolver_fee, row.lp_fee];
        let total = fees.iter().try_fold(0u64, |sum, fee| sum.checked_add(*fee)).ok_or_else(|| bad("fees".into()))?;
        Ok(Self {
            id: TradeId(EventId { signature, n: row.n }),
            market_id: row.market.parse().map_err(|error| bad(format!("market: {error}")))?,
            user_wallet: row.user_wallet,
            trade_type: match row.trade_type.as_str() {
                "buy" => TradeType::Buy,
                "sell" => TradeType::Sell,
                other => return Err(bad(format!("trade_type {other}"))),
            },
            outcome: row.outcome,
            shares: ShareUnits(row.shares),
            cost: Lamports(row.cost),
            fees: Some(Fees {
                protocol: Lamports(row.protocol_fee),
                resolver: Lamports(row.resolver_fee),
                lp: Lamports(row.lp_fee),
                total: Lamports(total),
            }),
            price_after: PriceE9(row.price_yes),
            tx_signature: signature,
            slot: Slot(row.slot),
            block_time: UnixSeconds(row.block_time_unix),
            created_at: row.recorded_at.clone(),
            seq: Seq(row.seq),
            status,
            contained,
        })
    }
}
