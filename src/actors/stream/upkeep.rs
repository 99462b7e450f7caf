//! What a stream does by the clock and by the chain's finality: hubs that are behind are reminded, an append that waits too
//! long is told to readiness, the finalized point moves, and a stream that nobody needs ends.

use actix::prelude::*;

use super::{APPEND_STALE_AFTER, Finalized, Mode, StreamActor, StreamTick, subject::Subject};
use crate::{
    domain::ids::{Seq, Slot},
    journal,
};

/// Entries that the finalized point moves over from one reading.
const TAIL_PAGE: u32 = 5_000;

impl<S: Subject> StreamActor<S> {
    /// The finalized point has used up what memory holds: the next entries come from the journal.
    fn read_tail(&mut self, after: Seq, slot: Slot, ctx: &mut Context<Self>) {
        self.reading_tail = true;
        let (pool, address, epoch) = (self.env.pool.clone(), self.address, self.env.epoch);
        let read = async move {
            super::super::retry("a stream's entries can't be read", || async {
                let client = pool.get().await?;
                Ok(journal::read::entries_after(&**client, address, epoch, after, TAIL_PAGE).await?)
            })
            .await
        };
        ctx.spawn(read.into_actor(self).map(move |entries, actor, ctx| {
            actor.reading_tail = false;
            actor.life.extend_tail(entries);
            actor.life.finalize(slot);
            actor.pump(ctx);
        }));
    }

    /// Nobody needs it, and nothing is on its way. Whoever has a handle of it finds it closed and resolves it anew: every
    /// message that has an effect is answered, so none is lost.
    fn is_idle(&mut self) -> bool {
        self.mode == Mode::Ready
            && self.last_needed.elapsed() > self.env.idle_after
            && self.jobs.is_empty()
            && self.suspects.is_empty()
            && self.parked.is_empty()
            && self.stale.is_none()
            && !self.reading_tail
            && !self.life.has_planned()
            && !self.life.in_flight()
            && self.listeners.is_empty()
    }
}

impl<S: Subject> Handler<Finalized> for StreamActor<S> {
    type Result = ();

    fn handle(&mut self, Finalized(slot): Finalized, ctx: &mut Self::Context) {
        self.life.finalize(slot);
        if let Some(after) = self.life.tail_wanted().filter(|_| !self.reading_tail) {
            self.read_tail(after, slot, ctx);
        }
        self.pump(ctx);
    }
}

impl<S: Subject> Handler<StreamTick> for StreamActor<S> {
    type Result = ();

    fn handle(&mut self, _: StreamTick, ctx: &mut Self::Context) {
        if self.is_idle() {
            return ctx.stop();
        }
        let released = self.life.released();
        self.listeners.remind(S::channel(self.address), self.life.epoch(), released.seq);
        if self.append_began.is_some_and(|began| began.elapsed() > APPEND_STALE_AFTER) && self.stale.is_none() {
            self.env.health.stale(self.address, Some("an append has been waiting for 30 s"));
        }
    }
}
