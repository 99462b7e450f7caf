//! The program's fixed-point arithmetic, bit for bit (program facts, 7.1 to 7.3).
//!
//! A number is a `u64` that counts units of 1e-9. Every function gives exactly what the deployed program gives, its
//! flaws included: `exp` is a Padé approximant without range reduction, `ln` of a number below one is wrong. Nothing
//! here is to be made "better": a quote must be what the chain will do.

use super::error::ProgramError;

/// One.
pub const ONE: u64 = 1_000_000_000;
/// The program's ln 2.
pub const LN2: u64 = 693_147_180;
/// The largest exponent that [`exp`] takes.
pub const MAX_EXPONENT: u64 = 20 * ONE;

/// floor(a · b / c), `OverflowError` past 64 bits; `c` is not zero.
fn ratio(a: u64, b: u64, c: u64) -> Result<u64, ProgramError> {
    let product = u128::from(a) * u128::from(b);
    // Most products fit 64 bits, where a division costs a fraction of the 128-bit one.
    match u64::try_from(product) {
        Ok(product) => Ok(product / c),
        Err(_) => u64::try_from(product / u128::from(c)).map_err(|_| ProgramError::OverflowError),
    }
}

/// The product, rounded down.
pub fn mul(a: u64, b: u64) -> Result<u64, ProgramError> {
    ratio(a, b, ONE)
}

/// The quotient, rounded down; `DivisionByZero` for a zero divisor.
pub fn div(a: u64, b: u64) -> Result<u64, ProgramError> {
    if b == 0 {
        return Err(ProgramError::DivisionByZero);
    }
    ratio(a, ONE, b)
}

/// e^x by the program's Padé (2, 2); `ExponentTooLarge` above [`MAX_EXPONENT`].
///
/// Rises only up to x = 2√3 (13.928…) and falls back towards one from there: `exp(12 / x)` equals `exp(x)`.
pub fn exp(x: u64) -> Result<u64, ProgramError> {
    if x > MAX_EXPONENT {
        return Err(ProgramError::ExponentTooLarge);
    }
    let (half, twelfth) = (x / 2, mul(x, x)? / 12);
    // The denominator 1 − x/2 + x²/12 has no zero, and the sums are far from 64 bits.
    div(ONE + half + twelfth, ONE + twelfth - half)
}

/// e^−x, as 1 / [`exp`].
pub fn exp_negative(x: u64) -> Result<u64, ProgramError> {
    div(ONE, exp(x)?)
}

/// ln x by three terms of the series; `InvalidInput` for zero.
///
/// Below one the program turns the argument over, but not the sign of the series: most such results are wrong or
/// negative (`UnderflowError`). The cost function never asks for one.
pub fn ln(x: u64) -> Result<u64, ProgramError> {
    if x == 0 {
        return Err(ProgramError::InvalidInput);
    }
    if x == ONE {
        return Ok(0);
    }
    let (mut x, mut doublings) = (x, 0i64);
    while x >= 2 * ONE {
        x /= 2;
        doublings += 1;
    }
    while x < ONE / 2 {
        x *= 2;
        doublings -= 1;
    }
    if x < ONE {
        x = div(ONE, x)?;
    }
    let y = div(x - ONE, x + ONE)?;
    let y2 = mul(y, y)?;
    let y3 = mul(y2, y)?;
    let y5 = mul(y3, y2)?;
    // y is at most 1/3 and there are at most 34 doublings: nothing here comes near 64 bits.
    let series = 2 * (y + y3 / 3 + y5 / 5);
    u64::try_from(series as i64 + doublings * LN2 as i64).map_err(|_| ProgramError::UnderflowError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same functions in wide integers, straight from the page, with one check at the end.
    mod twin {
        use super::ProgramError;
        const P: i128 = 1_000_000_000;

        pub fn mul(a: i128, b: i128) -> i128 {
            a * b / P
        }
        pub fn exp(x: i128) -> i128 {
            let (h, t) = (x / 2, mul(x, x) / 12);
            (P + h + t) * P / (P + t - h)
        }
        pub fn ln(x: i128) -> Result<u64, ProgramError> {
            if x == P {
                return Ok(0);
            }
            let up = (0..).find(|k| x >> k < 2 * P).unwrap_or(0);
            let down = (0..).find(|k| x << k >= P / 2).unwrap_or(0);
            let mut reduced = if up > 0 { x >> up } else { x << down };
            if reduced < P {
                reduced = P * P / reduced;
            }
            let y = (reduced - P) * P / (reduced + P);
            let y3 = mul(mul(y, y), y);
            let y5 = mul(y3, mul(y, y));
            let sum = 2 * (y + y3 / 3 + y5 / 5) + (i128::from(up) - i128::from(down)) * 693_147_180;
            u64::try_from(sum).map_err(|_| ProgramError::UnderflowError)
        }
    }

    fn checked(value: u128) -> Result<u64, ProgramError> {
        u64::try_from(value).map_err(|_| ProgramError::OverflowError)
    }

    /// Values of every magnitude, the edges among them.
    fn any_magnitude() -> impl Strategy<Value = u64> {
        prop_oneof![
            (any::<u64>(), 0u32..64).prop_map(|(value, shift)| value >> shift),
            (0u64..3).prop_map(|below| u64::MAX - below),
            0u64..3,
        ]
    }

    proptest! {
        #[test]
        fn products_and_quotients_are_floored_and_checked(a in any_magnitude(), b in any_magnitude()) {
            let (wide_a, wide_b) = (u128::from(a), u128::from(b));
            prop_assert_eq!(mul(a, b), checked(wide_a * wide_b / 1_000_000_000));
            let quotient = (wide_a * 1_000_000_000).checked_div(wide_b);
            prop_assert_eq!(div(a, b), quotient.map_or(Err(ProgramError::DivisionByZero), checked));
        }

        #[test]
        fn exp_is_the_formula(x in 0u64..=MAX_EXPONENT) {
            prop_assert_eq!(i128::from(exp(x).unwrap()), twin::exp(i128::from(x)));
            prop_assert_eq!(exp_negative(x).unwrap(), div(ONE, exp(x).unwrap()).unwrap());
        }

        #[test]
        fn exp_ends_at_its_largest_exponent(x in MAX_EXPONENT + 1..) {
            prop_assert_eq!(exp(x), Err(ProgramError::ExponentTooLarge));
        }

        #[test]
        fn ln_is_the_formula(x in any_magnitude().prop_filter("zero has none", |x| *x > 0)) {
            prop_assert_eq!(ln(x), twin::ln(i128::from(x)));
        }
    }

    #[test]
    fn ln_of_zero_is_refused() {
        assert_eq!(ln(0), Err(ProgramError::InvalidInput));
        assert_eq!(ln(ONE), Ok(0));
        assert_eq!(ln(2 * ONE), Ok(LN2));
    }
}
