//! Points at which a process can be made to die, or to stand still, between two steps: for tests of crash safety.
//!
//! A step that leaves something behind (a commit, a send) is followed by `faults::reached("part:step")`. That costs one load
//! of a boolean, which only a process under `ZMART_ENV=test` ever sets, by a line on its standard input (`cli::faults`).
//! Armed, a point strikes once: it says so on the standard output and sends this process SIGKILL, which leaves nobody the
//! time to tidy up, or SIGSTOP, from which it is woken by SIGCONT to go on in the middle.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::process::{Signal, getpid, kill_process};

/// All points there are; each after the step that it names.
pub const POINTS: &[&str] = &[
    // It was looked at and rehearsed, and is to be signed.
    "submitter:decided",
    // It is signed, and nobody else knows.
    "submitter:signed",
    // Its row is committed, and nothing was sent.
    "submitter:kept",
    // It was sent, and the row does not say so.
    "submitter:sent",
    // It is seen to be confirmed, and the row does not say so.
    "submitter:confirmed",
    // It is final and its event is in the journal, and the row does not say so.
    "submitter:final",
    // The row says that it is settled, and nobody was told.
    "submitter:settled",
    // A document is made, and nobody else knows.
    "snapshots:made",
    // Its row is committed, and nothing was sent.
    "snapshots:kept",
    // It was sent and answered, and the row does not say so.
    "snapshots:sent",
    // The row says what came of it.
    "snapshots:noted",
    // A delivery is committed, and its sender was not told.
    "webhook:kept",
    // The listener has what a delivery told of, and its row does not say so.
    "deliveries:brought",
    // A repair is begun with, and nothing is done.
    "verifier:taken",
    // It is healed, and nobody was told.
    "verifier:healed",
    // All is compared, and nobody was told.
    "verifier:compared",
];

/// The signal stops other threads at once and this one soon.
const TAKES_HOLD: Duration = Duration::from_millis(200);

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// SIGKILL.
    Die,
    /// SIGSTOP.
    Stop,
}

static ANY: AtomicBool = AtomicBool::new(false);
static ARMED: Mutex<Vec<(&'static str, Strike)>> = Mutex::new(Vec::new());

/// Arms a point, once. False if there is none of that name. For the process of a test only: whoever calls this has seen to
/// that.
pub fn arm(name: &str, strike: Strike) -> bool {
    let Some(point) = POINTS.iter().find(|point| **point == name) else { return false };
    let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
    armed.retain(|(other, _)| other != point);
    armed.push((point, strike));
    ANY.store(true, Ordering::Release);
    true
}

/// A step is done.
pub fn reached(point: &'static str) {
    debug_assert!(POINTS.contains(&point), "{point} is no known point");
    if ANY.load(Ordering::Acquire)
        && let Some(strike) = disarm(point)
    {
        println!("reached {point}");
        let signal = match strike {
            Strike::Die => Signal::KILL,
            Strike::Stop => Signal::STOP,
        };
        if let Err(error) = kill_process(getpid(), signal) {
            log::error!("{point} did not strike: {error}");
        }
        std::thread::sleep(TAKES_HOLD);
    }
}

fn disarm(point: &str) -> Option<Strike> {
    let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
    let index = armed.iter().position(|(armed, _)| *armed == point)?;
    Some(armed.swap_remove(index).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_strikes_once_and_only_if_it_is_known() {
        assert!(!arm("submitter:nowhere", Strike::Die));
        assert_eq!(disarm("submitter:kept"), None);
        assert!(arm("submitter:kept", Strike::Stop) && arm("submitter:kept", Strike::Die));
        assert_eq!((disarm("submitter:kept"), disarm("submitter:kept")), (Some(Strike::Die), None));
        // Not armed, it does nothing.
        reached("submitter:kept");
    }
}
