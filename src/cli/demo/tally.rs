//! What happened, counted: by those who trade and by the one who watches.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters; they only grow.
#[derive(Debug, Default)]
pub struct Tally {
    sent: AtomicU64,
    refused: AtomicU64,
    heard: AtomicU64,
    breaches: AtomicU64,
    settled: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub struct Counts {
    pub sent: u64,
    pub refused: u64,
    pub heard: u64,
    pub breaches: u64,
    pub settled: u64,
}

impl Tally {
    /// A trade was taken by the chain.
    pub fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// A trade was refused by the program.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// The engine told of a trade.
    pub fn heard(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    /// A message came out of order, twice, or not at all.
    pub fn breach(&self) {
        self.breaches.fetch_add(1, Ordering::Relaxed);
    }

    /// A market was taken to its end.
    pub fn settled(&self) {
        self.settled.fetch_add(1, Ordering::Relaxed);
    }

    /// All of them.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            sent: read(&self.sent),
            refused: read(&self.refused),
            heard: read(&self.heard),
            breaches: read(&self.breaches),
            settled: read(&self.settled),
        }
    }
}
