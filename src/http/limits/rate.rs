//! A rate: so many in so long, all of them at once if nothing was taken before.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

/// So many in a period. A bucket of that size that fills evenly: it may be emptied at once, and is full again after the
/// period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many, at once or spread.
    pub count: NonZeroU32,
    /// In how long.
    pub period: Duration,
}

impl Rate {
    /// How long one takes to come back. At least a microsecond, so that it can be counted.
    pub fn interval(self) -> Duration {
        (self.period / self.count.get()).max(Duration::from_micros(1))
    }

    /// How long until the bucket is full again, in whole seconds, rounded up.
    pub fn seconds_until_full(self, remaining: u32) -> u64 {
        let missing = self.count.get().saturating_sub(remaining);
        seconds(self.interval().saturating_mul(missing))
    }
}

/// Whole seconds, rounded up.
pub fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// A text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be like 100/min: a number above 0, and s, min or h")]
pub struct BadRate;

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        let (count, unit) = text.split_once('/').ok_or(BadRate)?;
        let seconds = match unit.trim() {
            "s" => 1,
            "min" => 60,
            "h" => 3_600,
            _ => return Err(BadRate),
        };
        Ok(Self { count: count.trim().parse().map_err(|_| BadRate)?, period: Duration::from_secs(seconds) })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.period.as_secs() {
            1 => "s",
            60 => "min",
            _ => "h",
        };
        write!(f, "{}/{unit}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        for (text, interval_ms) in [("100/min", 600), ("10/h", 360_000), ("5/s", 200), (" 1 / min ", 60_000)] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.interval(), Duration::from_millis(interval_ms), "{text}");
            assert_eq!(rate.to_string(), text.replace(' ', ""));
        }
        for text in ["", "100", "0/min", "-1/min", "100/day", "/min", "1.5/s", "99999999999/s"] {
            assert_eq!(text.parse::<Rate>(), Err(BadRate), "{text}");
        }
    }

    #[test]
    fn what_is_left_is_rounded_so_that_nobody_comes_too_early() {
        let rate: Rate = "100/min".parse().unwrap();
        assert_eq!([100, 99, 98, 0].map(|remaining| rate.seconds_until_full(remaining)), [0, 1, 2, 60]);
        assert_eq!(seconds(Duration::from_millis(1_001)), 2);
    }
}
