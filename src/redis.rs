//! Redis: the one place where its address is understood and clients are made.
//!
//! `redis://` is in the clear; `rediss://` is TLS with a server whose certificate leads to a root that is trusted here and is
//! made out to the name that was dialled: there is no half of it. Connects to nothing. What is said over a client is the
//! affair of `bus` and of `http::limits`; both can do without Redis, so a server that is refused is one that is away, with the
//! reason in their health.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use deadpool_redis::redis::{Client, IntoConnectionInfo, RedisError, TlsCertificates};

use crate::tls::{
    is_this_machine,
    refusal::Refusal,
    roots::{Roots, RootsError},
};

const PLAIN: &str = "redis://";
const ENCRYPTED: &str = "rediss://";

/// Where it is, and who is believed to be it.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisSettings {
    url: String,
    ca_file: Option<PathBuf>,
}

/// There is no client for this address. Never shows the address, which may carry a password.
#[derive(Debug, thiserror::Error)]
pub enum RedisSettingsError {
    /// It is none.
    #[error("redis://HOST:PORT, or rediss://HOST:PORT for TLS")]
    Address,
    /// `#insecure` would take any server.
    #[error("rediss:// without a check (#…) is not offered; name the server's CA by REDIS_CA_FILE")]
    Unchecked,
    /// The file would not be used.
    #[error("REDIS_CA_FILE is named, and the address is not rediss://: nothing would be checked by it")]
    UnusedCa,
    /// There is nobody to trust.
    #[error("{0}")]
    Roots(RootsError),
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the address: it may carry a password.
        f.debug_struct("RedisSettings").field("ca_file", &self.ca_file).finish_non_exhaustive()
    }
}

impl RedisSettings {
    /// At that address.
    ///
    /// # Errors
    /// [`RedisSettingsError`], but for what only the file can tell.
    pub fn new(url: &str, ca_file: Option<&Path>) -> Result<Self, RedisSettingsError> {
        let settings = Self { url: url.to_owned(), ca_file: ca_file.map(Path::to_owned) };
        if !(url.starts_with(PLAIN) || settings.is_encrypted()) {
            return Err(RedisSettingsError::Address);
        }
        if settings.is_encrypted() && url.contains('#') {
            return Err(RedisSettingsError::Unchecked);
        }
        if settings.ca_file.is_some() && !settings.is_encrypted() {
            return Err(RedisSettingsError::UnusedCa);
        }
        Ok(settings)
    }

    /// A client. Whom it trusts is read now.
    ///
    /// # Errors
    /// [`RedisSettingsError`].
    pub fn client(&self) -> Result<Client, RedisSettingsError> {
        let address = self.url.as_str().into_connection_info().map_err(|_| RedisSettingsError::Address)?;
        if !self.is_encrypted() {
            return Client::open(address).map_err(|_| RedisSettingsError::Address);
        }
        // The library asks for the process's, and there is only one. (An error: it is set already.)
        let _ = rustls::crypto::ring::default_provider().install_default();
        let roots =
            self.ca_file.clone().map_or(Roots::System, Roots::File).load().map_err(RedisSettingsError::Roots)?;
        // Always named: left to itself the library would read all of the system's for each connection.
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(roots.pem().into_bytes()) };
        Client::build_with_tls(address, certificates).map_err(|_| RedisSettingsError::Address)
    }

    /// The address; may carry a password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// TLS, with a server that is checked.
    pub fn is_encrypted(&self) -> bool {
        self.url.starts_with(ENCRYPTED)
    }

    /// Whatever is sent stays on this machine.
    pub fn stays_here(&self) -> bool {
        let address = self.url.as_str().into_connection_info();
        address.is_ok_and(|address| match address.addr() {
            deadpool_redis::redis::ConnectionAddr::Tcp(name, _)
            | deadpool_redis::redis::ConnectionAddr::TcpTls { host: name, .. } => is_this_machine(name),
            _ => false,
        })
    }
}

/// What went wrong, in words that an operator can act on.
pub fn describe(error: &RedisError) -> String {
    Refusal::of(error).map_or_else(|| error.to_string(), |refusal| refusal.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_would_check_less_than_it_says_is_refused() {
        let made = |url: &str, ca: Option<&str>| {
            RedisSettings::new(url, ca.map(Path::new)).map(|settings| settings.stays_here())
        };
        assert!(matches!(made("redis://127.0.0.1:6379", None), Ok(true)));
        assert!(matches!(made("rediss://:hush@cache.example:6380", Some("/ca.pem")), Ok(false)));
        assert!(matches!(made("http://x", None), Err(RedisSettingsError::Address)));
        assert!(matches!(made("rediss://x/#insecure", None), Err(RedisSettingsError::Unchecked)));
        assert!(matches!(made("redis://x", Some("/ca.pem")), Err(RedisSettingsError::UnusedCa)));
    }

    #[test]
    fn a_file_that_is_not_there_is_said_before_anything_is_dialled() {
        let settings = RedisSettings::new("rediss://:hush@127.0.0.1:1", Some(Path::new("/nowhere/ca.pem"))).unwrap();
        let error = settings.client().unwrap_err();
        assert!(matches!(error, RedisSettingsError::Roots(RootsError::Unreadable { .. })), "{error}");
        assert!(!format!("{error}{settings:?}").contains("hush"));
    }
}
