//! Which chain this journal is of, and which life of the journal this is.
//!
//! A journal under another chain would be rolled back entry by entry, so another genesis hash or program is refused. The
//! epoch tells clients that sequence numbers may have another meaning: it changes only when the database is another one
//! (system identifier, database oid, timeline), or by hand after a restore that leaves no such trace.
//!
//! An epoch's number is at least the number of seconds since 2020 at its beginning, also the first one's: so none is used
//! twice, neither where a dump from before it is restored, nor by a new database in the place of another.

use tokio_postgres::{Client, Row, error::SqlState};

use super::lease::Office;
use crate::domain::ids::{Epoch, ProgramId};

/// Why the journal can't be used with this chain.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// PostgreSQL.
    #[error("{}", super::describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// It can't be reached, or is not taken for the server that was meant.
    #[error(transparent)]
    Connect(#[from] super::connector::ConnectError),
    /// The schema of a database that took the place of another can't be brought up to date.
    #[error(transparent)]
    Schema(#[from] super::migrate::MigrateError),
    /// The connection string can't be used.
    #[error(transparent)]
    Settings(#[from] super::PoolSettingsError),
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

/// Which database it is. A promoted standby has another timeline, a dump that was restored another oid or another system
/// identifier; a copy of the server's files that is started as it is has the same of everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    system_identifier: String,
    database_oid: i64,
    timeline: i64,
}

impl Place {
    /// Of these three columns, from one on.
    fn of(row: &Row, first: usize) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            system_identifier: row.try_get(first)?,
            database_oid: row.try_get(first + 1)?,
            timeline: row.try_get(first + 2)?,
        })
    }
}

/// A life of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Its number.
    pub epoch: Epoch,
    /// Where it is lived.
    pub place: Place,
}

impl Life {
    /// A name of this database and of the journal's life in it, for what several databases share: letters, digits and
    /// dashes.
    pub fn name(&self) -> String {
        format!("{}-{}-{}", self.place.system_identifier, self.place.database_oid, self.epoch)
    }
}

/// The database of a connection. A server that is still recovering has none yet, and says so with an error: what it
/// becomes is another one.
const HERE: &str = "SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
                           (SELECT oid::bigint FROM pg_database WHERE datname = current_database()) AS database_oid,
                           ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint AS timeline";

/// The database that a connection leads to.
///
/// # Errors
/// The server did not answer, or is a standby.
pub async fn place_of(client: &Client) -> Result<Place, tokio_postgres::Error> {
    Place::of(&client.query_one(HERE, &[]).await?, 0)
}

/// The journal's newest life as it is stored; `None` where the database is another one than that was lived in.
///
/// # Errors
/// [`IdentityError::Empty`] where there is no journal; [`IdentityError::Database`].
pub async fn stored_life(client: &Client) -> Result<Option<Life>, IdentityError> {
    let sql = format!(
        "SELECT here.*, last.epoch, (last.system_identifier, last.database_oid, last.timeline)
                                  = (here.system_identifier, here.database_oid, here.timeline)
         FROM ({HERE}) here
         CROSS JOIN LATERAL (SELECT * FROM journal_epochs ORDER BY epoch DESC LIMIT 1) last"
    );
    let row = match client.query_opt(&sql, &[]).await {
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => return Err(IdentityError::Empty),
        row => row?.ok_or(IdentityError::Empty)?,
    };
    let (epoch, is_here): (i32, bool) = (row.try_get(3)?, row.try_get(4)?);
    let place = Place::of(&row, 0)?;
    Ok(is_here.then_some(Life { epoch: Epoch(epoch.unsigned_abs()), place }))
}

/// The journal's life in this database; a new one begins if the database is not the one of the last.
///
/// # Errors
/// [`IdentityError::Database`].
pub async fn current_epoch(client: &Client) -> Result<Epoch, IdentityError> {
    Ok(current_life(client, Epoch(0)).await?.epoch)
}

/// As [`current_epoch`], for who has worked in the life `known` already: what comes is no earlier one.
///
/// # Errors
/// [`IdentityError::Database`].
pub async fn current_life(client: &Client, known: Epoch) -> Result<Life, IdentityError> {
    begin(client, known, false).await
}

/// A new life, whatever the database is: after a restore that leaves no trace. The caller holds the engine's lease, so
/// that nobody writes in the old one.
///
/// # Errors
/// [`IdentityError::Database`].
pub async fn begin_by_hand(client: &Client) -> Result<Life, IdentityError> {
    begin(client, Epoch(0), true).await
}

async fn begin(client: &Client, known: Epoch, in_any_case: bool) -> Result<Life, IdentityError> {
    // One statement under a lock, so that two processes that start together agree.
    client.execute("SELECT pg_advisory_lock(hashtext('zmart journal epoch'))", &[]).await?;
    // Whatever was a leader's or a governor's term before is over with the old life, whoever still believes in it: a standby
    // has the leases of the server that it copied. The terms of a life begin past all that the old one may have come to
    // after it was copied, also those of offices that nobody had held by then.
    let sql = format!(
        "WITH here AS ({HERE}), last AS (
             SELECT * FROM journal_epochs ORDER BY epoch DESC LIMIT 1
         ), begun AS (
             INSERT INTO journal_epochs (epoch, system_identifier, database_oid, timeline)
             SELECT greatest((SELECT epoch FROM last) + 1, $1::bigint + 1,
                             extract(epoch FROM now())::bigint - 1577836800),
                    here.system_identifier, here.database_oid, here.timeline
             FROM here
             WHERE $2 OR NOT EXISTS (
                 SELECT 1 FROM last
                 WHERE (last.system_identifier, last.database_oid, last.timeline)
                     = (here.system_identifier, here.database_oid, here.timeline)
                   AND last.epoch >= $1::bigint
             )
             RETURNING epoch
         ), held AS (
             SELECT name FROM leases WHERE EXISTS (SELECT FROM begun) AND EXISTS (SELECT FROM last)
             ORDER BY name FOR UPDATE
         ), ended AS (
             UPDATE leases SET term = greatest(term + 1, begun.epoch::bigint << 20), expires_at = '-infinity'
             FROM held, begun WHERE leases.name = held.name
         ), opened AS (
             INSERT INTO leases (name, node, term, expires_at)
             SELECT name, '', begun.epoch::bigint << 20, '-infinity' FROM unnest($3::text[]) name, begun
             WHERE EXISTS (SELECT FROM last)
             ON CONFLICT (name) DO NOTHING
         )
         SELECT here.system_identifier, here.database_oid, here.timeline,
                coalesce((SELECT epoch FROM begun), (SELECT epoch FROM last))
         FROM here"
    );
    let offices = Office::ALL.map(Office::as_str);
    let row = client.query_one(&sql, &[&i64::from(known.0), &in_any_case, &offices.as_slice()]).await;
    client.execute("SELECT pg_advisory_unlock(hashtext('zmart journal epoch'))", &[]).await?;
    let row = row?;
    let epoch: i32 = row.try_get(3)?;
    Ok(Life { epoch: Epoch(epoch.unsigned_abs()), place: Place::of(&row, 0)? })
}
