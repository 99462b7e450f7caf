//! `zmart asyncapi`: the WebSocket's description, as `docs/asyncapi.json` has it.

use std::process::ExitCode;

use crate::http::asyncapi;

/// Prints it.
pub fn run() -> ExitCode {
    match asyncapi::text() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the WebSocket's description can't be written: {error}");
            ExitCode::FAILURE
        }
    }
}
