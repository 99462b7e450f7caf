//! Watchdog: a thread of its own, so that it still runs when every actor hangs.
//!
//! An actor that panics is started again by root; one whose handler never returns can't be: a thread can't be taken from
//! it, and every actor of its arbiter stands still with it. So each second every arbiter is asked to answer. One that is
//! silent turns readiness down and is named; one that stays silent ends the process with root's exit code, since all that
//! matters is in PostgreSQL and the next life begins there.
//!
//! It counts its own checks, not seconds: a process that was stopped and goes on, or a machine that slept, is no hang.

use std::{io, thread, time::Duration};

use super::root::EXIT_CODE;
use crate::telemetry::{
    health::{Health, Part},
    service_manager,
    threads::Silent,
};

/// Between two checks.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// Checks without an answer that turn readiness down.
const MISSED_DOWN: u32 = 5;
/// Checks without an answer that end the process: far more than the longest turn (a history of 20,000 entries is decoded
/// in about a second).
const MISSED_END: u32 = 30;

/// What a check leads to.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Well,
    /// For people.
    Down(String),
    End(String),
}

/// Starts the watch over the threads of `health`, for as long as the process lives.
///
/// # Errors
/// No thread can be had.
pub fn start(health: Health) -> io::Result<()> {
    let watch = move || loop {
        thread::sleep(CHECK_EVERY);
        match judge(health.threads().check()) {
            Verdict::Well => health.up(Part::Actors),
            Verdict::Down(reason) => health.down(Part::Actors, reason),
            Verdict::End(reason) => {
                log::error!("{reason}: the process ends, to begin again from the journal");
                std::process::exit(EXIT_CODE);
            }
        }
        service_manager::alive(&health);
    };
    thread::Builder::new().name("watchdog".into()).spawn(watch).map(drop)
}

fn judge(silent: Option<Silent>) -> Verdict {
    let Some(Silent { name, missed }) = silent else { return Verdict::Well };
    let reason = || format!("the thread of {name} has not answered {missed} checks in a row");
    match missed {
        MISSED_END.. => Verdict::End(reason()),
        MISSED_DOWN.. => Verdict::Down(reason()),
        _ => Verdict::Well,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_and_then_ended() {
        let judged = |missed| judge(Some(Silent { name: "listener".to_owned(), missed }));
        assert_eq!(judge(None), Verdict::Well);
        assert_eq!(judged(MISSED_DOWN - 1), Verdict::Well);
        assert!(matches!(judged(MISSED_DOWN), Verdict::Down(reason) if reason.contains("listener")));
        assert!(matches!(judged(MISSED_END - 1), Verdict::Down(_)));
        assert!(matches!(judged(MISSED_END), Verdict::End(reason) if reason.contains("listener")));
    }
}
