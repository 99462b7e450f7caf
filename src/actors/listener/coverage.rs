//! Coverage: proof that nothing was missed, by asking the chain.
//!
//! A pass lists the program's transactions from the newest down to the cursor, stages what the listener does not know,
//! and is complete when everything at or below the slot where it began is settled. Reaching the cursor is proved: its
//! own signature is met, or one of an older slot. Where the node's history ends before, the stretch is unfillable. Only
//! a complete pass moves the cursor: to the newest finalized transaction that it met.

use std::time::Duration;

use crate::{
    actors::pauses,
    chain::{
        model::Commitment,
        rpc::{ChainReadError, ChainRpc, FoundSignature, SignaturePage},
    },
    domain::ids::{AccountAddress, Slot, TxSignature},
    journal::staging::{Cursor, Staged},
};

/// Signatures a page.
const PAGE: usize = 1_000;
/// Readings of an empty page that goes on, before it is taken for the end of the list.
const END_ASKED_AGAIN: u32 = 7;

/// A pass under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Everything at or below it will be covered.
    pub confirmed_slot: Slot,
    /// Everything at or below it can't vanish any more.
    pub finalized_slot: Slot,
    /// Where the next page begins.
    before: Option<TxSignature>,
    /// The newest finalized transaction of the list.
    newest_finalized: Option<(TxSignature, Slot)>,
    /// Of what was listed; the newest slot before anything was.
    oldest: Slot,
    /// What is newer is left out.
    until: Slot,
    /// How the list ended, once it has.
    pub end: Option<ListEnd>,
}

/// How a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListEnd {
    /// At the cursor, or at the beginning of the chain where there is no cursor.
    Reached,
    /// The node's history ends above the cursor.
    Unfillable,
}

