//! The error bounds that `wide` claims, against the oracle.

use proptest::prelude::*;

use super::{
    super::wide::{LN2, ONE, Scaled, atanh_ratio, decay, decline, ln, reciprocal, scale},
    depths, magnitudes,
    oracle::{self, Real, power_of_two, real},
};

fn value(scaled: Scaled) -> Real {
    real(scaled.mantissa) * power_of_two(-126 - scaled.halvings as isize)
}

fn is_within(computed: &Real, expected: &Real, relative: isize) -> bool {
    let off = computed.clone() / expected.clone() - real(1u8);
    let limit = power_of_two(relative);
    off < limit.clone() && off > -limit
}

proptest! {
    #[test]
    fn decays_are_within_their_bound(b in depths(), t in magnitudes(), by_b in any::<bool>(), share in 0u64..128_000) {
        let t = if by_b { (b / 1_000).saturating_mul(share) } else { t };
        let computed = decay(t, b);
        if t / b >= 128 {
            prop_assert_eq!(computed, Scaled::ZERO);
        } else {
            prop_assert!(computed.mantissa <= ONE && computed.mantissa > ONE / 100 * 49);
            prop_assert!(is_within(&value(computed), &oracle::decay(t, b), -121));
        }
    }

    #[test]
    fn declines_are_within_their_bound(b in depths(), t in 1u64.., shift in 0u32..64, by_b in any::<bool>(), share in 1u64..128_000) {
        let t = if by_b { (b / 1_000).saturating_mul(share) } else { (t >> shift).max(1) };
        let (computed, rest) = decline(t, b);
        let expected = -(-(real(t) / real(b))).exp_m1();
        prop_assert!(computed.mantissa < 2 * ONE && computed.mantissa > ONE / 100 * 49);
        let bound = if t < b / 64 { -123 } else { -117 };
        prop_assert!(is_within(&value(computed), &expected, bound));
        let off = real(rest) * power_of_two(-126) - oracle::decay(t, b);
        prop_assert!(off < power_of_two(-121) && off > -power_of_two(-121));
    }

    #[test]
    fn reciprocals_are_within_their_bound(s in 2 * ONE..) {
        let computed = real(reciprocal(s)) * power_of_two(-126);
        prop_assert!(is_within(&computed, &(power_of_two(126) / real(s)), -123));
    }

    #[test]
    fn area_tangents_are_within_their_bound(num in ONE / 4..=ONE, halvings in 0u32..140, more in any::<u128>()) {
        let num = Scaled { mantissa: num, halvings };
        // What the curve asks for: two, the number itself, and at most as much as is missing to four.
        let least = 2 * ONE + num.plain();
        let den = least + more % (u128::MAX - least);
        let computed = atanh_ratio(num, den);
        let (num, den) = (value(num), real(den) * power_of_two(-126));
        let expected = (num.clone() * real(2u8) / (den - num)).ln_1p() / real(2u8);
        prop_assert!(computed.mantissa > ONE / 200);
        prop_assert!(is_within(&value(computed), &expected, -113));
    }

    #[test]
    fn logarithms_are_within_their_bound(mantissa in 1u128.., shift in 0u32..64, halvings in 0u32..140) {
        let x = Scaled { mantissa: (mantissa >> shift).max(1), halvings };
        let (half, off) = ln(x);
        let computed = value(half) * real(2u8) - real(off) * real(2u8).ln();
        let difference = computed - value(x).ln();
        prop_assert!(difference < power_of_two(-116) && difference > -power_of_two(-116));
    }

    #[test]
    fn scaling_is_the_floored_product(n in any::<u64>(), m in any::<u128>(), shift in 64u32..260) {
        let expected = (real(n) * real(m) * power_of_two(-(shift as isize))).floor();
        prop_assume!(expected < power_of_two(128));
        prop_assert_eq!(real(scale(n, m, shift)), expected);
    }
}

#[test]
fn ln_2_is_rounded_down() {
    let off = real(2u8).ln() * power_of_two(128) - real(LN2);
    assert!(off > real(0u8) && off.clone() * real(100u8) < real(26u8), "{off}");
}
