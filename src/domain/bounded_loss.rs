//! How much a market maker can lose, and the b that bounds it (program facts, 7.7).
//!
//! Owns these three formulas only. On chain the check stands in finalization and can't trigger, since a market's
//! liquidity on paper only grows.

use super::{
    amount::{Lamports, ShareUnits},
    error::ProgramError,
    fixed::{LN2, ONE},
    lmsr::MIN_B,
};

/// The largest loss with b: floor(b · ln 2). It fits 64 bits for every b, so the program's two variants of it (one
/// checked, one cut to 64 bits) are one.
pub fn max_loss(b: ShareUnits) -> Lamports {
    Lamports((u128::from(b.0) * u128::from(LN2) / u128::from(ONE)) as u64)
}

/// The b whose largest loss is given: at least [`MIN_B`], cut to 64 bits as the program does.
pub fn b_from_max_loss(loss: Lamports) -> ShareUnits {
    let b = (u128::from(loss.0) * u128::from(ONE) / u128::from(LN2)) as u64;
    ShareUnits(b).max(MIN_B)
}

/// `BoundedLossExceeded` if the liquidity fell by more than [`max_loss`].
pub fn verify(initial: Lamports, current: Lamports, b: ShareUnits) -> Result<(), ProgramError> {
    if initial.0.saturating_sub(current.0) > max_loss(b).0 { Err(ProgramError::BoundedLossExceeded) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_itself_is_allowed() {
        let b = ShareUnits(1_000 * ONE);
        assert_eq!(max_loss(b), Lamports(693_147_180_000));
        assert_eq!(verify(Lamports(693_147_180_000), Lamports(0), b), Ok(()));
        assert_eq!(verify(Lamports(693_147_180_001), Lamports(0), b), Err(ProgramError::BoundedLossExceeded));
        assert_eq!(verify(Lamports(0), Lamports(u64::MAX), b), Ok(()));
    }

    #[test]
    fn a_small_loss_still_gets_the_smallest_b() {
        assert_eq!(b_from_max_loss(Lamports(0)), MIN_B);
        assert_eq!(b_from_max_loss(Lamports(693_147_180_000)), ShareUnits(1_000 * ONE));
    }
}
