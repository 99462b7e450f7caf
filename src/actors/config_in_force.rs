//! The program's config that decisions of governance rest on.
//!
//! Owns the order in which it is looked for: as it is after the journal's newest finalized entry, so that a change that may
//! yet be taken back decides nothing; else, where the journal has just begun, as the chain's node shows it. What stands in
//! where there is none is said by who asks.

use deadpool_postgres::Pool;

use super::trouble::Trouble;
use crate::{
    chain::{program::ProgramAddresses, rpc::ChainRpc},
    domain::config::ProgramConfig,
    journal::overdue,
};

/// The subject of the alert where there is none: whoever finds it tells the same one, and ends it.
pub const CONFIG: &str = "config";
/// What an operator is told then.
pub const NO_CONFIG: &str =
    "the chain has no config, or it can't be read: thresholds and periods are those of the environment";

/// The config in force; `None`: the chain has none.
///
/// # Errors
/// [`Trouble::Journal`]; [`Trouble::Chain`] only where the journal has no config.
pub async fn config_in_force(pool: &Pool, rpc: &ChainRpc) -> Result<Option<ProgramConfig>, Trouble> {
    let address = ProgramAddresses::new(rpc.program()).config().0;
    if let Some(config) = overdue::finalized_config(pool, address).await? {
        return Ok(Some(config));
    }
    let account = rpc.config_account().await?;
    Ok(account.map(|found| ProgramConfig::from_account(&found.account, None)))
}
