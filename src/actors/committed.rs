//! What was committed, as everybody in the process hears it: batches of entries, told by the journal's writer.
//!
//! A batch is told once its COMMIT is known, before the appends in it are answered: what is heard here is durable, and a
//! stream shows the same entry a moment later. The queue is bounded ([`COMMITTED_MAX`]): who reads it too slowly is told
//! how many batches it lost, and reads them from the journal. A writer that dies between COMMIT and telling tells nothing:
//! the next batch of the same channel then has a number that leaves a hole, and a head that nobody was told is found by
//! asking for it ([`crate::journal::read::channels`]). Where a life begins that can't know what the one before it left
//! untold (of the writer, of the submissions, of a follower), it says so ([`Committed::untold`]): who listens without
//! numbers begins anew.

use std::sync::Arc;

use crate::{
    domain::{
        counted::Numbers,
        entry::Entry,
        ids::{AccountAddress, Epoch, Seq},
    },
    journal::write::{HeadRow, StreamAppend},
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

impl Committed {
    /// Of what was durable before, some may never have been told.
    pub fn untold(epoch: Epoch) -> Self {
        Self { epoch, entries: Vec::new(), finalized: Vec::new() }
    }

    /// It tells of nothing but that. No batch that was committed does.
    pub fn is_untold(&self) -> bool {
        self.entries.is_empty() && self.finalized.is_empty()
    }

    /// What a batch tells, with the numbers of each append's entries; by the journal's life, in practice one.
    pub fn of(appends: Vec<StreamAppend>, numbers: Vec<Vec<Numbers>>) -> Vec<Self> {
        let mut told: Vec<Self> = Vec::new();
        for (append, numbers) in appends.into_iter().zip(numbers) {
            let (stream, epoch) = (append.stream, append.epoch);
            if told.last().is_none_or(|committed| committed.epoch != epoch) {
                told.push(Self { epoch, entries: Vec::new(), finalized: Vec::new() });
            }
            let Some(committed) = told.last_mut() else { continue };
            let numbered = append.entries.into_iter().zip(numbers);
            let entry = |(entry, numbers)| CommittedEntry { stream, entry: Arc::new(entry), numbers };
            committed.entries.extend(numbered.map(entry));
            let finalized_seq = match &append.row {
                HeadRow::Market(row) => row.finalized_seq,
                HeadRow::Config(row) => row.finalized_seq,
            };
            committed.finalized.push((stream, Seq(finalized_seq)));
        }
        told
    }
}

/// An entry that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedEntry {
    /// The market, or the config.
    pub stream: AccountAddress,
    /// The entry, with its number in the stream.
    pub entry: Arc<Entry>,
    /// Its numbers on the channels over many markets.
    pub numbers: Numbers,
}
