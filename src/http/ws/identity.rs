//! Who a connection is: the wallet of the token that it presented, in its URL or by `auth`.
//!
//! A token is judged as REST judges it ([`Tokens`], [`Sessions`]): nothing of that is known here. It is never kept: what
//! stays is the caller that it named. A connection is one wallet's for its life: another token of the same wallet
//! continues, one of another wallet ends it. What a token's end and a logout do is the hub's.

use std::{net::IpAddr, sync::Arc, time::Duration};

use serde::Serialize;
use uuid::Uuid;

use crate::{
    domain::ids::Wallet,
    http::{
        auth::{caller::Caller, sessions::Sessions, siws::SKEW_SECONDS, tokens::Tokens},
        error::ApiError,
        gateway::Reads,
    },
    journal::rows::timestamp,
};

/// A session whose life was not asked after for so long is asked after again: a logout on another node is noticed within
/// [`crate::http::auth::sessions::LIVE_FOR`], as by REST.
pub const ASKED_AFTER: Duration = Duration::from_secs(3);
/// Sessions that are asked after by one question to the database.
pub const ASKED_AT_ONCE: usize = 512;

/// A signed-in connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(Caller);

impl Identity {
    /// Of a caller whose token and session are good.
    pub fn new(caller: Caller) -> Self {
        Self(caller)
    }

    /// As questions know it.
    pub fn caller(&self) -> &Caller {
        &self.0
    }

    /// Whose it is.
    pub fn wallet(&self) -> Wallet {
        self.0.wallet
    }

    /// The session of its token.
    pub fn session(&self) -> Uuid {
        self.0.session
    }

    /// The token's time is over: as long after its end as REST still takes it. `now` is in seconds since 1970.
    pub fn has_run_out(&self, now: i64) -> bool {
        self.0.expires_at_unix.saturating_add(SKEW_SECONDS) < now
    }
}

/// What a connection is told of its sign-in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SignedInView {
    /// Whose it is now.
    pub wallet: Wallet,
    /// When the token runs out, RFC 3339.
    pub expires_at: String,
}

impl From<&Identity> for SignedInView {
    fn from(identity: &Identity) -> Self {
        let expires_at = timestamp(identity.0.expires_at_unix.saturating_mul(1_000));
        Self { wallet: identity.wallet(), expires_at }
    }
}

/// Who comes, as far as the handshake tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor {
    /// The client's address, behind trusted proxies.
    pub address: IpAddr,
    /// Not limited: a front-end server.
    pub is_trusted: bool,
    /// By the token of its URL.
    pub identity: Option<Identity>,
}

/// Judges tokens.
#[derive(Debug, Clone)]
pub struct Door {
    tokens: Arc<Tokens>,
    sessions: Arc<Sessions>,
}

impl Door {
    /// By these.
    pub fn new(tokens: Arc<Tokens>, sessions: Arc<Sessions>) -> Self {
        Self { tokens, sessions }
    }

    /// What is remembered of sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Whom a token names, if it is good and its session still is.
    ///
    /// # Errors
    /// UNAUTHORIZED if not; UNAVAILABLE or TIMEOUT if the session can't be looked up now.
    pub async fn identify(&self, reads: &Reads, token: &str) -> Result<Identity, ApiError> {
        let caller = self.tokens.presented(token)?;
        self.sessions.require(reads, &caller).await?;
        Ok(Identity(caller))
    }
}

/// The token of a handshake's query; `None` without one.
///
/// # Errors
/// VALIDATION_ERROR if it is no query, or holds two.
pub fn token_in(query: &str) -> Result<Option<String>, ApiError> {
    let mut reader = crate::http::query::QueryReader::new(query)?;
    let token = reader.text("token");
    reader.finish()?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_as_long_as_rest_takes_it() {
        let caller =
            Caller { wallet: Wallet([7; 32]), user: Uuid::nil(), session: Uuid::nil(), expires_at_unix: 1_000 };
        let identity = Identity::new(caller);
        assert!(!identity.has_run_out(1_000 + SKEW_SECONDS));
        assert!(identity.has_run_out(1_001 + SKEW_SECONDS));
        assert!(!Identity::new(Caller { expires_at_unix: i64::MAX, ..caller }).has_run_out(i64::MAX - 1));
        assert_eq!(SignedInView::from(&identity).expires_at, "1970-01-01T00:16:40.000Z");
    }

    #[test]
    fn a_query_has_one_token_or_none() {
        assert_eq!(token_in(""), Ok(None));
        assert_eq!(token_in("x=1&token=a.b.c"), Ok(Some("a.b.c".to_owned())));
        assert_eq!(token_in("token="), Ok(Some(String::new())));
        assert!(token_in("token=a&token=b").is_err());
    }
}
