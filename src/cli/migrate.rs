//! `zmart migrate`: brings the schema up to date, and makes the login that serves requests.

use std::process::ExitCode;

use crate::{
    config::Config,
    journal::{gateway_login, migrate},
};

/// Runs it.
pub fn run(config: &Config) -> ExitCode {
    let settings = config.database.settings();
    let (own_gateway, secret) = (config.database.own_gateway(), config.auth.jwt_secret.bytes());
    let migrated = actix::System::new().block_on(async move {
        let applied = migrate::run(&settings).await?;
        gateway_login::ready(&settings, own_gateway, secret).await?;
        anyhow::Ok(applied)
    });
    match migrated {
        Ok(applied) if applied.is_empty() => {
            println!("the schema is up to date");
            ExitCode::SUCCESS
        }
        Ok(applied) => {
            applied.iter().for_each(|name| println!("applied {name}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the database is not ready: {error:#}");
            ExitCode::FAILURE
        }
    }
}
