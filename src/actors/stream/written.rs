//! What users wrote: planned after what the chain tells, in the same appends.
//!
//! Owns the one message of the outbox's reader that is not answered yet. Its rows become entries in their order; those
//! that are refused are named in the answer, and never hold up the others. A vote waits until the ballots have been read;
//! all of them wait while the stream heals. When the journal refuses an append, it may be one of them that it refuses:
//! they come again one by one.

use std::collections::VecDeque;

use actix::prelude::*;
use tokio::sync::oneshot;

use super::{
    LookAgain, MarketActor, Mode, RefusedWrite, StreamActor, Written, WrittenError, WrittenRow, life::NotTaken, now_ms,
    subject::Subject,
};
use crate::domain::{tally::VoteKind, user_write::UserWrite};

/// See the module.
pub(super) struct WrittenJob {
    waiting: VecDeque<WrittenRow>,
    /// Some are planned or in flight.
    on_their_way: bool,
    refused: Vec<RefusedWrite>,
    alone: bool,
    reply: oneshot::Sender<Result<Vec<RefusedWrite>, WrittenError>>,
}

impl<S: Subject> StreamActor<S> {
    /// The ballots that the next of them needs, if they are to be read and can be.
    pub(super) fn written_wants(&self) -> Option<VoteKind> {
        let next = self.written.as_ref().filter(|_| !self.life.has_planned())?.waiting.front()?;
        match &next.write {
            UserWrite::Vote(cast) if !self.life.has_ballots(cast.kind) => Some(cast.kind),
            _ => None,
        }
    }

    /// One that is suspected goes alone, if nothing else is planned. False if there is none, or it has to wait.
    pub(super) fn plan_alone(&mut self) -> bool {
        let is_its_turn = self.written.as_ref().is_some_and(|job| job.alone) && !self.life.has_planned();
        is_its_turn && self.plan_next().is_ok_and(|planned| planned)
    }

    /// Plans what waits; answers with the ballots that have to be read first, if any.
    pub(super) fn plan_written(&mut self) -> Option<VoteKind> {
        if self.written.as_ref().is_some_and(|job| job.alone && self.life.has_planned()) {
            return None;
        }
        loop {
            match self.plan_next() {
                Ok(true) if self.written.as_ref().is_some_and(|job| job.alone) => break,
                Ok(true) => {}
                Ok(false) => break,
                Err(kind) => return Some(kind),
            }
        }
        self.answer_written();
        None
    }

    /// Plans the next one that is not refused. False if none is left.
    fn plan_next(&mut self) -> Result<bool, VoteKind> {
        let Some(job) = &mut self.written else { return Ok(false) };
        while let Some(row) = job.waiting.pop_front() {
            match self.life.take_written(&row, now_ms()) {
                Ok(()) => {
                    job.on_their_way = true;
                    return Ok(true);
                }
                Err(NotTaken::ReadBallots(kind)) => {
                    job.waiting.push_front(row);
                    return Err(kind);
                }
                Err(NotTaken::Refused(why)) => job.refused.push(RefusedWrite { id: row.id, why }),
            }
        }
        Ok(false)
    }

    /// The append in flight is durable, and with it all that was planned of them.
    pub(super) fn written_is_durable(&mut self) {
        if let Some(job) = &mut self.written {
            job.on_their_way = false;
        }
        self.answer_written();
    }

    fn answer_written(&mut self) {
        let is_done = |job: &mut WrittenJob| job.waiting.is_empty() && !job.on_their_way;
        if let Some(job) = self.written.take_if(is_done) {
            // A reader that died meanwhile reads the outbox again.
            let _ = job.reply.send(Ok(job.refused));
        }
    }

    /// An append was refused; if some of them were in it, they come again one by one.
    pub(super) fn written_is_refused(&mut self, reason: &str) {
        if let Some(job) = self.written.take_if(|job| job.on_their_way) {
            let _ = job.reply.send(Err(WrittenError::Refused(reason.to_owned())));
        }
    }
}

impl Handler<Written> for MarketActor {
    type Result = ResponseFuture<Result<Vec<RefusedWrite>, WrittenError>>;

    fn handle(&mut self, Written { rows, alone }: Written, ctx: &mut Self::Context) -> Self::Result {
        if !self.leads() {
            return Box::pin(std::future::ready(Err(WrittenError::Gone)));
        }
        if self.written.is_some() {
            return Box::pin(std::future::ready(Err(WrittenError::Busy)));
        }
        self.pulse.needed();
        let (reply, answer) = oneshot::channel();
        let waiting = rows.into();
        self.written = Some(WrittenJob { waiting, on_their_way: false, refused: Vec::new(), alone, reply });
        self.pump(ctx);
        Box::pin(async move { answer.await.unwrap_or(Err(WrittenError::Gone)) })
    }
}

impl<S: Subject> Handler<LookAgain> for StreamActor<S> {
    type Result = ();

    /// It may have begun its life before it was known why the one before was behind the chain.
    fn handle(&mut self, _: LookAgain, ctx: &mut Self::Context) {
        let is_rebuilding = self.mode == Mode::Rebuilding;
        if (self.stale.is_some() && !is_rebuilding) || self.mode == Mode::Hydrating || self.suspicion.is_some() {
            return;
        }
        if let Some(reason) = self.env.health.why_stale(self.address)
            && self.stale.as_deref() != Some(reason.as_str())
        {
            self.suspicion = Some(reason);
            self.pump(ctx);
        }
    }
}
