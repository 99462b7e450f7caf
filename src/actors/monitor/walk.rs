//! A walk over the markets that are due, from the oldest, of as many passes as it takes.
//!
//! Owns what is remembered of it, which begins and ends with it: what one pass was told counts until the walk is over. Only
//! spares questions: a life without it walks from the oldest.

use std::time::Instant;

use super::act::Handed;
use crate::{actors::submitter::NotSubmitted, journal::overdue::Place};

/// See the module.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Walk {
    /// Where the next pass goes on.
    pub place: Option<Place>,
    /// Of what was found, an attempt may be made from then on.
    not_before: Option<Instant>,
    /// Something that was found has to be looked at once more.
    is_unfinished: bool,
}

/// Where a walk is after a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walked {
    /// It goes on.
    On(Walk),
    /// It is over, at the end or before it.
    Over {
        /// The first moment at which an attempt may be made that may not be made now.
        not_before: Option<Instant>,
        /// Not all is done: something is to be looked at once more, as a deadline is.
        is_unfinished: bool,
    },
}

impl Walk {
    /// A pass was made, which goes on behind `next`: `due` intents were to be handed over, and these were, by `now`.
    pub fn went(
        mut self,
        next: Option<Place>,
        waits_for_finality: bool,
        due: usize,
        handed: &[Handed],
        now: Instant,
    ) -> Walked {
        self.is_unfinished |= waits_for_finality;
        for (intent, result) in handed {
            let market = intent.market;
            match result {
                Ok(submitted) => log::debug!("{market} is due to be finalized: {submitted:?}"),
                Err(NotSubmitted::AlreadyDone) => {}
                Err(NotSubmitted::NotBefore(left)) => {
                    let at = now + *left;
                    self.not_before = Some(self.not_before.map_or(at, |earlier| earlier.min(at)));
                }
                // Until it is configured there is nothing to be done; the next scheduled pass asks again.
                Err(NotSubmitted::NoKey(_)) => {}
                // Asked again, the first says from when on; the second may be taken.
                Err(error @ (NotSubmitted::WouldFail(_) | NotSubmitted::Unavailable(_))) => {
                    log::debug!("{market} can't be finalized now: {error}");
                    self.is_unfinished = true;
                }
            }
        }
        // What was left is found again from the oldest.
        let was_cut = handed.len() < due;
        match next {
            Some(_) if !was_cut => Walked::On(Self { place: next, ..self }),
            _ => Walked::Over { not_before: self.not_before, is_unfinished: self.is_unfinished || was_cut },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        actors::submitter::Submitted,
        domain::{
            amount::UnixSeconds,
            attempt::SubmissionId,
            governance::{Grounds, Intent, Purpose},
            ids::MarketAddress,
        },
    };

    fn handed(result: Result<Submitted, NotSubmitted>) -> Handed {
        let intent = Intent {
            market: MarketAddress([7; 32]),
            purpose: Purpose::FinalizeUndisputed,
            counts: None,
            grounds: Grounds::any(),
        };
        (intent, result)
    }

    fn place(at: i64) -> Option<Place> {
        Some((UnixSeconds(at), MarketAddress([7; 32])))
    }

    fn on(walked: Walked) -> Walk {
        let Walked::On(walk) = walked else { panic!("it is over: {walked:?}") };
        walk
    }

    #[test]
    fn what_an_earlier_pass_of_a_walk_was_told_counts_at_its_end() {
        let (now, minutes) = (Instant::now(), |minutes: u64| Duration::from_secs(60 * minutes));
        let sent = handed(Ok(Submitted::New(SubmissionId(1))));
        let put_off = |left| handed(Err(NotSubmitted::NotBefore(minutes(left))));
        let walk = on(Walk::default().went(place(1), false, 2, &[put_off(9), put_off(5)], now));
        let walk = on(walk.went(place(2), false, 1, &[put_off(7)], now));
        assert_eq!(walk.place, place(2));
        let over = |not_before, is_unfinished| Walked::Over { not_before, is_unfinished };
        assert_eq!(walk.went(None, false, 1, std::slice::from_ref(&sent), now), over(Some(now + minutes(5)), false));
        assert_eq!(
            Walk::default().went(None, false, 1, std::slice::from_ref(&sent), now),
            over(None, false),
            "a new walk"
        );

        let waits = on(Walk::default().went(place(1), true, 0, &[], now));
        assert_eq!(
            waits.went(None, false, 1, &[sent], now),
            over(None, true),
            "the first pass found what is not final"
        );
    }

    #[test]
    fn a_market_that_can_not_be_taken_now_ends_no_walk_and_a_hand_over_that_was_cut_does() {
        let now = Instant::now();
        let busy = || handed(Err(NotSubmitted::Unavailable("busy".into())));
        let walk = on(Walk::default().went(place(1), false, 1, &[busy()], now));
        assert_eq!(walk.went(None, false, 0, &[], now), Walked::Over { not_before: None, is_unfinished: true });
        let cut = Walk::default().went(place(1), false, 9, &[busy()], now);
        assert_eq!(cut, Walked::Over { not_before: None, is_unfinished: true });
    }
}
