//! One attempt at one call: the HTTP below the client library.
//!
//! The library's own transport hides "too many requests" in a loop of its own, reads bodies of any size, and turns error
//! data that it does not know into nothing. This one asks the shared budget first, tells it what the node says, bounds
//! the body, and keeps the node's error as it is. It never repeats a call: that is the caller's decision.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use serde_json::Value;
use solana_rpc_client::rpc_sender::{RpcSender, RpcTransportStats};
use solana_rpc_client_api::{
    client_error::{self, ErrorKind, reqwest},
    request::RpcRequest,
};

use super::budget::{PAUSE_MAX, Paused, RpcBudget};

/// The longest answer that is read: about 90,000 market accounts.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Why an attempt brought no result.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    /// The node was not reached: it has not seen the call.
    #[error("not reached: {0}")]
    NotReached(String),
    /// The connection broke, the time was over, or the node answered a server error: it may have seen the call.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// Too many requests.
    #[error("too many requests, {0:?} to wait")]
    RateLimited(Duration),
    /// The node answered an error.
    #[error("refused with {code}: {message}")]
    Refused { code: i64, message: String, data: Value },
    /// The node answered what no node answers.
    #[error("unusable answer: {0}")]
    Unusable(String),
}

impl Failure {
    /// The node does not answer, to whatever it is asked; not: it does not answer this.
    pub fn is_the_nodes(&self) -> bool {
        match self {
            Self::NotReached(_) | Self::NoAnswer(_) | Self::RateLimited(_) | Self::Unusable(_) => true,
            // It says that it is behind, or had an error of its own.
            Self::Refused { code, .. } => matches!(code, -32005 | -32603),
        }
    }
}

/// The transport of one client.
pub(super) struct Transport {
    http: reqwest::Client,
    url: reqwest::Url,
    budget: RpcBudget,
    patience: Duration,
    next_id: AtomicU64,
}

impl Transport {
    /// `attempt_timeout` bounds an attempt once it has been admitted, `patience` its waiting for that.
    pub fn new(url: &str, budget: RpcBudget, attempt_timeout: Duration, patience: Duration) -> Result<Self, String> {
        let url = reqwest::Url::parse(url).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("the scheme is {}, not http or https", url.scheme()));
        }
        let http = reqwest::Client::builder()
            .timeout(attempt_timeout)
            .connect_timeout(attempt_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { http, url, budget, patience, next_id: AtomicU64::new(1) })
    }

    async fn attempt(&self, request: RpcRequest, params: Value) -> Result<Value, Failure> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let body = request.build_request_json(id, params).to_string();
        let (status, body) = self.post(body, 1).await?;
        // A refusal by status may still explain itself as JSON-RPC does.
        let result = result_of(&body);
        match (result, status.is_success()) {
            (Err(Failure::Refused { code: -32429 | 429, .. }), _) => {
                Err(Failure::RateLimited(self.budget.refused(None)))
            }
            (Err(Failure::Unusable(_)) | Ok(_), false) => {
                Err(Failure::Unusable(format!("HTTP status {}", status.as_u16())))
            }
            (result, _) => {
                self.budget.answered();
                result
            }
        }
    }

    /// Sends what is so many calls, and reads what the node says to it.
    pub(super) async fn post(&self, body: String, calls: usize) -> Result<(reqwest::StatusCode, Vec<u8>), Failure> {
        let deadline = Instant::now() + self.patience;
        self.budget.admit_calls(calls, deadline).await.map_err(|Paused { left }| Failure::RateLimited(left))?;
        let began = Instant::now();
        let answer = self.exchange(body).await;
        let outcome = match &answer {
            Ok(_) => "ok",
            Err(Failure::RateLimited(_)) => "limited",
            Err(_) => "failed",
        };
        self.budget.ended(calls, outcome, began.elapsed());
        answer
    }

    async fn exchange(&self, body: String) -> Result<(reqwest::StatusCode, Vec<u8>), Failure> {
        let call =
            self.http.post(self.url.clone()).header(reqwest::header::CONTENT_TYPE, "application/json").body(body);
        // An address may carry a key: it never goes into an error's text.
        let response = call.send().await.map_err(|error| {
            let not_reached = error.is_connect();
            let text = chain_text(&error.without_url());
            if not_reached { Failure::NotReached(text) } else { Failure::NoAnswer(text) }
        })?;
        let status = response.status();
        if status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            let retry_after = response.headers().get(reqwest::header::RETRY_AFTER);
            let wait = retry_after.and_then(|value| value.to_str().ok()).and_then(retry_after_duration);
            return Err(Failure::RateLimited(self.budget.refused(wait)));
        }
        if status.is_server_error() {
            return Err(Failure::NoAnswer(format!("HTTP status {}", status.as_u16())));
        }
        Ok((status, read_body(response).await?))
    }
}

