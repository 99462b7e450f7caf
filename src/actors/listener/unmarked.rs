//! Markets whose newest entries are final, and not marked so because nobody runs who would mark them.
//!
//! A market's actor marks its entries as final when it is told that their slot is. One that died, or left memory, right after
//! its newest entry was written marks nothing, and nobody may ever ask for that market again: no trade, no subscriber. But a
//! decision about it rests on what is marked. So those that wait for one are found by their rows, and woken; the next pass of
//! coverage tells them what is final.

use std::time::{Duration, Instant};

use actix::prelude::*;

use super::Listener;
use crate::{
    actors::registry::WakeStream,
    journal::finality::{Step, unmarked},
};

/// How often all of them are looked for. Those that run mark their own entries at each pass.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Between two steps of one look.
const STEP_EVERY: Duration = Duration::from_secs(1);
/// A step: so many are woken at once, and the others by the steps that follow.
const STEP: Step = Step { looked_at: 2_000, found: 256 };

impl Listener {
    /// Looks for them, if it is time.
    pub(super) fn wake_unmarked(&mut self, ctx: &mut Context<Self>) {
        let Some(cursor) = self.cursor.filter(|_| self.unmarked_due <= Instant::now()) else { return };
        // One look at a time: it is due again when this one has been answered.
        self.unmarked_due = Instant::now() + LOOK_EVERY * 12;
        let (pool, after) = (self.parts.pool.clone(), self.unmarked_after.take());
        let look = async move { unmarked(pool.pool(), cursor.final_slot(), after.as_ref(), STEP).await };
        ctx.spawn(look.into_actor(self).map(|found, actor, _| {
            actor.unmarked_due = Instant::now() + LOOK_EVERY;
            match found {
                Ok((streams, next)) => {
                    if next.is_some() {
                        (actor.unmarked_due, actor.unmarked_after) = (Instant::now() + STEP_EVERY, next);
                    }
                    let Some(registry) = actor.parts.registry.get() else { return };
                    // A registry that is too busy is asked the next time.
                    let _ = streams.into_iter().try_for_each(|stream| registry.try_send(WakeStream(stream)));
                }
                Err(error) => log::debug!("markets that nobody marks as final are looked for later: {error}"),
            }
        }));
    }
}
