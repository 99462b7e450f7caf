//! The live connection: begun, ended, begun again with backoff, paused while the window is full.
//!
//! Where there are two nodes it goes to the other one after [`AWAY_AFTER`] failures in a row, whichever node answers calls:
//! what it tells proves nothing anyway. From the second it goes back to the first when that one is well again; where that
//! turns out to be in vain, it tries so less and less often.

use std::time::{Duration, Instant};

use actix::prelude::*;
use tokio::sync::{mpsc, oneshot};

use super::{
    HELD_MAX, Listener,
    waiting::Source,
    window::{Admission, WINDOW_MAX},
};
use crate::{
    chain::{
        model::RawTransaction,
        pubsub::{LiveEnd, LiveInput, follow},
    },
    telemetry::health::Part,
};

/// What may wait between the socket and the listener; beyond, the connection is ended.
const INBOX: usize = 8_192;
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Failures in a row before the other node's notifications are asked for.
const AWAY_AFTER: u32 = 3;
/// On the second node, before the first is tried again; doubled by each try in vain.
const RETURN_AFTER: Duration = Duration::from_secs(10);
const RETURN_AFTER_MAX: Duration = Duration::from_secs(300);

/// See the module.
#[derive(Default)]
pub(super) struct Live {
    /// Dropped to end the connection; `None` while there is none.
    stop: Option<oneshot::Sender<()>>,
    /// Ended because too much waited: in the window, held back, or in the journal's buffer.
    paused: bool,
    /// Connections that failed in a row.
    failures: u32,
    /// Which connection this is: the end of an earlier one says nothing about it.
    number: u64,
    /// Since when it is the second node's.
    on_second: Option<Instant>,
    /// Returns to the first node that were in vain, in a row.
    vain_returns: u32,
}

impl Live {
    /// Notifications are the second node's.
    pub(super) fn is_on_second(&self) -> bool {
        self.on_second.is_some()
    }

    fn return_after(&self) -> Duration {
        (RETURN_AFTER * (1 << self.vain_returns.min(5))).min(RETURN_AFTER_MAX)
    }
}

impl Listener {
    pub(super) fn connect(&mut self, ctx: &mut Context<Self>) {
        if self.parts.backfill.is_some() {
            return;
        }
        let (inbox, mut inputs) = mpsc::channel(INBOX);
        let (stop, stopped) = oneshot::channel();
        self.live.stop = Some(stop);
        self.live.number += 1;
        self.parts.health.metrics().note(|counts| counts.live_begun.inc());
        let number = self.live.number;
        let mut options = self.parts.live.clone();
        if let (Some(_), Some(second)) = (self.live.on_second, &self.parts.second_ws) {
            options.url.clone_from(second);
        }
        ctx.add_stream(futures_util::stream::poll_fn(move |cx| inputs.poll_recv(cx)));
        let connection = async move { follow(options, inbox, stopped).await };
        ctx.spawn(connection.into_actor(self).map(move |end, actor, ctx| actor.disconnected(number, &end, ctx)));
    }

    fn disconnected(&mut self, number: u64, end: &LiveEnd, ctx: &mut Context<Self>) {
        if number != self.live.number {
            return;
        }
        self.live.stop = None;
        self.parts.health.down(Part::Live, end.to_string());
        if self.live.paused {
            return;
        }
        let pause = Duration::from_millis(100 << self.live.failures.min(7)).min(BACKOFF_MAX);
        self.live.failures += 1;
        if self.live.failures >= AWAY_AFTER && self.go_to_the_other() {
            self.live.failures = 0;
        }
        ctx.run_later(pause, move |actor, ctx| {
            // It may have been paused meanwhile, or begun again.
            if !actor.live.paused && actor.live.number == number {
                actor.connect(ctx);
            }
        });
    }

