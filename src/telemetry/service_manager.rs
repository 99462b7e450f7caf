//! What the process tells whoever started it and watches over it: systemd, or anything else that reads `NOTIFY_SOCKET`.
//!
//! Three things: that it is ready, that it is alive and how it is, that it ends. Nobody need listen: without that variable
//! nothing is said, and what can't be said is no failure of the engine's. Never decides anything: that the process is
//! alive is the watchdog's to know, which calls here once a second; a process that stands still as a whole says nothing,
//! and is ended from outside (`WatchdogSec=` of the unit).

use std::{env, sync::Once};

use sd_notify::NotifyState;

use super::health::{Health, PartState};

/// The servers listen: who waits for the start need not wait any longer.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The process is alive, and this is how its parts are.
pub fn alive(health: &Health) {
    if is_asked_for() {
        tell(&[NotifyState::Watchdog, NotifyState::Status(&status(health))]);
    }
}

/// The end has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

fn is_asked_for() -> bool {
    env::var_os("NOTIFY_SOCKET").is_some()
}

fn tell(states: &[NotifyState<'_>]) {
    static TOLD: Once = Once::new();
    if let Err(error) = sd_notify::notify(states) {
        TOLD.call_once(|| log::warn!("the service manager can't be told how the process is: {error}"));
    }
}

/// One line, for `systemctl status`.
fn status(health: &Health) -> String {
    let down: Vec<String> = health
        .parts()
        .into_iter()
        .filter_map(|(part, state)| match state {
            PartState::Down { reason } => Some(format!("{part:?}: {reason}")),
            _ => None,
        })
        .collect();
    let role = health.lease().map_or("nobody", |lease| lease.role);
    let (covered, head) = health.coverage();
    let known = format!("{role}, {} streams, slot {covered} of {head}", health.streams());
    if down.is_empty() { format!("ready: {known}") } else { format!("not ready ({}): {known}", down.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::ids::Slot,
        journal::lease::Office,
        telemetry::health::{LeaseStanding, Part},
    };

    #[test]
    fn the_status_is_one_line_that_says_what_is_down() {
        let health = Health::new();
        for part in health.parts().into_keys() {
            health.up(part);
        }
        health.set_lease(Office::Engine, LeaseStanding::own("a", 1));
        health.covered(Slot(7), Slot(9));
        assert_eq!(status(&health), "ready: leader, 0 streams, slot 7 of 9");
        health.down(Part::Rpc, "it hangs");
        assert_eq!(status(&health), "not ready (Rpc: it hangs): leader, 0 streams, slot 7 of 9");
    }
}
