//! Prices that wait: when they are looked at, and what else is settled after a session was sent something.
//!
//! They stand in a line by the time at which they are due, so that a look costs what is due, not what waits. Those that
//! are due and wait for room, or for an answer that is on its way, are looked at again a little later.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use actix::prelude::*;

use super::{Hub, SessionId};
use crate::view::frame::Channel;

/// What is due is looked for so often; and what waits for room is.
const PRICES_EVERY: Duration = Duration::from_millis(25);
/// Looked at in one turn; the others follow in the next.
const LOOKED_AT: usize = 1_024;
/// Until the next turn, where more is due.
const SOON: Duration = Duration::from_millis(1);

/// Whose prices wait, of which channel, until when.
#[derive(Debug, Default)]
pub(super) struct PricesWait {
    line: BTreeSet<(Instant, Channel, SessionId)>,
    due: HashMap<(Channel, SessionId), Instant>,
    is_looked_at: bool,
}

impl PricesWait {
    /// A price waits until it is due; for room, where it is due by now. One that is in the line keeps its place, unless
    /// this comes before it.
    pub fn wait(&mut self, due: Option<Instant>, now: Instant, channel: Channel, session: SessionId) {
        let due = due.filter(|due| *due > now).unwrap_or(now + PRICES_EVERY);
        let known = self.due.get(&(channel, session)).copied();
        if known.is_some_and(|known| known <= due) {
            return;
        }
        if let Some(known) = known {
            self.line.remove(&(known, channel, session));
        }
        self.due.insert((channel, session), due);
        self.line.insert((due, channel, session));
    }

    /// The next that is due by now.
    fn next(&mut self, now: Instant) -> Option<(Channel, SessionId)> {
        let first = *self.line.first().filter(|(due, ..)| *due <= now)?;
        self.line.remove(&first);
        let (_, channel, session) = first;
        self.due.remove(&(channel, session));
        Some((channel, session))
    }

    fn is_due(&self, now: Instant) -> bool {
        self.line.first().is_some_and(|(due, ..)| *due <= now)
    }
}

impl Hub {
    /// What waits for its turn is sent when it is due.
    pub(super) fn look_at_prices(&mut self, ctx: &mut Context<Self>) {
        if self.prices_wait.line.is_empty() || std::mem::replace(&mut self.prices_wait.is_looked_at, true) {
            return;
        }
        let wait = if self.prices_wait.is_due(Instant::now()) { SOON } else { PRICES_EVERY };
        ctx.run_later(wait, |hub, ctx| {
            hub.prices_wait.is_looked_at = false;
            hub.send_due_prices(Instant::now());
            hub.look_at_prices(ctx);
        });
    }

    fn send_due_prices(&mut self, now: Instant) {
        for _ in 0..LOOKED_AT {
            let Some((channel, session)) = self.prices_wait.next(now) else { return };
            let reader = self.feeds.get_mut(&channel).and_then(|feed| feed.readers.get_mut(&session));
            let Some(reader) = reader else { continue };
            // Nothing overtakes an answer that is on its way.
            if reader.joins == 0 && reader.send_due(now).is_err() {
                self.drop_slow(session);
            } else if let Some(due) = reader.price_waits_until() {
                self.prices_wait.wait(due, now, channel, session);
            }
        }
    }

    /// After a session was sent something by itself: what is final of it, and prices that wait.
    pub(super) fn settle_reader(&mut self, session: SessionId, channel: Channel, ctx: &mut Context<Self>) {
        let Some(feed) = self.feeds.get_mut(&channel) else { return };
        let finalized = feed.finalized();
        let Some(reader) = feed.readers.get(&session) else { return };
        if let Some(due) = reader.price_waits_until() {
            self.prices_wait.wait(due, Instant::now(), channel, session);
        }
        if reader.is_owed(finalized) {
            feed.tell_final(channel);
        }
        self.look_at_prices(ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::AccountAddress;

    #[test]
    fn a_look_finds_what_is_due_once_the_longest_due_first_and_nothing_else() {
        let (mut wait, start) = (PricesWait::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let channel = |number| Channel::Config(AccountAddress([number; 32]));
        let session = SessionId;
        wait.wait(Some(at(300)), start, channel(1), session(1));
        wait.wait(Some(at(100)), start, channel(2), session(1));
        wait.wait(Some(at(200)), start, channel(1), session(2));
        // Another entry comes meanwhile: the place is kept, or an earlier one taken.
        wait.wait(Some(at(900)), start, channel(2), session(1));
        wait.wait(Some(at(50)), start, channel(1), session(2));
        assert!(!wait.is_due(at(49)) && wait.next(at(49)).is_none());
        let due = |wait: &mut PricesWait, ms| std::iter::from_fn(|| wait.next(at(ms))).collect::<Vec<_>>();
        assert_eq!(due(&mut wait, 150), [(channel(1), session(2)), (channel(2), session(1))]);
        assert_eq!(due(&mut wait, 299), []);
        assert_eq!(due(&mut wait, 300), [(channel(1), session(1))]);
        assert!(wait.line.is_empty() && wait.due.is_empty());
        // For room it waits a while, however often it is said.
        for ms in [0, 5, 10] {
            wait.wait(Some(start), at(400 + ms), channel(1), session(1));
            wait.wait(None, at(400 + ms), channel(1), session(2));
        }
        assert_eq!(due(&mut wait, 424), []);
        assert_eq!(due(&mut wait, 425), [(channel(1), session(1)), (channel(1), session(2))]);
    }
}
