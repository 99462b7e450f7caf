//! DirtyMarker: tells whoever governs which markets' votes have changed.
//!
//! Hears what is committed, on the leader, and marks a market in the set ([`crate::bus::dirty`]) when a vote on it is
//! durable, and again when that vote is final on the chain: decisions count final entries only, so the second time is when
//! there is something to decide. Owns the marks that are to be set and the votes that are not final yet; what it hears too
//! slowly, forgets with its life or finds no room for is found by the next look at all markets.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use actix::prelude::*;
use tokio::sync::broadcast::{self, error::RecvError};

use super::{
    committed::Committed,
    supervision::{Crash, DeathGuard},
};
use crate::{
    bus::dirty::{DIRTY_BATCH, DirtyMarkets},
    domain::ids::{AccountAddress, MarketAddress, Seq},
};

/// Markets that are to be marked; one more is left out.
pub const DUE_MAX: usize = 16_384;
/// Markets with votes that are not final; of one more nothing is said when they are.
pub const WAITING_MAX: usize = 65_536;
/// Marks are set so often, all that have come since together.
const MARK_EVERY: Duration = Duration::from_millis(100);
/// After a failure, it waits for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// What the marker works with.
#[derive(Clone)]
pub struct MarkerParts {
    /// The set.
    pub dirty: Arc<dyn DirtyMarkets>,
    /// What is committed.
    pub committed: broadcast::Sender<Arc<Committed>>,
}

/// What is to be marked, now and when it is final.
#[derive(Debug, Default)]
struct Marks {
    due: BTreeSet<MarketAddress>,
    waiting: BTreeMap<AccountAddress, Seq>,
}

impl Marks {
    fn hear(&mut self, batch: &Committed) {
        for one in batch.entries.iter().filter(|one| one.entry.body.tallies().next().is_some()) {
            self.mark(one.stream);
            if self.waiting.len() < WAITING_MAX || self.waiting.contains_key(&one.stream) {
                self.waiting.insert(one.stream, one.entry.seq);
            }
        }
        for (stream, finalized) in &batch.finalized {
            if self.waiting.get(stream).is_some_and(|newest| newest <= finalized) {
                self.waiting.remove(stream);
                self.mark(*stream);
            }
        }
    }

    fn mark(&mut self, stream: AccountAddress) {
        if self.due.len() < DUE_MAX {
            self.due.insert(MarketAddress(stream.0));
        }
    }

    fn take(&mut self) -> Vec<MarketAddress> {
        std::iter::from_fn(|| self.due.pop_first()).take(DIRTY_BATCH).collect()
    }
}

/// See the module.
pub struct DirtyMarker {
    parts: MarkerParts,
    _guard: DeathGuard,
}

impl DirtyMarker {
    /// A marker that has heard nothing yet.
    pub fn new(parts: MarkerParts, guard: DeathGuard) -> Self {
        Self { parts, _guard: guard }
    }
}

impl Actor for DirtyMarker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let committed = self.parts.committed.subscribe();
        let marking = mark(committed, Arc::clone(&self.parts.dirty), [MARK_EVERY, PAUSE]);
        // Its source ends with the process only.
        ctx.spawn(marking.into_actor(self).map(|(), _, ctx| ctx.stop()));
    }
}

/// Marks until there is nothing more to hear. It waits so long after one that worked, and after one that did not.
async fn mark(
    mut committed: broadcast::Receiver<Arc<Committed>>,
    dirty: Arc<dyn DirtyMarkets>,
    [every, after_failure]: [Duration; 2],
) {
    let mut marks = Marks::default();
    let mut pause = every;
    let mut was_away = false;
    loop {
        let due = tokio::time::sleep(pause);
        tokio::pin!(due);
        loop {
            tokio::select! {
                batch = committed.recv() => match batch {
                    Ok(batch) => marks.hear(&batch),
                    Err(RecvError::Lagged(batches)) => {
                        log::debug!("{batches} batches were committed faster than their votes could be marked");
                    }
                    Err(RecvError::Closed) => return,
                },
                () = &mut due, if !marks.due.is_empty() => break,
            }
        }
        let batch = marks.take();
        let outcome = dirty.mark(&batch).await;
        pause = if outcome.is_ok() { every } else { after_failure };
        if let Err(error) = &outcome {
            if !was_away {
                log::warn!("{error}: whoever governs finds changed votes at its next look at all markets");
            }
            batch.into_iter().for_each(|market| marks.mark(AccountAddress(market.0)));
        }
        was_away = outcome.is_err();
    }
}

