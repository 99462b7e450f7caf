//! The operators' port, as commands ask it.
//!
//! Owns the address, the token and the shapes of answers. The token comes from the environment only: an argument would be
//! shown by `ps` to everybody on the machine. No redirect is followed, so nobody else is shown it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header::CONTENT_TYPE, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    config::{SecretText, place_of},
    journal::operator_actions::Noted,
    telemetry::census::LastPanic,
};

/// How long an answer may take: the port has a worker of its own.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Where the port is.
#[derive(Debug, Clone, clap::Args)]
pub struct OpsAddress {
    /// The operators' port; by default on this machine, at OPS_PORT. The token is OPS_TOKEN of the environment or of .env.
    #[arg(long, value_name = "URL")]
    ops_url: Option<String>,
    /// Its port on this machine, as the engine itself is told.
    #[arg(long, env = "OPS_PORT", hide_env_values = true, default_value = "4003", hide = true)]
    ops_port: u16,
    /// The address that it is bound to, as the engine itself is told.
    #[arg(long, env = "OPS_BIND", hide_env_values = true, default_value = "127.0.0.1", hide = true)]
    ops_bind: String,
}

impl OpsAddress {
    fn base(&self) -> String {
        match (&self.ops_url, self.ops_bind.as_str()) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            // Bound to all of this machine's addresses.
            (None, "0.0.0.0") => format!("http://127.0.0.1:{}", self.ops_port),
            (None, "::") => format!("http://[::1]:{}", self.ops_port),
            (None, host) if host.contains(':') => format!("http://[{host}]:{}", self.ops_port),
            (None, host) => format!("http://{host}:{}", self.ops_port),
        }
    }
}

/// Who orders something, and why: what is written down of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct Why {
    /// Why; it is written down with the order (`zmart audit`).
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who you are, as it is written down.
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    by: Option<String>,
}

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    /// Nobody is there, or does not answer in time.
    #[error("no engine answers on its operators' port ({place}): {detail}")]
    Away {
        /// Where.
        place: String,
        /// What was seen.
        detail: String,
    },
    /// The token is missing or wrong.
    #[error("the engine refuses: {0} (OPS_TOKEN, in the environment or in .env)")]
    NotLetIn(String),
    /// Nobody has that name.
    #[error("{0}")]
    Unknown(String),
    /// It can't be done, now.
    #[error("{0}")]
    NotNow(String),
    /// Another refusal.
    #[error("the engine answers {status}: {message}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// The engine's words.
        message: String,
    },
    /// It is no answer of this port.
    #[error("the answer can't be understood: is this the operators' port? {0}")]
    Unusable(String),
    /// The address can't be used.
    #[error("--ops-url can't be used: {0}")]
    Address(String),
}

impl OpsError {
    /// Nothing could be asked; else the engine answered, and said no.
    pub fn is_unasked(&self) -> bool {
        !matches!(self, Self::Unknown(_) | Self::NotNow(_))
    }
}

/// All that runs.
#[derive(Debug, Clone, Deserialize)]
pub struct Process {
    /// The node's name.
    pub node: String,
    /// Its process.
    pub pid: u32,
    /// When that began.
    pub started_at: DateTime<Utc>,
    /// The release.
    pub version: String,
    /// The six that operators know.
    pub services: Vec<Service>,
    /// Those that work in them.
    pub actors: Vec<Actor>,
    /// Markets in memory.
    #[serde(default)]
    pub markets: Markets,
}

/// Counts of markets.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Markets {
    /// In memory.
    #[serde(default)]
    pub alive: u64,
    /// Perhaps behind the chain.
    #[serde(default)]
    pub stale: u64,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// How it is.
    pub status: String,
    /// Of all of its actors.
    pub restarts: u64,
    /// Since the newest life in it began.
    pub uptime_seconds: Option<u64>,
    /// How long its actors have worked.
    pub busy_ms: u64,
    /// Their names.
    pub actors: Vec<String>,
}

/// An actor, or all of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Actor {
    /// Its name.
    pub name: String,
    /// Who starts it again.
    pub parent: Option<String>,
    /// What it is.
    pub kind: String,
    /// What it belongs to.
    pub service: Option<String>,
    /// How it is.
    pub status: String,
    /// When there is one.
    pub runs: String,
    /// Lives that followed another.
    pub restarts: u64,
    /// When its life began.
    pub started_at: Option<DateTime<Utc>>,
    /// What waits in it.
    pub queue: Option<u64>,
    /// What may.
    pub queue_max: Option<u64>,
    /// What it has done.
    pub processed: u64,
    /// How long that took.
    pub busy_ms: u64,
    /// What it said last when it died.
    pub last_panic: Option<LastPanic>,
}

/// What has become of an order.
#[derive(Debug, Clone, Deserialize)]
pub struct Obeyed {
    /// Whom it was for.
    pub name: String,
    /// How that is now.
    pub status: String,
}

#[derive(Deserialize)]
struct Audit {
    actions: Vec<Noted>,
}

#[derive(Deserialize)]
struct ErrorBody {
    message: String,
}

