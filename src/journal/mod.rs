//! PostgreSQL: the journal, and all that is kept beside it.
//!
//! Owns every statement that the engine sends: `rows` is the one place where rows and domain values meet, `write` the one
//! that appends (what is written, as what, and how it is sent: `batch`, `columns`, `pipeline`), `connector` makes every connection, `open` reads what an actor
//! needs to live again, `read` serves history, `staging` is what the listener keeps (cursor, found signatures, dead
//! letters), `dead_letters` what becomes of those, `submissions` what users signed, `alerts` what operators should know, `anchors`
//! what is pinned of discussions, `scheduled` when work with a schedule was last done, `deliveries` what the webhook was told,
//! `notices` the database's notifications, `channels` numbers the entries of channels over many markets, `lease` says which node may write all
//! this, `rights` are the transactions of requests, run by the login of `gateway_login`, `identity` says which chain and
//! which life of the journal this is.
//! Never decides what an entry is: that is the domain's.

use std::{path::PathBuf, time::Duration};

use deadpool_postgres::{ClientWrapper, Hook, HookError, Pool, PoolError};

use self::{
    connector::Connector,
    current_life::{CurrentLife, LivingDatabase},
    ssl_words::SslWordsError,
};
use crate::tls::{refusal::Refusal, roots::RootsError};

pub mod alerts;
pub mod anchors;
mod batch;
mod beside;
pub mod candles;
pub mod chain_submissions;
mod channels;
mod columns;
pub mod connector;
pub mod current_life;
pub mod dead_letters;
pub mod deliveries;
pub mod evidence;
pub mod finality;
pub mod follow;
pub mod gateway_login;
pub mod governance;
pub mod idempotency;
pub mod identity;
pub mod inspect;
pub mod lease;
pub mod ledgers;
pub mod metadata;
pub mod migrate;
pub mod notices;
pub mod open;
pub mod operating;
pub mod operator_actions;
pub mod outbox;
pub mod overdue;
pub mod partitions;
mod pipeline;
pub mod pool;
pub mod read;
pub mod repairs;
pub mod replay;
mod revert;
pub mod rights;
pub mod rows;
pub mod scheduled;
pub mod sessions;
pub mod social;
pub mod ssl_words;
pub mod staging;
pub mod stats;
pub mod submissions;
pub mod sweep;
pub mod users;
pub mod verify;
pub mod votes;
pub mod write;

/// How to reach PostgreSQL.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// A connection string or URL.
    pub url: String,
    /// How long a connection attempt, or the wait for a free connection, may take.
    pub connect_timeout: Duration,
    /// The CA that its certificate has to lead to, where the URL names none.
    pub ca_file: Option<PathBuf>,
}

/// The connection string can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PoolSettingsError {
    /// It does not parse.
    #[error("DATABASE_URL can't be parsed: {0}")]
    Url(#[from] tokio_postgres::Error),
    /// What it says of TLS can't be done.
    #[error("DATABASE_URL: {0}")]
    Ssl(SslWordsError),
    /// There is nobody to check the server's certificate by.
    #[error("TLS to PostgreSQL (DATABASE_CA_FILE, sslrootcert): {0}")]
    Roots(RootsError),
    /// TLS can't be set up.
    #[error("TLS to PostgreSQL: {0}")]
    Tls(rustls::Error),
    /// The pool refused its settings.
    #[error("the connection pool refused its settings: {0}")]
    Pool(#[from] deadpool_postgres::BuildError),
}

impl DatabaseSettings {
    /// What connects to it, with what every connection of the engine has in common.
    ///
    /// # Errors
    /// [`PoolSettingsError`].
    pub fn connector(&self) -> Result<Connector, PoolSettingsError> {
        let connector = Connector::new(&self.url, self.ca_file.as_deref())?;
        Ok(connector.with(|config| {
            config.connect_timeout(self.connect_timeout);
            pool::common(config);
        }))
    }

    /// A pool for the arbiter that calls this: connections live on the runtime that made them, so no two arbiters share
    /// one. Nothing is connected before it is used. Its connections act as [`rights::ENGINE_ROLE`].
    ///
    /// # Errors
    /// [`PoolSettingsError`].
    pub fn pool(&self, connections_max: usize) -> Result<Pool, PoolSettingsError> {
        self.build(connections_max, &[QUICK], None)
    }

    /// A pool for the journal's writer: one connection commits, one looks up. As [`DatabaseSettings::pool`].
    ///
    /// # Errors
    /// [`PoolSettingsError`].
    pub fn writer_pool(&self) -> Result<Pool, PoolSettingsError> {
        self.build(WRITER_CONNECTIONS, &[QUICK, BY_KEY], None)
    }

    /// A pool for whoever derives figures beside the journal, and may need longer for it. As [`DatabaseSettings::pool`].
    ///
    /// # Errors
    /// [`PoolSettingsError`].
    pub fn keeper_pool(&self, finds_by_key: bool) -> Result<Pool, PoolSettingsError> {
        self.build(KEEPER_CONNECTIONS, keeper_session(finds_by_key), None)
    }

    /// Connections of the engine's own, each set up once: they never act for anybody else.
    fn build(
        &self,
        connections_max: usize,
        session: &[&str],
        life: Option<&CurrentLife>,
    ) -> Result<Pool, PoolSettingsError> {
        let patience = pool::Patience { free: self.connect_timeout, connect: self.connect_timeout };
        let statements = format!("SET ROLE {};{LEASED}{}", rights::ENGINE_ROLE, session.concat());
        let set_up = Hook::async_fn(move |client: &mut ClientWrapper, _| {
            let statements = statements.clone();
            Box::pin(async move { client.batch_execute(&statements).await.map_err(HookError::Backend) })
        });
        let mut builder = pool::builder(self.connector()?, connections_max, patience).post_create(set_up);
        if let Some(life) = life {
            builder = life.bind(builder);
        }
        Ok(builder.build()?)
    }
}

fn keeper_session(finds_by_key: bool) -> &'static [&'static str] {
    if finds_by_key { &[SLOW, BY_KEY] } else { &[SLOW] }
}

