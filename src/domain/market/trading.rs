//! How a trade moves a market: from the event alone, checked against the curve.
//!
//! Owns the way back from what an event tells (shares, total, price) to what the program computed (cost, fees), and the
//! effects on the market (program facts, sections 4 and 5). A quote's effects are the same function.

use super::{
    super::{
        amount::{Lamports, PriceE9, ShareUnits},
        entry::{FeeSchedule, TradeFigures},
        error::ProgramError,
        event::{Outcome, ProgramEvent, SharesBought, SharesSold},
        fees::{Fees, cost_before_fees},
        lmsr::Curve,
        misfit::Misfit,
        payout::MARKET_RENT,
    },
    Market,
};

/// The curve that the chain's trades are checked against: the chain's own.
const CURVE: Curve = Curve::Program;

impl Market {
    /// The market after a trade, and the trade's figures. Phase and stream have been checked.
    pub(super) fn traded(&self, event: &ProgramEvent, schedule: FeeSchedule) -> Result<(Self, TradeFigures), Misfit> {
        let before = CURVE.price_yes(self.quantities(), self.b_parameter)?;
        let (market, amount_before_fees, fees) = match event {
            ProgramEvent::SharesBought(event) => self.after_purchase(event, schedule)?,
            ProgramEvent::SharesSold(event) => self.after_sale(event, schedule)?,
            _ => return Err(Misfit::OtherStream),
        };
        let figures = TradeFigures {
            amount_before_fees,
            fees,
            schedule,
            price_yes_before: self.price_yes.unwrap_or(before),
            price_yes: market.price_yes.unwrap_or(before),
            shares_yes: market.shares_yes,
            shares_no: market.shares_no,
        };
        Ok((market, figures))
    }

    fn after_purchase(&self, event: &SharesBought, schedule: FeeSchedule) -> Result<(Self, Lamports, Fees), Misfit> {
        let (outcome, total) = (event.outcome.into(), event.cost);
        let cost = match cost_before_fees(total, schedule) {
            // Where all fees are zero every buy fails on chain: then these are not the fees in force.
            Some(cost) if schedule.total_bps() > 0 => cost,
            _ => return Err(Misfit::NoCost { total }),
        };
        let computed = CURVE.purchase_cost(self.quantities(), self.b_parameter, outcome, event.shares)?;
        if computed != cost {
            return Err(Misfit::Amount { computed, told: cost });
        }
        let fees = Fees::of(cost, schedule)?;
        let market = self.with_purchase(outcome, event.shares, total, fees)?;
        market.check_price(event.new_price_yes)?;
        Ok((market, cost, fees))
    }

    fn after_sale(&self, event: &SharesSold, schedule: FeeSchedule) -> Result<(Self, Lamports, Fees), Misfit> {
        let outcome = event.outcome.into();
        let gross =
            CURVE.sell(self.quantities(), self.b_parameter, outcome, event.shares).map_err(|error| match error {
                ProgramError::InsufficientShares => Misfit::Negative { field: "shares" },
                error => Misfit::Arithmetic(error),
            })?;
        let fees = Fees::of(gross, schedule)?;
        let net = gross.checked_sub(fees.total).ok_or(ProgramError::UnderflowError)?;
        if net != event.proceeds {
            return Err(Misfit::Amount { computed: net, told: event.proceeds });
        }
        let market = self.with_sale(outcome, event.shares, gross, fees)?;
        market.check_price(event.new_price_yes)?;
        Ok((market, gross, fees))
    }

    fn check_price(&self, told: PriceE9) -> Result<(), Misfit> {
        match self.price_yes {
            Some(computed) if computed == told => Ok(()),
            Some(computed) => Err(Misfit::Price { computed, told }),
            None => Err(Misfit::Arithmetic(ProgramError::InvalidBParameter)),
        }
    }

