//! Frames: what WebSocket clients get for a journal entry.

use bytestring::ByteString;

use crate::domain::{
    entry::Entry,
    ids::{AccountAddress, Epoch, MarketAddress, Seq},
};

/// A stream of frames with a `seq` of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// A market.
    Market(MarketAddress),
    /// The config account.
    Config(AccountAddress),
}

/// The frames that one entry causes: they share its `seq` and come together. Made once, sent as clones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FramePack {
    /// The stream.
    pub channel: Channel,
    /// The journal's life.
    pub epoch: Epoch,
    /// The entry.
    pub seq: Seq,
    /// The texts, in order.
    pub frames: Vec<ByteString>,
}

impl FramePack {
    /// The frames of an entry: a pure function of it, the same live and in a replay, on every node.
    pub fn of(channel: Channel, epoch: Epoch, entry: &Entry) -> Self {
        let _ = entry;
        Self { channel, epoch, seq: entry.seq, frames: Vec::new() }
    }
}
