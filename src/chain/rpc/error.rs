//! What a call to a node can end with, one variant for each thing that the caller can do differently.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::transport::Failure;
use crate::{chain::anchor::codec::CodecError, domain::ids::AccountAddress};

/// Why something could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChainReadError {
    /// The node can't be reached or does not answer, after the bounded number of attempts. Try later.
    #[error("{method}: the node is unavailable: {detail}")]
    Unavailable {
        /// The call.
        method: &'static str,
        /// What was seen last.
        detail: String,
    },
    /// The node asks for a pause that outlasts the call.
    #[error("{method}: rate limited, {retry_after:?} to wait")]
    RateLimited {
        /// The call.
        method: &'static str,
        /// How long nothing may be asked.
        retry_after: Duration,
    },
    /// The node does not keep that much history (any more). Another node may.
    #[error("{method}: the node's history does not reach that far: {message}")]
    HistoryGone {
        /// The call.
        method: &'static str,
        /// The node's words.
        message: String,
    },
    /// The node refuses the call; it would refuse it again.
    #[error("{method}: refused with {code}: {message}")]
    Refused {
        /// The call.
        method: &'static str,
        /// The node's number.
        code: i64,
        /// The node's words.
        message: String,
    },
    /// The node answered something else than was asked.
    #[error("{method}: bad answer: {detail}")]
    BadAnswer {
        /// The call.
        method: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The account is the program's, but its bytes are not what was asked for.
    #[error("account {address}: {error}")]
    Undecodable {
        /// The account.
        address: AccountAddress,
        /// Why.
        error: CodecError,
    },
}

impl ChainReadError {
    /// The same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::RateLimited { .. })
    }

    pub(super) fn of(method: &'static str, failure: Failure) -> Self {
        match failure {
            Failure::NotReached(detail) | Failure::NoAnswer(detail) => Self::Unavailable { method, detail },
            Failure::RateLimited(retry_after) => Self::RateLimited { method, retry_after },
            Failure::Unusable(detail) => Self::BadAnswer { method, detail },
            Failure::Refused { code, message, .. } => match code {
                // Behind, block or its status not there yet, minimum slot not reached, storage unreachable, internal.
                -32004 | -32005 | -32014 | -32016 | -32019 | -32603 => {
                    Self::Unavailable { method, detail: format!("{code}: {message}") }
                }
                // Cleaned up, skipped or lost to a snapshot, not in long-term storage, no history kept.
                -32001 | -32007 | -32009 | -32011 => Self::HistoryGone { method, message },
                _ => Self::Refused { method, code, message },
            },
        }
    }
}

/// Why a transaction was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChainSendError {
    /// It failed in the node's rehearsal and was not forwarded.
    #[error("rejected: {failure}")]
    Rejected {
        /// Why.
        failure: TransactionFailure,
        /// Its log, as far as the node tells it.
        logs: Vec<String>,
    },
    /// The node does not accept it as a transaction (bytes, signatures).
    #[error("refused with {code}: {message}")]
    Refused {
        /// The node's number.
        code: i64,
        /// The node's words.
        message: String,
    },
    /// The node was not reached, so nothing was sent.
    #[error("not sent: {detail}")]
    NotSent {
        /// What was seen.
        detail: String,
    },
    /// Nothing was sent: the node asks for a pause.
    #[error("rate limited, {retry_after:?} to wait")]
    RateLimited {
        /// How long nothing may be asked.
        retry_after: Duration,
    },
    /// It may have been sent: look the signature up before anything else.
    #[error("the outcome is unknown: {detail}")]
    OutcomeUnknown {
        /// What was seen.
        detail: String,
    },
}

impl ChainSendError {
    pub(super) fn of(failure: Failure) -> Self {
        match failure {
            Failure::NotReached(detail) => Self::NotSent { detail },
            Failure::RateLimited(retry_after) => Self::RateLimited { retry_after },
            Failure::NoAnswer(detail) | Failure::Unusable(detail) => Self::OutcomeUnknown { detail },
            // The node is behind, or had an error of its own.
            Failure::Refused { code: code @ (-32005 | -32603), message, .. } => {
                Self::OutcomeUnknown { detail: format!("{code}: {message}") }
            }
            Failure::Refused { code: -32002, message, data } => Self::Rejected {
                failure: match data.get("err") {
                    None | Some(Value::Null) => TransactionFailure::Other(message),
                    Some(err) => TransactionFailure::from_wire(err),
                },
                logs: data.get("logs").and_then(|logs| serde_json::from_value(logs.clone()).ok()).unwrap_or_default(),
            },
            Failure::Refused { code, message, .. } => Self::Refused { code, message },
        }
    }
}