    /// The effects of `buy_shares`; `OverflowError` where a sum leaves 64 bits.
    pub(super) fn with_purchase(
        &self,
        outcome: Outcome,
        shares: ShareUnits,
        total: Lamports,
        fees: Fees,
    ) -> Result<Self, ProgramError> {
        use ProgramError::{OverflowError, UnderflowError};
        let quantities = self.quantities().bought(outcome, shares)?;
        let to_market = total.checked_sub(fees.protocol).ok_or(UnderflowError)?;
        Ok(Self {
            shares_yes: quantities.yes,
            shares_no: quantities.no,
            total_volume: self.total_volume.checked_add(total).ok_or(OverflowError)?,
            // Only the fees: what the shares cost is in the account's lamports alone.
            current_liquidity: self.current_liquidity.checked_add(fees.kept()?).ok_or(OverflowError)?,
            lamports: self.lamports.checked_add(to_market).ok_or(OverflowError)?,
            price_yes: Some(CURVE.price_yes(quantities, self.b_parameter)?),
            ..self.with_trade_fees(fees)?
        })
    }

    /// The effects of `sell_shares`, as far as the deployed program intends them.
    pub(super) fn with_sale(
        &self,
        outcome: Outcome,
        shares: ShareUnits,
        gross: Lamports,
        fees: Fees,
    ) -> Result<Self, Misfit> {
        use ProgramError::{OverflowError, UnderflowError};
        let quantities = self.quantities().sold(outcome, shares)?;
        // The net and the protocol's fee leave the account.
        let payout = gross.checked_sub(fees.kept()?).ok_or(UnderflowError)?;
        let current_liquidity = self.current_liquidity.checked_sub(payout);
        Ok(Self {
            shares_yes: quantities.yes,
            shares_no: quantities.no,
            total_volume: self.total_volume.checked_add(gross).ok_or(OverflowError)?,
            current_liquidity: current_liquidity.ok_or(Misfit::Negative { field: "current_liquidity" })?,
            lamports: self.lamports_after_payment(payout),
            price_yes: Some(CURVE.price_yes(quantities, self.b_parameter)?),
            ..self.with_trade_fees(fees)?
        })
    }

    fn with_trade_fees(&self, fees: Fees) -> Result<Self, ProgramError> {
        let sum = |accumulated: Lamports, fee| accumulated.checked_add(fee).ok_or(ProgramError::OverflowError);
        Ok(Self {
            accumulated_resolver_fees: sum(self.accumulated_resolver_fees, fees.resolver)?,
            accumulated_lp_fees: sum(self.accumulated_lp_fees, fees.lp)?,
            trades_count: self.trades_count.checked_add(1).ok_or(ProgramError::OverflowError)?,
            ..self.clone()
        })
    }

    /// What the account holds after it paid. A payment that succeeded left the rent: if the events account for less,
    /// somebody had sent the account lamports, which no event tells.
    pub(super) fn lamports_after_payment(&self, paid: Lamports) -> Lamports {
        self.lamports.checked_sub(paid).unwrap_or_default().max(MARKET_RENT)
    }

    /// What can be told of a trade that the adopted state contains: the fees of a buy, and the chain's price. Where the
    /// price came from nobody knows: it is shown as unmoved. A sale's amount before fees does not follow from its net.
    pub(super) fn contained_figures(&self, event: &ProgramEvent, schedule: FeeSchedule) -> Option<TradeFigures> {
        let ProgramEvent::SharesBought(event) = event else { return None };
        let cost = cost_before_fees(event.cost, schedule)?;
        Some(TradeFigures {
            amount_before_fees: cost,
            fees: Fees::of(cost, schedule).ok()?,
            schedule,
            price_yes_before: event.new_price_yes,
            price_yes: event.new_price_yes,
            shares_yes: self.shares_yes,
            shares_no: self.shares_no,
        })
    }

    /// The market after a contained event: a trade counts, nothing else moves.
    pub(super) fn with_contained(&self, event: &ProgramEvent) -> Result<Self, ProgramError> {
        let is_trade = matches!(event, ProgramEvent::SharesBought(_) | ProgramEvent::SharesSold(_));
        let trades_count = self.trades_count.checked_add(u64::from(is_trade)).ok_or(ProgramError::OverflowError)?;
        Ok(Self { trades_count, ..self.clone() })
    }
}
