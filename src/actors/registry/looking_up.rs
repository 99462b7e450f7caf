//! Looking up: is there a market that does not run?
//!
//! Anybody may ask for any address, so a market is looked up in the journal before an actor is made for it; once for all who
//! ask meanwhile. After a restart everybody comes back at once and asks for the same few markets before any of them runs: a
//! question for each would take every connection, from the streams that are to be read, too, and all would be told to come
//! again, and come.

use std::{collections::HashMap, future::ready};

use actix::prelude::*;
use tokio::sync::oneshot;

use super::{FindMarket, MarketHandle, Registry, Running};
use crate::{
    actors::{stream::ReadError, trouble::Lasting},
    domain::{ids::MarketAddress, market::Market},
    journal::open::market_exists,
};

/// Markets that may be looked up at once; beyond it, readers are told to come again.
pub const CHECKS_MAX: usize = 256;
/// Readers who may wait for that, all together; others are told to come again.
const ASKERS_MAX: usize = 65_536;

type Found = Result<MarketHandle, ReadError>;

/// What is being looked up, and who waits for it.
#[derive(Debug)]
pub(super) struct Checks {
    waiting: HashMap<MarketAddress, Vec<oneshot::Sender<Found>>>,
    askers: usize,
    askers_max: usize,
    trouble: Lasting,
}

impl Default for Checks {
    fn default() -> Self {
        Self { waiting: HashMap::new(), askers: 0, askers_max: ASKERS_MAX, trouble: Lasting::default() }
    }
}

/// Somebody may wait.
struct Asked {
    answer: oneshot::Receiver<Found>,
    /// Nobody has asked for this market yet: it is to be looked up.
    is_first: bool,
}

impl Checks {
    /// One more waits for this market; `None` if there is no room for that. Not more than `markets_max` are looked up.
    fn ask(&mut self, address: MarketAddress, markets_max: usize) -> Option<Asked> {
        let is_first = !self.waiting.contains_key(&address);
        if self.askers >= self.askers_max || (is_first && self.waiting.len() >= markets_max) {
            return None;
        }
        let (asker, answer) = oneshot::channel();
        self.waiting.entry(address).or_default().push(asker);
        self.askers += 1;
        Some(Asked { answer, is_first })
    }

    /// It was looked up.
    fn answer(&mut self, address: MarketAddress, found: &Found) {
        let askers = self.waiting.remove(&address).unwrap_or_default();
        self.askers -= askers.len();
        for asker in askers {
            // Who is gone needs no answer.
            let _ = asker.send(found.clone());
        }
    }
}

impl Registry {
    fn look_up(&mut self, address: MarketAddress, ctx: &mut Context<Self>) {
        let pool = self.pool.clone();
        let check = async move { market_exists(&pool, address).await }.into_actor(self);
        ctx.spawn(check.map(move |exists, registry, ctx| {
            if exists.is_ok()
                && let Some(failures) = registry.checks.trouble.over()
            {
                log::info!("markets can be looked up again after {failures} failures");
            }
            let found = match exists {
                Ok(true) => registry.market(address, ctx).map(|running| handle_to(address, running)),
                Ok(false) => Err(ReadError::Unknown),
                Err(error) => {
                    log::log!(registry.checks.trouble.failed(), "market {address} can't be looked up: {error}");
                    Err(ReadError::Loading)
                }
            };
            registry.checks.answer(address, &found);
        }));
    }
}

impl Handler<FindMarket> for Registry {
    /// Not the actor's own future: those are all looked at whenever one of them gets on, and here may be thousands.
    type Result = ResponseFuture<Found>;

    fn handle(&mut self, FindMarket(address): FindMarket, ctx: &mut Self::Context) -> Self::Result {
        if let Some(running) = self.markets.get(&address).filter(|running| running.is_alive()) {
            running.pulse.needed();
            return Box::pin(ready(Ok(handle_to(address, running))));
        }
        let room = self.streams_max.saturating_sub(self.markets.len());
        let Some(Asked { answer, is_first }) = self.checks.ask(address, room.min(CHECKS_MAX)) else {
            return Box::pin(ready(Err(ReadError::Loading)));
        };
        if is_first {
            self.look_up(address, ctx);
        }
        Box::pin(async move { answer.await.unwrap_or(Err(ReadError::Gone)) })
    }
}

fn handle_to(address: MarketAddress, running: &Running<Market>) -> MarketHandle {
    let addr = &running.addr;
    MarketHandle {
        address,
        reads: addr.clone().recipient(),
        attach: addr.clone().recipient(),
        detach: addr.clone().recipient(),
        replay: addr.clone().recipient(),
        held: running.pulse.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_market_is_looked_up_once_for_all_who_ask_and_both_are_bounded() {
        let mut checks = Checks { askers_max: 4, ..Checks::default() };
        let (one, other) = (MarketAddress([1; 32]), MarketAddress([2; 32]));
        let first = checks.ask(one, 1).unwrap();
        let second = checks.ask(one, 1).unwrap();
        assert_eq!((first.is_first, second.is_first), (true, false));
        assert!(checks.ask(other, 1).is_none(), "so many markets at once");
        let third = checks.ask(other, 2).unwrap();
        assert!(third.is_first);
        drop(checks.ask(one, 2).unwrap());
        assert!(checks.ask(one, 2).is_none() && checks.ask(other, 2).is_none(), "so many askers");

        checks.answer(one, &Err(ReadError::Unknown));
        for mut asked in [first, second] {
            assert_eq!(asked.answer.try_recv().map(Result::err), Ok(Some(ReadError::Unknown)));
        }
        let mut third = third.answer;
        assert_eq!(third.try_recv().err(), Some(oneshot::error::TryRecvError::Empty));
        assert_eq!((checks.askers, checks.waiting.len()), (1, 1));
        assert!(checks.ask(one, 2).is_some_and(|asked| asked.is_first), "the next one asks anew");
    }
}
