//! Fixed point of 126 fraction bits for the exact curve: exp, 1 − exp and atanh with proved errors.
//!
//! Owns the arithmetic only; what is computed with it, and rounded how, is in `exact`. A number is a `u128` that counts
//! units of 2^-126, so it lies in [0, 4); a [`Scaled`] has a number of halvings beside it, so that a tiny value keeps its
//! leading digits. Everything is integers, nothing allocates, and no loop depends on a value.
//!
//! # Errors
//! `ulp` = 2^-126; every rounding below is downwards and takes less than one.
//! - [`decay`], e^-u: u = t/b is cut at 2^-128; k·ln 2 is taken off with the low 128 bits of k·`LN2` (k <= 184, `LN2`
//!   is less than 0.26·2^-128 too small): at most 12 ulp in the exponent. The table is within 2 ulp, the series (15
//!   terms of s < 2^-6: the rest is below 2^-130) within 2. Since the mantissa is above 0.49: relative below 2^-121,
//!   and without halvings (u < 0.69) absolute below 5 ulp.
//! - [`decline`], 1 − e^-u: from u = 1/64 on by subtraction: relative at most 5 ulp · 65 < 2^-117; below by a series whose
//!   factor u keeps all its digits: below 2^-123.
//! - [`reciprocal`]: a first guess within 2^-62.4, one step of Newton: relative below 2^-123.
//! - [`atanh_ratio`]: num/den, moved by i/64 to at most 0.009 (the rest of the series is below 2^-126). Without a move all
//!   steps are relative: below 2^-121 beside the error of num. With one (the value is above 0.006 then) absolute below 40
//!   ulp: relative below 2^-113 beside it.

/// Fraction bits.
pub(super) const BITS: u32 = 126;
/// One.
pub(super) const ONE: u128 = 1 << BITS;
/// ln 2 in units of 2^-128, rounded down.
pub(super) const LN2: u128 = 0xb172_17f7_d1cf_79ab_c9e3_b398_03f2_f6af;
/// 1 / ln 2 in units of 2^-32, rounded down, by 0.72 of one: what it estimates is never too large.
const LOG2_E: u128 = 0x1_7154_7652;
/// From here on [`decay`] says zero: e^-128 < 2^-184.
const EXPONENT_END: u64 = 128;

/// mantissa · 2^-126 · 2^-halvings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scaled {
    pub(super) mantissa: u128,
    pub(super) halvings: u32,
}

impl Scaled {
    pub(super) const ONE: Self = Self { mantissa: ONE, halvings: 0 };
    /// With so many halvings that in a sum it is the smaller.
    pub(super) const ZERO: Self = Self { mantissa: 0, halvings: 2 * u128::BITS };

    /// In units of 2^-126, rounded down.
    pub(super) fn plain(self) -> u128 {
        self.mantissa.checked_shr(self.halvings).unwrap_or(0)
    }

    pub(super) fn times(self, other: Self) -> Self {
        Self { mantissa: mul(self.mantissa, other.mantissa), halvings: self.halvings + other.halvings }
    }
}

/// The product as (high, low) 128 bits.
const fn mul_full(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let low = a0 * b0;
    let middle = a1 * b0 + (low >> 64);
    let (cross, carry) = middle.overflowing_add(a0 * b1);
    (a1 * b1 + (cross >> 64) + ((carry as u128) << 64), (cross << 64) | (low & LOW))
}

/// The product, if it is below 4.
pub(super) fn mul(a: u128, b: u128) -> u128 {
    let (high, low) = mul_full(a, b);
    (high << 2) | (low >> BITS)
}

/// The product with a fraction in units of 2^-128.
fn mul_fraction(fraction: u128, b: u128) -> u128 {
    mul_full(fraction, b).0
}

/// floor(n · m / 2^shift), for 64 <= shift and a result that fits.
pub(super) fn scale(n: u64, m: u128, shift: u32) -> u128 {
    let n = u128::from(n);
    let high = n * (m >> 64) + ((n * (m & u128::from(u64::MAX))) >> 64);
    high.checked_shr(shift - 64).unwrap_or(0)
}

/// floor(a · times / by) for small factors.
const fn mul_div(a: u128, times: u128, by: u128) -> u128 {
    a / by * times + a % by * times / by
}

const EXP_TERMS: usize = 15;
/// 1 / n!.
const INVERSE_FACTORIALS: [u128; EXP_TERMS + 1] = {
    let mut table = [ONE; EXP_TERMS + 1];
    let mut n = 1;
    while n <= EXP_TERMS {
        table[n] = table[n - 1] / n as u128;
        n += 1;
    }
    table
};

/// e^(-i/64), as far as ln 2 and the slack of the estimate of k need it.
const DECAYS: [u128; 46] = {
    let mut table = [0; 46];
    let mut i = 0;
    while i < table.len() {
        // 1 − x(1 − x/2(1 − x/3(…))), x = i/64.
        let (mut sum, mut n) = (ONE, 40);
        while n > 0 {
            sum = ONE - mul_div(sum, i as u128, 64 * n);
            n -= 1;
        }
        table[i] = sum;
        i += 1;
    }
    table
};

const ATANH_TERMS: usize = 10;
/// 1 / (2n + 1).
const ODD_INVERSES: [u128; ATANH_TERMS] = {
    let mut table = [0; ATANH_TERMS];
    let mut n = 0;
    while n < table.len() {
        table[n] = ONE / (2 * n as u128 + 1);
        n += 1;
    }
    table
};

