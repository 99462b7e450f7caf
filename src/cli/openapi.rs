//! `zmart openapi`: the API's description, as `docs/openapi.json` has it.

use std::process::ExitCode;

use crate::http::openapi;

/// Prints it.
pub fn run() -> ExitCode {
    match openapi::text() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the API's description can't be written: {error}");
            ExitCode::FAILURE
        }
    }
}
