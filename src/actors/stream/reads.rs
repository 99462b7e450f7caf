//! Questions to a stream: what is released, who listens, what was missed. None changes it.
//!
//! While the stream is being read from the journal a question waits, bounded in number and in time, and then gets a
//! retryable error.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use tokio::sync::oneshot;

use super::{
    ConfigActor, MarketActor, Mode, PARKED_MAX, StreamActor,
    follow::HeardHead,
    life::Missed,
    messages::{
        AttachConfig, AttachMarket, Detach, ReadConfig, ReadError, ReadMarket, ReleasedConfig, ReleasedMarket, Replay,
        ReplayAfter,
    },
    subject::Subject,
};

/// How long a question waits for hydration.
const WAIT_MAX: Duration = Duration::from_secs(5);

type Answer<T> = ResponseFuture<Result<T, ReadError>>;

impl<S: Subject> StreamActor<S> {
    /// Answers now, or when the stream has been read.
    fn when_ready<T: 'static>(
        &mut self,
        answer: impl FnOnce(&mut Self) -> Result<T, ReadError> + 'static,
    ) -> Answer<T> {
        self.pulse.needed();
        if self.mode != Mode::Hydrating {
            return Box::pin(std::future::ready(answer(self)));
        }
        if self.parked.len() >= PARKED_MAX {
            return Box::pin(std::future::ready(Err(ReadError::Loading)));
        }
        let (reply, answered) = oneshot::channel();
        self.parked.push(Box::new(move |actor| {
            // Nobody may be waiting any more: then nobody is attached either.
            if !reply.is_closed() {
                let _ = reply.send(answer(actor));
            }
        }));
        Box::pin(async move {
            match tokio::time::timeout(WAIT_MAX, answered).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(ReadError::Gone),
                Err(_) => Err(ReadError::Loading),
            }
        })
    }
}

impl MarketActor {
    fn released_market(&self) -> Result<ReleasedMarket, ReadError> {
        let released = self.life.released();
        let market = released.state.as_ref().map(Arc::clone).ok_or(ReadError::Unknown)?;
        Ok(ReleasedMarket {
            epoch: self.life.epoch(),
            seq: released.seq,
            slot: released.slot,
            recorded_at_ms: released.recorded_at_ms,
            finalized_seq: self.life.finalized_seq(),
            market,
            beside: released.beside.clone(),
            stale: self.stale.clone(),
        })
    }
}

impl ConfigActor {
    fn released_config(&self) -> ReleasedConfig {
        let released = self.life.released();
        ReleasedConfig {
            epoch: self.life.epoch(),
            seq: released.seq,
            slot: released.slot,
            recorded_at_ms: released.recorded_at_ms,
            config: released.state.as_ref().filter(|config| !config.vanished).map(Arc::clone),
        }
    }
}

impl Handler<ReadMarket> for MarketActor {
    type Result = Answer<ReleasedMarket>;

    fn handle(&mut self, _: ReadMarket, _: &mut Self::Context) -> Self::Result {
        self.when_ready(|actor| actor.released_market())
    }
}

impl Handler<AttachMarket> for MarketActor {
    type Result = Answer<ReleasedMarket>;

    fn handle(&mut self, AttachMarket(link): AttachMarket, _: &mut Self::Context) -> Self::Result {
        self.when_ready(|actor| {
            let released = actor.released_market()?;
            actor.listeners.add(link);
            Ok(released)
        })
    }
}

impl Handler<ReadConfig> for ConfigActor {
    type Result = Answer<ReleasedConfig>;

    fn handle(&mut self, _: ReadConfig, _: &mut Self::Context) -> Self::Result {
        self.when_ready(|actor| Ok(actor.released_config()))
    }
}

impl Handler<AttachConfig> for ConfigActor {
    type Result = Answer<ReleasedConfig>;

    fn handle(&mut self, AttachConfig(link): AttachConfig, _: &mut Self::Context) -> Self::Result {
        self.when_ready(|actor| {
            actor.listeners.add(link);
            Ok(actor.released_config())
        })
    }
}

impl<S: Subject> Handler<Detach> for StreamActor<S> {
    type Result = ();

    fn handle(&mut self, Detach { hub_id }: Detach, _: &mut Self::Context) {
        self.listeners.remove(hub_id);
    }
}

impl<S: Subject> Handler<ReplayAfter> for StreamActor<S> {
    type Result = Answer<Replay>;

    fn handle(&mut self, ReplayAfter { epoch, after }: ReplayAfter, ctx: &mut Self::Context) -> Self::Result {
        // Who asks has that entry, maybe of a leader that died before it could tell this node of it.
        self.hear_of(HeardHead { epoch, seq: after }, ctx);
        self.when_ready(move |actor| {
            Ok(match actor.life.missed(epoch, after) {
                Missed::Frames(packs) => Replay::Frames(packs),
                Missed::ReadJournal => Replay::ReadJournal { head: actor.life.released().seq },
                Missed::NotServable => Replay::NotServable,
            })
        })
    }
}
