//! Looks that failed in a row: since when, and when that is said.
//!
//! By how long it lasts, never by how often: a node that hangs takes half a minute for each answer that it does not give.

use std::time::{Duration, Instant};

/// So long without an answer of the node, and it is alerted of; so often all of it is said again.
const BLIND_AFTER: Duration = Duration::from_secs(60);

/// See the module. One life: from a look that failed to the next that did not.
#[derive(Debug, Default)]
pub struct Failing {
    warned_at: Option<Instant>,
    /// The first look began then that the node did not answer.
    blind_since: Option<Instant>,
    alerted_at: Option<Instant>,
}

/// What is to be said of a look that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Say {
    /// In the log.
    pub warn: bool,
    /// As an alert: the node has not answered for long.
    pub alert: bool,
}

impl Failing {
    /// A look that began then has failed now, because of the node or of something else.
    pub fn failed(&mut self, began: Instant, now: Instant, by_node: bool) -> Say {
        let is_long = |at: Instant| now.saturating_duration_since(at) >= BLIND_AFTER;
        let warn = self.warned_at.is_none_or(is_long);
        if warn {
            self.warned_at = Some(now);
        }
        if by_node {
            self.blind_since.get_or_insert(began);
        }
        // That the database is away can't be written into it.
        let alert = by_node && self.blind_since.is_some_and(is_long) && self.alerted_at.is_none_or(is_long);
        if alert {
            self.alerted_at = Some(now);
        }
        Say { warn, alert }
    }

    /// There may be an alert of it.
    pub fn was_alerted(&self) -> bool {
        self.alerted_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks that fail by the node, each so many seconds long and a second after the last: when it was alerted of.
    fn alerted_at(seconds: u64, until: u64) -> Vec<u64> {
        let (start, mut failing) = (Instant::now(), Failing::default());
        let at = |second| start + Duration::from_secs(second);
        let looks = (0..).map(|n| n * (seconds + 1)).take_while(|began| began + seconds <= until);
        looks
            .filter(|began| failing.failed(at(*began), at(began + seconds), true).alert)
            .map(|began| began + seconds)
            .collect()
    }

    #[test]
    fn a_node_that_does_not_answer_is_alerted_of_after_a_minute_however_long_it_hangs() {
        assert_eq!(alerted_at(0, 200), [60, 120, 180]);
        assert_eq!(alerted_at(30, 200), [61, 123, 185]);
        assert_eq!(alerted_at(59, 100), [] as [u64; 0]);
        assert_eq!(alerted_at(90, 200), [90, 181]);
    }

    #[test]
    fn a_database_that_is_away_is_no_alert_and_is_said_once_a_minute() {
        let (start, mut failing) = (Instant::now(), Failing::default());
        let at = |second| start + Duration::from_secs(second);
        let said: Vec<_> = (0..200).filter(|second| failing.failed(at(*second), at(*second), false).warn).collect();
        assert_eq!(said, [0, 60, 120, 180]);
        assert!(!failing.was_alerted());
        // The node is away since a moment only.
        assert!(!failing.failed(at(200), at(200), true).alert);
        assert!(failing.failed(at(260), at(260), true).alert && failing.was_alerted());
    }
}
