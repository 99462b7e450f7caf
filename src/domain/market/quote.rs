//! Quotes of a market: what the whole instruction would do, not only its arithmetic.
//!
//! Owns the checks that stand before the program's handlers (phase, pause, holdings) and the sums of the market that a
//! trade could overflow, in the program's order. Changes nothing.

use super::{
    super::{
        amount::{Lamports, ShareUnits},
        budget::least_budget,
        entry::FeeSchedule,
        error::ProgramError,
        event::Outcome,
        lmsr::Curve,
        misfit::Misfit,
        phase::Phase,
        trade::{BuyQuote, SellQuote, Terms, quote_buy, quote_sell},
    },
    Market,
};

impl Market {
    /// What a quote of this market is made from, by the program's curve.
    pub fn terms(&self, schedule: FeeSchedule) -> Terms {
        Terms { curve: Curve::Program, quantities: self.quantities(), b_parameter: self.b_parameter, fees: schedule }
    }

    /// The buy as the chain will do it, for a buyer who can pay.
    ///
    /// # Errors
    /// The program's, in its order: `InvalidMarketState`, `ProtocolPaused`, those of [`quote_buy`], `OverflowError`.
    pub fn quote_buy(
        &self,
        outcome: Outcome,
        target_cost: Lamports,
        schedule: FeeSchedule,
        is_paused: bool,
    ) -> Result<BuyQuote, ProgramError> {
        self.check_open(is_paused)?;
        let quote = quote_buy(&self.terms(schedule), outcome, target_cost)?;
        self.with_purchase(outcome, quote.shares, quote.total_cost, quote.fees)?;
        Ok(quote)
    }

    /// The least budget whose buy brings at least so many shares, and that buy.
    ///
    /// # Errors
    /// As [`Market::quote_buy`]; those of [`least_budget`].
    pub fn quote_buy_of(
        &self,
        outcome: Outcome,
        shares: ShareUnits,
        schedule: FeeSchedule,
        is_paused: bool,
    ) -> Result<(Lamports, BuyQuote), ProgramError> {
        self.check_open(is_paused)?;
        let (budget, quote) = least_budget(&self.terms(schedule), outcome, shares)?;
        self.with_purchase(outcome, quote.shares, quote.total_cost, quote.fees)?;
        Ok((budget, quote))
    }

    /// The sell as the chain would do it, for a seller who holds `held` shares of the outcome: up to the transfer out of
    /// the market, which always fails in the deployed program.
    ///
    /// # Errors
    /// The program's, in its order: `InvalidMarketState`, `ProtocolPaused`, `InsufficientShares`, those of
    /// [`quote_sell`], `OverflowError`.
    pub fn quote_sell(
        &self,
        held: ShareUnits,
        outcome: Outcome,
        shares: ShareUnits,
        min_proceeds: Lamports,
        schedule: FeeSchedule,
        is_paused: bool,
    ) -> Result<SellQuote, ProgramError> {
        self.check_open(is_paused)?;
        if held < shares {
            return Err(ProgramError::InsufficientShares);
        }
        let quote = quote_sell(&self.terms(schedule), outcome, shares, min_proceeds, self.current_liquidity)?;
        match self.with_sale(outcome, shares, quote.gross, quote.fees) {
            Ok(_) => Ok(quote),
            Err(Misfit::Arithmetic(error)) => Err(error),
            Err(_) => Err(ProgramError::InsufficientLiquidity),
        }
    }

    fn check_open(&self, is_paused: bool) -> Result<(), ProgramError> {
        if self.phase != Phase::Active {
            return Err(ProgramError::InvalidMarketState);
        }
        if is_paused { Err(ProgramError::ProtocolPaused) } else { Ok(()) }
    }
}
