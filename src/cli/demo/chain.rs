//! Transactions of the demo: signed here, sent, and followed until they are confirmed.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use solana_sdk::{
    instruction::Instruction, message::Message, signature::Keypair, signer::Signer, transaction::Transaction,
};

use super::{error::DemoError, keys::wallet_of};
use crate::{
    chain::{
        model::Commitment,
        program::InstructionBuilder,
        rpc::{ChainRpc, ChainSendError, RpcBudget, RpcOptions, SendOptions, TransactionFailure},
    },
    domain::{
        amount::Lamports,
        ids::{ProgramId, TxSignature, Wallet},
    },
};

/// 1 SOL.
pub const SOL: u64 = 1_000_000_000;

/// What a wallet is given.
const FUNDS: Lamports = Lamports(100_000 * SOL);

/// Calls a second: a development chain answers more, the engine wants its share.
const CALLS_PER_SECOND: NonZeroU32 = match NonZeroU32::new(400) {
    Some(calls) => calls,
    None => NonZeroU32::MIN,
};

/// How often a transaction is tried again with a new blockhash, or after a pause.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);

/// How often, and after how long each, it is asked whether a transaction has landed.
const LOOKS: u32 = 150;
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Genesis hashes of the public networks: main, then test and development.
const MAIN: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
const PUBLIC: [&str; 2] =
    ["4uhcVJyU9pJkvQyS88uRDiswHScgi7cM2Qy2WKwtNkp7", "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"];

/// The chain, as the demo uses it.
#[derive(Debug)]
pub struct DemoChain {
    /// Reads.
    pub rpc: ChainRpc,
    /// Instructions.
    pub build: InstructionBuilder,
}

impl DemoChain {
    /// Connects, and makes sure that it is a chain to play on.
    ///
    /// # Errors
    /// [`DemoError::Public`], [`DemoError::MainNetwork`]; what the chain answers.
    pub async fn connect(url: &str, program: ProgramId, public_is_meant: bool) -> Result<Self, DemoError> {
        if !public_is_meant && !is_on_this_machine(url) {
            return Err(DemoError::Public("the chain is not on this machine".to_owned()));
        }
        let rpc = ChainRpc::new(RpcOptions::new(url, program), RpcBudget::new(CALLS_PER_SECOND))?;
        let genesis = rpc.genesis_hash().await?;
        if genesis == MAIN {
            return Err(DemoError::MainNetwork);
        }
        if !public_is_meant && PUBLIC.contains(&genesis.as_str()) {
            return Err(DemoError::Public(format!("the chain of genesis {genesis} is public")));
        }
        Ok(Self { rpc, build: InstructionBuilder::new(program) })
    }

    /// New wallets with money.
    ///
    /// # Errors
    /// As [`Self::fund`].
    pub async fn funded_wallets(&self, count: usize) -> Result<Vec<Arc<Keypair>>, DemoError> {
        let wallets: Vec<Arc<Keypair>> = (0..count).map(|_| Arc::new(Keypair::new())).collect();
        for wallet in &wallets {
            self.fund(wallet_of(wallet)).await?;
        }
        Ok(wallets)
    }

