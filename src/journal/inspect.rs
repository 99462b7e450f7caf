//! What a database looks like before anything is done to it: for whoever wants to know why an engine does not start.
//!
//! Owns one connection as the login of `DATABASE_URL`, and only reads. What is right or wrong about what it sees is the
//! asker's to say.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::Client;

use super::{
    DatabaseSettings, PoolSettingsError,
    connector::{ConnectError, Connector, Driver},
    gateway_login::GATEWAY_LOGIN,
    migrate,
    migrate::MigrateError,
    rights,
    ssl_words::Protection,
};
use crate::tls::refusal::Refusal;

/// Why there is nothing to see.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The connection string can't be used.
    #[error(transparent)]
    Settings(#[from] PoolSettingsError),
    /// The server can't be reached, refuses, or is not taken for the one that was meant.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It refused a statement.
    #[error("{}", super::describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// Which migrations were applied can't be read.
    #[error(transparent)]
    Migrations(#[from] MigrateError),
    /// It holds its connection and says nothing.
    #[error("no answer in {} s", .0.as_secs())]
    NoAnswer(Duration),
}

/// The server, and what the login of `DATABASE_URL` may do there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// As people say it: `16.4 (Debian …)`.
    pub version: String,
    /// As 160004.
    pub version_number: i32,
    /// A standby, which takes no writes.
    pub is_recovering: bool,
    /// What time it is there.
    pub now: DateTime<Utc>,
    /// Connections that it takes, of everybody.
    pub connections_max: i32,
    /// Those that are open now.
    pub connections: i64,
    /// Who asks.
    pub login: String,
    /// Is it a superuser?
    pub is_superuser: bool,
    /// May it make roles?
    pub makes_roles: bool,
    /// May it make tables in the schema that it works in?
    pub makes_tables: bool,
}

/// The roles of the engine, as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// Those that a migration makes and that are not there.
    pub missing: Vec<String>,
    /// The engine's own role reads and writes past row level security: its large batches may be copied.
    pub engine_bypasses: bool,
    /// The login of `DATABASE_URL` can act as the engine's role.
    pub can_act: bool,
    /// The engine's own login for requests is there.
    pub has_gateway: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Inspection {
    client: Client,
    driver: JoinHandle<()>,
    patience: Duration,
    is_encrypted: bool,
}

/// A connection, and whether it is encrypted: what is encrypted where it can be, is asked to be first.
async fn dial(connector: &Connector) -> Result<(Client, Driver, bool), ConnectError> {
    let is_encrypted = match connector.protection() {
        Protection::Off => false,
        Protection::Unchecked | Protection::Chain(_) | Protection::ChainAndName(_) => true,
        Protection::IfOffered => match connector.clone().required().connect().await {
            Err(ConnectError::Tls(Refusal::NotOffered)) => false,
            connected => return connected.map(|(client, driver)| (client, driver, true)),
        },
    };
    let (client, driver) = connector.connect().await?;
    Ok((client, driver, is_encrypted))
}

impl Inspection {
    /// Connects. Every question may take as long as connecting.
    ///
    /// # Errors
    /// [`InspectError`].
    pub async fn begin(settings: &DatabaseSettings) -> Result<Self, InspectError> {
        let patience = settings.connect_timeout;
        let connector = settings.connector()?;
        let dialled = timeout(patience, dial(&connector)).await;
        let (client, connection, is_encrypted) = dialled.map_err(|_| InspectError::NoAnswer(patience))??;
        let driver = tokio::spawn(async move {
            // Whoever asks sees it by the answer that does not come.
            let _ = connection.await;
        });
        Ok(Self { client, driver, patience, is_encrypted })
    }

    /// Nobody on the way can listen.
    pub fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The server, and the login.
    ///
    /// # Errors
    /// [`InspectError`].
    pub async fn server(&self) -> Result<Server, InspectError> {
        const SQL: &str = "SELECT current_setting('server_version'), current_setting('server_version_num')::int,
                                  pg_is_in_recovery(), clock_timestamp(), current_setting('max_connections')::int,
                                  (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
                                  session_user::text, rolsuper, rolcreaterole,
                                  has_schema_privilege(current_schema(), 'CREATE')
                           FROM pg_roles WHERE rolname = session_user";
        let row = self.within(self.client.query_one(SQL, &[])).await?;
        Ok(Server {
            version: row.try_get(0)?,
            version_number: row.try_get(1)?,
            is_recovering: row.try_get(2)?,
            now: row.try_get(3)?,
            connections_max: row.try_get(4)?,
            connections: row.try_get(5)?,
            login: row.try_get(6)?,
            is_superuser: row.try_get(7)?,
            makes_roles: row.try_get(8)?,
            makes_tables: row.try_get::<_, Option<bool>>(9)?.unwrap_or(false),
        })
    }

    /// The roles.
    ///
    /// # Errors
    /// [`InspectError`].
    pub async fn roles(&self) -> Result<Roles, InspectError> {
        // A role is named only where it is there: asking what one that is not may do is an error.
        const SQL: &str = "SELECT coalesce((SELECT array_agg(wanted) FROM unnest($1::text[]) wanted
                                            WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted)), '{}'),
                                  coalesce((SELECT rolbypassrls FROM pg_roles WHERE rolname = $2), false),
                                  coalesce((SELECT pg_has_role(session_user, oid, 'MEMBER') FROM pg_roles
                                            WHERE rolname = $2), false),
                                  EXISTS (SELECT FROM pg_roles WHERE rolname = $3)";
        let wanted = [rights::ANYONE_ROLE, rights::USER_ROLE, rights::ENGINE_ROLE].as_slice();
        let row = self.within(self.client.query_one(SQL, &[&wanted, &rights::ENGINE_ROLE, &GATEWAY_LOGIN])).await?;
        Ok(Roles {
            missing: row.try_get(0)?,
            engine_bypasses: row.try_get(1)?,
            can_act: row.try_get(2)?,
            has_gateway: row.try_get(3)?,
        })
    }

    /// How the schema stands to this binary.
    ///
    /// # Errors
    /// [`InspectError`].
    pub async fn migrations(&mut self) -> Result<migrate::Standing, InspectError> {
        let patience = self.patience;
        let standing = timeout(patience, migrate::standing(&mut self.client)).await;
        Ok(standing.map_err(|_| InspectError::NoAnswer(patience))??)
    }

    /// The chain (genesis hash, program) that the journal was begun with; `None` where there is no journal yet.
    ///
    /// # Errors
    /// [`InspectError`].
    pub async fn chain(&self) -> Result<Option<(String, String)>, InspectError> {
        let is_there = self.client.query_one("SELECT to_regclass('chain_identity') IS NOT NULL", &[]);
        if !self.within(is_there).await?.try_get::<_, bool>(0)? {
            return Ok(None);
        }
        let row = self.client.query_opt("SELECT genesis_hash, program_id::text FROM chain_identity", &[]);
        let Some(row) = self.within(row).await? else { return Ok(None) };
        Ok(Some((row.try_get(0)?, row.try_get(1)?)))
    }

    async fn within<T>(
        &self,
        question: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, InspectError> {
        let answer = timeout(self.patience, question).await;
        Ok(answer.map_err(|_| InspectError::NoAnswer(self.patience))??)
    }
}

impl Drop for Inspection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
