//! Migrations: `sql/V<n>__<name>.sql`, in order, each once, embedded in the binary.
//!
//! refinery takes no lock of its own, so all of it runs under an advisory lock: two processes that start together run one
//! after the other.

use tokio_postgres::Client;

use super::{DatabaseSettings, PoolSettingsError, connector::ConnectError};

mod embedded {
    refinery::embed_migrations!("sql");
}

/// "zmart" in ASCII: one lock for every process that migrates this database.
const MIGRATION_LOCK: i64 = 0x7a_6d_61_72_74;

/// Why the schema is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The connection string can't be used.
    #[error(transparent)]
    Settings(#[from] PoolSettingsError),
    /// PostgreSQL can't be reached, or is not taken for the server that was meant.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It refused a statement.
    #[error("{}", super::describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// A migration failed, or the database has one that this binary does not know.
    #[error("{0}")]
    Migration(#[from] refinery::Error),
}

impl MigrateError {
    /// Trying again changes nothing.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Settings(_) => true,
            Self::Connect(error) => error.is_final(),
            Self::Database(_) | Self::Migration(_) => false,
        }
    }
}

/// Brings the schema up to date and answers with the names of the migrations that were applied now.
///
/// # Errors
/// [`MigrateError`].
pub async fn run(settings: &DatabaseSettings) -> Result<Vec<String>, MigrateError> {
    let (mut client, connection) = settings.connector()?.connect().await?;
    let driver = tokio::spawn(connection);
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await?;
    let report = embedded::migrations::runner().run_async(&mut client).await?;
    // The lock goes with the connection.
    drop(client);
    let _ = driver.await;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// How a database's schema stands to this binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Migrations that were applied.
    pub applied: usize,
    /// Those that [`run`] would apply, in order.
    pub pending: Vec<String>,
    /// Applied ones that this binary does not have, or has with another text: it refuses such a database.
    pub foreign: Vec<String>,
}

/// Looks, and changes nothing.
///
/// # Errors
/// [`MigrateError`].
pub async fn standing(client: &mut Client) -> Result<Standing, MigrateError> {
    let runner = embedded::migrations::runner();
    let is_there = client.query_one("SELECT to_regclass('refinery_schema_history') IS NOT NULL", &[]).await?;
    let applied = match is_there.try_get(0)? {
        true => runner.get_applied_migrations_async(client).await?,
        false => Vec::new(),
    };
    let known = runner.get_migrations();
    let mut pending: Vec<_> =
        known.iter().filter(|own| applied.iter().all(|other| other.version() != own.version())).collect();
    pending.sort_by_key(|migration| migration.version());
    let is_known = |other: &refinery::Migration| {
        known.iter().any(|own| own.version() == other.version() && own.checksum() == other.checksum())
    };
    Ok(Standing {
        applied: applied.len(),
        pending: pending.into_iter().map(ToString::to_string).collect(),
        foreign: applied.iter().filter(|other| !is_known(other)).map(ToString::to_string).collect(),
    })
}
