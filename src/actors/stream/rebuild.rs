//! Rebuilding: a stream that may have been read from a row that another hand has changed is made anew from all of its entries.
//!
//! Entries are never changed, so what they make is what the row and memory have to be. It happens when nothing is planned or in
//! flight, and nothing else meanwhile, also not that entries become final: it is for repairs, and for a stream whose finalized state
//! does not lead to what follows. Where memory held something else, the world was shown that, and an entry tells it what is right.
//! Whether the chain agrees is not asked here: that is what [`super::Suspect`] is for.

use actix::prelude::*;
use tokio::sync::oneshot;

use super::{ApplyError, Mode, QUEUE_EVENTS_MAX, StreamActor, now_ms, subject::Subject};
use crate::{
    actors::pauses,
    domain::{ids::Seq, replay::Positions},
    journal::replay::{self, ReplayError, Wanted},
};

/// Readings of all entries that may fail one after the other before the stream goes on without: about a minute, if each takes as
/// long as a statement may.
const TRIES_MAX: u32 = 10;
/// It takes part in nothing meanwhile, and readiness says so.
const STALE: &str = "its state is made anew from its entries";

/// Make state and row anew from the entries. Answered when the row is written.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Rebuilt, ApplyError>")]
pub struct Rebuild;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rebuilt {
    /// The journal has never heard of it.
    Nothing,
    /// Memory was right; the row is written once more.
    Same,
    /// Memory was wrong. It is right now, and an entry says so.
    Bent,
    /// The entries contradict each other, and why: memory is kept, and the row written once more from it.
    Broken(String),
    /// The entries could not be read, and why: memory is kept, and the row written once more from it.
    Unread(String),
}

/// Who waits for it.
pub(super) type Rebuilding = Vec<oneshot::Sender<Result<Rebuilt, ApplyError>>>;

impl<S: Subject> StreamActor<S> {
    /// Nothing is planned and nothing in flight.
    pub(super) fn rebuild(&mut self, ctx: &mut Context<Self>) {
        self.mode = Mode::Rebuilding;
        let is_behind = self.suspicion.is_some() || self.env.health.why_stale(self.address).is_some();
        if !is_behind {
            self.set_stale(Some(STALE.to_owned()));
        }
        let (pool, epoch) = (self.env.pool.clone(), self.life.epoch());
        let wanted = Wanted {
            stream: self.address,
            upto: (epoch, self.life.released().seq),
            finalized_at: Some(self.life.hold_finality()),
            positions: Positions::None,
        };
        let work = async move {
            let mut pauses = pauses(std::time::Duration::from_millis(100), std::time::Duration::from_secs(2));
            let mut tries = 1;
            loop {
                match replay::replay(&pool, wanted, S::advance, S::is_described_by).await {
                    Err(ReplayError::Journal(error)) if tries >= TRIES_MAX => {
                        return Err(Rebuilt::Unread(error.to_string()));
                    }
                    Err(ReplayError::Journal(error)) => log::warn!("entries can't be read, trying again: {error}"),
                    Err(ReplayError::Broken(broken)) => return Err(Rebuilt::Broken(broken.to_string())),
                    // A row that stands further than the entries go is not made of them.
                    Ok(replay) => {
                        let last = replay.last().unwrap_or((epoch, Seq(0)));
                        if last.1 < wanted.upto.1 {
                            let why = format!("there are entries up to {} of {}", last.1, wanted.upto.1);
                            return Err(Rebuilt::Broken(why));
                        }
                        return Ok(replay);
                    }
                }
                tries += 1;
                tokio::time::sleep(pauses.next().unwrap_or_default()).await;
            }
        };
        ctx.spawn(work.into_actor(self).map(move |replayed, actor, ctx| {
            let rebuilt = match replayed {
                Ok(replay) if actor.life.made_anew(&replay) => {
                    log::warn!("{} {} was not what its entries make", S::KIND, actor.address);
                    let reason = "its row was not what its entries make".to_owned();
                    if let Err(misfit) = actor.life.tell_again(reason, now_ms()) {
                        log::error!("{} {}: {misfit}", S::KIND, actor.address);
                    }
                    Rebuilt::Bent
                }
                Ok(replay) if replay.last().is_none() => Rebuilt::Nothing,
                Ok(_) => Rebuilt::Same,
                Err(why) => {
                    log::error!("{} {} can't be made anew from its entries: {why:?}", S::KIND, actor.address);
                    actor.life.rewrite();
                    why
                }
            };
            actor.rebuilt = Some((rebuilt, std::mem::take(&mut actor.rebuilding)));
            if !is_behind {
                actor.set_stale(None);
            }
            if !actor.append_planned(ctx) {
                actor.answer_rebuilt();
            }
            actor.healed(ctx);
            actor.show_pulse();
        }));
    }

    /// The row is written, or there is none.
    pub(super) fn answer_rebuilt(&mut self) {
        if let Some((rebuilt, waiting)) = self.rebuilt.take() {
            for waits in waiting {
                let _ = waits.send(Ok(rebuilt.clone()));
            }
        }
    }
}

impl<S: Subject> Handler<Rebuild> for StreamActor<S> {
    type Result = ResponseFuture<Result<Rebuilt, ApplyError>>;

    fn handle(&mut self, _: Rebuild, ctx: &mut Self::Context) -> Self::Result {
        if !self.leads() {
            return Box::pin(std::future::ready(Err(ApplyError::Gone)));
        }
        if self.rebuilding.len() >= QUEUE_EVENTS_MAX {
            return Box::pin(std::future::ready(Err(ApplyError::Full)));
        }
        self.pulse.needed();
        let (reply, answer) = oneshot::channel();
        self.rebuilding.push(reply);
        self.pump(ctx);
        Box::pin(async move { answer.await.unwrap_or(Err(ApplyError::Gone)) })
    }
}
