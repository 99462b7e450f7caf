//! Cases of single functions of the program: arguments, and what came out.
//!
//! Owns the mapping from the names in the vectors to the engine's functions. Adds no arithmetic of its own: what is
//! checked is what the engine uses.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};

use super::number::U64;
use crate::domain::{
    amount::{Bps, Lamports, ShareUnits},
    bounded_loss,
    entry::FeeSchedule,
    error::ProgramError,
    event::Outcome,
    fees::Fees,
    fixed,
    lmsr::{self, Curve, Quantities},
    trade::{self, Terms},
};

/// A line: the function, its arguments, and either `ok` or `err`.
#[derive(Debug, Deserialize)]
pub(super) struct Case<'a> {
    #[serde(borrow)]
    r#fn: Cow<'a, str>,
    a: Option<U64>,
    b: Option<U64>,
    x: Option<U64>,
    y: Option<U64>,
    q_yes: Option<U64>,
    q_no: Option<U64>,
    amount: Option<U64>,
    outcome: Option<bool>,
    target_cost: Option<U64>,
    shares_to_sell: Option<U64>,
    min_proceeds: Option<U64>,
    current_liquidity: Option<U64>,
    initial_liquidity: Option<U64>,
    max_loss: Option<U64>,
    protocol_bps: Option<u16>,
    resolver_bps: Option<u16>,
    lp_bps: Option<u16>,
    ok: Option<Value>,
    #[serde(borrow)]
    err: Option<ExpectedError<'a>>,
}

#[derive(Debug, Deserialize)]
struct ExpectedError<'a> {
    code: u32,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// Why a case could not be computed at all.
enum Stop {
    UnknownFunction,
    Missing(&'static str),
    Program(ProgramError),
}

impl From<ProgramError> for Stop {
    fn from(error: ProgramError) -> Self {
        Self::Program(error)
    }
}

fn number(value: u64) -> Value {
    Value::String(value.to_string())
}

/// An object of named amounts.
fn object<const N: usize>(fields: [(&str, u64); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), number(value))).collect())
}

