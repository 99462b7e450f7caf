//! How much of the past is remembered.
//!
//! Owns: forgetting the oldest transactions. Surfpool keeps every transaction for ever, and looks through all of them
//! for each `getSignaturesForAddress`; a validator has a limit too.

use std::collections::VecDeque;

use surfpool_core::surfnet::svm::SurfnetSvm;

/// Slots that are never forgotten, however many transactions they have: a blockhash lives for 150, and what is not yet
/// final is still worked on.
const KEPT_SLOTS: u64 = 200;

/// The remembered slots with their transactions, oldest first.
pub(super) struct History {
    limit: usize,
    transactions: usize,
    slots: VecDeque<(u64, Vec<String>)>,
}

impl History {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, transactions: 0, slots: VecDeque::new() }
    }

    /// Takes note of a closed slot, and forgets what is too much.
    pub(super) fn closed(&mut self, svm: &mut SurfnetSvm, slot: u64) {
        if let Ok(Some(block)) = svm.blocks.get(&slot) {
            let signatures: Vec<String> = block.signatures.iter().map(ToString::to_string).collect();
            self.transactions += signatures.len();
            self.slots.push_back((slot, signatures));
        }
        while self.transactions > self.limit {
            match self.slots.front() {
                Some((oldest, _)) if oldest + KEPT_SLOTS <= slot => {}
                _ => return,
            }
            let Some((oldest, signatures)) = self.slots.pop_front() else { return };
            self.transactions -= signatures.len();
            for signature in signatures {
                drop(svm.transactions.take(&signature));
            }
            drop(svm.blocks.take(&oldest));
        }
    }
}
