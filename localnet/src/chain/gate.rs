//! The gate between surfpool's servers and its run loop: which transactions run.
//!
//! Owns: three rules of a validator that surfpool doesn't have. A transaction runs once, however often it is sent. One
//! that could not be in a block (unknown blockhash, a payer without the fee) is dropped in silence when preflight is
//! skipped, and leaves no trace. And the clock's commands belong to our clock. Never: an order of its own; what comes
//! first runs first, one at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Receiver, Sender, bounded};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;
use solana_sdk::transaction::{TransactionError, VersionedTransaction};

use solana_sdk_ids::system_program;
use surfpool_core::surfnet::locker::SurfnetSvmLocker;
use surfpool_core::surfnet::svm::SurfnetSvm;
use surfpool_types::types::TransactionMetadata;
use surfpool_types::{ClockCommand, SimnetCommand, TransactionConfirmationStatus, TransactionStatusEvent};

use super::Pace;

/// A balance that pays every fee and leaves more than the rent minimum, in lamports.
const PLENTY: u64 = 100_000_000;

pub(super) struct Gate {
    locker: SurfnetSvmLocker,
    onward: Sender<SimnetCommand>,
    pace: Arc<Pace>,
}

impl Gate {
    pub(super) fn new(locker: SurfnetSvmLocker, onward: Sender<SimnetCommand>, pace: Arc<Pace>) -> Self {
        Self { locker, onward, pace }
    }

    /// Runs until either side is gone.
    pub(super) fn run(self, arriving: Receiver<SimnetCommand>) -> impl FnOnce() + Send + 'static {
        move || {
            for command in arriving {
                if self.pass(command).is_none() {
                    return;
                }
            }
        }
    }

    fn pass(&self, command: SimnetCommand) -> Option<()> {
        match command {
            SimnetCommand::ProcessTransaction(key, transaction, status, skip_preflight, skip_check) => {
                if let Some(answer) = self.refused(&transaction, skip_preflight) {
                    let _gone = status.try_send(answer);
                    return Some(());
                }
                // Wait until it has run: the next one may be the same again.
                let (ran, outcome) = bounded(1);
                let onward = SimnetCommand::ProcessTransaction(key, transaction, ran, skip_preflight, skip_check);
                self.onward.send(onward).ok()?;
                if let Ok(event) = outcome.recv() {
                    let _gone = status.try_send(event);
                }
                Some(())
            }
            SimnetCommand::CommandClock(key, command) => {
                match &command {
                    ClockCommand::Pause | ClockCommand::PauseWithConfirmation(_) => {
                        self.pace.paused.store(true, Ordering::Relaxed);
                    }
                    ClockCommand::Resume => self.pace.paused.store(false, Ordering::Relaxed),
                    ClockCommand::Toggle => {
                        self.pace.paused.fetch_xor(true, Ordering::Relaxed);
                    }
                    ClockCommand::UpdateSlotInterval(ms) => self.pace.slot_ms.store(*ms, Ordering::Relaxed),
                }
                self.onward.send(SimnetCommand::CommandClock(key, command)).ok()
            }
            // Blocks are closed by our clock alone.
            SimnetCommand::UpdateBlockProductionMode(_) => Some(()),
            other => self.onward.send(other).ok(),
        }
    }

    /// The answer to a transaction that must not run.
    fn refused(&self, transaction: &VersionedTransaction, skip_preflight: bool) -> Option<TransactionStatusEvent> {
        let signature = transaction.signatures.first()?;
        let svm = self.locker.0.blocking_read();
        if svm.transactions.contains_key(&signature.to_string()).unwrap_or(false) {
            let again = (TransactionError::AlreadyProcessed, TransactionMetadata::default());
            return Some(if skip_preflight { silence() } else { TransactionStatusEvent::SimulationFailure(again) });
        }
        // A wrong signature is answered by surfpool itself, with or without preflight.
        if !skip_preflight || svm.sigverify(transaction).is_err() {
            return None;
        }
        if !svm.validate_transaction_blockhash(transaction) {
            log::debug!("{signature} dropped: its blockhash is not a recent one");
            return Some(silence());
        }
        if ordinary(&svm, transaction) {
            return None;
        }
        // A failed transaction that would still be in the block carries its signature; the others carry none.
        let failed = svm.simulate_transaction(transaction.clone(), false).err()?;
        (failed.meta.signature == Signature::default()).then(|| {
            log::debug!("{signature} dropped: {}", failed.err);
            silence()
        })
    }
}

/// Its payer has plenty for the fee, and its programs are there: whatever happens, it will be in the block.
fn ordinary(svm: &SurfnetSvm, transaction: &VersionedTransaction) -> bool {
    let message = &transaction.message;
    let keys = message.static_account_keys();
    let there = |key: &Pubkey| svm.inner.get_account_no_db(key);
    let payer = keys.first().and_then(there);
    payer.is_some_and(|account| account.lamports >= PLENTY && account.owner == system_program::ID)
        && message.address_table_lookups().is_none_or(<[_]>::is_empty)
        && message.instructions().iter().all(|instruction| {
            let program = keys.get(usize::from(instruction.program_id_index));
            program.and_then(there).is_some_and(|account| account.executable)
        })
}

/// The answer with which nothing was said: the sender gets its signature.
fn silence() -> TransactionStatusEvent {
    TransactionStatusEvent::Success(TransactionConfirmationStatus::Processed)
}
