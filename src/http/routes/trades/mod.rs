//! Trades: what one would do, and the transaction that does it.

pub mod args;
pub mod buy;
pub mod estimate;
pub mod history;
pub mod sell;

use std::sync::Arc;

use self::args::PriorityFee;
use crate::{
    actors::stream::ReleasedMarket,
    chain::tx::compose::Version,
    domain::{
        amount::{Lamports, ShareUnits},
        config::ProgramConfig,
        error::ProgramError,
        event::Outcome,
        ids::Wallet,
        position::Position,
    },
    http::{
        desk::Prepared,
        error::ApiError,
        gateway::{MarketRef, Observed, Reads},
    },
    journal::read,
    view::quote::{QuotePlace, QuoteView},
};

/// What a trade is about, as the world may see it now.
pub(in crate::http) struct Place {
    /// The market.
    pub released: ReleasedMarket,
    /// The config.
    pub config: Arc<ProgramConfig>,
}

impl Place {
    /// Both, from their actors: no question to the chain.
    ///
    /// # Errors
    /// NOT_FOUND, UNAVAILABLE.
    pub async fn of(reads: &Reads, market: MarketRef) -> Result<Self, ApiError> {
        Ok(Self::observed(reads, market).await?.0)
    }

    /// As [`Place::of`], and how to tell whether the market still shows the same.
    ///
    /// # Errors
    /// As there.
    pub async fn observed(reads: &Reads, market: MarketRef) -> Result<(Self, Observed), ApiError> {
        let both = futures_util::future::try_join(reads.observed(market), reads.program_config());
        let ((released, seen), config) = both.await?;
        Ok((Self { released, config }, seen))
    }

    /// The market may be behind the chain: nothing is refused for what it says.
    pub fn is_stale(&self) -> bool {
        self.released.stale.is_some()
    }

    fn quoting(&self, reads: &Reads) -> Result<QuotePlace<'_>, ApiError> {
        Ok(QuotePlace {
            market: &self.released.market,
            seq: self.released.seq,
            slot: self.released.slot,
            fees: self.config.fees,
            bounds: reads.desk()?.bounds(),
            stale: self.is_stale(),
        })
    }

    /// A buy of so many shares, or for so much.
    ///
    /// # Errors
    /// CHAIN_REFUSED with the program's error.
    pub fn buy(&self, reads: &Reads, outcome: Outcome, size: Size) -> Result<QuoteView, ApiError> {
        let (market, fees, is_paused) = (&self.released.market, self.config.fees, self.config.is_paused);
        let quoted = match size {
            Size::Shares(shares) => market.quote_buy_of(outcome, shares, fees, is_paused),
            Size::Spend(spend) => market.quote_buy(outcome, spend, fees, is_paused).map(|quote| (spend, quote)),
        };
        let (budget, quote) = quoted.map_err(ApiError::chain_refused)?;
        Ok(self.quoting(reads)?.buy(budget, &quote))
    }

    /// A sell by somebody who holds so many.
    ///
    /// # Errors
    /// CHAIN_REFUSED with the program's error.
    pub fn sell(
        &self,
        reads: &Reads,
        held: ShareUnits,
        outcome: Outcome,
        shares: ShareUnits,
        min_proceeds: Lamports,
    ) -> Result<QuoteView, ApiError> {
        let (fees, is_paused) = (self.config.fees, self.config.is_paused);
        let quoted = self.released.market.quote_sell(held, outcome, shares, min_proceeds, fees, is_paused);
        let quote = quoted.map_err(ApiError::chain_refused)?;
        Ok(self.quoting(reads)?.sell(&quote))
    }

    /// What the wallet holds here; nothing if it never traded.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn position(&self, reads: &Reads, wallet: Wallet) -> Result<Position, ApiError> {
        let market = self.released.market.address;
        let found = reads.read(async |tx| Ok(read::position(tx, market, wallet).await?)).await?;
        Ok(found.unwrap_or_else(|| Position::empty(market, wallet)))
    }
}

/// How much is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// At least so many shares.
    Shares(ShareUnits),
    /// For at most so much.
    Spend(Lamports),
}

/// How a wallet wants its transaction.
#[derive(Debug, Clone, Copy, Default)]
pub struct Form {
    /// Its version.
    pub version: Version,
    /// Its priority.
    pub priority: PriorityFee,
}

/// A transaction to sign: the part that all replies have.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct TransactionView {
    /// The transaction with an empty place for the signature, base64.
    pub transaction: String,
    /// What is signed, base64.
    pub message: String,
    /// The last block height at which it can land.
    pub last_valid_block_height: u64,
    /// About when that is, RFC 3339.
    pub expires_at: String,
    /// Its name for `POST /api/transactions`: one intent lands once.
    pub client_ref: String,
    /// Compute units that it may use: a fifth more than its rehearsal did.
    pub compute_units: u32,
    /// What it pays for each of them on top of the base fee, in micro-lamports.
    pub priority_fee_micro_lamports: u64,
}

impl TransactionView {
    /// Of a prepared one, under the client's name or a new one.
    pub fn new(prepared: &Prepared, client_ref: Option<String>) -> Self {
        Self {
            transaction: prepared.transaction.clone(),
            message: prepared.message.clone(),
            last_valid_block_height: prepared.last_valid_block_height,
            expires_at: crate::journal::rows::timestamp(prepared.expires_at_ms),
            client_ref: client_ref.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
            compute_units: prepared.compute.units,
            priority_fee_micro_lamports: prepared.compute.micro_lamports,
        }
    }
}

/// A bound of the user's that the trade would break.
fn bound_broken(field: &'static str, message: String) -> ApiError {
    ApiError::chain_refused_field(ProgramError::SlippageExceeded, field, message)
}

/// A consent is needed for a trade whose price can't be trusted.
fn consented(quote: &QuoteView, accept_unsound: bool) -> Result<(), ApiError> {
    let reasons: Vec<_> = quote.warnings.iter().map(|warning| warning.code).filter(|code| *code != "STALE").collect();
    if reasons.is_empty() || accept_unsound {
        return Ok(());
    }
    let message = format!(
        "The price of this trade can't be trusted ({}): ask for an estimate, and repeat with true to trade all the same.",
        reasons.join(", ")
    );
    Err(ApiError::invalid_field("accept_unsound", message))
}
