//! Death watch: how it is noticed that an actor is gone, and how its successor is found.
//!
//! `actix::Supervisor` restarts an actor that stopped, not one that panicked: the panic takes both. So each long-lived
//! actor holds a [`DeathGuard`]; when the actor is dropped, for whatever reason, the guard's receiver wakes, and root
//! starts a successor. Who sends to it holds a [`Link`], which always leads to the newest life.

use std::sync::{Arc, RwLock};

use actix::prelude::*;
use tokio::sync::oneshot;

/// Held by an actor; dropped with it.
#[derive(Debug)]
pub struct DeathGuard(#[allow(dead_code)] oneshot::Sender<()>);

impl DeathGuard {
    /// A guard and what wakes when it is dropped.
    pub fn new() -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), async move {
            let _ = receiver.await;
        })
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

/// Panic now. Sent by fault tests only: the process refuses it outside `ZMART_ENV=test`.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Crash;
