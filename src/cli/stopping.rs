//! The end of the process: in order, and in time whatever does not end.
//!
//! 1. Nothing new of users is taken, WebSocket clients are told to come back, requests under way are answered, ports close.
//! 2. Whoever brings something new ends: the listener, deliveries, the outbox's reader, governance.
//! 3. What is under way is waited for: what streams have planned is committed.
//! 4. The writer, the streams and all else end; the leases are given up, so that another node takes over at once.
//! 5. The operators' port closes, and the process is gone.
//!
//! A thread of its own holds the deadline: it also ends a process whose main thread hangs. Nothing is lost by it: what matters
//! is in PostgreSQL already, and what is not is read from the chain again.

use std::{thread, time::Duration};

use crate::{
    actors::engine::Engine,
    http::{app::RunningServers, ops::OpsServer},
};

/// The process did not end in time, or was told to end twice (`EX_TEMPFAIL`).
const EXIT_CUT_OFF: u8 = 75;

/// Ends everything, as the module says.
pub(super) async fn stop(engine: &Engine, servers: RunningServers, ops: Option<OpsServer>, within: Duration) {
    hold_to(within);
    log::info!("stopping: nothing new is taken, clients are told to come back");
    engine.health.intake().pause(true);
    servers.stop().await;
    log::info!("stopping: sources end, what is under way is waited for");
    if !engine.drains().await {
        log::warn!("stopping: not all that was under way came to its end; the next start reads it again");
    }
    log::info!("stopping: writers end, leases are given up");
    engine.ends().await;
    if let Some(ops) = ops {
        ops.stop().await;
    }
    log::info!("stopped");
}

/// The end of a process that has no time.
pub(super) fn at_once() -> ! {
    log::warn!("told to stop again: at once");
    std::process::exit(i32::from(EXIT_CUT_OFF))
}

fn hold_to(within: Duration) {
    let hold = move || {
        thread::sleep(within);
        log::error!("stopping took longer than {} ms: cut off", within.as_millis());
        std::process::exit(i32::from(EXIT_CUT_OFF))
    };
    // Without a thread the end has no deadline, and is as good otherwise.
    if let Err(error) = thread::Builder::new().name("deadline".into()).spawn(hold) {
        log::warn!("no thread for the deadline: {error}");
    }
}
