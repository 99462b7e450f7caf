//! `zmart migrate`: brings the schema up to date.

use std::process::ExitCode;

use crate::{config::Config, journal::migrate};

/// Runs it.
pub fn run(config: &Config) -> ExitCode {
    let settings = config.database.settings();
    match actix::System::new().block_on(async move { migrate::run(&settings).await }) {
        Ok(applied) if applied.is_empty() => {
            println!("the schema is up to date");
            ExitCode::SUCCESS
        }
        Ok(applied) => {
            applied.iter().for_each(|name| println!("applied {name}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the schema is not up to date: {error}");
            ExitCode::FAILURE
        }
    }
}