    /// False if there is none that could tell them.
    fn go_to_the_other(&mut self) -> bool {
        if self.live.on_second.take().is_some() {
            log::warn!("the second node's notifications do not come: the first one is asked");
            return true;
        }
        let is_fit = self.parts.second_ws.is_some() && self.parts.rpc.endpoints().second_is_fit();
        if is_fit {
            log::warn!("the first node's notifications do not come: the second one is asked");
            self.live.on_second = Some(Instant::now());
        }
        is_fit
    }

    /// On the second node, and the first is well: back to it. Coverage finds what happens in between.
    pub(super) fn return_live_if_well(&mut self, ctx: &mut Context<Self>) {
        let Some(since) = self.live.on_second else { return };
        let is_time = since.elapsed() >= self.live.return_after() && self.live.stop.is_some();
        if !self.live.paused && is_time && self.parts.rpc.endpoints().first_is_well() {
            log::info!("the first node's notifications are asked for again");
            self.live.on_second = None;
            self.live.vain_returns += 1;
            self.live.stop = None;
            self.connect(ctx);
        }
    }

    /// As much waits as may: not reading would only move the queue into the client.
    pub(super) fn pause_live(&mut self, what: &str) {
        if !self.live.paused {
            log::warn!("{what} is full: live notifications are paused");
            self.live.paused = true;
            self.live.stop = None;
        }
    }

    /// The journal can't take what is there already.
    pub(super) fn pause_live_if_full(&mut self) {
        if self.parts.pressure.is_full() {
            self.pause_live("the journal's buffer");
        }
    }

    pub(super) fn resume_live_if_room(&mut self, ctx: &mut Context<Self>) {
        let is_room = self.window.unsettled() < WINDOW_MAX / 2
            && self.held.len() < HELD_MAX / 2
            && !self.parts.pressure.is_full();
        if self.live.paused && self.live.stop.is_none() && is_room {
            log::info!("live notifications go on");
            self.live.paused = false;
            self.connect(ctx);
        }
    }

    /// Up to here coverage has proved that everything is recorded, and on the finalized chain: what a notification brings
    /// afterwards is known, or has vanished, and would not be looked at any more.
    pub(super) fn comes_too_late(&self, transaction: &RawTransaction) -> bool {
        self.cursor.and_then(|cursor| cursor.finalized_slot).is_some_and(|finalized| transaction.slot <= finalized.0)
    }

    /// What was held back while older transactions were fetched.
    pub(super) fn take_held(&mut self, ctx: &mut Context<Self>) {
        while let Some(transaction) = self.held.pop_front() {
            if self.comes_too_late(&transaction) {
                continue;
            }
            if self.ingest(transaction, Source::Live, ctx) == Admission::WindowFull {
                self.held.clear();
                self.pause_live("the window");
            }
        }
        self.dispatch(ctx);
    }
}

impl StreamHandler<LiveInput> for Listener {
    fn handle(&mut self, input: LiveInput, ctx: &mut Self::Context) {
        if matches!(input, LiveInput::Logs(_)) {
            self.came("live");
        }
        match input {
            LiveInput::Subscribed => {
                self.live.failures = 0;
                if self.live.on_second.is_none() {
                    self.live.vain_returns = 0;
                }
                self.parts.health.up(Part::Live);
                // What happened while nobody listened is found now, not at the next interval.
                self.catching_up = true;
                self.pass_missed_connect = true;
                self.begin_pass(ctx);
            }
            LiveInput::Slot(_) => {}
            LiveInput::Logs(transaction) if self.comes_too_late(&transaction) => {}
            LiveInput::Logs(transaction) if self.catching_up => {
                if self.held.len() < HELD_MAX {
                    self.held.push_back(transaction);
                } else {
                    self.pause_live("what is held back");
                }
            }
            LiveInput::Logs(transaction) => {
                if self.ingest(transaction, Source::Live, ctx) == Admission::WindowFull {
                    self.pause_live("the window");
                }
                self.pause_live_if_full();
                self.dispatch(ctx);
            }
        }
    }

    /// A connection's inputs have ended; the listener lives on.
    fn finished(&mut self, _: &mut Self::Context) {}
}
