//! Transactions: put together for a wallet or an authority to sign, and looked at when users' come back.
//!
//! Owns their form ([`compose`]: legacy or version 0, compute limit, priority fee, signatures in their places), the judgement
//! of what a client hands in ([`inspect`]), and the names of failures ([`failure`]). Pure: asks no node, holds no key.
//! What is built here passes what is checked here, with or without the guard instructions that wallets add.

pub mod compose;
pub mod failure;
pub mod inspect;

use solana_sdk::{pubkey, pubkey::Pubkey};

/// Sets compute limit and priority fee.
pub const COMPUTE_BUDGET: Pubkey = pubkey!("ComputeBudget111111111111111111111111111111");
/// Notes that wallets and exchanges attach, both versions of the program.
pub const MEMO: [Pubkey; 2] =
    [pubkey!("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"), pubkey!("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo")];
/// Checks that wallets add, so that a transaction fails where its effect is not what they showed.
pub const LIGHTHOUSE: Pubkey = pubkey!("L2TExMFKdjpN9kozasaurPirfHy9P8sbXoAN1qA3S95");

/// The longest transaction that the cluster takes, in bytes.
pub const WIRE_BYTES_MAX: usize = 1_232;
