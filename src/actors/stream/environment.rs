//! What streams' actors work with: the ways to the writer and the chain, connections, and whether this node leads.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use deadpool_postgres::Pool;

use super::{life::Life, subject::Subject};
use crate::{
    actors::{chain_reader::ChainReader, journal_writer::JournalWriter, role::Role, supervision::Link},
    domain::{
        fee_timeline::FeeTimeline,
        ids::{AccountAddress, Epoch},
    },
    journal::lease::Leased,
    telemetry::health::Health,
};

/// What every stream's actor on one arbiter shares.
#[derive(Clone)]
pub struct StreamEnvironment {
    /// Of this arbiter.
    pub pool: Pool,
    /// Where appends go.
    pub writer: Link<JournalWriter>,
    /// Where the chain is read.
    pub reader: Link<ChainReader>,
    /// The fees in force by slot.
    pub fees: Arc<RwLock<FeeTimeline>>,
    /// The journal's life.
    pub epoch: Epoch,
    /// Whether this node writes, or follows the one that does.
    pub role: Role,
    /// Where staleness is told.
    pub health: Health,
    /// A stream that nobody listens to, asks or tells anything for so long ends; it is read again when it is next found.
    pub idle_after: Duration,
    /// Somebody may listen. Where nobody does, streams make no frames, and hold none.
    pub is_heard: bool,
}

impl StreamEnvironment {
    /// A stream that nothing was told yet.
    pub(super) fn new_life<S: Subject>(&self, address: AccountAddress) -> Life<S> {
        let life = Life::unheard_of(address, self.epoch);
        if self.is_heard { life } else { life.silent() }
    }

    /// The same connections, for what only the leader writes.
    pub(super) fn leased(&self) -> Leased {
        Leased::new(self.pool.clone(), self.role.term())
    }
}
