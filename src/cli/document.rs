//! `zmart openapi`, `zmart asyncapi`, `zmart metrics`: what `docs/` has of REST, of the WebSocket and of the figures.

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
