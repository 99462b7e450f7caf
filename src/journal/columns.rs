//! Rows, turned into typed columns: what an `INSERT … SELECT * FROM unnest($1, $2, …)` or a `COPY` sends.
//!
//! Owns how a row's fields become parameters, and how a statement takes them: one plan and one parameter a column,
//! whatever the number of rows. A number that its column can't hold is an error here ([`OutOfRange`]) and never a clamped
//! value. Never sends anything: that is `pipeline`'s.

use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use tokio_postgres::types::{Json, ToSql, Type};

use super::{
    candles::CandleRow,
    rows::{ChainEventRow, ConfigRow, JournalRow, MarketRow, PositionDeltaRow, TradeRow},
};
use crate::domain::{
    config::ProgramConfig,
    entry::EntryBody,
    event::{IpfsHash, Outcome},
    ids::{AccountAddress, MarketAddress, MarketSeed, Wallet},
    market::Market,
};

/// A value does not fit its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value does not fit {table}.{column}")]
pub struct OutOfRange {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
}

/// A statement's parameters.
pub type Parameters<'a> = Vec<Box<dyn ToSql + Send + Sync + 'a>>;

/// Rows as columns.
pub trait Columns<'a>: Default + Send + Sync {
    /// What becomes one row.
    type Row;
    /// The table.
    const TABLE: &'static str;
    /// The columns that are written, and what is sent for them: the type that a column's domain is over.
    const COLUMNS: &'static [(&'static str, Type)];

    /// Adds a row.
    ///
    /// # Errors
    /// [`OutOfRange`]: a part of the row may have been added, the whole is of no use any more.
    fn push(&mut self, row: Self::Row) -> Result<(), OutOfRange>;

    /// How many rows there are.
    fn rows(&self) -> usize;

    /// One array a column.
    fn into_parameters(self) -> Parameters<'a>;

    /// The values of one row.
    fn row(&self, at: usize) -> Vec<&(dyn ToSql + Sync)>;

    /// The names of the columns, as a list.
    fn names() -> String {
        Self::COLUMNS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// `unnest($1::type[], …)`: the rows again, and `more` behind them.
    fn unnest(more: &[Type]) -> String {
        let types = Self::COLUMNS.iter().map(|(_, kind)| kind).chain(more).map(Type::name).enumerate();
        let arrays: Vec<String> = types.map(|(at, kind)| format!("${}::{kind}[]", at + 1)).collect();
        format!("unnest({})", arrays.join(", "))
    }

    /// The statement that inserts rows.
    fn insert() -> String {
        format!("INSERT INTO {} ({}) SELECT * FROM {}", Self::TABLE, Self::names(), Self::unnest(&[]))
    }

    /// The statement that copies rows.
    fn copy() -> String {
        format!("COPY {} ({}) FROM STDIN (FORMAT binary)", Self::TABLE, Self::names())
    }
}

/// How a field becomes a parameter.
trait Bind<T> {
    fn bind(self) -> Option<T>;
}

macro_rules! bind {
    ($($from:ty => $to:ty: |$value:ident| $bound:expr;)*) => {$(
        impl Bind<$to> for $from {
            fn bind(self) -> Option<$to> {
                let $value = self;
                $bound
            }
        }
    )*};
}
bind! {
    String => String: |value| Some(value);
    &'static str => &'static str: |value| Some(value);
    Wallet => String: |value| Some(value.to_string());
    MarketAddress => String: |value| Some(value.to_string());
    AccountAddress => String: |value| Some(value.to_string());
    MarketSeed => String: |value| Some(value.to_string());
    IpfsHash => String: |value| Some(value.hex());
    Outcome => &'static str: |value| Some(value.as_str());
    bool => bool: |value| Some(value);
    u8 => i16: |value| Some(i16::from(value));
    u16 => i32: |value| Some(i32::from(value));
    u32 => i32: |value| i32::try_from(value).ok();
    u32 => i64: |value| Some(i64::from(value));
    u64 => i64: |value| i64::try_from(value).ok();
    i32 => i32: |value| Some(value);
    i64 => i64: |value| Some(value);
    u64 => Decimal: |value| Some(Decimal::from(value));
    i128 => Decimal: |value| Decimal::try_from_i128_with_scale(value, 0).ok();
    Market => Json<Market>: |value| Some(Json(value));
    ProgramConfig => Json<ProgramConfig>: |value| Some(Json(value));
    DateTime<Utc> => DateTime<Utc>: |value| Some(value);
    String => DateTime<Utc>: |value| DateTime::parse_from_rfc3339(&value).ok().map(|at| at.to_utc());
}

