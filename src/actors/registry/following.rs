//! On a node that follows: what the leader has committed goes to the streams that run here.
//!
//! A stream that does not run hears nothing: it reads the journal when it is next found. One whose mailbox is full has
//! missed something, and is told of its head at each tick until it hears.

use std::{collections::HashMap, sync::Arc};

use actix::prelude::*;

use super::{ConfigActor, HeardHead, MarketActor, Registry, Running, StreamActor, Subject};
use crate::{
    actors::{committed::Committed, stream::follow::Heard},
    domain::{
        entry::Entry,
        ids::{AccountAddress, Epoch, MarketAddress, Seq},
    },
};

/// A batch that the leader has committed.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct HearCommitted(pub Arc<Committed>);

/// The newest entries of streams, as the journal has them.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct HearHeads {
    /// The journal's life.
    pub epoch: Epoch,
    /// Streams and their heads.
    pub heads: Vec<(AccountAddress, Seq)>,
}

/// Which streams run here?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<AccountAddress>")]
pub struct StreamsInUse;

impl<S: Subject> Running<S> {
    /// False if its mailbox is full. One that is gone reads the journal when it is next found.
    fn hears<M>(&self, message: M) -> bool
    where
        M: Message<Result = ()> + Send + 'static,
        StreamActor<S>: Actor<Context = Context<StreamActor<S>>> + Handler<M>,
    {
        !matches!(self.addr.try_send(message), Err(SendError::Full(_)))
    }
}

impl Registry {
    /// Tells a stream, if it runs; who is too busy is told of the head later.
    fn tell<M>(&mut self, stream: AccountAddress, message: M, head: HeardHead)
    where
        M: Message<Result = ()> + Send + 'static,
        MarketActor: Handler<M>,
        ConfigActor: Handler<M>,
    {
        let heard = if stream == self.config_address {
            self.config.as_ref().is_none_or(|running| running.hears(message))
        } else {
            self.markets.get(&MarketAddress(stream.0)).is_none_or(|running| running.hears(message))
        };
        if heard {
            self.unheard.remove(&stream);
        } else {
            self.unheard.insert(stream, head);
        }
    }

    pub(super) fn repeat_unheard(&mut self) {
        for (stream, head) in std::mem::take(&mut self.unheard) {
            self.tell(stream, head, head);
        }
    }
}

impl Handler<HearCommitted> for Registry {
    type Result = ();

    fn handle(&mut self, HearCommitted(committed): HearCommitted, _: &mut Self::Context) {
        let mut streams: HashMap<AccountAddress, Vec<Arc<Entry>>> = HashMap::new();
        for one in &committed.entries {
            streams.entry(one.stream).or_default().push(Arc::clone(&one.entry));
        }
        for (stream, entries) in streams {
            let Some(seq) = entries.iter().map(|entry| entry.seq).max() else { continue };
            self.tell(stream, Heard(entries), HeardHead { epoch: committed.epoch, seq });
        }
    }
}

impl Handler<HearHeads> for Registry {
    type Result = ();

    fn handle(&mut self, HearHeads { epoch, heads }: HearHeads, _: &mut Self::Context) {
        for (stream, seq) in heads {
            let head = HeardHead { epoch, seq };
            self.tell(stream, head, head);
        }
    }
}

impl Handler<StreamsInUse> for Registry {
    type Result = MessageResult<StreamsInUse>;

    fn handle(&mut self, _: StreamsInUse, _: &mut Self::Context) -> Self::Result {
        let config = self.config.iter().map(|_| self.config_address);
        MessageResult(self.markets.keys().map(|market| market.account()).chain(config).collect())
    }
}
