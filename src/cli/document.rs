//! `zmart openapi` and `zmart asyncapi`: the descriptions of REST and of the WebSocket, as `docs/` has them.

use std::{fmt::Display, process::ExitCode};

/// Prints one of them.
pub fn print(what: &str, text: Result<String, impl Display>) -> ExitCode {
    match text {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{what} can't be written: {error}");
            ExitCode::FAILURE
        }
    }
}
