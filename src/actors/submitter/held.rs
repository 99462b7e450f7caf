//! What can't even be attempted: since when, so that a person is told of what lasts.
//!
//! A refusal is kept in the table and counted there. What the node or the database does not answer leaves no row, and neither
//! does a key that is missing: whoever decides asks again, and nobody would hear of it. This remembers so much of it as tells
//! a moment from a condition. It is a hint like all memory of the submitter: forgotten, it begins anew. Pure: time is an
//! argument.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::NotSubmitted;
use crate::domain::{
    governance::{Intent, Purpose},
    ids::MarketAddress,
    tally::Decision,
};

/// What can't be attempted for so long is told.
const LASTS: Duration = Duration::from_secs(180);
/// Told again so often while it lasts.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// What was not asked for during so long is another matter when it is asked for again.
const GAP_MAX: Duration = Duration::from_secs(600);
/// So many are remembered; beyond, others have to go first.
pub const HELD_MAX: usize = 1_024;

#[derive(Debug, Clone, Copy)]
struct Since {
    first: Instant,
    last: Instant,
    told: Option<Instant>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Held(HashMap<(Purpose, MarketAddress), Since>);

impl Held {
    /// This is how it was refused this time, if it was. Answers what is to be told of it, if anything is.
    pub fn note(&mut self, intent: &Intent, refused: Option<&NotSubmitted>, now: Instant) -> Option<String> {
        let key = (intent.purpose, intent.market);
        let (reason, lasts) = match refused {
            Some(NotSubmitted::Unavailable(reason)) => (reason.clone(), LASTS),
            // Nothing cures that by itself. Counts that would decide nothing are no news.
            Some(error @ NotSubmitted::NoKey(_)) if is_decision(intent) => (error.to_string(), Duration::ZERO),
            _ => {
                self.0.remove(&key);
                return None;
            }
        };
        let is_fresh = |since: &Since| now.saturating_duration_since(since.last) <= GAP_MAX;
        if self.0.len() >= HELD_MAX && !self.0.contains_key(&key) {
            self.0.retain(|_, since| is_fresh(since));
            if self.0.len() >= HELD_MAX {
                return None;
            }
        }
        let new = Since { first: now, last: now, told: None };
        let since = self.0.entry(key).or_insert(new);
        if !is_fresh(since) {
            *since = new;
        }
        since.last = now;
        let is_told = since.told.is_some_and(|at| now.saturating_duration_since(at) < TOLD_EVERY);
        if is_told || now.saturating_duration_since(since.first) < lasts {
            return None;
        }
        since.told = Some(now);
        let votes = intent.counts.map_or_else(String::new, |counts| {
            format!(" with {} votes in favour and {} against", counts.in_favour(), counts.against())
        });
        Some(format!("{}{votes} has to be sent, and can't be: {reason}", intent.purpose.as_str()))
    }
}

/// It ends a phase, or lets an admin end it.
fn is_decision(intent: &Intent) -> bool {
    let crosses = || {
        let decided = intent.counts.map(|counts| counts.decide(intent.grounds.minimum, intent.grounds.threshold));
        matches!(decided, Some(Decision::Crossed { .. }))
    };
    intent.purpose != Purpose::AggregateProposal || crosses()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::intent, *};
    use crate::domain::{attempt::Authority, tally::Counts};

    fn away() -> NotSubmitted {
        NotSubmitted::Unavailable("no answer".into())
    }

    #[test]
    fn what_can_t_be_attempted_for_minutes_is_told_and_what_passes_is_not() {
        let (mut held, begin) = (Held::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(held.note(&intent(1), Some(&away()), at(0)), None);
        assert_eq!(held.note(&intent(1), Some(&away()), at(179)), None);
        let told = held.note(&intent(1), Some(&away()), at(180)).unwrap();
        let expected = "approve_proposal with 8 votes in favour and 2 against has to be sent, and can't be: no answer";
        assert_eq!(told, expected);
        assert_eq!(held.note(&intent(1), Some(&away()), at(182)), None, "it is told");
        assert!(held.note(&intent(1), Some(&away()), at(240)).is_some());
        // Another market has a time of its own, and what came through once begins anew.
        assert_eq!(held.note(&intent(2), Some(&away()), at(240)), None);
        assert_eq!(held.note(&intent(1), Some(&NotSubmitted::AlreadyDone), at(241)), None);
        assert_eq!(held.note(&intent(1), Some(&away()), at(242)), None);
        // So does what nobody asked for in between.
        assert_eq!(held.note(&intent(2), Some(&away()), at(241 + GAP_MAX.as_secs())), None);
    }

    #[test]
    fn a_missing_key_is_told_at_once_with_what_would_be_sent_unless_it_would_decide_nothing() {
        let (mut held, now) = (Held::default(), Instant::now());
        let no_key = NotSubmitted::NoKey(Authority::Backend);
        assert!(held.note(&intent(1), Some(&no_key), now).unwrap().ends_with("there is no key of the backend"));
        let counts = |in_favour, against| Intent {
            purpose: Purpose::AggregateProposal,
            counts: Counts::new(in_favour, against),
            ..intent(2)
        };
        assert_eq!(held.note(&counts(5, 5), Some(&no_key), now), None, "it refreshes counts");
        assert!(held.note(&counts(8, 2), Some(&no_key), now).is_some(), "without it no admin can approve");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_long_gone_makes_room() {
        let (mut held, begin) = (Held::default(), Instant::now());
        let market = |n: usize| {
            let mut market = MarketAddress([3; 32]);
            market.0[..8].copy_from_slice(&n.to_le_bytes());
            Intent { market, ..intent(0) }
        };
        for n in 0..HELD_MAX + 9 {
            held.note(&market(n), Some(&away()), begin);
        }
        assert_eq!(held.0.len(), HELD_MAX);
        let later = begin + GAP_MAX + Duration::from_secs(1);
        held.note(&market(HELD_MAX + 9), Some(&away()), later);
        assert_eq!(held.0.len(), 1);
    }
}
