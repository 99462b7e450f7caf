//! A transaction as the engine keeps it: our own types, so that no client library's type leaves this folder.
//!
//! Owns what a node told about a transaction, unjudged: whether its logs hold events is `chain::anchor::decode`'s
//! question. It can be stored as JSON and read back, for what could not be decoded.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{AccountAddress, ProgramId, TxSignature};

/// The line that a node puts where it stopped writing a transaction's log (10,000 bytes). Shorter lines may still
/// follow it.
pub const LOG_TRUNCATED: &str = "Log truncated";

/// How sure the cluster is of what a node tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Commitment {
    /// Executed by this node; may vanish at any time.
    Processed,
    /// Voted for by a supermajority.
    Confirmed,
    /// Rooted.
    Finalized,
}

impl Commitment {
    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
        }
    }
}

/// A transaction, as a node reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawTransaction {
    /// Its first signature.
    pub signature: TxSignature,
    /// The slot that it landed in.
    pub slot: u64,
    /// Its index in the block, where the node tells it.
    pub index_in_block: Option<u32>,
    /// The block's time in unix seconds, where the node tells it.
    pub block_time: Option<i64>,
    /// The node says that it failed. Nodes are known that do not say so in notifications: the log is asked too.
    pub failed: bool,
    /// Its log, an entry a line; `None` where the node keeps none.
    pub logs: Option<Vec<String>>,
    /// Every instruction that was executed, outer and inner, in execution order; `None` when only its log was seen.
    pub invocations: Option<Vec<RawInvocation>>,
}

impl RawTransaction {
    /// The log is not complete.
    pub fn logs_truncated(&self) -> bool {
        self.logs.as_ref().is_some_and(|logs| logs.iter().any(|line| line == LOG_TRUNCATED))
    }
}

/// An executed instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawInvocation {
    /// Whose it is.
    pub program: ProgramId,
    /// Its accounts, looked-up addresses resolved.
    pub accounts: Vec<AccountAddress>,
    /// Its data.
    #[serde(with = "base64_text")]
    pub data: Vec<u8>,
    /// 1 for an outer instruction, more for one that a program called; `None` where the node does not tell.
    pub stack_height: Option<u32>,
}

mod base64_text {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_transaction_is_read_back_as_it_was() {
        let transaction = RawTransaction {
            signature: TxSignature([7; 64]),
            slot: 9,
            index_in_block: Some(3),
            block_time: None,
            failed: false,
            logs: Some(vec![LOG_TRUNCATED.into()]),
            invocations: Some(vec![RawInvocation {
                program: ProgramId([1; 32]),
                accounts: vec![AccountAddress([2; 32])],
                data: vec![0, 255, 3],
                stack_height: Some(2),
            }]),
        };
        assert!(transaction.logs_truncated());
        let text = serde_json::to_string(&transaction).unwrap();
        assert!(text.contains(r#""data":"AP8D""#), "{text}");
        assert_eq!(serde_json::from_str::<RawTransaction>(&text).unwrap(), transaction);
    }
}
