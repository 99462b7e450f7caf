//! True LMSR in integers: C(yes, no) = b · ln(e^(yes/b) + e^(no/b)), rounded so that the market never loses by it.
//!
//! Owns the exact curve: what a purchase costs (rounded up), what a sale brings (down), the price (to nearest), and the
//! most shares that a budget pays for. Never a float, no loop that is not bounded; the arithmetic is `wide`'s.
//!
//! # Shape
//! Let f(x) = b·ln(1 + e^(x/b)), x the lead of the outcome bought. A purchase from x to y costs f(y) − f(x), and since
//! f(x) = max(x, 0) + g(|x|) with the *excess* g(t) = b·ln(1 + e^(−t/b)), it costs a whole number more or less
//! `N = g(near) − g(far)`, near <= far being the two leads without their signs. N is one logarithm of what it adds:
//!
//! `N = b·ln(1 + A/(1 + e^(−far/b))) = 2b·atanh(A/(2 + e^(−near/b) + e^(−far/b)))`, `A = e^(−near/b)·(1 − e^(−(far−near)/b))`
//!
//! so nothing cancels, and N is known with a *relative* error: below 2^-112 ([`ERROR_BITS`]), where `wide` proves 2^-113
//! for the worst case.
//!
//! # What follows
//! - **Rounding.** N is whole only for near = far (else e would solve an equation with rational exponents, against
//!   Lindemann-Weierstrass), and that case is exact here. So a cost is the real value rounded up, and proceeds rounded
//!   down, except in a band: where N is nearer than N·2^-111 (at most 2^-47) to a whole number. There the answer can be
//!   one unit worse for the trader, never better: a cost stays below the real value + 1 + band, proceeds above it − 1 −
//!   band. Small trades next to balance are near whole numbers by nature, N = (far − near)/2 − (far² − near²)/(8b) + …,
//!   but by multiples of 1/(8b) > 2^-67, far outside of their bands.
//! - **Never profitable.** Cost >= real >= proceeds for the same move, hence no way there and back gains, and from a
//!   balanced start the market loses at most b·ln 2, with nothing added for rounding. Costs of parts differ from the
//!   cost of the whole by less than one unit a part (and band).
//! - **Monotone.** f is convex and g falls by at most 1/2 a unit, so from one unit to the next N grows by at least a
//!   2^-64th of it or the whole part outweighs it: the error of 2^-112 cannot turn the order around.
//! - **Inverse.** From f(x) = f(y) − B: y − x = B + b·ln(1 + e^(−x/b)·(1 − e^(−B/b))), here within 2^-48; the price
//!   where a cost of B >= 1 is reached is above B/(3b) (or 1/3), so the answer is the whole part of it or a neighbour, and
//!   costs decide which.

use super::{
    super::{
        amount::{Lamports, PriceE9, ShareUnits},
        error::ProgramError,
        event::Outcome,
    },
    MIN_B, Purchase, Quantities,
    wide::{self, BITS, LN2, ONE, Scaled},
};

/// N's relative error is below 2^-this.
const ERROR_BITS: u32 = 112;
/// A lead of so many b leaves an excess below one unit, for every b of 64 bits: ln(1 + e^-48) < 2^-69.
const EXCESS_END: u64 = 48;

/// A real number by its neighbours among the whole ones; equal where it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rounded {
    down: u64,
    up: u64,
}

fn checked_b(b: ShareUnits) -> Result<u64, ProgramError> {
    if b < MIN_B { Err(ProgramError::InvalidBParameter) } else { Ok(b.0) }
}

/// By how much an outcome leads.
fn lead(quantities: Quantities, outcome: Outcome) -> i128 {
    i128::from(quantities.of(outcome).0) - i128::from(quantities.of(outcome.other()).0)
}

/// 2b · half · 2^-126: a logarithm in units of the cost, within its error.
fn in_units(half: Scaled, b: u64) -> Rounded {
    let error = (half.mantissa >> ERROR_BITS) + 1;
    let units = |mantissa| wide::scale(b, mantissa, BITS - 1 + half.halvings) as u64;
    Rounded { down: units(half.mantissa.saturating_sub(error)), up: units(half.mantissa + error) + 1 }
}

/// N: what the excess falls by from a lead of `near` to one of `far`; near <= far.
fn excess_between(near: u64, far: u64, b: u64) -> Rounded {
    if near == far {
        return Rounded { down: 0, up: 0 };
    }
    if near / b >= EXCESS_END {
        return Rounded { down: 0, up: 1 };
    }
    let at_near = wide::decay(near, b);
    let (decline, rest) = wide::decline(far - near, b);
    let at_far = wide::mul(at_near.plain(), rest);
    in_units(wide::atanh_ratio(at_near.times(decline), 2 * ONE + at_near.plain() + at_far), b)
}

/// f(to) − f(from), for from <= to.
fn rise(from: i128, to: i128, b: u64) -> Rounded {
    // Both leads are differences of 64-bit quantities.
    let (before, after) = (from.unsigned_abs() as u64, to.unsigned_abs() as u64);
    let whole = (to.max(0) - from.max(0)) as u64;
    let excess = excess_between(before.min(after), before.max(after), b);
    if after <= before {
        Rounded { down: whole + excess.down, up: whole + excess.up }
    } else {
        // N is at most half of what the whole part counts.
        Rounded { down: whole - excess.up, up: whole - excess.down }
    }
}