impl<'a> Bind<Json<&'a EntryBody>> for &'a EntryBody {
    fn bind(self) -> Option<Json<&'a EntryBody>> {
        Some(Json(self))
    }
}

impl<T, F: Bind<T>> Bind<Option<T>> for Option<F> {
    fn bind(self) -> Option<Option<T>> {
        self.map_or(Some(None), |value| value.bind().map(Some))
    }
}

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident<$life:lifetime> of $row:ty, $table:literal {
        $($column:ident: $type:ty = $sql:ident),* $(,)?
    })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $name<$life> {
            $($column: Vec<$type>,)*
            rows: usize,
            of: PhantomData<&$life ()>,
        }

        impl<$life> Columns<$life> for $name<$life> {
            type Row = $row;
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [(&'static str, Type)] = &[$((stringify!($column), Type::$sql)),*];

            fn push(&mut self, row: $row) -> Result<(), OutOfRange> {
                $(
                    let bound: Option<$type> = row.$column.bind();
                    self.$column.push(bound.ok_or(OutOfRange { table: $table, column: stringify!($column) })?);
                )*
                self.rows += 1;
                Ok(())
            }

            fn rows(&self) -> usize {
                self.rows
            }

            fn into_parameters(self) -> Parameters<$life> {
                vec![$(Box::new(self.$column)),*]
            }

            fn row(&self, at: usize) -> Vec<&(dyn ToSql + Sync)> {
                vec![$(&self.$column[at]),*]
            }
        }
    )*};
}

