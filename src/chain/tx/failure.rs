//! Why a transaction fails, by number and name.
//!
//! Owns whose number it is: the same one means something else in another program's instruction.

use std::borrow::Cow;

use crate::{chain::rpc::TransactionFailure, domain::error::ProgramError};

/// A failure's number, where a program gave one, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// 6000 and more are our program's if the name is one of its errors.
    pub code: Option<u32>,
    /// One word.
    pub name: Cow<'static, str>,
}

/// The number and name of a failure; `ours` is the place of our program's instruction in the transaction.
pub fn named(failure: &TransactionFailure, ours: usize) -> Named {
    named_where(failure, |place| place == ours)
}

/// As [`named`], of a transaction whose instructions from a place on are all our program's.
pub fn named_from(failure: &TransactionFailure, first: usize) -> Named {
    named_where(failure, |place| place >= first)
}

fn named_where(failure: &TransactionFailure, is_ours: impl Fn(usize) -> bool) -> Named {
    let only = |name: &'static str| Named { code: None, name: name.into() };
    match failure {
        TransactionFailure::Custom { instruction, code } => {
            let name = if is_ours(usize::from(*instruction)) { custom_name(*code) } else { "Custom" };
            Named { code: Some(*code), name: name.into() }
        }
        TransactionFailure::Instruction { name, .. } => Named { code: None, name: word(name).into() },
        TransactionFailure::AlreadyProcessed => only("AlreadyProcessed"),
        TransactionFailure::BlockhashNotFound => only("BlockhashNotFound"),
        TransactionFailure::InsufficientFundsForFee => only("InsufficientFundsForFee"),
        TransactionFailure::Other(text) => Named { code: None, name: word(text).into() },
    }
}

/// The runtime's names are one word; what else a node says may be long, and may say anything.
fn word(text: &str) -> String {
    let is_name = !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_name { text.to_owned() } else { "Other".to_owned() }
}

/// The name of a number of our instruction: the program's, Anchor's, or the system program's that it calls.
fn custom_name(code: u32) -> &'static str {
    if let Some(error) = ProgramError::from_code(code) {
        return error.name();
    }
    match code {
        0 => "AccountAlreadyInUse",
        1 => "ResultWithNegativeLamports",
        101 => "InstructionFallbackNotFound",
        102 => "InstructionDidNotDeserialize",
        2001 => "ConstraintHasOne",
        2006 => "ConstraintSeeds",
        3002 => "AccountDiscriminatorMismatch",
        3007 => "AccountOwnedByWrongProgram",
        3010 => "AccountNotSigner",
        3012 => "AccountNotInitialized",
        4100 => "DeclaredProgramIdMismatch",
        _ => "Custom",
    }
}
