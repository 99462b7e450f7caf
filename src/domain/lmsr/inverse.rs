//! The program's search for a buy's shares, read backwards: which spend brings a wanted number of shares.
//!
//! BUY halves an interval of shares and compares each middle's cost with the spend (7.5). The intervals do not depend on
//! the spend, so the search is a fixed tree, and a larger spend never ends further left: whatever the cost does in between
//! (it is not monotone, 7.8), the shares never fall while the spend grows. A spend whose way meets a middle that costs
//! less than nothing is refused; those spends are whole intervals, and [`Way::next`] names the end of one. So the least
//! spend is found by one walk down the tree, and a refused one left by another: nothing is tried out.

use std::cmp::Ordering;

use super::{
    super::{
        amount::{Lamports, ShareUnits},
        error::ProgramError,
    },
    program::{SEARCH_ROUNDS_MAX, SEARCH_WIDTH, Search},
};

/// Where the search goes with a spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::domain) struct Way {
    /// The least spend that goes another way, further right; `None` if all larger ones end here too.
    pub next: Option<Lamports>,
}

impl Search {
    /// The least spend whose search can end at so many shares or more.
    ///
    /// # Errors
    /// The program's, where no spend does: the search would meet an impossible middle first.
    pub(super) fn least_spend(&self, wanted: ShareUnits) -> Result<Lamports, ProgramError> {
        let (mut low, mut high) = (0, self.width()?);
        // Spends on this way: from `least` on, and below `right`, from where they turn right further up.
        let (mut least, mut right) = (0u64, None::<u64>);
        let turned = |right: Option<u64>, error| right.map(Lamports).ok_or(error);
        for _ in 0..SEARCH_ROUNDS_MAX {
            if high - low <= SEARCH_WIDTH {
                break;
            }
            let middle = low + (high - low) / 2;
            // A spend that comes here is refused: only those that turn right before are left.
            let cost = match self.cost_of(ShareUnits(middle)) {
                Ok(cost) => cost.0,
                Err(error) => return turned(right, error),
            };
            if wanted.0 <= middle {
                if cost <= least {
                    return Ok(Lamports(least));
                }
                right = Some(right.map_or(cost, |right| right.min(cost)));
                high = middle;
            } else {
                least = least.max(cost.checked_add(1).ok_or(ProgramError::OverflowError)?);
                if right.is_some_and(|right| least >= right) {
                    return turned(right, ProgramError::OverflowError);
                }
                low = middle + 1;
            }
        }
        if low >= wanted.0 { Ok(Lamports(least)) } else { turned(right, ProgramError::ExponentTooLarge) }
    }

    /// Where the search goes with that spend.
    ///
    /// # Errors
    /// `OverflowError` where the program has no search for this b.
    pub(super) fn way(&self, spend: Lamports) -> Result<Way, ProgramError> {
        let (mut low, mut high) = (0, self.width()?);
        let mut next = None::<Lamports>;
        for _ in 0..SEARCH_ROUNDS_MAX {
            if high - low <= SEARCH_WIDTH {
                break;
            }
            let middle = low + (high - low) / 2;
            let Ok(cost) = self.cost_of(ShareUnits(middle)) else { break };
            match cost.cmp(&spend) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => {
                    high = middle;
                    next = Some(next.map_or(cost, |next| next.min(cost)));
                }
                Ordering::Equal => return Ok(Way { next: spend.checked_add(Lamports(1)) }),
            }
        }
        Ok(Way { next })
    }
}
