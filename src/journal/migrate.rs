//! Migrations: `sql/V<n>__<name>.sql`, in order, each once, embedded in the binary.
//!
//! refinery takes no lock of its own, so all of it runs under an advisory lock: two processes that start together run one
//! after the other.

use tokio_postgres::NoTls;

use super::{DatabaseSettings, PoolSettingsError};

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
    /// PostgreSQL can't be reached, or refused a statement.
    #[error("{}", super::describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// A migration failed, or the database has one that this binary does not know.
    #[error("{0}")]
    Migration(#[from] refinery::Error),
}

/// Brings the schema up to date and answers with the names of the migrations that were applied now.
///
/// # Errors
/// [`MigrateError`].
pub async fn run(settings: &DatabaseSettings) -> Result<Vec<String>, MigrateError> {
    let (mut client, connection) = settings.parse()?.connect(NoTls).await?;
    let driver = tokio::spawn(connection);
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await?;
    let report = embedded::migrations::runner().run_async(&mut client).await?;
    // The lock goes with the connection.
    drop(client);
    let _ = driver.await;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}
