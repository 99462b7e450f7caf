//! Messages of the bus: their form, their bounds, and what is made of bytes that are none.
//!
//! JSON with a version, so that nodes of two releases can share a Redis while they are replaced: one that does not know a
//! version, or a part of it, leaves the message alone. Entries travel as they are stored, so the frames made of them are
//! those of the leader, byte for byte. Whatever is malformed is an error, never a panic: anybody may write on a channel.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    actors::committed::{Committed, CommittedEntry},
    domain::{
        counted::Numbers,
        entry::{Entry, EntryBody},
        ids::{AccountAddress, Epoch, Seq, Slot},
    },
    journal::{lease::Term, submissions::SubmissionRow},
};

/// A larger message is left alone.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// Entries in one message.
const ENTRIES_MAX: usize = 256;
/// Of the form below.
const VERSION: u8 = 1;

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// These entries are durable.
    Committed(Committed),
    /// Something became of a user's transaction.
    News(Box<SubmissionRow>),
    /// Nothing, but that the leader is there. Every second.
    Beat {
        /// Everything of the chain at or below it is in the journal.
        covered: Slot,
        /// The chain's newest slot that the leader knows.
        head: Slot,
        /// Everything at or below it was found on the finalized chain; 0 from a leader that does not say it.
        finalized: Slot,
    },
}

/// A message, and its place among those of its speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The speaker's life.
    pub life: Uuid,
    /// The term in which it leads.
    pub term: Term,
    /// Counts the messages of its life, those that were lost on the way among them.
    pub number: u64,
    /// What is said.
    pub said: Said,
}

/// Why bytes are no message.
#[derive(Debug, thiserror::Error)]
pub enum NoMessage {
    /// More than [`MESSAGE_BYTES_MAX`].
    #[error("{0} bytes")]
    TooLarge(usize),
    /// Of another release.
    #[error("version {0}")]
    Version(u8),
    /// Not of this form.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Form<B> {
    v: u8,
    life: Uuid,
    term: i64,
    n: u64,
    said: B,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum SaidOut<'a> {
    Committed { epoch: Epoch, entries: Vec<EntryOut<'a>>, finalized: &'a [(AccountAddress, Seq)] },
    News(&'a SubmissionRow),
    Beat { covered: Slot, head: Slot, finalized: Slot },
}

#[derive(Serialize)]
struct EntryOut<'a> {
    stream: AccountAddress,
    seq: Seq,
    at: i64,
    body: &'a EntryBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    markets: Option<Seq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trades: Option<Seq>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SaidIn {
    Committed {
        epoch: Epoch,
        entries: Vec<EntryIn>,
        finalized: Vec<(AccountAddress, Seq)>,
    },
    News(Box<SubmissionRow>),
    Beat {
        covered: Slot,
        head: Slot,
        // Releases of version 1 that did not have it share a Redis with this one.
        #[serde(default)]
        finalized: Slot,
    },
}

#[derive(Deserialize)]
struct EntryIn {
    stream: AccountAddress,
    seq: Seq,
    at: i64,
    body: EntryBody,
    markets: Option<Seq>,
    trades: Option<Seq>,
}

/// Who numbers what is said.
#[derive(Debug)]
pub struct Voice {
    life: Uuid,
    term: Term,
    number: u64,
}

impl Voice {
    /// A new life of a leader.
    pub fn new(term: Term) -> Self {
        Self { life: Uuid::now_v7(), term, number: 0 }
    }

    /// Something was lost before it could be said.
    pub fn skip(&mut self) {
        self.number += 1;
    }

    /// A batch, in as many messages as it takes. One that is too large even alone is left out: its number is missing.
    pub fn committed(&mut self, batch: &Committed) -> Vec<Bytes> {
        let mut messages = Vec::new();
        let mut finalized = batch.finalized.as_slice();
        let mut pieces: Vec<&[CommittedEntry]> = batch.entries.chunks(ENTRIES_MAX).rev().collect();
        if pieces.is_empty() {
            pieces.push(&[]);
        }
        while let Some(piece) = pieces.pop() {
            let entries = piece.iter().map(|one| EntryOut {
                stream: one.stream,
                seq: one.entry.seq,
                at: one.entry.recorded_at_ms,
                body: &one.entry.body,
                markets: one.numbers.markets,
                trades: one.numbers.trades,
            });
            let said = SaidOut::Committed { epoch: batch.epoch, entries: entries.collect(), finalized };
            match self.encode(said) {
                Some(message) if message.len() <= MESSAGE_BYTES_MAX => messages.push(message),
                _ if piece.len() > 1 => {
                    let (first, second) = piece.split_at(piece.len() / 2);
                    pieces.extend([second, first]);
                    // The same number again: nothing was said.
                    self.number -= 1;
                    continue;
                }
                _ => {}
            }
            finalized = &[];
        }
        messages
    }

    /// What became of a user's transaction.
    pub fn news(&mut self, row: &SubmissionRow) -> Option<Bytes> {
        self.encode(SaidOut::News(row))
    }

    /// That the leader is there, and how far the chain is covered, known and final.
    pub fn beat(&mut self, covered: Slot, head: Slot, finalized: Slot) -> Option<Bytes> {
        self.encode(SaidOut::Beat { covered, head, finalized })
    }

    fn encode(&mut self, said: SaidOut<'_>) -> Option<Bytes> {
        self.number += 1;
        let form = Form { v: VERSION, life: self.life, term: self.term.0, n: self.number, said };
        serde_json::to_vec(&form)
            .map(Bytes::from)
            .inspect_err(|error| log::error!("a message has no form: {error}"))
            .ok()
    }
}

/// What bytes say.
///
/// # Errors
/// [`NoMessage`].
pub fn decode(bytes: &[u8]) -> Result<Message, NoMessage> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(NoMessage::TooLarge(bytes.len()));
    }
    let form: Form<SaidIn> = match serde_json::from_slice(bytes) {
        Ok(form) => form,
        Err(error) => {
            // Another version need not have this form.
            let VersionOnly { v } = serde_json::from_slice(bytes)?;
            return Err(if v == VERSION { NoMessage::Malformed(error) } else { NoMessage::Version(v) });
        }
    };
    if form.v != VERSION {
        return Err(NoMessage::Version(form.v));
    }
    let said = match form.said {
        SaidIn::Committed { epoch, entries, finalized } => {
            let entries =
                entries.into_iter().map(|EntryIn { stream, seq, at, body, markets, trades }| CommittedEntry {
                    stream,
                    entry: Arc::new(Entry { seq, recorded_at_ms: at, body }),
                    numbers: Numbers { markets, trades },
                });
            Said::Committed(Committed { epoch, entries: entries.collect(), finalized })
        }
        SaidIn::News(row) => Said::News(row),
        SaidIn::Beat { covered, head, finalized } => Said::Beat { covered, head, finalized },
    };
    Ok(Message { life: form.life, term: Term(form.term), number: form.n, said })
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
