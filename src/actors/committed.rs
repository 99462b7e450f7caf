//! What was committed, as everybody in the process hears it: batches of entries, told by the journal's writer.
//!
//! A batch is told once its COMMIT is known, before the appends in it are answered: what is heard here is durable, and a
//! stream shows the same entry a moment later. The queue is bounded ([`COMMITTED_MAX`]): who reads it too slowly is told
//! how many batches it lost, and reads them from the journal. A writer that dies between COMMIT and telling tells nothing:
//! the next batch of the same channel then has a number that leaves a hole, and a head that nobody was told is found by
//! asking for it ([`crate::journal::channels`]).

use std::sync::Arc;

use crate::domain::{
    entry::Entry,
    ids::{AccountAddress, Epoch, Seq},
};

/// Batches that may wait for the slowest who listens.
pub const COMMITTED_MAX: usize = 128;

/// Entries of one committed batch, in the order of their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The journal's life.
    pub epoch: Epoch,
    /// The entries; each stream's in order.
    pub entries: Vec<CommittedEntry>,
    /// Streams whose finalized point stands here now: everything up to it is final on the chain.
    pub finalized: Vec<(AccountAddress, Seq)>,
}

/// An entry that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedEntry {
    /// The market, or the config.
    pub stream: AccountAddress,
    /// The entry, with its number in the stream.
    pub entry: Arc<Entry>,
    /// Its number on the channel `markets`, if it has one.
    pub markets_seq: Option<Seq>,
    /// Its number on the channel `trades`, if it has one.
    pub trades_seq: Option<Seq>,
}