impl RpcSender for Transport {
    fn send<'life0, 'async_trait>(
        &'life0 self,
        request: RpcRequest,
        params: Value,
    ) -> Pin<Box<dyn Future<Output = client_error::Result<Value>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            self.attempt(request, params)
                .await
                .map_err(|failure| client_error::Error::from(ErrorKind::Io(io::Error::other(failure))))
        })
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        RpcTransportStats::default()
    }

    fn url(&self) -> String {
        String::new()
    }
}

/// What the transport said, out of the client library's error.
pub(super) fn failure_of(error: client_error::Error) -> Failure {
    match *error.kind {
        ErrorKind::Io(error) => match error.downcast::<Failure>() {
            Ok(failure) => failure,
            Err(error) => Failure::NoAnswer(error.to_string()),
        },
        other => Failure::Unusable(other.to_string()),
    }
}

async fn read_body(mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_BYTES_MAX => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(Failure::Unusable(format!("more than {ANSWER_BYTES_MAX} bytes"))),
            Ok(None) => return Ok(body),
            Err(error) => return Err(Failure::NoAnswer(chain_text(&error.without_url()))),
        }
    }
}

fn result_of(body: &[u8]) -> Result<Value, Failure> {
    let answer: Value = serde_json::from_slice(body).map_err(|error| Failure::Unusable(error.to_string()))?;
    let Value::Object(mut answer) = answer else {
        return Err(Failure::Unusable("the answer is no object".into()));
    };
    match answer.remove("error") {
        None | Some(Value::Null) => {
            answer.remove("result").ok_or_else(|| Failure::Unusable("neither result nor error".into()))
        }
        Some(mut error) => {
            let code = error.get("code").and_then(Value::as_i64);
            let message = error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
            let data = error.get_mut("data").map(Value::take).unwrap_or_default();
            match code {
                Some(code) => Err(Failure::Refused { code, message, data }),
                None => Err(Failure::Unusable("an error without a code".into())),
            }
        }
    }
}

/// Seconds, or a date.
fn retry_after_duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(PAUSE_MAX));
    }
    let moment = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    let left = moment.signed_duration_since(chrono::Utc::now()).num_milliseconds().max(0);
    Some(Duration::from_millis(left.unsigned_abs()).min(PAUSE_MAX))
}

/// An error with its causes: the outermost text alone ("error sending request") says nothing.
fn chain_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        assert_eq!(retry_after_duration("3"), Some(Duration::from_secs(3)));
        assert_eq!(retry_after_duration("100000"), Some(PAUSE_MAX));
        assert_eq!(retry_after_duration("Thu, 01 Jan 1970 00:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(retry_after_duration("Fri, 01 Jan 2100 00:00:00 GMT"), Some(PAUSE_MAX));
        assert_eq!(retry_after_duration("soon"), None);
        assert_eq!(retry_after_duration("-1"), None);
    }

    #[test]
    fn an_answer_is_a_result_or_an_error_with_a_code() {
        assert_eq!(result_of(br#"{"result":null}"#).unwrap(), Value::Null);
        assert_eq!(result_of(br#"{"result":5,"error":null}"#).unwrap(), Value::from(5));
        let refused = result_of(br#"{"error":{"code":-32002,"message":"m","data":{"a":1}}}"#);
        assert!(
            matches!(refused, Err(Failure::Refused { code: -32002, message, data }) if message == "m" && data["a"] == 1)
        );
        for bad in ["", "[]", "{}", r#"{"error":{}}"#, r#"{"error":"x"}"#, r#""Service Unavailable""#] {
            assert!(matches!(result_of(bad.as_bytes()), Err(Failure::Unusable(_))), "{bad}");
        }
    }
}
