//! What the chain says, as an answer of the API: refusals by their name, trouble with the node without the node's.

use std::borrow::Cow;

use super::super::error::{ApiError, ErrorCode, ProgramRefusal};
use crate::{
    chain::{
        rpc::{ChainReadError, TransactionFailure},
        tx::failure::{Named, named},
    },
    domain::error::ProgramError,
};

/// The node did not answer, or not what was asked: logged here with all that is known, told without it, since addresses of
/// nodes carry keys.
pub fn node_trouble(error: ChainReadError) -> ApiError {
    log::warn!("a request needs the chain's node: {error}");
    match error {
        ChainReadError::Unavailable { .. } => ApiError::unavailable("The chain's node does not answer."),
        ChainReadError::RateLimited { retry_after, .. } => ApiError {
            retry_after_seconds: Some(u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX).max(1)),
            ..ApiError::unavailable("The chain's node takes no more questions now.")
        },
        _ => ApiError::unavailable("The chain's node can't answer this now."),
    }
}

/// Why a transaction would fail, or has failed; `ours` is the place of our program's instruction in it.
pub fn of_failure(failure: &TransactionFailure, ours: usize) -> ApiError {
    let Named { code, name } = named(failure, ours);
    // The same number of another program has another name.
    if let Some(error) = code.and_then(ProgramError::from_code).filter(|error| error.name() == name) {
        return ApiError::chain_refused(error);
    }
    let why: Cow<'static, str> = match &*name {
        "AccountAlreadyInUse" => "it exists already".into(),
        "ResultWithNegativeLamports" | "InsufficientFundsForFee" | "InsufficientFundsForRent" => {
            "the wallet has too few lamports".into()
        }
        "AccountNotFound" => "the wallet has no lamports".into(),
        "AccountNotInitialized" => "an account that it needs does not exist".into(),
        name => format!("it fails with {name}").into(),
    };
    let refusal = ProgramRefusal { code, name };
    let message = format!("The chain refuses this: {why}.");
    ApiError { program_error: Some(Box::new(refusal)), ..ApiError::new(ErrorCode::ChainRefused, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_by_number_and_name_and_only_our_numbers_are_ours() {
        let custom = |instruction, code| TransactionFailure::Custom { instruction, code };
        let rows = [
            (custom(1, 6018), Some(6018), "TradeTooSmall"),
            (custom(0, 6018), Some(6018), "Custom"),
            (custom(1, 0), Some(0), "AccountAlreadyInUse"),
            (custom(1, 1), Some(1), "ResultWithNegativeLamports"),
            (custom(1, 3012), Some(3012), "AccountNotInitialized"),
            (custom(1, 77), Some(77), "Custom"),
            (TransactionFailure::Other("AccountNotFound".into()), None, "AccountNotFound"),
            (TransactionFailure::Other("see http://node/?key=1".into()), None, "Other"),
            (TransactionFailure::InsufficientFundsForFee, None, "InsufficientFundsForFee"),
        ];
        for (failure, code, name) in rows {
            let error = of_failure(&failure, 1);
            assert_eq!(error.code, ErrorCode::ChainRefused);
            let told = error.program_error.unwrap();
            assert_eq!((told.code, &*told.name), (code, name), "{failure:?}");
        }
    }

    #[test]
    fn nothing_of_the_node_is_told() {
        let secret = "http://node.example/?api-key=secret";
        let errors = [
            ChainReadError::Unavailable { method: "m", detail: secret.into() },
            ChainReadError::BadAnswer { method: "m", detail: secret.into() },
            ChainReadError::Refused { method: "m", code: -32000, message: secret.into() },
        ];
        for error in errors {
            let told = node_trouble(error);
            assert!(!told.message.contains("secret") && !told.message.contains("node.example"), "{told}");
        }
    }
}