columns! {
    /// Of `journal`.
    JournalColumns<'a> of JournalRow<'a>, "journal" {
        stream: String = TEXT,
        epoch: i32 = INT4,
        seq: i64 = INT8,
        kind: &'static str = TEXT,
        slot: i64 = INT8,
        slot_high: i64 = INT8,
        recorded_at: DateTime<Utc> = TIMESTAMPTZ,
        payload: Json<&'a EntryBody> = JSONB,
        markets_seq: Option<i64> = INT8,
        trades_seq: Option<i64> = INT8,
    }

    /// Of `chain_events`.
    ChainEventColumns<'a> of ChainEventRow, "chain_events" {
        signature: String = TEXT,
        n: i32 = INT4,
        stream: String = TEXT,
        epoch: i32 = INT4,
        seq: i64 = INT8,
        event: &'static str = TEXT,
        slot: i64 = INT8,
        transaction_index: Option<i64> = INT8,
        block_time_unix: i64 = INT8,
        orphaned: bool = BOOL,
    }

    /// Of `trades`.
    TradeColumns<'a> of TradeRow, "trades" {
        market: String = TEXT,
        epoch: i32 = INT4,
        seq: i64 = INT8,
        signature: String = TEXT,
        n: i32 = INT4,
        user_wallet: String = TEXT,
        trade_type: String = TEXT,
        outcome: &'static str = TEXT,
        shares: Decimal = NUMERIC,
        cost: Decimal = NUMERIC,
        amount_before_fees: Decimal = NUMERIC,
        protocol_fee: Decimal = NUMERIC,
        resolver_fee: Decimal = NUMERIC,
        lp_fee: Decimal = NUMERIC,
        protocol_fee_bps: i32 = INT4,
        resolver_fee_bps: i32 = INT4,
        lp_fee_bps: i32 = INT4,
        price_yes_before: i64 = INT8,
        price_yes: i64 = INT8,
        slot: i64 = INT8,
        block_time_unix: i64 = INT8,
        recorded_at: DateTime<Utc> = TIMESTAMPTZ,
        orphaned: bool = BOOL,
    }

    /// What is added to rows of `positions`: not inserted as it is, since a difference may be negative.
    PositionColumns<'a> of PositionDeltaRow, "positions" {
        market: String = TEXT,
        wallet: String = TEXT,
        shares_yes: Decimal = NUMERIC,
        shares_no: Decimal = NUMERIC,
        total_invested: Decimal = NUMERIC,
        trades_count: i64 = INT8,
        last_trade_at_unix: Option<i64> = INT8,
        claimed_amount: Option<Decimal> = NUMERIC,
        claimed_at_unix: Option<i64> = INT8,
    }

    /// What is added to rows of `candles`.
    CandleColumns<'a> of CandleRow, "candles" {
        market: String = TEXT,
        step: i32 = INT4,
        bucket_unix: i64 = INT8,
        open: i64 = INT8,
        high: i64 = INT8,
        low: i64 = INT8,
        close: i64 = INT8,
        first_slot: i64 = INT8,
        first_seq: i64 = INT8,
        last_slot: i64 = INT8,
        last_seq: i64 = INT8,
        low_epoch: i32 = INT4,
        low_seq: i64 = INT8,
        volume: Decimal = NUMERIC,
        trades: i64 = INT8,
    }

    /// Of `markets`: all but `traders_count`, which the positions keep.
    MarketColumns<'a> of MarketRow, "markets" {
        address: String = TEXT,
        market_seed: String = TEXT,
        epoch: i32 = INT4,
        last_seq: i64 = INT8,
        slot_high: i64 = INT8,
        finalized_seq: i64 = INT8,
        finalized_state: Option<Json<Market>> = JSONB,
        creator_wallet: String = TEXT,
        phase: i16 = INT2,
        b_parameter: Decimal = NUMERIC,
        initial_liquidity: Decimal = NUMERIC,
        current_liquidity: Decimal = NUMERIC,
        shares_yes: Decimal = NUMERIC,
        shares_no: Decimal = NUMERIC,
        total_volume: Decimal = NUMERIC,
        created_at_unix: i64 = INT8,
        approved_at_unix: i64 = INT8,
        activated_at_unix: i64 = INT8,
        resolution_proposed_at_unix: i64 = INT8,
        resolved_at_unix: i64 = INT8,
        finalized_at_unix: i64 = INT8,
        cancelled_at_unix: Option<i64> = INT8,
        resolver_wallet: String = TEXT,
        proposed_outcome: Option<&'static str> = TEXT,
        final_outcome: Option<&'static str> = TEXT,
        question_hash: String = TEXT,
        evidence_hash: String = TEXT,
        dispute_initiated_at_unix: i64 = INT8,
        dispute_initiator_wallet: String = TEXT,
        accumulated_resolver_fees: Decimal = NUMERIC,
        accumulated_lp_fees: Decimal = NUMERIC,
        proposal_likes: i64 = INT8,
        proposal_dislikes: i64 = INT8,
        proposal_total_votes: i64 = INT8,
        dispute_agree: i64 = INT8,
        dispute_disagree: i64 = INT8,
        dispute_total_votes: i64 = INT8,
        was_disputed: bool = BOOL,
        lamports: Decimal = NUMERIC,
        trades_count: i64 = INT8,
        price_yes: Option<i64> = INT8,
        vanished: bool = BOOL,
    }

    /// Of `program_config`.
    ConfigColumns<'a> of ConfigRow, "program_config" {
        address: String = TEXT,
        epoch: i32 = INT4,
        last_seq: i64 = INT8,
        slot_high: i64 = INT8,
        finalized_seq: i64 = INT8,
        finalized_state: Option<Json<ProgramConfig>> = JSONB,
        state: Json<ProgramConfig> = JSONB,
    }
}