impl Case<'_> {
    /// Compares; the difference as text.
    pub(super) fn run(&self) -> Result<(), String> {
        let function = &self.r#fn;
        let computed = match self.compute() {
            Ok(value) => Ok(value),
            Err(Stop::Program(error)) => Err(error),
            Err(Stop::UnknownFunction) => return Err(format!("unknown function {function:?}")),
            Err(Stop::Missing(argument)) => return Err(format!("{function}: argument {argument:?} is missing")),
        };
        let agrees = match (&self.ok, &self.err, &computed) {
            (Some(expected), None, Ok(value)) => expected == value,
            (None, Some(expected), Err(error)) => expected.code == error.code() && expected.name == error.name(),
            (Some(_), None, Err(_)) | (None, Some(_), Ok(_)) => false,
            _ => return Err(format!("{function}: exactly one of \"ok\" and \"err\" is needed")),
        };
        if agrees {
            return Ok(());
        }
        let expected = match (&self.ok, &self.err) {
            (Some(value), _) => value.to_string(),
            (None, Some(error)) => format!("{} {}", error.code, error.name),
            (None, None) => String::new(),
        };
        let got = computed.map_or_else(|error| format!("{} {}", error.code(), error.name()), |value| value.to_string());
        Err(format!("{function}: expected {expected}, got {got}"))
    }

    fn compute(&self) -> Result<Value, Stop> {
        const CURVE: Curve = Curve::Program;
        Ok(match &*self.r#fn {
            "fixed_mul" => number(fixed::mul(given("a", self.a)?, given("b", self.b)?)?),
            "fixed_div" => number(fixed::div(given("a", self.a)?, given("b", self.b)?)?),
            "fixed_exp" => number(fixed::exp(given("x", self.x)?)?),
            "fixed_exp_negative" => number(fixed::exp_negative(given("x", self.x)?)?),
            "fixed_ln" => number(fixed::ln(given("x", self.x)?)?),
            "log_sum_exp" => number(lmsr::log_sum_exp(given("x", self.x)?, given("y", self.y)?)?),
            "cost_function" => number(CURVE.cost(self.quantities()?, self.b_parameter()?)?.0),
            "yes_price" => number(CURVE.price_yes(self.quantities()?, self.b_parameter()?)?.0),
            "no_price" => number(CURVE.price_yes(self.quantities()?, self.b_parameter()?)?.complement().0),
            "shares_for_cost" => {
                let budget = self.target_cost()?;
                number(CURVE.shares_for(self.quantities()?, self.b_parameter()?, self.outcome()?, budget)?.0)
            }
            "calculate_buy_cost" => {
                let budget = self.target_cost()?;
                let purchase = CURVE.buy(self.quantities()?, self.b_parameter()?, self.outcome()?, budget)?;
                object([("cost", purchase.cost.0), ("shares", purchase.shares.0)])
            }
            "calculate_sell_proceeds" => {
                let shares = ShareUnits(given("shares_to_sell", self.shares_to_sell)?);
                number(CURVE.sell(self.quantities()?, self.b_parameter()?, self.outcome()?, shares)?.0)
            }
            "calculate_fees_accurate" => {
                let fees = Fees::of(Lamports(given("amount", self.amount)?), self.schedule()?)?;
                object([
                    ("protocol", fees.protocol.0),
                    ("resolver", fees.resolver.0),
                    ("lp", fees.lp.0),
                    ("total", fees.total.0),
                ])
            }
            // One is checked, one cut to 64 bits: they can't differ.
            "bounded_loss_max_loss" | "lmsr_max_loss_wrapping" => number(bounded_loss::max_loss(self.b_parameter()?).0),
            "b_from_max_loss" => number(bounded_loss::b_from_max_loss(Lamports(given("max_loss", self.max_loss)?)).0),
            "verify_bounded_loss" => {
                let initial = Lamports(given("initial_liquidity", self.initial_liquidity)?);
                bounded_loss::verify(initial, self.current_liquidity()?, self.b_parameter()?)?;
                json!(true)
            }
            "buy_instruction" => {
                let quote = trade::quote_buy(&self.terms()?, self.outcome()?, self.target_cost()?)?;
                object([
                    ("shares", quote.shares.0),
                    ("cost_before_fees", quote.cost_before_fees.0),
                    ("total_cost", quote.total_cost.0),
                    ("protocol_fee", quote.fees.protocol.0),
                    ("resolver_fee", quote.fees.resolver.0),
                    ("lp_fee", quote.fees.lp.0),
                    ("to_market", quote.to_market.0),
                    ("liquidity_delta", quote.liquidity_delta.0),
                    ("new_q_yes", quote.quantities_after.yes.0),
                    ("new_q_no", quote.quantities_after.no.0),
                    ("new_price_yes", quote.price_yes_after.0),
                ])
            }
            "sell_quote" => {
                let shares = ShareUnits(given("shares_to_sell", self.shares_to_sell)?);
                let least = Lamports(given("min_proceeds", self.min_proceeds)?);
                let liquidity = self.current_liquidity()?;
                let quote = trade::quote_sell(&self.terms()?, self.outcome()?, shares, least, liquidity)?;
                object([
                    ("gross", quote.gross.0),
                    ("net", quote.net.0),
                    ("protocol_fee", quote.fees.protocol.0),
                    ("resolver_fee", quote.fees.resolver.0),
                    ("lp_fee", quote.fees.lp.0),
                    ("payout", quote.payout.0),
                    ("new_q_yes", quote.quantities_after.yes.0),
                    ("new_q_no", quote.quantities_after.no.0),
                    ("new_price_yes", quote.price_yes_after.0),
                ])
            }
            _ => return Err(Stop::UnknownFunction),
        })
    }

    fn target_cost(&self) -> Result<Lamports, Stop> {
        given("target_cost", self.target_cost).map(Lamports)
    }

    fn terms(&self) -> Result<Terms, Stop> {
        Ok(Terms {
            curve: Curve::Program,
            quantities: self.quantities()?,
            b_parameter: self.b_parameter()?,
            fees: self.schedule()?,
        })
    }

    fn quantities(&self) -> Result<Quantities, Stop> {
        Ok(Quantities { yes: ShareUnits(given("q_yes", self.q_yes)?), no: ShareUnits(given("q_no", self.q_no)?) })
    }

    fn b_parameter(&self) -> Result<ShareUnits, Stop> {
        given("b", self.b).map(ShareUnits)
    }

    fn current_liquidity(&self) -> Result<Lamports, Stop> {
        given("current_liquidity", self.current_liquidity).map(Lamports)
    }

    fn outcome(&self) -> Result<Outcome, Stop> {
        self.outcome.map(Outcome::from).ok_or(Stop::Missing("outcome"))
    }

    fn schedule(&self) -> Result<FeeSchedule, Stop> {
        let rate = |name, rate: Option<u16>| rate.map(Bps).ok_or(Stop::Missing(name));
        Ok(FeeSchedule {
            protocol: rate("protocol_bps", self.protocol_bps)?,
            resolver: rate("resolver_bps", self.resolver_bps)?,
            lp: rate("lp_bps", self.lp_bps)?,
        })
    }
}

fn given(name: &'static str, argument: Option<U64>) -> Result<u64, Stop> {
    argument.map(|number| number.0).ok_or(Stop::Missing(name))
}
