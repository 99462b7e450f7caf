//! What a stream has to read of the journal before it can go on: events that are older than memory, entries that the
//! finalized point moves over, ballots.
//!
//! One question at a time; what comes meanwhile waits in the stream's own queues. Asked until it is answered.

use std::collections::{BTreeSet, VecDeque};

use actix::prelude::*;

use super::{Item, Mode, Outcome, StreamActor, TAIL_PAGE, life::Known, subject::Subject};
use crate::{
    actors::retry,
    domain::{
        ids::{Seq, Slot},
        tally::VoteKind,
    },
    journal::{self, votes},
};

impl<S: Subject> StreamActor<S> {
    /// Asks the journal about events that are older than memory.
    pub(super) fn look_up(&mut self, ctx: &mut Context<Self>) {
        self.mode = Mode::LookingUp;
        let old = |item: &&Item| !item.is_new && self.life.knows(&item.delivery.event) == Known::AskJournal;
        let ids: Vec<_> = self.queue.iter().filter(old).map(|item| item.delivery.event.id).collect();
        let pool = self.env.pool.clone();
        let ask = async move {
            let known = retry("events can't be looked up", || journal::open::known_events(&pool, &ids)).await;
            (ids, known)
        };
        ctx.spawn(ask.into_actor(self).map(|(ids, known), actor, ctx| {
            actor.mode = Mode::Ready;
            for item in &mut actor.queue {
                item.is_new |= ids.contains(&item.delivery.event.id);
            }
            let (duplicates, queue): (VecDeque<Item>, VecDeque<Item>) =
                std::mem::take(&mut actor.queue).into_iter().partition(|item| known.contains(&item.delivery.event.id));
            actor.queue = queue;
            for item in duplicates {
                actor.settle(item.ticket, Outcome::Duplicate);
            }
            actor.pump(ctx);
        }));
    }

    /// The finalized point has used up what memory holds: the next entries come from the journal.
    pub(super) fn read_tail(&mut self, after: Seq, slot: Slot, ctx: &mut Context<Self>) {
        self.reading_tail = true;
        let (pool, address) = (self.env.pool.clone(), self.address);
        let read = async move {
            retry("a stream's entries can't be read", || async {
                let client = pool.get().await?;
                Ok(journal::read::entries_of_all_lives(&**client, address, after, TAIL_PAGE).await?)
            })
            .await
        };
        ctx.spawn(read.into_actor(self).map(move |entries, actor, ctx| {
            actor.reading_tail = false;
            actor.life.extend_tail(entries);
            actor.life.finalize(slot);
            actor.pump(ctx);
            actor.show_pulse();
        }));
    }

    /// Reads the votes that a tally is counted from. Nothing is planned and nothing in flight, so what the journal has is
    /// what is applied.
    pub(super) fn read_ballots(&mut self, kind: VoteKind, ctx: &mut Context<Self>) {
        self.mode = Mode::LookingUp;
        let (pool, address, epoch) = (self.env.pool.clone(), self.address, self.env.epoch);
        let read = async move {
            let none = BTreeSet::new();
            retry("ballots can't be read", || votes::tally(&pool, address, kind, epoch, &none)).await
        };
        ctx.spawn(read.into_actor(self).map(move |tally, actor, ctx| {
            actor.mode = Mode::Ready;
            actor.life.take_ballots([(kind, tally)]);
            actor.pump(ctx);
        }));
    }
}