    /// Gives a wallet money from the chain's faucet.
    ///
    /// # Errors
    /// What the chain answers; [`DemoError::NotConfirmed`].
    pub async fn fund(&self, wallet: Wallet) -> Result<(), DemoError> {
        let signature = self.rpc.request_airdrop(wallet, FUNDS).await?;
        for _ in 0..LOOKS {
            if self.rpc.balance(wallet).await? > Lamports::ZERO {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(DemoError::NotConfirmed(signature))
    }

    /// Sends a transaction, the first signer paying, and waits until it is confirmed.
    ///
    /// # Errors
    /// [`DemoError::Send`] where it was not taken, [`DemoError::Failed`] where it had no effect,
    /// [`DemoError::NotConfirmed`].
    pub async fn land(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<TxSignature, DemoError> {
        let signature = self.send(instructions, signers).await?;
        for _ in 0..LOOKS {
            let status = self.rpc.signature_statuses(&[signature], false).await?.pop().flatten();
            if let Some(status) = status.filter(|status| status.commitment >= Commitment::Confirmed) {
                return match status.failure {
                    None => Ok(signature),
                    Some(failure) => Err(DemoError::Failed { signature, failure }),
                };
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(DemoError::NotConfirmed(signature))
    }

    /// Sends a transaction. Tried again, with a new blockhash, only where it can't have landed.
    ///
    /// # Errors
    /// As [`ChainSendError`]; an unknown outcome is no error here: the signature tells, whoever asks for it.
    pub async fn send(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<TxSignature, DemoError> {
        let mut attempt = 1;
        loop {
            let blockhash = self.rpc.latest_blockhash(Commitment::Confirmed).await?.blockhash;
            let transaction = signed(instructions, signers, blockhash);
            let error = match self.rpc.send_transaction(&wire_form(&transaction), SendOptions::default()).await {
                Ok(signature) => return Ok(signature),
                Err(ChainSendError::OutcomeUnknown { detail }) => {
                    log::warn!("the outcome of a transaction is unknown: {detail}");
                    return Ok(TxSignature(signature_of(&transaction)));
                }
                Err(error) => error,
            };
            let pause = match &error {
                ChainSendError::NotSent { .. } => PAUSE,
                ChainSendError::RateLimited { retry_after } => *retry_after,
                ChainSendError::Rejected { failure: TransactionFailure::BlockhashNotFound, .. } => PAUSE,
                _ => return Err(error.into()),
            };
            if attempt == ATTEMPTS {
                return Err(error.into());
            }
            attempt += 1;
            tokio::time::sleep(pause).await;
        }
    }
}

fn signed(instructions: &[Instruction], signers: &[&Keypair], blockhash: solana_sdk::hash::Hash) -> Transaction {
    let payer = signers.first().map(|keypair| keypair.pubkey());
    let mut transaction =
        Transaction::new_unsigned(Message::new_with_blockhash(instructions, payer.as_ref(), &blockhash));
    // Who has to sign is decided where the instructions are built; one too few is the chain's to refuse.
    if let Err(error) = transaction.try_partial_sign(signers, blockhash) {
        log::error!("a transaction could not be signed: {error}");
    }
    transaction
}

fn signature_of(transaction: &Transaction) -> [u8; 64] {
    transaction.signatures.first().map_or([0; 64], |signature| (*signature).into())
}

/// The bytes that travel: how many signatures (fewer than 128: one byte), the signatures, the message.
fn wire_form(transaction: &Transaction) -> Vec<u8> {
    let signatures = &transaction.signatures;
    let mut bytes = vec![signatures.len() as u8];
    signatures.iter().for_each(|signature| bytes.extend_from_slice(signature.as_ref()));
    bytes.extend_from_slice(&transaction.message.serialize());
    bytes
}

/// True for a loopback address.
fn is_on_this_machine(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_on_this_machine() {
        for (url, here) in [
            ("http://127.0.0.1:8899", true),
            ("http://localhost:8899/path", true),
            ("http://[::1]:8899", true),
            ("http://127.8.9.10", true),
            ("https://api.devnet.solana.com", false),
            ("https://localhost.example.com", false),
            ("https://user@example.com/localhost", false),
            ("https://localhost@example.com", false),
            ("http://10.0.0.1:8899", false),
            ("http://0.0.0.0:8899", false),
        ] {
            assert_eq!(is_on_this_machine(url), here, "{url}");
        }
    }

    #[test]
    fn the_wire_form_has_every_signature_before_the_message() {
        let keypair = Keypair::new();
        let transaction = signed(&[], &[&keypair], solana_sdk::hash::Hash::default());
        let wire = wire_form(&transaction);
        assert_eq!(wire[0], 1);
        assert_eq!(wire[1..65], signature_of(&transaction));
        assert_eq!(wire[65..], transaction.message.serialize());
    }
}
