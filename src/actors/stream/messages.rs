//! What everybody may ask of a stream (a market, or the config), and the handle by which they ask.
//!
//! Handles, not bare addresses: an `Addr` goes stale when an actor is restarted. `Gone` means "resolve it once more, then
//! say unavailable".

use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::mpsc;

use super::life::Beside;
use crate::{
    actors::committed::Committed,
    domain::{
        config::ProgramConfig,
        ids::{Epoch, Seq, Slot},
        market::Market,
    },
    view::frame::{Channel, FramePack},
};

/// Why a stream did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The journal knows no such stream.
    #[error("no such market")]
    Unknown,
    /// It is being rebuilt from the journal, longer than a caller should wait.
    #[error("the market is being loaded")]
    Loading,
    /// The actor is gone: resolve the stream once more.
    #[error("the market was restarted")]
    Gone,
}

/// A market as the world may see it: nothing in it that is not durable.
#[derive(Debug, Clone)]
pub struct ReleasedMarket {
    /// The journal's life.
    pub epoch: Epoch,
    /// The newest released entry.
    pub seq: Seq,
    /// The slot of that entry.
    pub slot: Slot,
    /// When that entry was recorded, milliseconds since 1970.
    pub recorded_at_ms: i64,
    /// Everything up to here is finalized on the chain.
    pub finalized_seq: Seq,
    /// The state at `seq`.
    pub market: Arc<Market>,
    /// Its document and its votes, at `seq`.
    pub beside: Beside,
    /// Why the market may be behind the chain just now (a gap that is being healed); `None` = it is not.
    pub stale: Option<Arc<str>>,
}

/// The config as the world may see it.
#[derive(Debug, Clone)]
pub struct ReleasedConfig {
    /// The journal's life.
    pub epoch: Epoch,
    /// The newest released entry.
    pub seq: Seq,
    /// The slot of that entry.
    pub slot: Slot,
    /// When that entry was recorded, milliseconds since 1970.
    pub recorded_at_ms: i64,
    /// The state at `seq`; `None` before the program's config exists.
    pub config: Option<Arc<ProgramConfig>>,
}

/// What a stream sends to a hub. The queue is bounded by the hub; what does not fit is dropped by the stream, which then
/// repeats `Head` until it fits: the hub sees the hole in `seq` and asks for a [`Replay`].
#[derive(Debug, Clone)]
pub enum HubInput {
    /// The frames of one released entry.
    Frames(Arc<FramePack>),
    /// The stream's newest released entry.
    Head {
        /// The stream.
        channel: Channel,
        /// The journal's life.
        epoch: Epoch,
        /// The newest released entry.
        seq: Seq,
    },
    /// The feeds': a batch moved finalized points.
    Finalized(Arc<Committed>),
    /// The feeds': some of those were lost. Ask for what is final.
    FinalityLost,
}

/// A hub, as streams know it.
#[derive(Debug, Clone)]
pub struct HubLink {
    /// Unique in the process.
    pub id: u64,
    /// Its inbox, bounded.
    pub inbox: mpsc::Sender<HubInput>,
}

/// The released state.
#[derive(Message)]
#[rtype(result = "Result<ReleasedMarket, ReadError>")]
pub struct ReadMarket;

/// The released config.
#[derive(Message)]
#[rtype(result = "Result<ReleasedConfig, ReadError>")]
pub struct ReadConfig;

/// Add a hub to those that listen, and answer with the released head at that moment, in one turn: every entry after it
/// will be sent to the hub. A hub that is already there is not added twice. Who listens keeps the handle: a stream of which
/// nobody holds one may leave.
#[derive(Message)]
#[rtype(result = "Result<ReleasedMarket, ReadError>")]
pub struct AttachMarket(pub HubLink);

/// As [`AttachMarket`], of the config.
#[derive(Message)]
#[rtype(result = "Result<ReleasedConfig, ReadError>")]
pub struct AttachConfig(pub HubLink);

/// Take the hub off the list.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Detach {
    /// As in [`HubLink::id`].
    pub hub_id: u64,
}

/// The frames after an entry, if the stream still holds them.
#[derive(Message)]
#[rtype(result = "Result<Replay, ReadError>")]
pub struct ReplayAfter {
    /// The journal's life that the asker knows.
    pub epoch: Epoch,
    /// The newest entry that the asker has.
    pub after: Seq,
}

/// What a stream answers to [`ReplayAfter`].
#[derive(Debug, Clone)]
pub enum Replay {
    /// All that is missing up to the released head, from memory; empty if nothing is.
    Frames(Vec<Arc<FramePack>>),
    /// Older than memory: read the journal after `after`, up to `head` at least.
    ReadJournal {
        /// The newest released entry.
        head: Seq,
    },
    /// Another life of the journal, or an entry that does not exist yet: it can't be served.
    NotServable,
}
