//! What operators see of running markets, and how they begin one anew.

use std::time::Duration;

use actix::prelude::*;

use super::{MarketAddress, Pulse, Registry, Running};
use crate::{
    actors::{
        stream::{StreamActor, subject::Subject},
        supervision::Retire,
    },
    domain::ids::AccountAddress,
};

/// Running markets, those that were needed last first.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<MarketSeen>")]
pub struct SeeMarkets {
    /// At most so many.
    pub most: usize,
}

/// A running market, as its pulse shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketSeen {
    /// Which.
    pub market: MarketAddress,
    /// Nobody has needed it for so long.
    pub idle: Duration,
    /// Somebody holds a handle of it.
    pub is_held: bool,
    /// It has entries that are not final.
    pub wants_finality: bool,
}

impl Handler<SeeMarkets> for Registry {
    type Result = MessageResult<SeeMarkets>;

    fn handle(&mut self, SeeMarkets { most }: SeeMarkets, _: &mut Self::Context) -> Self::Result {
        let seen = self.markets.iter().map(|(market, running)| MarketSeen {
            market: *market,
            idle: running.pulse.idle_for(),
            is_held: Pulse::is_held(&running.pulse),
            wants_finality: running.pulse.wants_finality(),
        });
        let mut seen: Vec<MarketSeen> = seen.collect();
        let newest_first = |one: &MarketSeen, other: &MarketSeen| one.idle.cmp(&other.idle);
        if seen.len() > most && most > 0 {
            seen.select_nth_unstable_by(most - 1, newest_first);
        }
        seen.truncate(most);
        seen.sort_unstable_by(newest_first);
        MessageResult(seen)
    }
}

/// End the life of a stream by an operator's word: it is read again from the journal as soon as it is next needed, and who listens
/// to it is taken along. False if it does not run.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "bool")]
pub struct RestartStream(pub AccountAddress);

impl Handler<RestartStream> for Registry {
    type Result = bool;

    fn handle(&mut self, RestartStream(address): RestartStream, ctx: &mut Self::Context) -> bool {
        let is_config = address == self.config_address;
        let config = self.config.as_ref().filter(|running| is_config && running.is_alive());
        let market = self.markets.get(&MarketAddress(address.0)).filter(|running| running.is_alive());
        let is_there = config.is_some() || market.is_some();
        config.iter().for_each(|running| running.end(ctx));
        market.iter().for_each(|running| running.end(ctx));
        is_there
    }
}

impl<S: Subject> Running<S> {
    /// In its own time: what had come to it before is done first. Its mailbox may be full, and is waited for.
    fn end(&self, ctx: &mut Context<Registry>) {
        let addr = self.addr.clone();
        ctx.spawn(actix::fut::wrap_future(async move {
            let _ = addr.send(Retire).await;
        }));
    }
}

impl<S: Subject> Handler<Retire> for StreamActor<S> {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
