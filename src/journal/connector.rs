//! The one place where connections to PostgreSQL are made: for pools, for who listens, for the schema, for the doctor.
//!
//! Owns to whom, as whom, and how it is protected ([`super::ssl_words`]). The CA's file is read when a connector is made, so
//! another one counts from the next start on. Never falls back to less than was asked for.

use std::{fmt, net::IpAddr, path::Path, str::FromStr};

use deadpool_postgres::{Manager, ManagerConfig};
use tokio_postgres::{
    Client, Config, Connection, Socket,
    config::{Host, SslMode, SslNegotiation},
    tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    PoolSettingsError,
    ssl_words::{self, Protection},
};
use crate::tls::{
    is_this_machine,
    refusal::Refusal,
    roots::Roots,
    verifier::{Checked, client},
};

/// What PostgreSQL calls its protocol where TLS is asked to choose one.
const ALPN: &[u8] = b"postgresql";

/// No connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server is not taken for the one that was meant, or does not speak TLS. Trying again does not help.
    #[error(transparent)]
    Tls(Refusal),
    /// It can't be reached, refuses, or the connection was lost.
    #[error("{}", super::describe(.0))]
    Database(tokio_postgres::Error),
}

impl ConnectError {
    /// Trying again changes nothing.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

impl From<tokio_postgres::Error> for ConnectError {
    fn from(error: tokio_postgres::Error) -> Self {
        Refusal::of(&error).map_or(Self::Database(error), Self::Tls)
    }
}

/// See the module. Connects to nothing by itself.
#[derive(Clone)]
pub struct Connector {
    config: Config,
    tls: MakeRustlsConnect,
    protection: Protection,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its password is hidden there.
        f.debug_struct("Connector").field("config", &self.config).field("protection", &self.protection).finish()
    }
}

/// What drives a connection; to be spawned.
pub type Driver = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

impl FromStr for Connector {
    type Err = PoolSettingsError;

    /// As [`Connector::new`], without a CA beside it.
    fn from_str(text: &str) -> Result<Self, PoolSettingsError> {
        Self::new(text, None)
    }
}

impl Connector {
    /// As a connection string has it; `ca_file` holds where that names no CA.
    ///
    /// # Errors
    /// [`PoolSettingsError`].
    pub fn new(text: &str, ca_file: Option<&Path>) -> Result<Self, PoolSettingsError> {
        let (rest, mut protection) = ssl_words::read(text, ca_file).map_err(PoolSettingsError::Ssl)?;
        let mut config: Config = rest.parse()?;
        if config.get_hosts().is_empty() {
            // An address without a name: it is the name.
            let names: Vec<String> = config.get_hostaddrs().iter().map(IpAddr::to_string).collect();
            for name in &names {
                config.host(name);
            }
        }
        // As libpq: no TLS over a socket of this machine's.
        if !config.get_hosts().is_empty() && config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_))) {
            protection = Protection::Off;
        }
        config.ssl_mode(match protection {
            Protection::Off => SslMode::Disable,
            Protection::IfOffered => SslMode::Prefer,
            Protection::Unchecked | Protection::Chain(_) | Protection::ChainAndName(_) => SslMode::Require,
        });
        let loaded = |roots: &Roots| roots.load().map_err(PoolSettingsError::Roots);
        let mut tls = client(match &protection {
            Protection::Off | Protection::IfOffered | Protection::Unchecked => Checked::Nothing,
            Protection::Chain(roots) => Checked::Chain(loaded(roots)?),
            Protection::ChainAndName(roots) => Checked::ChainAndName(loaded(roots)?),
        })
        .map_err(PoolSettingsError::Tls)?;
        if config.get_ssl_negotiation() == SslNegotiation::Direct {
            tls.alpn_protocols = vec![ALPN.to_vec()];
        }
        Ok(Self { config, tls: MakeRustlsConnect::new(tls), protection })
    }

    /// With these settings of the connection besides.
    pub(super) fn with(mut self, set: impl FnOnce(&mut Config)) -> Self {
        set(&mut self.config);
        self
    }

    /// The same server, as somebody else.
    pub fn as_login(self, user: &str, password: &str) -> Self {
        self.with(|config| {
            config.user(user).password(password);
        })
    }

    /// The same, and a server without TLS is refused where it would be taken.
    pub fn required(self) -> Self {
        match self.protection {
            Protection::IfOffered => self.with(|config| {
                config.ssl_mode(SslMode::Require);
            }),
            _ => self,
        }
    }

    /// A connection, and what drives it.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(&self) -> Result<(Client, Driver), ConnectError> {
        Ok(self.config.connect(self.tls.clone()).await?)
    }

    /// What a pool makes its connections by.
    pub fn manager(self, config: ManagerConfig) -> Manager {
        Manager::from_config(self.config, self.tls, config)
    }

    /// As whom.
    pub fn login(&self) -> &str {
        self.config.get_user().unwrap_or_default()
    }

    /// To whom.
    pub fn hosts(&self) -> &[Host] {
        self.config.get_hosts()
    }

    /// How it is protected.
    pub fn protection(&self) -> &Protection {
        &self.protection
    }

    /// Whatever is sent stays on this machine.
    pub fn stays_here(&self) -> bool {
        let is_here = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => is_this_machine(name),
        };
        match self.config.get_hostaddrs() {
            [] => self.hosts().iter().all(is_here),
            addresses => addresses.iter().all(IpAddr::is_loopback),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_this_machine_is_told_from_others_and_a_unix_socket_has_no_tls() {
        for (text, stays, protection) in [
            ("postgres://me@127.0.0.1/db", true, Protection::IfOffered),
            ("postgres://me@localhost/db?sslmode=disable", true, Protection::Off),
            ("host=/run/postgresql user=me sslmode=require", true, Protection::Off),
            ("hostaddr=::1 user=me", true, Protection::IfOffered),
            ("host=localhost hostaddr=192.0.2.1 user=me sslmode=require", false, Protection::Unchecked),
            ("postgres://me@db.example,localhost/db", false, Protection::IfOffered),
            ("postgres://me@10.0.0.7/db", false, Protection::IfOffered),
        ] {
            let connector = Connector::new(text, None).unwrap();
            assert_eq!((connector.stays_here(), connector.protection()), (stays, &protection), "{text}");
        }
        assert_eq!(Connector::new("hostaddr=::1 user=me", None).unwrap().hosts(), [Host::Tcp("::1".to_owned())]);
    }

    #[test]
    fn no_password_is_shown() {
        let connector = Connector::new("postgres://me:hush@h/db", None).unwrap().as_login("you", "hush");
        assert!(!format!("{connector:?}").contains("hush"));
    }
}
