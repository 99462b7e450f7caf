//! Why a pass over a table and the chain ended early. It is begun again.

use crate::{chain::rpc::ChainReadError, journal::JournalError};

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The database does not answer, or the lease is over.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The node does not answer, or not to be understood.
    #[error(transparent)]
    Chain(#[from] ChainReadError),
}