/// Why a transaction failed, as the cluster says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TransactionFailure {
    /// It has landed before.
    #[error("already processed")]
    AlreadyProcessed,
    /// Its blockhash is not (or no longer) known.
    #[error("blockhash not found")]
    BlockhashNotFound,
    /// The payer can't pay the fee.
    #[error("insufficient funds for the fee")]
    InsufficientFundsForFee,
    /// A program refused an instruction with a number of its own.
    #[error("instruction {instruction}: program error {code}")]
    Custom {
        /// Which instruction of the transaction, from 0.
        instruction: u8,
        /// The number; what it means depends on the program.
        code: u32,
    },
    /// The runtime refused an instruction.
    #[error("instruction {instruction}: {name}")]
    Instruction {
        /// Which instruction of the transaction, from 0.
        instruction: u8,
        /// The runtime's name of the error.
        name: String,
    },
    /// Anything else, in the node's words.
    #[error("{0}")]
    Other(String),
}

impl TransactionFailure {
    /// From the `err` of a status, a simulation or a transaction. Never fails: what is unknown is kept as text.
    pub fn from_wire(err: &Value) -> Self {
        match err.as_str() {
            Some("AlreadyProcessed") => return Self::AlreadyProcessed,
            Some("BlockhashNotFound") => return Self::BlockhashNotFound,
            Some("InsufficientFundsForFee") => return Self::InsufficientFundsForFee,
            Some(name) => return Self::Other(name.to_owned()),
            None => {}
        }
        let parts = err.get("InstructionError").and_then(Value::as_array).map(Vec::as_slice);
        if let Some([index, error]) = parts
            && let Some(instruction) = index.as_u64().and_then(|index| u8::try_from(index).ok())
        {
            let custom = error.get("Custom").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
            return match custom {
                Some(code) => Self::Custom { instruction, code },
                None => Self::Instruction {
                    instruction,
                    name: error.as_str().map_or_else(|| error.to_string(), ToOwned::to_owned),
                },
            };
        }
        Self::Other(err.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failure_is_read_from_what_nodes_say() {
        use TransactionFailure as F;
        let table = [
            (json!("AlreadyProcessed"), F::AlreadyProcessed),
            (json!("BlockhashNotFound"), F::BlockhashNotFound),
            (json!("InsufficientFundsForFee"), F::InsufficientFundsForFee),
            (json!("AccountInUse"), F::Other("AccountInUse".into())),
            (json!({"InstructionError": [1, {"Custom": 6018}]}), F::Custom { instruction: 1, code: 6018 }),
            (
                json!({"InstructionError": [0, "PrivilegeEscalation"]}),
                F::Instruction { instruction: 0, name: "PrivilegeEscalation".into() },
            ),
            (json!({"InstructionError": [0]}), F::Other(r#"{"InstructionError":[0]}"#.into())),
            (json!({"DuplicateInstruction": 3}), F::Other(r#"{"DuplicateInstruction":3}"#.into())),
        ];
        for (wire, expected) in table {
            assert_eq!(F::from_wire(&wire), expected);
        }
    }

    #[test]
    fn only_a_call_that_may_have_been_seen_has_an_unknown_outcome() {
        let refused = |code| Failure::Refused { code, message: String::new(), data: Value::Null };
        assert!(matches!(ChainSendError::of(Failure::NotReached(String::new())), ChainSendError::NotSent { .. }));
        assert!(matches!(ChainSendError::of(Failure::NoAnswer(String::new())), ChainSendError::OutcomeUnknown { .. }));
        assert!(matches!(ChainSendError::of(refused(-32002)), ChainSendError::Rejected { .. }));
        assert!(matches!(ChainSendError::of(refused(-32003)), ChainSendError::Refused { .. }));
        assert!(matches!(ChainSendError::of(refused(-32005)), ChainSendError::OutcomeUnknown { .. }));
    }
}
