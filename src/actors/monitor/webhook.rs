//! The webhook: tells an operator's service of alerts and of their ends, each at least once.
//!
//! Owns one POST and when it is made again. What was taken (a 2xx) is noted at the alert, so a message is repeated only if
//! the process ends in between; `Idempotency-Key` is the same then. A message that is refused for what it is (4xx) holds up
//! no other and waits by itself ([`Refused`]); a service that is away, busy or broken ends the round, and the next one begins
//! with what it has not taken.
//! Never follows a redirect: the address is the operator's word, and may carry a secret, so it is not logged either.

use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use reqwest::{Client, StatusCode, Url, redirect};
use serde::Serialize;

use super::refused::{Full, Refused};
use crate::{
    config::GovernanceConfig,
    journal::{
        JournalError,
        alerts::{self, Alert, News, Notice},
        lease::Leased,
    },
};

/// The service has so long to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Messages of one round.
pub const ROUND_MAX: usize = 64;
/// A message is tried so often in a round.
const ATTEMPTS: usize = 4;
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(4);

/// The address can't be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the webhook's address can't be used: {0}")]
pub struct WebhookError(String);

/// Where alerts are told.
#[derive(Debug, Clone)]
pub struct Webhook {
    client: Client,
    url: Url,
    node: String,
}

/// What is sent. Fields are only added, never changed.
#[derive(Debug, Serialize)]
struct Message<'a> {
    version: u32,
    event: &'static str,
    node: &'a str,
    alert: &'a Alert,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    /// This message is refused.
    #[error("refused with {0}")]
    Refused(StatusCode),
    /// The service is not there, or does not take anything now.
    #[error("{0}")]
    Away(String),
}

/// What a round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    /// Messages that were taken.
    pub taken: usize,
    /// Messages that were refused for what they are.
    pub refused: usize,
    /// The service takes nothing now.
    pub is_away: bool,
    /// There may be more to tell now.
    pub more: bool,
}

impl Webhook {
    /// A webhook at this address; `node` is the name under which it is told. Nothing is sent.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub fn new(url: &str, node: &str) -> Result<Self, WebhookError> {
        // An error of the parser does not repeat what it parsed.
        let url: Url = url.parse().map_err(|error| WebhookError(format!("{error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(WebhookError("http:// or https:// is needed".to_owned()));
        }
        let client = Client::builder()
            .timeout(ANSWER_MAX)
            .connect_timeout(ANSWER_MAX)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("zmart/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| WebhookError(error.without_url().to_string()))?;
        Ok(Self { client, url, node: node.to_owned() })
    }

    /// As it is configured; `None` where none is.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub fn configured(config: &GovernanceConfig, node: &str) -> Result<Option<Self>, WebhookError> {
        config.alert_webhook_url.as_ref().map(|url| Self::new(url.reveal(), node)).transpose()
    }

    /// Tells what nobody has taken yet, but for what was refused a moment ago.
    ///
    /// # Errors
    /// [`JournalError`]: what was taken may be told again.
    pub async fn tell(&self, pool: &Leased, refused: &mut Refused) -> Result<Round, JournalError> {
        let notices = alerts::unnotified(pool.pool(), &refused.waiting(Instant::now()), ROUND_MAX).await?;
        let mut round = Round { more: notices.len() == ROUND_MAX, ..Round::default() };
        for notice in &notices {
            match self.post_patiently(notice).await {
                Ok(()) => {
                    refused.forget(notice.alert.id);
                    alerts::note_notified(pool, notice.alert.id, notice.what).await?;
                    round.taken += 1;
                    // What ended before its beginning was told has its end left.
                    round.more |= notice.what == News::Raised && notice.alert.resolved_at.is_some();
                }
                Err(NotTaken::Refused(status)) => {
                    log::warn!("the webhook refuses alert {} with {status}", notice.alert.id);
                    round.refused += 1;
                    if refused.note(notice.alert.id, Instant::now()) == Err(Full) {
                        round.is_away = true;
                        break;
                    }
                }
                Err(NotTaken::Away(reason)) => {
                    log::warn!("the webhook takes no alerts now: {reason}");
                    round.is_away = true;
                    break;
                }
            }
        }
        round.more &= !round.is_away;
        Ok(round)
    }

    async fn post_patiently(&self, notice: &Notice) -> Result<(), NotTaken> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(PAUSE_MIN)
            .with_max_delay(PAUSE_MAX)
            .with_max_times(ATTEMPTS - 1)
            .with_jitter();
        (|| self.post(notice)).retry(pauses).when(|error| matches!(error, NotTaken::Away(_))).await
    }

    async fn post(&self, notice: &Notice) -> Result<(), NotTaken> {
        let (event, key) = match notice.what {
            News::Raised => ("alert_raised", "raised"),
            News::Resolved => ("alert_resolved", "resolved"),
        };
        let message = Message { version: 1, event, node: &self.node, alert: &notice.alert };
        let body = serde_json::to_vec(&message).map_err(|error| NotTaken::Away(error.to_string()))?;
        let request = self.client.post(self.url.clone()).header("content-type", "application/json");
        let request = request.header("idempotency-key", format!("alert-{}-{key}", notice.alert.id)).body(body);
        let answer = request.send().await.map_err(|error| NotTaken::Away(describe(&error.without_url())))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(NotTaken::Away("it is busy".to_owned())),
            status if status.is_client_error() => Err(NotTaken::Refused(status)),
            // Redirects too: they are not followed.
            status => Err(NotTaken::Away(format!("it answers {status}"))),
        }
    }
}

/// `reqwest::Error` hides the cause behind `source`.
fn describe(error: &reqwest::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_and_is_not_shown() {
        for wrong in ["", "alerts", "ftp://a.example/", "file:///etc/passwd", "http://"] {
            assert!(Webhook::new(wrong, "node").is_err(), "{wrong:?}");
        }
        let error = Webhook::new("gopher://user:secret@a.example/", "node").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
        assert!(Webhook::new("https://hooks.example/T0/secret", "node").is_ok());
    }
}
