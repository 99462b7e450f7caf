//! Users' signed transactions: handed in once, and followed until the chain has said its last word.

pub mod show;
pub mod submit;

use serde::Serialize;

use crate::{
    domain::ids::{MarketAddress, Slot, TxSignature},
    http::error::ProgramRefusal,
    journal::{rows::timestamp, submissions::SubmissionRow},
};

/// A transaction, as its owner sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
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
    pub reason: Option<ProgramRefusal>,
    /// Past this block height it can't land any more.
    pub last_valid_block_height: u64,
    /// When it was handed in.
    pub received_at: String,
    /// When its status last changed.
    pub updated_at: String,
}

impl From<SubmissionRow> for SubmissionView {
    fn from(row: SubmissionRow) -> Self {
        Self {
            signature: row.signature,
            status: row.status.as_str(),
            settled: row.settled,
            client_ref: row.client_ref,
            market_id: row.market,
            purpose: row.purpose,
            slot: row.slot,
            reason: row.reason.map(|reason| ProgramRefusal { code: reason.code, name: reason.name.into() }),
            last_valid_block_height: row.last_valid_block_height,
            received_at: timestamp(row.received_at_ms),
            updated_at: timestamp(row.updated_at_ms),
        }
    }
}
