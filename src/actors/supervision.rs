//! Death watch: how it is noticed that an actor is gone, and how its successor is found.
//!
//! `actix::Supervisor` restarts an actor that stopped, not one that panicked: the panic takes both. So each long-lived
//! actor holds a [`DeathGuard`]; when the actor is dropped, for whatever reason, the guard's receiver wakes, and root
//! starts a successor. Who sends to it holds a [`Link`], which always leads to the newest life.

use std::{
    pin::Pin,
    sync::{Arc, RwLock},
    task::{Context as Waker, Poll},
    time::Instant,
};

use actix::{
    dev::{ContextFut, channel::channel},
    prelude::*,
};
use tokio::sync::oneshot;

use crate::telemetry::{
    census::Gauge,
    panics::{Working, slowed_by},
};

/// Of a mailbox, until its actor says otherwise: as actix has it.
const MAILBOX: usize = 16;

/// Held by an actor; dropped with it.
#[derive(Debug)]
pub struct DeathGuard {
    _sender: oneshot::Sender<()>,
    gauge: Arc<Gauge>,
}

impl DeathGuard {
    /// A guard and what wakes when it is dropped.
    pub fn new() -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = oneshot::channel();
        (Self { _sender: sender, gauge: Arc::default() }, async move {
            let _ = receiver.await;
        })
    }

    /// Whose actor shows there what waits in it.
    pub fn showing(self, gauge: &Arc<Gauge>) -> Self {
        Self { gauge: Arc::clone(gauge), ..self }
    }

    /// So much waits in the actor, and so much may.
    pub fn waits(&self, queue: usize, most: usize) {
        self.gauge.waits(queue, most);
    }
}

/// Leads to the newest life of an actor; clones share it.
pub struct Link<A: Actor>(Arc<RwLock<Option<Addr<A>>>>);

impl<A: Actor> Clone for Link<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Actor> std::fmt::Debug for Link<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl<A: Actor> Default for Link<A> {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(None)))
    }
}

impl<A: Actor> Link<A> {
    /// The newest life; `None` before the first, and while root waits to start the next.
    pub fn get(&self) -> Option<Addr<A>> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone().filter(Addr::connected)
    }

    /// Root's: a new life has begun.
    pub fn set(&self, addr: Addr<A>) {
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(addr);
    }
}

/// An actor's future, with each of its turns counted under its name: so its panics are known for its own, and so is the time
/// that it takes of its thread.
struct Tended<A: Actor<Context = Context<A>>> {
    name: &'static str,
    gauge: Arc<Gauge>,
    actor: ContextFut<A, Context<A>>,
}

impl<A: Actor<Context = Context<A>>> Future for Tended<A> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<()> {
        let began = Instant::now();
        let slowed = slowed_by();
        if !slowed.is_zero() {
            std::thread::sleep(slowed);
        }
        let working = Working::as_one(self.name);
        let polled = Pin::new(&mut self.actor).poll(waker);
        drop(working);
        self.gauge.turn(began.elapsed());
        polled
    }
}

/// As `start_in_arbiter`, and tended: its turns are counted, and what it panics with is told as its own.
pub fn start_tended<A: Actor<Context = Context<A>>>(
    name: &'static str,
    gauge: &Arc<Gauge>,
    arbiter: &ArbiterHandle,
    make: impl FnOnce() -> A + Send + 'static,
) -> Addr<A> {
    let (sender, receiver) = channel(MAILBOX);
    let gauge = Arc::clone(gauge);
    // An arbiter that is gone starts nobody, and the address leads nowhere: its guard has told so by then.
    arbiter.spawn_fn(move || {
        let context = Context::with_receiver(receiver);
        let working = Working::as_one(name);
        let actor = context.into_future(make());
        drop(working);
        actix::spawn(Tended { name, gauge, actor });
    });
    Addr::new(sender)
}

/// As [`start_tended`], on the thread that asks.
pub fn start_tended_here<A: Actor<Context = Context<A>>>(name: &'static str, gauge: &Arc<Gauge>, actor: A) -> Addr<A> {
    let (sender, receiver) = channel(MAILBOX);
    let actor = Context::with_receiver(receiver).into_future(actor);
    actix::spawn(Tended { name, gauge: Arc::clone(gauge), actor });
    Addr::new(sender)
}

/// End in this turn: what this actor does belongs to a role that the node has no more.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Retire;

/// Actors that root may retire.
macro_rules! retires {
    ($($actor:ty),* $(,)?) => {$(
        impl actix::Handler<$crate::actors::supervision::Retire> for $actor {
            type Result = ();

            fn handle(&mut self, _: $crate::actors::supervision::Retire, ctx: &mut Self::Context) {
                actix::ActorContext::stop(ctx);
            }
        }
    )*};
}
pub(crate) use retires;

/// Panic now. Sent by fault tests only: the process refuses it outside `ZMART_ENV=test`.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Crash;
