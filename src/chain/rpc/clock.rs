//! The chain's own time, read from the Clock sysvar.
//!
//! Owns the layout of that account (program facts: the program compares with this clock and no other). The host's clock is
//! asked for nothing. Never keeps a reading: how old one may be is its user's affair.

use solana_rpc_client_api::request::RpcRequest;
use solana_sdk::pubkey::Pubkey;

use super::{ChainRpc, error::ChainReadError, wire::RawAccount};
use crate::{
    chain::model::Commitment,
    domain::{
        amount::UnixSeconds,
        ids::{AccountAddress, ProgramId, Slot},
    },
};

/// Where the runtime keeps its clock.
const CLOCK: AccountAddress =
    AccountAddress(Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111").to_bytes());
/// Whose all such accounts are.
const SYSVARS: ProgramId = ProgramId(Pubkey::from_str_const("Sysvar1111111111111111111111111111111111111").to_bytes());
/// The slot, the epoch's start, the epoch, the next one, the time: 8 bytes each.
const CLOCK_BYTES: usize = 40;

/// What a clock of the chain showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainClock {
    /// The slot that the time is of.
    pub slot: Slot,
    /// What a program that ran in that slot was told: whole seconds, an estimate of the validators.
    pub unix_timestamp: UnixSeconds,
}

impl ChainRpc {
    /// What time it is on the chain, at that commitment.
    ///
    /// # Errors
    /// [`ChainReadError`]; `BadAnswer` also where what the node shows is no clock.
    pub async fn clock(&self, commitment: Commitment) -> Result<ChainClock, ChainReadError> {
        let account = self.accounts_at(&[CLOCK], commitment).await?.accounts.into_iter().next().flatten();
        account.and_then(|account| decode(&account)).ok_or_else(|| ChainReadError::BadAnswer {
            method: RpcRequest::GetMultipleAccounts.as_str(),
            detail: "what is where the chain's clock should be is none".to_owned(),
        })
    }
}

fn decode(account: &RawAccount) -> Option<ChainClock> {
    if account.owner != SYSVARS || account.data.len() != CLOCK_BYTES {
        return None;
    }
    let (slot, _) = account.data.split_first_chunk()?;
    let (_, time) = account.data.split_last_chunk()?;
    Some(ChainClock { slot: Slot(u64::from_le_bytes(*slot)), unix_timestamp: UnixSeconds(i64::from_le_bytes(*time)) })
}

#[cfg(test)]
mod tests {
    use solana_sdk::sysvar::clock;

    use super::*;

    #[test]
    fn the_layout_is_the_runtimes_own() {
        assert_eq!(clock::ID.to_bytes(), CLOCK.0);
        let time =
            clock::Clock { slot: 7, epoch_start_timestamp: 1, epoch: 2, leader_schedule_epoch: 3, unix_timestamp: -5 };
        let bytes = [
            time.slot.to_le_bytes(),
            time.epoch_start_timestamp.to_le_bytes(),
            time.epoch.to_le_bytes(),
            time.leader_schedule_epoch.to_le_bytes(),
            time.unix_timestamp.to_le_bytes(),
        ]
        .concat();
        assert_eq!(std::mem::size_of::<clock::Clock>(), bytes.len());
        let account = RawAccount { lamports: 1, owner: SYSVARS, data: bytes };
        let read = decode(&account).unwrap();
        assert_eq!(read, ChainClock { slot: Slot(7), unix_timestamp: UnixSeconds(-5) });
        let others = RawAccount { owner: ProgramId([1; 32]), ..account.clone() };
        let short = RawAccount { data: account.data[..39].to_vec(), ..account };
        assert_eq!((decode(&others), decode(&short)), (None, None));
    }
}
