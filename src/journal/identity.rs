//! Which chain this journal is of, and which life of the journal this is.
//!
//! A journal under another chain would be rolled back entry by entry, so another genesis hash or program is refused. The
//! epoch tells clients that sequence numbers may have another meaning: it changes only when the database is another one
//! (system identifier, database oid, timeline).

use tokio_postgres::Client;

use crate::domain::ids::{Epoch, ProgramId};

/// Why the journal can't be used with this chain.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// PostgreSQL.
    #[error("{}", super::describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// No engine has ever run on this database.
    #[error("this database holds no journal yet: `zmart serve` begins one")]
    Empty,
    /// The journal is of another chain.
    #[error(
        "this journal belongs to another chain: it was begun with genesis hash {journal_genesis} and program \
         {journal_program}, but SOLANA_RPC_URL answers genesis hash {chain_genesis} and the program is {chain_program}. \
         Use a database of its own for each chain (DATABASE_URL)"
    )]
    OtherChain {
        /// Stored.
        journal_genesis: String,
        /// Stored.
        journal_program: String,
        /// Answered.
        chain_genesis: String,
        /// Configured.
        chain_program: String,
    },
}

/// Stores the chain's identity on first use and compares it ever after.
///
/// # Errors
/// [`IdentityError::OtherChain`] if it differs.
pub async fn bind_chain(client: &Client, genesis_hash: &str, program: ProgramId) -> Result<(), IdentityError> {
    client
        .execute(
            "INSERT INTO chain_identity (genesis_hash, program_id) VALUES ($1, $2::text) ON CONFLICT DO NOTHING",
            &[&genesis_hash, &program.to_string()],
        )
        .await?;
    check_chain(client, genesis_hash, program).await
}

/// Compares the stored identity with the chain.
///
/// # Errors
/// [`IdentityError::OtherChain`] if it differs; [`IdentityError::Empty`] if nothing was ever stored.
pub async fn check_chain(client: &Client, genesis_hash: &str, program: ProgramId) -> Result<(), IdentityError> {
    let row = client.query_opt("SELECT genesis_hash, program_id::text FROM chain_identity", &[]).await?;
    let row = row.ok_or(IdentityError::Empty)?;
    let (journal_genesis, journal_program): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let (chain_genesis, chain_program) = (genesis_hash.to_owned(), program.to_string());
    if journal_genesis == chain_genesis && journal_program == chain_program {
        return Ok(());
    }
    Err(IdentityError::OtherChain { journal_genesis, journal_program, chain_genesis, chain_program })
}

/// The journal's life in this database; a new one begins if the database is not the one of the last.
///
/// # Errors
/// [`IdentityError::Database`].
pub async fn current_epoch(client: &Client) -> Result<Epoch, IdentityError> {
    // One statement, so that two processes that start together agree.
    client.execute("SELECT pg_advisory_lock(hashtext('zmart journal epoch'))", &[]).await?;
    let row = client
        .query_one(
            "WITH here AS (
                 SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
                        (SELECT oid::bigint FROM pg_database WHERE datname = current_database()) AS database_oid,
                        ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint AS timeline
             ), last AS (
                 SELECT * FROM journal_epochs ORDER BY epoch DESC LIMIT 1
             ), begun AS (
                 INSERT INTO journal_epochs (epoch, system_identifier, database_oid, timeline)
                 SELECT coalesce((SELECT epoch FROM last), 0) + 1, here.system_identifier, here.database_oid, here.timeline
                 FROM here
                 WHERE NOT EXISTS (
                     SELECT 1 FROM last
                     WHERE (last.system_identifier, last.database_oid, last.timeline)
                         = (here.system_identifier, here.database_oid, here.timeline)
                 )
                 RETURNING epoch
             )
             SELECT coalesce((SELECT epoch FROM begun), (SELECT epoch FROM last))",
            &[],
        )
        .await;
    client.execute("SELECT pg_advisory_unlock(hashtext('zmart journal epoch'))", &[]).await?;
    let epoch: i32 = row?.get(0);
    Ok(Epoch(epoch.unsigned_abs()))
}

/// A name of this database and of the journal's life in it, for what several databases share: letters, digits and dashes.
///
/// # Errors
/// [`IdentityError::Database`].
pub async fn name(client: &Client, epoch: Epoch) -> Result<String, IdentityError> {
    const SQL: &str = "SELECT system_identifier || '-' || database_oid FROM journal_epochs WHERE epoch = $1";
    let row = client.query_opt(SQL, &[&(epoch.0 as i32)]).await?.ok_or(IdentityError::Empty)?;
    Ok(format!("{}-{epoch}", row.try_get::<_, String>(0)?))
}
