//! Messages that the webhook refuses for what they are: when each may be posted again.
//!
//! In memory only: a life without it posts each of them once more. Holds no message, and holds up none but its own.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Alerts whose messages are refused at the same time; a service that refuses more is taken to be away.
pub const REFUSED_MAX: usize = 4_096;
/// A message that was refused waits so long, then twice as long each time, up to the second.
const PAUSE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3_600));

/// See the module.
#[derive(Debug, Default)]
pub struct Refused(HashMap<i64, Pause>);

#[derive(Debug)]
struct Pause {
    times: u32,
    until: Instant,
}

/// As many are refused as are known of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Refused {
    /// The alerts that are not to be told of now.
    pub fn waiting(&mut self, now: Instant) -> Vec<i64> {
        // What is still to be told is posted soon after its pause: what was not is of no interest any more.
        self.0.retain(|_, pause| now < pause.until + PAUSE.1);
        self.0.iter().filter(|(_, pause)| now < pause.until).map(|(id, _)| *id).collect()
    }

    /// An alert's message was refused.
    ///
    /// # Errors
    /// [`Full`]: it is not known of.
    pub fn note(&mut self, id: i64, now: Instant) -> Result<(), Full> {
        if self.0.len() >= REFUSED_MAX && !self.0.contains_key(&id) {
            return Err(Full);
        }
        let pause = self.0.entry(id).or_insert(Pause { times: 0, until: now });
        let wait = PAUSE.0.saturating_mul(1 << pause.times.min(16)).min(PAUSE.1);
        *pause = Pause { times: pause.times.saturating_add(1), until: now + wait };
        Ok(())
    }

    /// It was taken.
    pub fn forget(&mut self, id: i64) {
        self.0.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_refused_is_posted_ever_more_rarely_and_once_an_hour_at_least() {
        let (start, mut refused) = (Instant::now(), Refused::default());
        let at = |second| start + Duration::from_secs(second);
        refused.note(2, at(0)).unwrap();
        let posted: Vec<u64> = (0..12_000)
            .filter(|second| {
                let is_posted = !refused.waiting(at(*second)).contains(&1);
                if is_posted {
                    refused.note(1, at(*second)).unwrap();
                }
                is_posted
            })
            .collect();
        assert_eq!(posted, [0, 60, 180, 420, 900, 1_860, 3_780, 7_380, 10_980]);
        assert_eq!(refused.0.len(), 1, "what is not posted again is forgotten");
        refused.forget(1);
        assert_eq!(refused.waiting(at(12_000)), [] as [i64; 0]);
    }

    #[test]
    fn so_many_are_known_of_and_one_more_is_said_to_be_too_many() {
        let (now, mut refused) = (Instant::now(), Refused::default());
        let many = i64::try_from(REFUSED_MAX).unwrap();
        assert!((0..many).all(|id| refused.note(id, now).is_ok()));
        assert_eq!((refused.note(many, now), refused.note(0, now)), (Err(Full), Ok(())));
        assert_eq!(refused.waiting(now).len(), REFUSED_MAX);
    }
}
