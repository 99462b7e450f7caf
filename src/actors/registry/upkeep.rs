//! What the registry does by the clock, and how a stream that nobody needs ends.
//!
//! A tick looks at the pulse of each running stream and wakes only those that want it. Streams that nobody has needed for
//! long are asked to leave, [`LEAVES_MAX`] a tick: the stream asks back, and is taken off the map only if it is the same
//! life, nobody holds a handle of it, and nobody was given its address since. So a handle never leads to a stream that
//! has decided to end.

use actix::prelude::*;

use super::{DEATHS_WINDOW, MarketAddress, Pulse, Registry, Running};
use crate::{
    actors::{
        stream::{Finalized, LookAgain, MayLeave, StreamTick, subject::Subject},
        supervision::Crash,
    },
    domain::ids::AccountAddress,
};

/// Streams that are asked to leave at one tick; the others are asked at the next.
const LEAVES_MAX: usize = 4_096;

/// Find this stream, and let it look again whether it is behind the chain: a life of it may have been, and one that was
/// begun before that was known has not looked.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct WakeStream(pub AccountAddress);

impl Handler<WakeStream> for Registry {
    type Result = ();

    fn handle(&mut self, WakeStream(address): WakeStream, ctx: &mut Self::Context) {
        // A stream that may not live again yet is found the next time.
        if address == self.config_address {
            let _ = self.config(ctx).map(|addr| addr.try_send(LookAgain));
        } else {
            let _ = self.market(MarketAddress(address.0), ctx).map(|running| running.addr.try_send(LookAgain));
        }
    }
}

/// May this stream end?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "bool")]
pub struct Leave {
    /// The stream.
    pub address: AccountAddress,
    /// Which life of its actor.
    pub life: u64,
}

impl<S: Subject> Running<S> {
    /// A stream whose mailbox is full hears of the next.
    fn finalized(&self, finalized: Finalized) {
        if self.pulse.wants_finality() {
            let _ = self.addr.try_send(finalized);
        }
    }

    fn tick(&self) {
        if self.pulse.wants_ticks() {
            let _ = self.addr.try_send(StreamTick);
        }
    }

    fn crash(&self) {
        let _ = self.addr.try_send(Crash);
    }
}

impl Registry {
    fn is_idle<S: Subject>(&self, running: &Running<S>) -> bool {
        running.pulse.idle_for() > self.idle_after && !Pulse::is_held(&running.pulse)
    }
}

impl Handler<Leave> for Registry {
    type Result = bool;

    fn handle(&mut self, Leave { address, life }: Leave, _: &mut Self::Context) -> bool {
        let market = MarketAddress(address.0);
        let may = self.markets.get(&market).is_some_and(|running| running.life == life && self.is_idle(running));
        if may {
            self.markets.remove(&market);
            log::debug!("stream {address} is given up until it is next found");
        }
        may
    }
}

impl Handler<Finalized> for Registry {
    type Result = ();

    fn handle(&mut self, finalized: Finalized, _: &mut Self::Context) {
        self.markets.values().for_each(|running| running.finalized(finalized));
        self.config.iter().for_each(|running| running.finalized(finalized));
    }
}

impl Handler<StreamTick> for Registry {
    type Result = ();

    fn handle(&mut self, _: StreamTick, _: &mut Self::Context) {
        self.deaths.retain(|_, deaths| deaths.last().is_some_and(|death| death.elapsed() < DEATHS_WINDOW));
        self.markets.values().for_each(Running::tick);
        // The config's never leaves: everything is priced by it.
        self.config.iter().for_each(Running::tick);
        self.repeat_unheard();
        let idle = self.markets.values().filter(|running| self.is_idle(running));
        idle.take(LEAVES_MAX).for_each(|running| {
            let _ = running.addr.try_send(MayLeave);
        });
    }
}

/// Crash a stream's actor, for fault tests.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct CrashStream(pub AccountAddress);

impl Handler<CrashStream> for Registry {
    type Result = ();

    fn handle(&mut self, CrashStream(address): CrashStream, _: &mut Self::Context) {
        self.markets.get(&MarketAddress(address.0)).iter().for_each(|running| running.crash());
        self.config.iter().filter(|_| address == self.config_address).for_each(Running::crash);
    }
}

impl Handler<Crash> for Registry {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the registry was asked to crash");
    }
}
