//! Log notifications at `confirmed` and `finalized`, as a validator sends them.
//!
//! Owns: two corrections. Surfpool says `err: null` there for failed transactions too, and gives a finalized
//! notification the slot of its delivery. Each subscription's channel is replaced by one of ours, and what a closing
//! block put into it is passed on corrected, in the same lock.

use crossbeam_channel::{Receiver, Sender, unbounded};
use solana_rpc_client_api::response::RpcLogsResponse;
use surfpool_core::solana_commitment_config::CommitmentLevel;
use surfpool_core::surfnet::svm::SurfnetSvm;
use surfpool_core::types::SurfnetTransactionStatus;

type Notice = (u64, RpcLogsResponse);

/// A subscription whose notifications pass through here.
struct Detour {
    inlet: Sender<Notice>,
    waiting: Receiver<Notice>,
    subscriber: Sender<Notice>,
    gone: bool,
}

/// All of them.
#[derive(Default)]
pub(super) struct Corrections {
    detours: Vec<Detour>,
}

impl Corrections {
    /// Takes in new subscriptions, and drops those whose client has gone (surfpool keeps them for ever).
    pub(super) fn take_in(&mut self, svm: &mut SurfnetSvm) {
        let detours = &mut self.detours;
        svm.logs_subscriptions.retain_mut(|(level, _, sender)| {
            if *level == CommitmentLevel::Processed {
                return true;
            }
            if let Some(known) = detours.iter().find(|detour| detour.inlet.same_channel(sender)) {
                return !known.gone;
            }
            let (inlet, waiting) = unbounded();
            let subscriber = std::mem::replace(sender, inlet.clone());
            detours.push(Detour { inlet, waiting, subscriber, gone: false });
            true
        });
        detours.retain(|detour| !detour.gone);
    }

    /// Passes on what is waiting, with the error and the slot of its transaction.
    pub(super) fn deliver(&mut self, svm: &SurfnetSvm) {
        for detour in &mut self.detours {
            while let Ok((mut slot, mut notice)) = detour.waiting.try_recv() {
                let stored = svm.transactions.get(&notice.signature).ok().flatten();
                if let Some((transaction, _)) = stored.and_then(SurfnetTransactionStatus::as_processed) {
                    slot = transaction.slot;
                    notice.err = transaction.meta.status.err().map(Into::into);
                }
                detour.gone |= detour.subscriber.send((slot, notice)).is_err();
            }
        }
    }
}
