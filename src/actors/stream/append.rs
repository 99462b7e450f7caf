//! Appending: one at a time, released when it is durable, thrown away with this life when it can't be.

use std::time::{Duration, Instant};

use actix::prelude::*;

use super::{APPEND_STALE_AFTER, Outcome, StreamActor, subject::Subject};
use crate::{
    actors::{
        journal_writer::{Append, AppendError},
        retry,
    },
    journal::{
        staging::{self, DeadLetter},
        write::StreamAppend,
    },
};

impl<S: Subject> StreamActor<S> {
    pub(super) fn send_append(&mut self, append: Box<StreamAppend>, ctx: &mut Context<Self>) {
        let (Some(generation), Some(writer)) = (self.generation, self.env.writer.get()) else {
            // The writer is gone, and with it this generation.
            return ctx.stop();
        };
        self.append_began.get_or_insert_with(Instant::now);
        self.show_pulse();
        let answer = writer.send(Append { generation, append });
        ctx.spawn(answer.into_actor(self).map(|answer, actor, ctx| match answer {
            Ok(Ok(())) => actor.appended(ctx),
            Ok(Err(AppendError::Full(append))) => {
                ctx.run_later(Duration::from_millis(100), |actor, ctx| actor.send_append(append, ctx));
            }
            Ok(Err(AppendError::Overtaken | AppendError::WriterGone)) | Err(_) => {
                log::info!("{} {} is read again: its append was not answered", S::KIND, actor.address);
                ctx.stop();
            }
            Ok(Err(AppendError::Refused(reason))) => actor.refused(reason, ctx),
        }));
    }

    pub(super) fn appended(&mut self, ctx: &mut Context<Self>) {
        let was_late = self.append_began.take().is_some_and(|began| began.elapsed() > APPEND_STALE_AFTER);
        // A heal ends here: what it found is durable, and shown.
        if was_late || self.stale.is_some() {
            self.caught_up(ctx);
        }
        // Also where the listener never saw them, but a heal read them.
        S::note(&self.env.fees, self.life.entries_in_flight());
        self.pulse.changes();
        for pack in self.life.release() {
            self.listeners.send(&pack);
        }
        for ticket in std::mem::take(&mut self.unsettled) {
            self.settle(ticket, Outcome::Durable);
        }
        self.written_is_durable();
        self.answer_rebuilt();
        self.pump(ctx);
        self.show_pulse();
    }

    /// It is behind the chain no more, and what says so for the next start is put aside.
    pub(super) fn caught_up(&mut self, ctx: &mut Context<Self>) {
        if self.stale.is_some() {
            let (pool, address) = (self.env.leased(), self.address);
            let resolve = async move {
                retry("letters can't be resolved", || staging::resolve_refused(&pool, address)).await;
            };
            ctx.spawn(resolve.into_actor(self));
        }
        self.set_stale(None);
    }

    /// The journal refuses these entries for good: they become a dead letter, and the stream is read again without them.
    fn refused(&mut self, reason: String, ctx: &mut Context<Self>) {
        log::error!("{} {}: the journal refused an append: {reason}", S::KIND, self.address);
        self.set_stale(Some(format!("the journal refused an append: {reason}")));
        self.written_is_refused(&reason);
        // Named by its first event, so that each stream's letter is kept, and the same one once.
        let entries = self.life.entries_in_flight();
        let first = entries.iter().find_map(|entry| entry.body.chain_event()).map(|(id, ..)| id);
        let letter = DeadLetter {
            source: "journal",
            signature: first.map(|id| id.signature),
            n: first.map(|id| id.n),
            stream: Some(self.address),
            reason: "refused",
            detail: format!("{} from seq {}: {reason}", entries.len(), self.life.released().seq.next()),
            raw: serde_json::to_value(entries.iter().map(|entry| &entry.body).collect::<Vec<_>>()).ok(),
        };
        let pool = self.env.leased();
        let bury = async move {
            retry("a dead letter can't be kept", || staging::bury(&pool, std::slice::from_ref(&letter))).await
        };
        ctx.spawn(bury.into_actor(self).map(|(), actor, ctx| {
            for ticket in std::mem::take(&mut actor.unsettled) {
                actor.settle(ticket, Outcome::Dead);
            }
            ctx.stop();
        }));
    }
}
