//! Fees of a trade (program facts, 7.6), and the way back from a total to what it was before fees.

use serde::{Deserialize, Serialize};

use super::{amount::Lamports, entry::FeeSchedule, error::ProgramError};

/// All of an amount, in basis points.
const ALL_BPS: u64 = 10_000;

/// What a trade pays besides its cost, by receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fees {
    /// To the protocol's wallet.
    pub protocol: Lamports,
    /// To the resolver.
    pub resolver: Lamports,
    /// To the liquidity: the remainder.
    pub lp: Lamports,
    /// All of it.
    pub total: Lamports,
}

impl FeeSchedule {
    /// The three rates together, in basis points.
    pub fn total_bps(self) -> u64 {
        u64::from(self.protocol.0) + u64::from(self.resolver.0) + u64::from(self.lp.0)
    }
}

impl Fees {
    /// The fees of an amount: the total is floored once, the protocol's and the resolver's parts of it are floored, the
    /// rest is the liquidity's. `OverflowError` if amount · rate does not fit 64 bits, `DivisionByZero` if all rates
    /// are zero.
    pub fn of(amount: Lamports, schedule: FeeSchedule) -> Result<Self, ProgramError> {
        let rates = schedule.total_bps();
        let total = amount.0.checked_mul(rates).ok_or(ProgramError::OverflowError)? / ALL_BPS;
        let part = |bps: u16| {
            let share = (u128::from(total) * u128::from(bps)).checked_div(u128::from(rates));
            let share = share.ok_or(ProgramError::DivisionByZero)?;
            // Never more than the total: a part's rate is at most all rates together.
            u64::try_from(share).map_err(|_| ProgramError::OverflowError)
        };
        let (protocol, resolver) = (part(schedule.protocol.0)?, part(schedule.resolver.0)?);
        let lp = total.checked_sub(protocol).and_then(|rest| rest.checked_sub(resolver));
        let lp = lp.ok_or(ProgramError::UnderflowError)?;
        Ok(Self {
            protocol: Lamports(protocol),
            resolver: Lamports(resolver),
            lp: Lamports(lp),
            total: Lamports(total),
        })
    }

    /// What a trade adds to the market's liquidity on paper: the parts that stay in the market.
    pub fn kept(self) -> Result<Lamports, ProgramError> {
        self.resolver.checked_add(self.lp).ok_or(ProgramError::OverflowError)
    }
}

/// The one cost c with c + floor(c · T / 10000) = total, where T is all rates together; `None` if there is none.
///
/// The left side grows by at least one with every c, so there is at most one; and c is floor(total · 10000 / (10000 + T))
/// or the next, since rounding down takes less than one lamport.
pub fn cost_before_fees(total: Lamports, schedule: FeeSchedule) -> Option<Lamports> {
    let (total, rates, all) = (u128::from(total.0), u128::from(schedule.total_bps()), u128::from(ALL_BPS));
    let lowest = total * all / (all + rates);
    let cost = [lowest, lowest + 1].into_iter().find(|cost| cost + cost * rates / all == total)?;
    u64::try_from(cost).ok().map(Lamports)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::amount::Bps, *};

    fn schedules() -> impl Strategy<Value = FeeSchedule> {
        let rate = || prop_oneof![4 => 0u16..700, 1 => any::<u16>()].prop_map(Bps);
        (rate(), rate(), rate()).prop_map(|(protocol, resolver, lp)| FeeSchedule { protocol, resolver, lp })
    }

    proptest! {
        #[test]
        fn the_parts_make_the_total(amount in any::<u64>(), shift in 0u32..64, schedule in schedules()) {
            let amount = amount >> shift;
            let wide = u128::from(amount) * u128::from(schedule.total_bps());
            match Fees::of(Lamports(amount), schedule) {
                Ok(fees) => {
                    prop_assert_eq!(u128::from(fees.total.0), wide / 10_000);
                    prop_assert_eq!(fees.protocol.0 + fees.resolver.0 + fees.lp.0, fees.total.0);
                    prop_assert!(fees.protocol.0 as u128 * schedule.total_bps() as u128 <= fees.total.0 as u128 * schedule.protocol.0 as u128);
                }
                Err(ProgramError::DivisionByZero) => prop_assert_eq!(schedule.total_bps(), 0),
                Err(error) => {
                    prop_assert_eq!(error, ProgramError::OverflowError);
                    prop_assert!(wide > u128::from(u64::MAX));
                }
            }
        }

        #[test]
        fn a_total_has_one_cost_or_none(cost in any::<u64>(), shift in 0u32..64, schedule in schedules()) {
            let cost = u128::from(cost >> shift);
            let total = |cost: u128| cost + cost * u128::from(schedule.total_bps()) / 10_000;
            if let Ok(paid) = u64::try_from(total(cost)) {
                prop_assert_eq!(cost_before_fees(Lamports(paid), schedule).map(|c| u128::from(c.0)), Some(cost));
                // A total between two neighbours' totals has none.
                if total(cost + 1) > total(cost) + 1 && paid < u64::MAX {
                    prop_assert_eq!(cost_before_fees(Lamports(paid + 1), schedule), None);
                }
            }
        }
    }

    #[test]
    fn no_rates_at_all_divide_by_zero() {
        let none = FeeSchedule { protocol: Bps(0), resolver: Bps(0), lp: Bps(0) };
        assert_eq!(Fees::of(Lamports(10_000), none), Err(ProgramError::DivisionByZero));
    }
}
