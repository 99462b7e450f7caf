//! The program's arithmetic: fixed point, its curve, its fees.
//!
//! Owns: the numbers of `docs/program.md`, section 7, bit for bit, with their faults (section 7.8). Never: an account.
//! It is not the engine's arithmetic on purpose: written a second time, the two check each other.

use super::error::Code::{
    self, DivisionByZero, ExponentTooLarge, InsufficientShares, InvalidBParameter, InvalidInput, OverflowError,
    UnderflowError,
};

/// One, in fixed point.
pub const ONE: u64 = 1_000_000_000;
const LN2: u64 = 693_147_180;
const MAX_EXPONENT: u64 = 20 * ONE;
const MIN_B: u64 = 100 * ONE;

type Number = Result<u64, Code>;

fn narrow(value: u128) -> Number {
    u64::try_from(value).map_err(|_| OverflowError)
}

fn add(a: u64, b: u64) -> Number {
    a.checked_add(b).ok_or(OverflowError)
}

fn sub(a: u64, b: u64) -> Number {
    a.checked_sub(b).ok_or(UnderflowError)
}

/// floor(a·b / 1e9).
pub fn mul(a: u64, b: u64) -> Number {
    narrow(u128::from(a) * u128::from(b) / u128::from(ONE))
}

/// floor(a·1e9 / b).
pub fn div(a: u64, b: u64) -> Number {
    let quotient = (u128::from(a) * u128::from(ONE)).checked_div(u128::from(b)).ok_or(DivisionByZero)?;
    narrow(quotient)
}

/// The Padé approximation of e^x that the program takes for all x up to 20 (section 7.2).
pub fn exp(x: u64) -> Number {
    if x > MAX_EXPONENT {
        return Err(ExponentTooLarge);
    }
    let twelfth = mul(x, x)? / 12;
    let half = x / 2;
    div(add(add(ONE, half)?, twelfth)?, sub(add(ONE, twelfth)?, half)?)
}

/// 1 / exp(x).
pub fn exp_negative(x: u64) -> Number {
    div(ONE, exp(x)?)
}

/// The logarithm's series (section 7.3); wrong below one, as deployed.
pub fn ln(x: u64) -> Number {
    if x == 0 {
        return Err(InvalidInput);
    }
    if x == ONE {
        return Ok(0);
    }
    let (mut x, mut halvings) = (x, 0i64);
    while x >= 2 * ONE {
        x /= 2;
        halvings += 1;
    }
    while x < ONE / 2 {
        x *= 2;
        halvings -= 1;
    }
    if x < ONE {
        x = div(ONE, x)?;
    }
    let y = div(sub(x, ONE)?, add(x, ONE)?)?;
    let y2 = mul(y, y)?;
    let y3 = mul(y2, y)?;
    let y5 = mul(y3, y2)?;
    let series = i128::from(y + y3 / 3 + y5 / 5) * 2;
    let result = series + i128::from(halvings) * i128::from(LN2);
    if result < 0 { Err(UnderflowError) } else { u64::try_from(result).map_err(|_| OverflowError) }
}

/// max(x, y) + ln(1 + e^−|x−y|).
pub fn log_sum_exp(x: u64, y: u64) -> Number {
    add(x.max(y), ln(add(ONE, exp_negative(x.abs_diff(y))?)?)?)
}

/// C(q) = b · log_sum_exp(q_yes/b, q_no/b), in lamports.
pub fn cost(q_yes: u64, q_no: u64, b: u64) -> Number {
    if b < MIN_B {
        return Err(InvalidBParameter);
    }
    mul(b, log_sum_exp(div(q_yes, b)?, div(q_no, b)?)?)
}

/// The price of YES, in fixed point.
pub fn price_yes(q_yes: u64, q_no: u64, b: u64) -> Number {
    if b < MIN_B {
        return Err(InvalidBParameter);
    }
    let e = exp(div(q_yes.abs_diff(q_no), b)?)?;
    let numerator = if q_yes >= q_no { e } else { ONE };
    div(numerator, add(e, ONE)?)
}

/// C with `more` shares on one side.
fn cost_with(q_yes: u64, q_no: u64, b: u64, yes: bool, more: u64) -> Number {
    if yes { cost(add(q_yes, more)?, q_no, b) } else { cost(q_yes, add(q_no, more)?, b) }
}

/// The shares that a budget of `max_cost` lamports buys by the program's own search, and what they cost.
pub fn buy(q_yes: u64, q_no: u64, b: u64, yes: bool, max_cost: u64) -> Result<(u64, u64), Code> {
    let before = cost(q_yes, q_no, b)?;
    let (mut low, mut high) = (0u64, b.checked_mul(20).ok_or(OverflowError)?);
    for _ in 0..50 {
        if high - low <= 1_000_000 {
            break;
        }
        let middle = low + (high - low) / 2;
        let at = sub(cost_with(q_yes, q_no, b, yes, middle)?, before)?;
        match at.cmp(&max_cost) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => {
                low = middle;
                break;
            }
        }
    }
    Ok((sub(cost_with(q_yes, q_no, b, yes, low)?, before)?, low))
}

/// What `shares` of one side are worth to the market, before fees, in lamports.
pub fn sell(q_yes: u64, q_no: u64, b: u64, yes: bool, shares: u64) -> Number {
    let before = cost(q_yes, q_no, b)?;
    let after = if yes {
        cost(q_yes.checked_sub(shares).ok_or(InsufficientShares)?, q_no, b)?
    } else {
        cost(q_yes, q_no.checked_sub(shares).ok_or(InsufficientShares)?, b)?
    };
    sub(before, after)
}

/// The most that a market with this b can lose, in lamports.
pub fn max_loss(b: u64) -> Number {
    mul(b, LN2)
}

/// The three fees of a trade, in lamports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// To the fee wallet.
    pub protocol: u64,
    /// Kept for the resolver.
    pub resolver: u64,
    /// Kept for the market's creator.
    pub lp: u64,
}

impl Fees {
    /// Splits the fee of `amount` by the three rates in basis points (section 7.6).
    pub fn of(amount: u64, protocol: u16, resolver: u16, lp: u16) -> Result<Self, Code> {
        let rate = u64::from(protocol) + u64::from(resolver) + u64::from(lp);
        let total = amount.checked_mul(rate).ok_or(OverflowError)? / 10_000;
        let share =
            |part: u16| (u128::from(total) * u128::from(part)).checked_div(u128::from(rate)).ok_or(DivisionByZero);
        let (protocol, resolver) = (narrow(share(protocol)?)?, narrow(share(resolver)?)?);
        Ok(Self { protocol, resolver, lp: sub(sub(total, protocol)?, resolver)? })
    }

    /// All three together.
    pub fn total(&self) -> u64 {
        self.protocol + self.resolver + self.lp
    }
}
