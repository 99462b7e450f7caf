//! The format of a trace: a market, and its trades with what the chain made of them.
//!
//! Owns reading it. A step is read as far as it can be: what it lacks fails when it runs, and only it.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::super::number::{I64, U64};
use crate::domain::ids::{MarketSeed, Wallet};

/// A line: a market just after its activation (or wherever `initial` says), and its trades.
#[derive(Debug, Deserialize)]
pub(super) struct Line<S> {
    pub(super) market_id: MarketSeed,
    pub(super) b: U64,
    pub(super) initial_liquidity: U64,
    pub(super) fees_bps: [u16; 3],
    pub(super) initial: MarketFields,
    pub(super) steps: Vec<S>,
}

/// The market's fields that a trace records, and its account's lamports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct MarketFields {
    pub(super) shares_yes: U64,
    pub(super) shares_no: U64,
    pub(super) current_liquidity: U64,
    pub(super) total_volume: U64,
    pub(super) accumulated_protocol_fees: U64,
    pub(super) accumulated_resolver_fees: U64,
    pub(super) accumulated_lp_fees: U64,
    pub(super) lamports: U64,
    pub(super) state: u8,
}

/// The position's fields that a trace records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct PositionFields {
    pub(super) shares_yes: U64,
    pub(super) shares_no: U64,
    pub(super) total_invested: U64,
    pub(super) trades_count: u32,
    pub(super) last_trade_at: I64,
}

/// A trade: what was asked, and what came of it. What it needs is checked when it runs.
#[derive(Debug, Deserialize)]
pub(super) struct Step {
    pub(super) op: Option<String>,
    pub(super) user: Option<Wallet>,
    pub(super) outcome: Option<bool>,
    pub(super) target_cost: Option<U64>,
    pub(super) shares: Option<U64>,
    pub(super) min_proceeds: Option<U64>,
    pub(super) timestamp: Option<I64>,
    pub(super) program_data_b64: Option<String>,
    pub(super) position: Option<PositionFields>,
    pub(super) err: Option<String>,
    pub(super) err_name: Option<String>,
    pub(super) post: Option<MarketFields>,
    /// Why it fails whatever it does: some field is not what it has to be.
    #[serde(skip)]
    pub(super) malformed: Option<String>,
}

impl Step {
    pub(super) fn read(value: &Value) -> Self {
        fn field<T: DeserializeOwned>(value: &Value, name: &str) -> Option<T> {
            T::deserialize(value.get(name)?).ok()
        }
        let error = match Self::deserialize(value) {
            Ok(step) => return step,
            Err(error) => error,
        };
        // What can be read still gives the steps after it a state to begin from.
        Self {
            op: field(value, "op"),
            user: field(value, "user"),
            outcome: field(value, "outcome"),
            target_cost: field(value, "target_cost"),
            shares: field(value, "shares"),
            min_proceeds: field(value, "min_proceeds"),
            timestamp: field(value, "timestamp"),
            program_data_b64: field(value, "program_data_b64"),
            position: field(value, "position"),
            err: field(value, "err"),
            err_name: field(value, "err_name"),
            post: field(value, "post"),
            malformed: Some(format!("malformed step: {error}")),
        }
    }
}
