//! LMSR in floats of 448 bits: what the exact curve is measured by.
//!
//! Owns the formula as it stands in books, f(x) = max(x, 0) + b·ln(1 + e^(−|x|/b)), and nothing clever but that the whole
//! part is kept apart, so that an excess of e^(−100,000,000) is not lost beside it.

use std::cmp::Ordering;

use dashu_float::{FBig, round::mode::HalfEven};

pub type Real = FBig<HalfEven, 2>;

const PRECISION: usize = 448;

pub fn real(value: impl Into<Real>) -> Real {
    value.into().with_precision(PRECISION).value()
}

/// 2^exponent.
pub fn power_of_two(exponent: isize) -> Real {
    real(Real::from_parts(1.into(), exponent))
}

/// e^(−t/b).
pub fn decay(t: u64, b: u64) -> Real {
    // The exponential of zero comes without a precision.
    real((-(real(t) / real(b))).exp())
}

/// b·ln(1 + e^(−t/b)).
pub fn excess(t: u64, b: u64) -> Real {
    real(b) * decay(t, b).ln_1p()
}

/// A real number as a whole one and a rest of any size.
#[derive(Debug, Clone)]
pub struct Split {
    pub whole: i128,
    pub rest: Real,
}

/// What moving a lead from `from` to `to` costs.
pub fn rise(from: i128, to: i128, b: u64) -> Split {
    let at = |lead: i128| excess(lead.unsigned_abs() as u64, b);
    Split { whole: to.max(0) - from.max(0), rest: at(to) - at(from) }
}

impl Split {
    pub fn floor(&self) -> i128 {
        -Self { whole: -self.whole, rest: -self.rest.clone() }.ceil()
    }

    pub fn ceil(&self) -> i128 {
        let (zero, one) = (real(0u8), real(1u8));
        // A tiny rest has too many digits for a whole number.
        let rest = match self.rest.cmp(&zero) {
            Ordering::Equal => 0,
            Ordering::Greater if self.rest < one => 1,
            Ordering::Less if self.rest > -one => 0,
            _ => i128::try_from(self.rest.ceil().to_int().value()).unwrap(),
        };
        self.whole + rest
    }
}

/// The price of an outcome that leads by so much, in units of 1e-9.
pub fn price(lead: i128, b: u64) -> Real {
    let (one, e) = (real(1u8), decay(lead.unsigned_abs() as u64, b));
    real(1_000_000_000u64) * if lead >= 0 { one.clone() / (one + e) } else { e.clone() / (one + e) }
}