/// The same pools, whose connections lead to the database of the journal's current life or are none.
impl LivingDatabase {
    /// As [`DatabaseSettings::pool`].
    ///
    /// # Errors
    /// [`PoolSettingsError`].
    pub fn pool(&self, connections_max: usize) -> Result<Pool, PoolSettingsError> {
        self.settings.build(connections_max, &[QUICK], Some(&self.life))
    }

    /// As [`DatabaseSettings::writer_pool`].
    ///
    /// # Errors
    /// [`PoolSettingsError`].
    pub fn writer_pool(&self) -> Result<Pool, PoolSettingsError> {
        self.settings.build(WRITER_CONNECTIONS, &[QUICK, BY_KEY], Some(&self.life))
    }

    /// As [`DatabaseSettings::keeper_pool`].
    ///
    /// # Errors
    /// [`PoolSettingsError`].
    pub fn keeper_pool(&self, finds_by_key: bool) -> Result<Pool, PoolSettingsError> {
        self.settings.build(KEEPER_CONNECTIONS, keeper_session(finds_by_key), Some(&self.life))
    }

    /// As [`DatabaseSettings::connector`].
    ///
    /// # Errors
    /// [`PoolSettingsError`].
    pub fn connector(&self) -> Result<Connector, PoolSettingsError> {
        self.settings.connector()
    }
}

const WRITER_CONNECTIONS: usize = 2;
const KEEPER_CONNECTIONS: usize = 1;
/// Transactions hold the lease, and a takeover waits for them. One whose engine was frozen in the middle ends before the
/// lease does; one whose engine is gone ends in the middle of a statement, where the server can tell.
const LEASED: &str = "
    SET idle_in_transaction_session_timeout = '4s';
    DO $$ BEGIN
        PERFORM set_config('client_connection_check_interval', '1s', false);
    EXCEPTION WHEN OTHERS THEN NULL;
    END $$;";
/// Shorter than the lease. What takes longer waits for a lock or a dead disk, and is tried again.
const QUICK: &str = "SET statement_timeout = '5s';";
/// What derives figures reads much at once. A takeover waits so long for it at worst: where the engine that asked stands
/// still and is not gone.
const SLOW: &str = "SET statement_timeout = '30s';";
/// The writer finds every row by its key. A plan that was made while a table was small, or before its statistics were,
/// would read all of it for each batch and be kept; so there is only the one way.
const BY_KEY: &str = "
    SET enable_seqscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;";

/// A statement did not work.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No connection: the server is away, or all connections are in use. Try again later.
    #[error("no connection to PostgreSQL: {}", describe_pool(.0))]
    NoConnection(#[from] PoolError),
    /// PostgreSQL answered with an error, or the connection was lost.
    #[error("PostgreSQL: {}", describe(.0))]
    Statement(#[from] tokio_postgres::Error),
    /// The server holds its connection and says nothing.
    #[error("no answer from PostgreSQL in {} s", .0.as_secs())]
    NoAnswer(Duration),
    /// A row holds what the domain can't.
    #[error(transparent)]
    BadRow(#[from] rows::BadRow),
    /// Another node may write now: nothing was written, and nothing will be in this term.
    #[error("the lease of term {0} is over")]
    LeaseOver(lease::Term),
    /// Which journal this is, is not known or not right.
    #[error(transparent)]
    Identity(#[from] identity::IdentityError),
    /// A page of history could not be read.
    #[error(transparent)]
    Read(#[from] read::ReadFailure),
}

impl JournalError {
    /// The server is not there, or the connection to it was lost.
    pub fn is_connection(&self) -> bool {
        match self {
            Self::NoConnection(_) | Self::NoAnswer(_) => true,
            Self::Statement(error) => error.as_db_error().is_none(),
            Self::BadRow(_) | Self::LeaseOver(_) | Self::Read(_) | Self::Identity(_) => false,
        }
    }
}

/// Asks whether the database is there.
///
/// # Errors
/// It is not.
pub async fn ping(pool: &Pool) -> Result<(), JournalError> {
    pool.get().await?.simple_query("").await?;
    Ok(())
}

fn describe_pool(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => Refusal::of(error).map_or_else(|| describe(error), |refusal| refusal.to_string()),
        other => other.to_string(),
    }
}

/// `tokio_postgres::Error` hides the server's message behind `source`.
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => {
            let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
            format!("{error}{source}")
        }
    }
}
