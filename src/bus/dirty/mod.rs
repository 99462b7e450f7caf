//! Markets whose votes have changed, from the leader to whichever node governs: a set, so that ten thousand votes on one
//! market are one piece of news.
//!
//! Owns the set ([`redis`]; [`MemoryDirty`] within a process that has no Redis). It is a hint and never the truth: what is
//! taken and not worked on, marked while Redis was away, or found no room is found by the next look at all markets. So
//! nothing is kept for whoever dies with it, and nobody waits.

pub mod redis;

use std::{
    collections::BTreeSet,
    future::ready,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::BoxFuture;

use crate::domain::ids::MarketAddress;

/// Markets of one message, either way.
pub const DIRTY_BATCH: usize = 256;
/// Markets in the set; more are left to the next look at all of them.
pub const DIRTY_MAX: usize = 16_384;

/// The set can't be reached now, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the set of changed markets is out of reach: {0}")]
pub struct DirtyAway(pub String);

/// A way to the set. Each user has one of its own: connections are made on the runtime that first asks.
pub trait DirtyMarkets: Send + Sync + 'static {
    /// Marks markets, [`DIRTY_BATCH`] at most; more are left out.
    fn mark<'a>(&'a self, markets: &'a [MarketAddress]) -> BoxFuture<'a, Result<(), DirtyAway>>;

    /// Takes so many markets out of the set, [`DIRTY_BATCH`] at most, in no order. Each is given to one taker.
    fn take(&self, at_most: usize) -> BoxFuture<'_, Result<Vec<MarketAddress>, DirtyAway>>;
}

/// The set within a process; clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryDirty(Arc<Mutex<BTreeSet<MarketAddress>>>);

impl DirtyMarkets for MemoryDirty {
    fn mark<'a>(&'a self, markets: &'a [MarketAddress]) -> BoxFuture<'a, Result<(), DirtyAway>> {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for market in markets.iter().take(DIRTY_BATCH) {
            if set.len() < DIRTY_MAX {
                set.insert(*market);
            }
        }
        Box::pin(ready(Ok(())))
    }

    fn take(&self, at_most: usize) -> BoxFuture<'_, Result<Vec<MarketAddress>, DirtyAway>> {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = std::iter::from_fn(|| set.pop_first()).take(at_most.min(DIRTY_BATCH)).collect();
        Box::pin(ready(Ok(taken)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(n: u32) -> MarketAddress {
        let mut bytes = [1; 32];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        MarketAddress(bytes)
    }

    #[tokio::test]
    async fn a_market_that_changed_often_is_taken_once_and_so_many_are_kept() {
        let (set, markets): (MemoryDirty, Vec<_>) = (MemoryDirty::default(), (0..5).map(market).collect());
        for _ in 0..3 {
            set.mark(&markets).await.unwrap();
        }
        let mut taken = set.clone().take(2).await.unwrap();
        taken.extend(set.take(10).await.unwrap());
        assert_eq!(taken, markets);
        assert_eq!(set.take(10).await.unwrap(), []);
        let many: Vec<_> = (0..DIRTY_MAX as u32 + 1_000).map(market).collect();
        for batch in many.chunks(DIRTY_BATCH) {
            set.mark(batch).await.unwrap();
        }
        let mut count = 0;
        loop {
            let taken = set.take(usize::MAX).await.unwrap();
            assert!(taken.len() <= DIRTY_BATCH);
            if taken.is_empty() {
                break;
            }
            count += taken.len();
        }
        assert_eq!(count, DIRTY_MAX);
    }
}
