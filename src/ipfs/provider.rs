//! A service that pins files: which one, and how often it is asked.
//!
//! Owns the sorting of its failures by what can be done: what passes is tried again here a few times, as long as the service
//! asks to wait where that is short, and is told to the caller otherwise. An upload that was taken and not answered is made
//! again: the same bytes have the same content id, so nothing is there twice.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use reqwest::{Response, StatusCode, header::RETRY_AFTER};

use super::{ClientError, body, describe, kubo::Kubo, pinata::Pinata};
use crate::config::SecretText;

/// A file is sent so often at most before the caller is told.
const ATTEMPTS: usize = 3;
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(4);
/// Longest wait that a service may ask for and have it waited for here.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// A service that asks for a longer wait is asked after this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Which service, and by what it knows us.
#[derive(Debug, Clone)]
pub enum ProviderSettings {
    /// Pinata.
    Pinata {
        /// Of its API.
        url: SecretText,
        /// By what it knows us.
        key: PinataKey,
    },
    /// Any node that speaks the RPC of Kubo.
    Kubo {
        /// Where `/api/v0` is.
        url: SecretText,
        /// User and password, where it asks for them.
        project: Option<(SecretText, SecretText)>,
    },
}

/// By what Pinata knows us.
#[derive(Debug, Clone)]
pub enum PinataKey {
    /// A token.
    Jwt(SecretText),
    /// A key and its secret.
    Pair(SecretText, SecretText),
}

/// What a service says that it has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The content id that it gave the file.
    pub cid: String,
    /// It had the file already.
    pub is_duplicate: bool,
}

/// Why a file was not taken, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// The service is not there, busy or broken, or what it said can't be read. It may have taken the file.
    #[error("{reason}")]
    Away {
        /// For people.
        reason: String,
        /// It asks to be left alone for so long.
        retry_after: Option<Duration>,
    },
    /// The service does not let us: by these keys, this plan, or at this address. Other files would fare no better.
    #[error("it does not let us ({0}): keys, plan or address are not right")]
    Closed(StatusCode),
    /// This file is refused for what it is.
    #[error("it refuses the file ({0})")]
    Refused(StatusCode),
}

impl AddError {
    pub(super) fn away(reason: impl Into<String>) -> Self {
        Self::Away { reason: reason.into(), retry_after: None }
    }

    fn pause(&self) -> Option<Duration> {
        match self {
            Self::Away { retry_after, .. } => Some(retry_after.unwrap_or_default()),
            Self::Closed(_) | Self::Refused(_) => None,
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub enum Provider {
    /// See [`ProviderSettings`].
    Pinata(Pinata),
    /// See [`ProviderSettings`].
    Kubo(Kubo),
}

impl Provider {
    /// Nothing is sent. `patience`: so long may one upload take.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(settings: &ProviderSettings, patience: Duration) -> Result<Self, ClientError> {
        Ok(match settings.clone() {
            ProviderSettings::Pinata { url, key } => Self::Pinata(Pinata::new(url, key, patience)?),
            ProviderSettings::Kubo { url, project } => Self::Kubo(Kubo::new(url, project, patience)?),
        })
    }

    /// As it is stored.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pinata(_) => "pinata",
            Self::Kubo(_) => "ipfs-rpc",
        }
    }

    /// Has a file pinned, patiently; also how often it was sent.
    pub async fn add(&self, name: &str, file: &str) -> (Result<Added, AddError>, u32) {
        let file = Bytes::copy_from_slice(file.as_bytes());
        let pauses = ExponentialBuilder::default()
            .with_min_delay(PAUSE_MIN)
            .with_max_delay(PAUSE_MAX)
            .with_max_times(ATTEMPTS - 1)
            .with_jitter();
        let mut sent = 0;
        let added = (|| {
            sent += 1;
            self.add_once(name, file.clone())
        })
        .retry(pauses)
        .when(|error| error.pause().is_some_and(|pause| pause <= WAIT_MAX))
        .adjust(|error, pause| pause.map(|pause| pause.max(error.pause().unwrap_or_default())))
        .await;
        (added, sent)
    }

    /// Has a file forgotten that may have been taken without a word. That it is not there is as good.
    ///
    /// # Errors
    /// The service is away, does not let us, or refuses to without saying that it is not there.
    pub async fn remove(&self, cid: &str) -> Result<(), AddError> {
        match self {
            Self::Pinata(pinata) => pinata.remove(cid).await,
            Self::Kubo(kubo) => kubo.remove(cid).await,
        }
    }

    async fn add_once(&self, name: &str, file: Bytes) -> Result<Added, AddError> {
        match self {
            Self::Pinata(pinata) => pinata.add(name, file).await,
            Self::Kubo(kubo) => kubo.add(name, file).await,
        }
    }
}

/// The body of an answer that says that a file was taken.
pub(super) async fn taken(answer: Result<Response, reqwest::Error>) -> Result<Vec<u8>, AddError> {
    let answer = answer.map_err(|error| AddError::away(describe(&error.without_url())))?;
    let status = answer.status();
    if status.is_success() {
        return body(answer, super::ANSWER_BYTES_MAX).await.map_err(AddError::away);
    }
    Err(match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            AddError::Away { reason: format!("it is busy ({status})"), retry_after: retry_after(&answer) }
        }
        StatusCode::UNAUTHORIZED
        | StatusCode::PAYMENT_REQUIRED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED => AddError::Closed(status),
        // They are not followed.
        status if status.is_redirection() => AddError::Closed(status),
        status if status.is_client_error() => AddError::Refused(status),
        status => AddError::Away { reason: format!("it is broken ({status})"), retry_after: retry_after(&answer) },
    })
}

/// Seconds, which is what such services say; a date is not waited for.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}
