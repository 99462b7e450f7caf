//! What clients were told: their votes, comments and transactions that were acknowledged.
//!
//! Written by the clients when the answer is there, never read from the engine's database: that is what it is held
//! against.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A vote on a proposal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vote {
    /// On which market.
    pub market: String,
    /// Whose.
    pub wallet: String,
    /// Which way.
    pub vote: bool,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Comment {
    /// As the answer named it.
    pub id: String,
    /// On which market.
    pub market: String,
    /// Whose.
    pub wallet: String,
    /// What was said.
    pub content: String,
}

/// A signed transaction that was handed in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    /// As the answer named it.
    pub signature: String,
    /// The client's name for what it wants: one of its transactions may land.
    pub client_ref: String,
}

/// All that was acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Votes.
    pub votes: Vec<Vote>,
    /// Comments.
    pub comments: Vec<Comment>,
    /// Transactions.
    pub orders: Vec<Order>,
    /// Intents whose transaction the engine called confirmed.
    pub landed: usize,
    /// Requests without an answer, or with one that decides nothing, which were asked again.
    pub asked_again: u64,
    /// Answers that should never come.
    pub faults: Vec<String>,
}

/// The record that all clients write to.
#[derive(Debug, Default)]
pub struct Shared(Mutex<Record>);

impl Shared {
    /// Writes to it, or reads it.
    pub fn open(&self) -> MutexGuard<'_, Record> {
        // A client that panicked has written whole lines.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much was acknowledged: votes, comments, intents that landed.
    pub fn counts(&self) -> [usize; 3] {
        let record = self.open();
        [record.votes.len(), record.comments.len(), record.landed]
    }
}
