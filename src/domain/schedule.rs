//! A schedule as operators write it (cron, UTC), and whether it is time.
//!
//! Owns one rule: work is due if a moment of its schedule lies between when it was last done and now, however many lie
//! there. So what a process slept through is made up once, and nothing is done twice for one moment. Time is an argument;
//! both moments have to be of one clock.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use croner::Cron;

/// A cron pattern: minute, hour, day of the month, month, day of the week; with seconds in front if there are six fields.
#[derive(Debug, Clone)]
pub struct Schedule(Cron);

impl Schedule {
    /// Is the work due? `last`: when it was last done; never: it is. If `last` lies ahead of `now`, the clock was set back:
    /// then nobody knows, and it is done.
    pub fn is_due(&self, last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        match last {
            Some(last) if last <= now => self.next(last).is_some_and(|next| next <= now),
            Some(_) | None => true,
        }
    }

    /// Its first moment after another; `None` if it has none.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.find_next_occurrence(&after, false).ok()
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let schedule = Self(text.parse().map_err(|error| format!("a cron pattern like */5 * * * *: {error}"))?);
        // A day like February the 30th parses, and never comes.
        match schedule.next(DateTime::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err("a cron pattern with a moment that comes".to_owned()),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn every_five_minutes() -> Schedule {
        "*/5 * * * *".parse().unwrap()
    }

    #[test]
    fn work_is_due_at_the_moment_itself_and_once() {
        let schedule = every_five_minutes();
        let last = at("2026-01-01T00:00:00Z");
        for (now, due) in [
            ("2026-01-01T00:00:00Z", false),
            ("2026-01-01T00:04:59.999Z", false),
            ("2026-01-01T00:05:00Z", true),
            ("2026-01-01T00:05:00.001Z", true),
        ] {
            assert_eq!(schedule.is_due(Some(last), at(now)), due, "{now}");
        }
        // Done a little late: for the moment that has passed, not for the next one.
        assert!(!schedule.is_due(Some(at("2026-01-01T00:05:07Z")), at("2026-01-01T00:09:59Z")));
        assert!(schedule.is_due(Some(at("2026-01-01T00:05:07Z")), at("2026-01-01T00:10:00Z")));
    }

    #[test]
    fn a_missed_moment_is_made_up_once_and_never_done_work_is_due() {
        let schedule: Schedule = "0 3 * * *".parse().unwrap();
        assert!(schedule.is_due(None, at("2026-01-01T12:00:00Z")));
        let (last, now) = (at("2026-01-01T03:00:00Z"), at("2026-01-09T12:00:00Z"));
        assert!(schedule.is_due(Some(last), now), "the process was down for days");
        assert!(!schedule.is_due(Some(now), now), "and has made it up");
        assert!(!schedule.is_due(Some(now), at("2026-01-10T02:59:59Z")));
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing_up() {
        let schedule = every_five_minutes();
        assert!(schedule.is_due(Some(at("2026-01-01T01:00:00Z")), at("2026-01-01T00:00:01Z")));
    }

    #[test]
    fn schedules_are_utc_with_seconds_if_wanted_and_have_to_come() {
        let seconds: Schedule = "*/10 * * * * *".parse().unwrap();
        assert_eq!(seconds.next(at("2026-01-01T00:00:00Z")), Some(at("2026-01-01T00:00:10Z")));
        let daily: Schedule = "0 0 * * *".parse().unwrap();
        // A night in which clocks change somewhere is like any other.
        assert_eq!(daily.next(at("2026-03-29T00:00:00Z")), Some(at("2026-03-30T00:00:00Z")));
        for wrong in ["", "five", "* * * *", "61 * * * *", "0 0 30 2 *", "*/5 * * * * * * *"] {
            assert!(wrong.parse::<Schedule>().is_err(), "{wrong:?}");
        }
        assert_eq!(every_five_minutes().to_string(), "*/5 * * * *");
    }

    proptest! {
        /// However looks fall, work is done once for each moment between the first and the last look that saw one.
        #[test]
        fn any_looks_do_it_at_most_once_a_moment_and_leave_none_undone(gaps in proptest::collection::vec(0i64..900, 1..60)) {
            let schedule = every_five_minutes();
            let begin = at("2026-01-01T00:00:00Z");
            let (mut now, mut last) = (begin, begin);
            for gap in gaps {
                now += TimeDelta::seconds(gap);
                if schedule.is_due(Some(last), now) {
                    prop_assert!(now.timestamp() / 300 > last.timestamp() / 300, "a moment lies between");
                    last = now;
                }
                prop_assert_eq!(now.timestamp() / 300, last.timestamp() / 300, "none is left undone");
            }
        }
    }
}
