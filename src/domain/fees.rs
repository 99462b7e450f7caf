//! Fees of a trade (program facts, 7.6).

use serde::{Deserialize, Serialize};

use super::amount::Lamports;

/// What a trade pays besides its cost, by receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fees {
    /// To the protocol's wallet.
    pub protocol: Lamports,
    /// To the resolver.
    pub resolver: Lamports,
    /// To the liquidity: the remainder.
    pub lp: Lamports,
    /// All of it.
    pub total: Lamports,
}