/// A client of the port.
pub struct OpsClient {
    http: Client,
    base: reqwest::Url,
    token: Option<SecretText>,
}

impl OpsClient {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// [`OpsError::Address`].
    pub fn new(address: &OpsAddress) -> Result<Self, OpsError> {
        let token = std::env::var("OPS_TOKEN").ok().filter(|token| !token.trim().is_empty());
        let token = token.and_then(|token| token.trim().parse().ok());
        let bad = |error: String| OpsError::Address(error);
        let base: reqwest::Url = address.base().parse().map_err(|_| bad("it is no address".to_owned()))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(bad("it is no http or https address".to_owned()));
        }
        let http = Client::builder().redirect(Policy::none()).no_proxy().timeout(PATIENCE).build();
        Ok(Self { http: http.map_err(|error| bad(error.to_string()))?, base, token })
    }

    /// All that runs, and the answer as it was.
    ///
    /// # Errors
    /// [`OpsError`].
    pub async fn actors(&self) -> Result<(Process, Value), OpsError> {
        let answer: Value = self.get(&["actors"], &[]).await?;
        let process = serde_json::from_value(answer.clone()).map_err(|error| OpsError::Unusable(error.to_string()))?;
        Ok((process, answer))
    }

    /// Orders `restart`, `stop` or `start` of an actor, a service, or `market:ADDRESS`.
    ///
    /// # Errors
    /// [`OpsError`].
    pub async fn order(&self, name: &str, order: &str, why: &Why) -> Result<Obeyed, OpsError> {
        let Why { reason, by } = why;
        // An environment without a user has none.
        let by = by.as_deref().filter(|by| !by.trim().is_empty());
        let body = json!({ "reason": reason, "by": by }).to_string();
        let request = self.request(Method::POST, &["actors", name, order], &[]);
        self.send(request.header(CONTENT_TYPE, "application/json").body(body)).await
    }

    /// What operators did, the newest first: so many, before a number.
    ///
    /// # Errors
    /// [`OpsError`].
    pub async fn audit(&self, limit: u32, before: Option<i64>) -> Result<Vec<Noted>, OpsError> {
        let (limit, before) = (limit.to_string(), before.map(|before| before.to_string()));
        let mut query = vec![("limit", limit.as_str())];
        query.extend(before.as_deref().map(|before| ("before", before)));
        let Audit { actions } = self.get(&["audit"], &query).await?;
        Ok(actions)
    }

    /// The newest lines of the log, of a service or of all.
    ///
    /// # Errors
    /// [`OpsError`].
    pub async fn logs(&self, lines: usize, service: Option<&str>) -> Result<Value, OpsError> {
        let lines = lines.to_string();
        let mut query = vec![("lines", lines.as_str())];
        query.extend(service.map(|service| ("service", service)));
        self.get(&["logs"], &query).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T, OpsError> {
        self.send(self.request(Method::GET, path, query)).await
    }

    fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.base.clone();
        // It can be a base, so it has a path; names have spaces.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, OpsError> {
        let response = request.send().await.map_err(|error| self.away(&error))?;
        let status = response.status();
        let body = self.body(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| OpsError::Unusable(error.to_string()));
        }
        let message = match serde_json::from_slice::<ErrorBody>(&body) {
            Ok(body) => body.message,
            Err(_) => status.canonical_reason().unwrap_or_default().to_owned(),
        };
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => OpsError::NotLetIn(message),
            StatusCode::NOT_FOUND => OpsError::Unknown(message),
            StatusCode::CONFLICT => OpsError::NotNow(message),
            _ => OpsError::Refused { status, message },
        })
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, OpsError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.away(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(OpsError::Unusable(format!("more than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The outermost error says nothing of why.
    fn away(&self, error: &reqwest::Error) -> OpsError {
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let detail = if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() };
        OpsError::Away { place: place_of(self.base.as_str()).unwrap_or_default(), detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(ops_url: Option<&str>, bind: &str) -> String {
        OpsAddress { ops_url: ops_url.map(str::to_owned), ops_port: 4_003, ops_bind: bind.to_owned() }.base()
    }

    #[test]
    fn the_port_is_found_where_the_engine_was_told_to_bind_it() {
        assert_eq!(address(None, "127.0.0.1"), "http://127.0.0.1:4003");
        assert_eq!(address(None, "0.0.0.0"), "http://127.0.0.1:4003");
        assert_eq!(address(None, "::"), "http://[::1]:4003");
        assert_eq!(address(None, "fd00::1"), "http://[fd00::1]:4003");
        assert_eq!(address(Some("https://ops.example/"), "0.0.0.0"), "https://ops.example");
    }

    #[test]
    fn nothing_but_an_http_address_is_asked() {
        for wrong in ["ftp://x", "mailto:x", "x", ""] {
            let address = OpsAddress { ops_url: Some(wrong.to_owned()), ops_port: 1, ops_bind: String::new() };
            assert!(matches!(OpsClient::new(&address), Err(OpsError::Address(_))), "{wrong}");
        }
    }
}