/// COST, rounded down; `OverflowError` past 64 bits.
pub(super) fn cost(quantities: Quantities, b: ShareUnits) -> Result<Lamports, ProgramError> {
    let b = checked_b(b)?;
    let (yes, no) = (quantities.yes.0, quantities.no.0);
    let lead = yes.abs_diff(no);
    let excess = if lead / b >= EXCESS_END {
        0
    } else {
        let at_lead = wide::decay(lead, b);
        in_units(wide::atanh_ratio(at_lead, 2 * ONE + at_lead.plain()), b).down
    };
    yes.max(no).checked_add(excess).map(Lamports).ok_or(ProgramError::OverflowError)
}

/// PRICE_YES to nearest. A tie is only at balance, where the price is whole.
pub(super) fn price_yes(quantities: Quantities, b: ShareUnits) -> Result<PriceE9, ProgramError> {
    let b = checked_b(b)?;
    let (yes, no) = (quantities.yes.0, quantities.no.0);
    if yes == no {
        return Ok(PriceE9(PriceE9::ONE.0 / 2));
    }
    // Of the outcome that is behind: e / (1 + e).
    let e = wide::decay(yes.abs_diff(no), b).plain();
    let half = wide::mul(e, wide::reciprocal(2 * ONE + 2 * e));
    let behind = PriceE9((wide::scale(4 * PriceE9::ONE.0, half, BITS) as u64).div_ceil(2));
    Ok(if yes < no { behind } else { behind.complement() })
}

/// The cost of so many shares, rounded up.
pub(super) fn purchase_cost(
    quantities: Quantities,
    b: ShareUnits,
    outcome: Outcome,
    shares: ShareUnits,
) -> Result<Lamports, ProgramError> {
    let b = checked_b(b)?;
    let after = quantities.bought(outcome, shares)?;
    Ok(Lamports(rise(lead(quantities, outcome), lead(after, outcome), b).up))
}

/// What so many shares bring, rounded down.
pub(super) fn sell(
    quantities: Quantities,
    b: ShareUnits,
    outcome: Outcome,
    shares: ShareUnits,
) -> Result<Lamports, ProgramError> {
    let after = quantities.sold(outcome, shares)?;
    let b = checked_b(b)?;
    Ok(Lamports(rise(lead(after, outcome), lead(quantities, outcome), b).down))
}

/// The most shares whose cost is within the budget, and their cost. `OverflowError` if the budget would pay for more than
/// the market's 64 bits can hold.
pub(super) fn buy(
    quantities: Quantities,
    b: ShareUnits,
    outcome: Outcome,
    budget: Lamports,
) -> Result<Purchase, ProgramError> {
    let b = checked_b(b)?;
    if budget == Lamports::ZERO {
        return Ok(Purchase { cost: Lamports::ZERO, shares: ShareUnits::ZERO });
    }
    let from = lead(quantities, outcome);
    let room = u64::MAX - quantities.of(outcome).0;
    let cost = |shares: u64| rise(from, from + i128::from(shares), b).up;
    let near = inverse(from, budget.0, b).max(1);
    if near + 1 >= i128::from(room) && cost(room) < budget.0 {
        return Err(ProgramError::OverflowError);
    }
    let mut shares = (near + 1).min(i128::from(room)) as u64;
    let mut paid = cost(shares);
    // The whole part is the answer, or one of its two neighbours; a cost of one unit fits every budget here.
    for _ in 0..2 {
        if paid <= budget.0 || shares == 0 {
            break;
        }
        shares -= 1;
        paid = cost(shares);
    }
    debug_assert!(paid <= budget.0, "the inverse is off by more than one");
    Ok(Purchase { cost: Lamports(paid), shares: ShareUnits(shares) })
}

/// The whole part of the shares that cost a budget from this lead on, give or take one.
fn inverse(from: i128, budget: u64, b: u64) -> i128 {
    let at_lead = wide::decay(from.unsigned_abs() as u64, b);
    let (decline, _) = wide::decline(budget, b);
    // B + b·ln(1 + e^(−x/b)·M); where x is negative, e^(−x/b) is taken out of the logarithm.
    let (base, sum) = if from >= 0 {
        (0, plus(Scaled::ONE, at_lead.times(decline)))
    } else {
        (from.unsigned_abs() as i128, plus(decline, at_lead))
    };
    let (half, halvings) = wide::ln(sum);
    // In units of 2^-120, which leave room for 2^7.
    let logarithm = (half.plain() >> 5) as i128 - (LN2 >> 8) as i128 * i128::from(halvings);
    let units = wide::scale(b, logarithm.unsigned_abs(), 120) as i128;
    i128::from(budget) + base + if logarithm < 0 { -units - 1 } else { units }
}

/// The sum with the leading digits of the larger; both mantissas are at most 2.
fn plus(a: Scaled, b: Scaled) -> Scaled {
    let (large, small) = if a.halvings <= b.halvings { (a, b) } else { (b, a) };
    let shifted = Scaled { halvings: small.halvings - large.halvings, ..small }.plain();
    Scaled { mantissa: large.mantissa + shifted, ..large }
}