impl Handler<Crash> for DirtyMarker {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("the marker of changed markets was asked to crash");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        actors::committed::CommittedEntry,
        bus::dirty::{DirtyAway, MemoryDirty},
        domain::{
            counted::Numbers,
            entry::{Entry, EntryBody},
            ids::{Epoch, Slot, Wallet},
            tally::{Counts, VoteKind},
        },
    };

    fn stream(n: u32) -> AccountAddress {
        let mut bytes = [1; 32];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        AccountAddress(bytes)
    }

    fn entry(stream: AccountAddress, seq: u64, is_vote: bool) -> CommittedEntry {
        let (wallet, slot) = (Wallet([3; 32]), Slot(7));
        let body = if is_vote {
            let (vote_kind, tally) = (VoteKind::Proposal, Counts::new(1, 0).unwrap());
            EntryBody::Vote {
                vote_kind,
                wallet,
                vote: true,
                signature: None,
                voted_at_ms: 5,
                tally,
                slot,
                request_id: None,
            }
        } else {
            EntryBody::CommentDeleted { id: uuid::Uuid::nil(), wallet, slot, request_id: None }
        };
        let entry = Arc::new(Entry { seq: Seq(seq), recorded_at_ms: 5, body });
        CommittedEntry { stream, entry, numbers: Numbers { markets: None, trades: None } }
    }

    fn batch(entries: Vec<CommittedEntry>, finalized: &[(AccountAddress, u64)]) -> Arc<Committed> {
        let finalized = finalized.iter().map(|(stream, seq)| (*stream, Seq(*seq))).collect();
        Arc::new(Committed { epoch: Epoch(1), entries, finalized })
    }

    #[test]
    fn a_market_is_marked_when_a_vote_is_durable_and_again_when_the_last_of_them_is_final() {
        let mut marks = Marks::default();
        let (one, other) = (stream(1), stream(2));
        marks.hear(&batch(vec![entry(one, 5, true), entry(one, 6, true), entry(other, 3, false)], &[(one, 4)]));
        assert_eq!(marks.take(), [MarketAddress(one.0)]);
        marks.hear(&batch(vec![], &[(one, 5), (other, 3)]));
        assert_eq!(marks.take(), [], "one of its votes is not final");
        marks.hear(&batch(vec![entry(one, 7, false)], &[(one, 6)]));
        assert_eq!(marks.take(), [MarketAddress(one.0)]);
        marks.hear(&batch(vec![], &[(one, 9)]));
        assert_eq!(marks.take(), [], "that was said");
        // Durable and final at once.
        marks.hear(&batch(vec![entry(other, 9, true)], &[(other, 9)]));
        assert_eq!((marks.take(), marks.waiting.len()), (vec![MarketAddress(other.0)], 0));
    }

    #[test]
    fn so_many_markets_wait_to_be_marked_and_more_are_left_out() {
        let mut marks = Marks::default();
        for n in 0..WAITING_MAX as u32 + 10 {
            marks.hear(&batch(vec![entry(stream(n), 1, true)], &[]));
        }
        assert_eq!((marks.due.len(), marks.waiting.len()), (DUE_MAX, WAITING_MAX));
        assert_eq!(marks.take().len(), DIRTY_BATCH);
        marks.hear(&batch(vec![entry(stream(0), 2, true)], &[]));
        assert_eq!(marks.waiting[&stream(0)], Seq(2), "one that waits already has its place");
    }

    /// Out of reach as often as it says.
    struct Flaky(MemoryDirty, std::sync::atomic::AtomicUsize);

    impl DirtyMarkets for Flaky {
        fn mark<'a>(
            &'a self,
            markets: &'a [MarketAddress],
        ) -> futures_util::future::BoxFuture<'a, Result<(), DirtyAway>> {
            use std::sync::atomic::Ordering::Relaxed;
            if self.1.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                return Box::pin(std::future::ready(Err(DirtyAway("away".into()))));
            }
            self.0.mark(markets)
        }

        fn take(&self, at_most: usize) -> futures_util::future::BoxFuture<'_, Result<Vec<MarketAddress>, DirtyAway>> {
            self.0.take(at_most)
        }
    }

    #[tokio::test]
    async fn what_can_not_be_marked_now_is_marked_later_together_with_what_came_meanwhile() {
        let set = MemoryDirty::default();
        let (committed, heard) = broadcast::channel(8);
        let pauses = [Duration::from_millis(1), Duration::from_millis(20)];
        let marking = tokio::spawn(mark(heard, Arc::new(Flaky(set.clone(), 2.into())), pauses));
        for n in [1, 2] {
            committed.send(batch(vec![entry(stream(n), 1, true)], &[])).unwrap();
        }
        let mut taken = Vec::new();
        for _ in 0..1_000 {
            taken.extend(set.take(9).await.unwrap());
            if taken.len() == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(taken, [1, 2].map(|n| MarketAddress(stream(n).0)));
        drop(committed);
        marking.await.unwrap();
        assert_eq!(set.take(9).await.unwrap(), []);
    }
}