impl Pass {
    /// Begins a pass.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn begin(rpc: &ChainRpc) -> Result<Self, ChainReadError> {
        // The slot first: what lands after it may be missing from the list.
        let confirmed_slot = rpc.slot(Commitment::Confirmed).await?;
        let finalized_slot = rpc.slot(Commitment::Finalized).await?;
        let until = Slot(u64::MAX);
        let oldest = confirmed_slot;
        Ok(Self { confirmed_slot, finalized_slot, before: None, newest_finalized: None, oldest, until, end: None })
    }

    /// A pass that leaves out what is newer than that slot, and covers no more.
    pub fn up_to(self, until: Slot) -> Self {
        Self { confirmed_slot: self.confirmed_slot.min(until), until, ..self }
    }

    /// Everything from there on has been listed, up to the slot where the pass began.
    pub fn listed_from(&self) -> Slot {
        self.oldest
    }

    /// The next page, newest first.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn page(
        &self,
        rpc: &ChainRpc,
        program: AccountAddress,
        cursor: Option<TxSignature>,
    ) -> Result<SignaturePage, ChainReadError> {
        let mut page = rpc.signatures_before(program, self.before, PAGE).await?;
        let Some(before) = self.before else {
            // An empty first page would be the loss of all history: not while the node knows where the cursor is.
            return match cursor {
                Some(cursor) if page.oldest.is_none() && rpc.transaction(cursor).await?.is_some() => {
                    Err(ChainReadError::BadAnswer {
                        method: "getSignaturesForAddress",
                        detail: format!("an empty list of a node that knows {cursor}"),
                    })
                }
                _ => Ok(page),
            };
        };
        // An empty page ends a list, but so does a `before` that the node has forgotten, and of several nodes under one
        // address only one may have: what the end costs (older history is taken for lost) is worth asking again.
        let mut pauses = pauses(Duration::from_millis(50), Duration::from_millis(200));
        for _ in 0..END_ASKED_AGAIN {
            if page.oldest.is_some() {
                return Ok(page);
            }
            tokio::time::sleep(pauses.next().unwrap_or_default()).await;
            page = rpc.signatures_before(program, self.before, PAGE).await?;
        }
        if page.oldest.is_none() && rpc.transaction(before).await?.is_none() {
            return Err(ChainReadError::BadAnswer {
                method: "getSignaturesForAddress",
                detail: format!("the node has forgotten {before}, where the list went on"),
            });
        }
        Ok(page)
    }

    /// Takes a page: answers with what is to be staged, if `is_known` says that nobody has it.
    pub fn take(
        &mut self,
        page: &SignaturePage,
        cursor: &Cursor,
        is_known: impl Fn(&FoundSignature) -> bool,
    ) -> Vec<Staged> {
        let at_cursor = |entry: &FoundSignature| Some(entry.signature) == cursor.signature;
        let reached = page.found.iter().any(|entry| at_cursor(entry) || entry.slot < cursor.slot);
        self.newest_finalized = self.newest_finalized.or_else(|| {
            let finalized =
                |entry: &&FoundSignature| entry.finalized && entry.slot <= self.finalized_slot.min(self.until);
            page.found.iter().find(finalized).map(|entry| (entry.signature, entry.slot))
        });
        self.oldest = page.found.iter().map(|entry| entry.slot).fold(self.oldest, Slot::min);
        match page.oldest {
            _ if reached => self.end = Some(ListEnd::Reached),
            Some(oldest) => self.before = Some(oldest),
            None if cursor.signature.is_none() => self.end = Some(ListEnd::Reached),
            None => self.end = Some(ListEnd::Unfillable),
        }
        page.found
            .iter()
            // The order of a list within a slot is not relied on: of the cursor's slot all are taken.
            .filter(|entry| entry.slot >= cursor.slot && entry.slot <= self.until && !at_cursor(entry))
            .filter(|entry| !entry.failed && !is_known(entry))
            .map(|entry| Staged { signature: entry.signature, slot: entry.slot, retried: false })
            .collect()
    }

    /// The cursor after this pass, once all that it found is durable. It does not pass what is not known to be final:
    /// what takes the place of something that vanished has to be met by the next list.
    pub fn cursor(&self, before: &Cursor) -> Cursor {
        let finalized_slot = before.finalized_slot.unwrap_or_default();
        let (signature, slot) = match self.newest_finalized {
            Some((signature, slot)) if slot >= before.slot && slot <= finalized_slot => (Some(signature), slot),
            _ => (before.signature, before.slot),
        };
        Cursor { signature, slot, covered_slot: before.covered_slot.max(self.confirmed_slot), ..*before }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u8, slot: u64, finalized: bool) -> FoundSignature {
        let signature = TxSignature([n; 64]);
        FoundSignature {
            signature,
            slot: Slot(slot),
            index_in_block: None,
            failed: n == 9,
            block_time: None,
            finalized,
        }
    }

    fn page(found: Vec<FoundSignature>) -> SignaturePage {
        let oldest = found.last().map(|entry| entry.signature);
        SignaturePage { found, processed_left_out: 0, oldest }
    }

    fn pass() -> Pass {
        Pass {
            confirmed_slot: Slot(100),
            finalized_slot: Slot(70),
            before: None,
            newest_finalized: None,
            oldest: Slot(100),
            until: Slot(u64::MAX),
            end: None,
        }
    }

    fn cursor(n: u8, slot: u64) -> Cursor {
        let slot = Slot(slot);
        Cursor { signature: Some(TxSignature([n; 64])), slot, covered_slot: slot, finalized_slot: Some(Slot(70)) }
    }

    #[test]
    fn a_list_is_walked_down_to_the_cursor_and_no_further() {
        let mut pass = pass();
        let before = cursor(1, 10);
        let found = pass.take(&page(vec![entry(6, 99, false), entry(5, 50, true)]), &before, |_| false);
        assert_eq!(found.iter().map(|staged| staged.slot.0).collect::<Vec<_>>(), [99, 50]);
        assert_eq!(pass.end, None, "the cursor was not met yet");
        let found = pass.take(
            &page(vec![entry(9, 40, true), entry(3, 30, true), entry(1, 10, true), entry(0, 5, true)]),
            &before,
            |entry| entry.signature.0[0] == 3,
        );
        assert!(found.is_empty(), "failed and known ones are not staged, nor what lies below the cursor: {found:?}");
        assert_eq!(pass.end, Some(ListEnd::Reached));
        let after = pass.cursor(&before);
        assert_eq!(
            (after.signature, after.slot, after.covered_slot),
            (Some(TxSignature([5; 64])), Slot(50), Slot(100))
        );
    }

    #[test]
    fn a_pass_up_to_a_slot_takes_nothing_newer_and_covers_no_more() {
        let mut pass = pass().up_to(Slot(50));
        let list = vec![entry(6, 99, false), entry(5, 51, true), entry(4, 50, true), entry(1, 10, true)];
        let found = pass.take(&page(list), &cursor(1, 10), |_| false);
        assert_eq!(found.iter().map(|staged| staged.slot.0).collect::<Vec<_>>(), [50]);
        let after = pass.cursor(&cursor(1, 10));
        assert_eq!((after.slot, after.covered_slot), (Slot(50), Slot(50)));
    }

    #[test]
    fn a_history_that_ends_above_the_cursor_is_unfillable() {
        let mut pass = pass();
        pass.take(&page(vec![entry(6, 99, false)]), &cursor(1, 10), |_| false);
        pass.take(&page(vec![]), &cursor(1, 10), |_| false);
        assert_eq!((pass.end, pass.listed_from()), (Some(ListEnd::Unfillable), Slot(99)));
        let mut fresh = self::pass();
        fresh.take(&page(vec![]), &Cursor::default(), |_| false);
        assert_eq!(fresh.end, Some(ListEnd::Reached), "without a cursor the beginning of the chain is the end");
    }

    #[test]
    fn the_cursor_never_leads_what_is_finalized_and_never_goes_back() {
        let mut pass = pass();
        pass.take(
            &page(vec![entry(6, 99, false), entry(5, 80, true), entry(4, 70, true), entry(1, 10, true)]),
            &cursor(1, 10),
            |_| false,
        );
        assert_eq!(pass.cursor(&cursor(1, 10)).slot, Slot(70), "80 was not finalized when the pass began");
        assert_eq!(pass.cursor(&cursor(7, 75)).slot, Slot(75));
        let doubted = Cursor { finalized_slot: Some(Slot(69)), ..cursor(1, 10) };
        assert_eq!(pass.cursor(&doubted).slot, Slot(10), "70 was not found to be final");
    }
}
