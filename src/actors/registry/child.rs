//! What a stream's actor holds of the registry: the way back to it, and the notice that goes out when the actor is gone.
//!
//! One channel takes the notices of all streams, each of which sends once in its life: a future for each would be polled
//! at every message that the registry gets, which at 100,000 streams is all that it would do.

use std::time::Instant;

use actix::prelude::*;
use tokio::sync::{mpsc, watch};

use super::Leave;
use crate::{domain::ids::AccountAddress, telemetry::health::Health};

/// A stream's actor is gone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Death {
    pub address: AccountAddress,
    /// Which life of it.
    pub life: u64,
    /// It was allowed to leave.
    pub orderly: bool,
    pub at: Instant,
}

/// See the module. Dropped with the actor.
pub struct Child {
    address: AccountAddress,
    life: u64,
    parent: watch::Receiver<()>,
    registry: Recipient<Leave>,
    health: Health,
    notices: mpsc::UnboundedSender<Death>,
    orderly: bool,
}

/// What the registry gives to all its children.
pub(super) struct Parent {
    /// Children watch it: it is dropped with the registry.
    life: watch::Sender<()>,
    notices: mpsc::UnboundedSender<Death>,
    inbox: Option<mpsc::UnboundedReceiver<Death>>,
}

impl Parent {
    pub fn new() -> Self {
        let (notices, inbox) = mpsc::unbounded_channel();
        Self { life: watch::channel(()).0, notices, inbox: Some(inbox) }
    }

    /// Where notices arrive; once.
    pub fn inbox(&mut self) -> Option<mpsc::UnboundedReceiver<Death>> {
        self.inbox.take()
    }

    pub fn child(&self, address: AccountAddress, life: u64, registry: Recipient<Leave>, health: Health) -> Child {
        health.stream_began();
        let (parent, notices) = (self.life.subscribe(), self.notices.clone());
        Child { address, life, parent, registry, health, notices, orderly: false }
    }
}

impl Child {
    /// Ends when the registry does: a stream whose name nobody knows would keep its subscribers and hear nothing.
    pub fn orphaned(&self) -> impl Future<Output = ()> + 'static {
        let mut parent = self.parent.clone();
        async move { while parent.changed().await.is_ok() {} }
    }

    /// May it end? True once the registry has taken it off its map.
    pub fn ask_to_leave(&self) -> impl Future<Output = bool> + 'static {
        let answer = self.registry.send(Leave { address: self.address, life: self.life });
        async move { answer.await.unwrap_or(false) }
    }

    /// It ends, and that is no death.
    pub fn leaves(&mut self) {
        self.orderly = true;
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.health.stream_ended();
        let (address, life, orderly) = (self.address, self.life, self.orderly);
        // A registry that is gone needs no notice.
        let _ = self.notices.send(Death { address, life, orderly, at: Instant::now() });
    }
}