/// atanh(i/64), up to a third.
const ATANHS: [u128; 23] = {
    let mut table = [0; 23];
    let mut i = 0;
    while i < table.len() {
        let square = (i * i) as u128;
        let (mut sum, mut n) = (0, 50u128);
        while n > 0 {
            n -= 1;
            sum = ONE / (2 * n + 1) + mul_div(sum, square, 4096);
        }
        table[i] = mul_div(sum, i as u128, 64);
        i += 1;
    }
    table
};

/// t / b as its whole part and a fraction in units of 2^-128, rounded down.
fn quotient(t: u64, b: u64) -> (u64, u128) {
    let divisor = u128::from(b);
    let first = u128::from(t % b) << 64;
    let second = (first % divisor) << 64;
    (t / b, ((first / divisor) << 64) | (second / divisor))
}

/// coefficients[0] − s(coefficients[1] − s(…)), s in units of 2^-128.
fn alternating(coefficients: &[u128], s: u128) -> u128 {
    coefficients.iter().rev().fold(0, |sum, coefficient| coefficient - mul_fraction(s, sum))
}

/// e^(-t/b); its mantissa is in (0.49, 1], or 0 from t = 128 b on. b is not zero.
pub(super) fn decay(t: u64, b: u64) -> Scaled {
    let (whole, fraction) = quotient(t, b);
    if whole >= EXPONENT_END { Scaled::ZERO } else { decay_of(whole, fraction) }
}

fn decay_of(whole: u64, fraction: u128) -> Scaled {
    // Never above floor(u / ln 2), and at most one below: what remains is in [0, ln 2 + 2^-24), so only the low 128 bits
    // of it are needed.
    let halvings = (((u128::from(whole) << 32) | (fraction >> 96)) * LOG2_E) >> 64;
    let rest = fraction.wrapping_sub(LN2.wrapping_mul(halvings));
    let index = (rest >> 122) as usize;
    let series = alternating(&INVERSE_FACTORIALS[..EXP_TERMS], rest & ((1 << 122) - 1));
    Scaled { mantissa: mul(DECAYS[index.min(DECAYS.len() - 1)], series), halvings: halvings as u32 }
}

/// 1 − e^(-t/b) with all its leading digits (the mantissa is in (0.49, 2)), and e^(-t/b) itself. Neither t nor b is zero.
pub(super) fn decline(t: u64, b: u64) -> (Scaled, u128) {
    let (whole, fraction) = quotient(t, b);
    if whole >= EXPONENT_END {
        return (Scaled::ONE, 0);
    }
    if whole > 0 || fraction >> 122 > 0 {
        let rest = decay_of(whole, fraction).plain();
        let halvings = (ONE - rest).leading_zeros() - 1;
        return (Scaled { mantissa: (ONE - rest) << halvings, halvings }, rest);
    }
    // u(1 − u/2(1 − u/3(…))), with the digits of the first u from a division of its own.
    let series = alternating(&INVERSE_FACTORIALS[1..], fraction);
    let (t_shift, b_shift) = (t.leading_zeros(), b.leading_zeros());
    let divisor = u128::from(b << b_shift);
    let first = u128::from(t << t_shift) << 63;
    let second = (first % divisor) << 63;
    let mantissa = ((first / divisor) << 63) | (second / divisor);
    let decline = Scaled { mantissa: mul(mantissa, series), halvings: t_shift - b_shift };
    (decline, ONE - decline.plain())
}

/// 1 / s for s in [2, 4).
pub(super) fn reciprocal(s: u128) -> u128 {
    let guess = (u128::MAX / (s >> 64)) << 60;
    let product = mul(s, guess);
    if product >= ONE { guess - mul(guess, product - ONE) } else { guess + mul(guess, ONE - product) }
}

/// atanh(num / den), for num in [0, 1] and den in [2 + num, 4), hence of at most a third. The mantissa is above 0.006 if
/// that of num is above 0.24.
pub(super) fn atanh_ratio(num: Scaled, den: u128) -> Scaled {
    let plain = num.plain();
    let index = (((plain >> 100) * 64 + (den >> 101)) / (den >> 100)) as usize;
    let index = index.min(ATANHS.len() - 1);
    // v(1 + v²/3 + v⁴/5 + …).
    let series = |v: u128| {
        let square = mul(v, v);
        ODD_INVERSES.iter().rev().fold(0, |sum, inverse| inverse + mul(square, sum))
    };
    if index == 0 {
        let mantissa = mul(num.mantissa, reciprocal(den));
        let v = Scaled { mantissa, ..num }.plain();
        return Scaled { mantissa: mul(mantissa, series(v)), ..num };
    }
    // atanh(x) = atanh(w) + atanh((x − w) / (1 − x·w)), w = index/64.
    let part = |of: u128| (of >> 6) * index as u128;
    let v = mul(plain.abs_diff(part(den)), reciprocal(den - part(plain)));
    let moved = mul(v, series(v));
    let known = ATANHS[index];
    Scaled { mantissa: if plain >= part(den) { known + moved } else { known - moved }, halvings: 0 }
}

/// ln(x), as (positive part, whole multiples of ln 2 to take off). x is not zero.
pub(super) fn ln(x: Scaled) -> (Scaled, i32) {
    let zeros = x.mantissa.leading_zeros();
    // Into [1, 2).
    let mantissa = if zeros == 0 { x.mantissa >> 1 } else { x.mantissa << (zeros - 1) };
    let half = atanh_ratio(Scaled { mantissa: mantissa - ONE, halvings: 0 }, mantissa + ONE);
    (half, x.halvings as i32 + zeros as i32 - 1)
}
