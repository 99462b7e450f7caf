//! A stream on a node that follows: its entries come from the leader, and where one is missing from the journal.
//!
//! Nothing is planned, appended or asked of the chain here. What is heard is released if it is the very next entry; what
//! was heard before is left alone, and a hole, or a head that is further on, is read from PostgreSQL: frames are a pure
//! function of the row, so it makes no difference where an entry came from. What is heard decides nothing: an entry that
//! does not follow from the state ends this life, and the next reads the journal.

use std::sync::Arc;

use actix::prelude::*;

use super::{Mode, StreamActor, subject::Subject};
use crate::{
    actors::retry,
    domain::{
        entry::Entry,
        ids::{Epoch, Seq},
    },
    journal::read,
};

/// Entries that are read at once.
const PAGE: u32 = 512;

/// Entries of this stream that the leader has committed, in order.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Heard(pub Vec<Arc<Entry>>);

/// The stream's newest committed entry, as somebody saw it.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct HeardHead {
    /// The journal's life.
    pub epoch: Epoch,
    /// The entry.
    pub seq: Seq,
}

/// How far a stream that follows has to go.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// The newest entry that was heard of.
    head: Seq,
    reading: bool,
}

impl Following {
    pub fn is_reading(&self) -> bool {
        self.reading
    }
}

impl<S: Subject> StreamActor<S> {
    /// Reads the stream as the journal has it, without the writer: whatever comes after it is heard of, or read.
    pub(super) fn begin_to_follow(&mut self, ctx: &mut Context<Self>) {
        let (pool, address, epoch) = (self.env.pool.clone(), self.address, self.env.epoch);
        let load = async move { retry("a stream can't be read", || S::load(&pool, address, epoch)).await };
        ctx.spawn(load.into_actor(self).map(|stored, actor, ctx| {
            if let Some(stored) = stored {
                actor.life = actor.new_life().restored(stored);
            }
            actor.mode = Mode::Ready;
            actor.answer_parked();
            actor.catch_up(ctx);
            actor.show_pulse();
        }));
    }

    /// Reads what is missing up to the newest entry that was heard of.
    fn catch_up(&mut self, ctx: &mut Context<Self>) {
        let after = self.life.released().seq;
        if self.following.reading || self.mode != Mode::Ready || self.following.head <= after {
            return;
        }
        self.following.reading = true;
        let (pool, address, epoch) = (self.env.pool.clone(), self.address, self.env.epoch);
        let read = async move {
            retry("a stream's entries can't be read", || async {
                let client = pool.get().await?;
                Ok(read::entries_after(&**client, address, epoch, after, PAGE).await?)
            })
            .await
        };
        ctx.spawn(read.into_actor(self).map(|entries, actor, ctx| {
            actor.following.reading = false;
            if entries.is_empty() {
                // There is nothing there: the journal is right.
                actor.following.head = actor.life.released().seq;
            }
            entries.iter().all(|entry| actor.follow(entry, ctx));
            actor.catch_up(ctx);
            actor.show_pulse();
        }));
    }

    /// Somebody knows of this entry. It is read if this stream follows and does not have it; one that does not exist costs a
    /// question to the journal.
    pub(super) fn hear_of(&mut self, HeardHead { epoch, seq }: HeardHead, ctx: &mut Context<Self>) {
        if !self.leads() && epoch == self.env.epoch {
            self.following.head = self.following.head.max(seq);
            self.catch_up(ctx);
        }
    }

    /// Releases an entry if it is the next; false if this life ends because of it.
    fn follow(&mut self, entry: &Entry, ctx: &mut Context<Self>) -> bool {
        self.following.head = self.following.head.max(entry.seq);
        if entry.seq != self.life.released().seq.next() {
            return true;
        }
        self.pulse.changes();
        match self.life.follow(entry) {
            Ok(pack) => {
                pack.iter().for_each(|pack| self.listeners.send(pack));
                true
            }
            Err(misfit) => {
                log::error!("{} {}: entry {} does not follow: {misfit}", S::KIND, self.address, entry.seq);
                ctx.stop();
                false
            }
        }
    }
}

impl<S: Subject> Handler<Heard> for StreamActor<S> {
    type Result = ();

    fn handle(&mut self, Heard(entries): Heard, ctx: &mut Self::Context) {
        if self.leads() {
            return;
        }
        if self.mode != Mode::Ready {
            let newest = entries.iter().map(|entry| entry.seq).max();
            self.following.head = self.following.head.max(newest.unwrap_or_default());
            return;
        }
        entries.iter().all(|entry| self.follow(entry, ctx));
        self.catch_up(ctx);
        self.show_pulse();
    }
}

impl<S: Subject> Handler<HeardHead> for StreamActor<S> {
    type Result = ();

    fn handle(&mut self, head: HeardHead, ctx: &mut Self::Context) {
        self.hear_of(head, ctx);
    }
}
