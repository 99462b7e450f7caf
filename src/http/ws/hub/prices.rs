//! Prices that wait: when they are looked at, and what else is settled after a session was sent something.

use std::time::{Duration, Instant};

use actix::prelude::*;

use super::{Hub, SessionId};
use crate::view::frame::Channel;

/// Prices that wait for their turn, or for room, are looked at so often.
const PRICES_EVERY: Duration = Duration::from_millis(25);

impl Hub {
    /// What waits for its turn is sent when it is due.
    pub(super) fn look_at_prices(&mut self, ctx: &mut Context<Self>) {
        if self.prices_wait.is_empty() || std::mem::replace(&mut self.looks_at_prices, true) {
            return;
        }
        ctx.run_later(PRICES_EVERY, |hub, ctx| {
            hub.looks_at_prices = false;
            let now = Instant::now();
            for (channel, session) in std::mem::take(&mut hub.prices_wait) {
                let reader = hub.feeds.get_mut(&channel).and_then(|feed| feed.readers.get_mut(&session));
                let Some(reader) = reader else { continue };
                // Nothing overtakes an answer that is on its way.
                if reader.joins == 0 && reader.send_due(now).is_err() {
                    hub.drop_slow(session);
                } else if reader.price_waits() {
                    hub.prices_wait.insert((channel, session));
                }
            }
            hub.look_at_prices(ctx);
        });
    }

    /// After a session was sent something by itself: what is final of it, and prices that wait.
    pub(super) fn settle_reader(&mut self, session: SessionId, channel: Channel, ctx: &mut Context<Self>) {
        let Some(feed) = self.feeds.get_mut(&channel) else { return };
        let finalized = feed.finalized();
        let Some(reader) = feed.readers.get(&session) else { return };
        if reader.price_waits() {
            self.prices_wait.insert((channel, session));
        }
        if reader.is_owed(finalized) {
            feed.tell_final(channel);
        }
        self.look_at_prices(ctx);
    }
}
