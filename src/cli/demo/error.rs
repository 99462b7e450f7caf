//! Why the demo can't go on, or one of its steps can't.

use std::path::PathBuf;

use crate::{
    chain::rpc::{ChainReadError, ChainSendError, RpcSetupError, TransactionFailure},
    domain::ids::{MarketAddress, TxSignature},
};

/// One variant for each thing that its reader can do differently.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The chain's address can't be used.
    #[error(transparent)]
    Address(#[from] RpcSetupError),
    /// The chain is a public network.
    #[error("{0}: this is for a development chain on this machine (--yes-public if a test network is really meant)")]
    Public(String),
    /// The chain is where real money is.
    #[error("this is Solana's main network: nothing here belongs there")]
    MainNetwork,
    /// A key can't be read or made.
    #[error("the key {path}: {reason}")]
    Key {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The program's config names other keys.
    #[error("the program's config names another {role} than the key given: {configured}")]
    NotOurs {
        /// Which of the two.
        role: &'static str,
        /// Who it is.
        configured: String,
    },
    /// A market would ask what can't be asked.
    #[error("a document of the demo is none: {0}")]
    Document(String),
    /// The program's config was made by nobody, and can't be made here.
    #[error("the program has no config yet")]
    NoConfig,
    /// The chain can't be read.
    #[error(transparent)]
    Read(#[from] ChainReadError),
    /// A transaction was not taken.
    #[error(transparent)]
    Send(#[from] ChainSendError),
    /// A transaction landed without effect.
    #[error("transaction {signature} failed: {failure}")]
    Failed {
        /// Which.
        signature: TxSignature,
        /// Why.
        failure: TransactionFailure,
    },
    /// A transaction was not seen to land in time.
    #[error("transaction {0} was not confirmed in time")]
    NotConfirmed(TxSignature),
    /// A market did not get where it was awaited.
    #[error("market {market}: waited too long for it to be {awaited}")]
    Stuck {
        /// Which.
        market: MarketAddress,
        /// The phase.
        awaited: &'static str,
    },
    /// The engine can't be reached.
    #[error("the engine's WebSocket at {url} can't be reached: {reason}")]
    EngineAway {
        /// Where.
        url: String,
        /// What was seen last.
        reason: String,
    },
    /// The engine refuses this client.
    #[error("the engine closed the connection with {0}, which means: do not come back as you are")]
    Dismissed(u16),
    /// Messages were lost, doubled or out of order.
    #[error("{0} breaches of the order of messages were seen")]
    Breaches(u64),
    /// A task of the demo died.
    #[error("a task died: {0}")]
    Task(#[from] tokio::task::JoinError),
}
