//! A client that insists: it asks again until it has an answer that decides, as a well-made client does.
//!
//! No answer, 408, 429 and 5xx decide nothing; 401 has it sign in anew. The same body goes under the same Idempotency-Key,
//! so nothing that is asked again has its effect twice.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use solana_sdk::{signature::Keypair, signer::Signer};
use tokio::time::{sleep, timeout};

use super::record::Shared;
use crate::http::{Response, try_request};

/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two times that it is asked.
const PAUSE: Duration = Duration::from_millis(150);
/// How long it insists before it is a fault that nobody decides.
const INSISTS: Duration = Duration::from_secs(180);
/// Answers 409 in a row that may mean that the first request is still being worked on.
const CONFLICTS_MAX: u32 = 40;

/// A wallet that asks; it signs in when it has to.
#[derive(Debug)]
pub struct Asking {
    /// The wallet's key.
    pub key: Keypair,
    /// Where it asks, in turn: whoever gets no answer goes to the next.
    apis: Arc<Vec<String>>,
    at: usize,
    token: Option<String>,
    record: Arc<Shared>,
}

impl Asking {
    /// Not signed in yet.
    pub fn new(key: Keypair, apis: Arc<Vec<String>>, at: usize, record: Arc<Shared>) -> Self {
        Self { key, apis, at, token: None, record }
    }

    /// The wallet's address.
    pub fn wallet(&self) -> String {
        self.key.pubkey().to_string()
    }

    /// Asks until it is decided: the status and the body. `None`, and a fault in the record, if nobody ever decides.
    pub async fn insist(&mut self, method: &str, path: &str, body: &Value, key: Option<&str>) -> Option<(u16, Value)> {
        let (began, mut conflicts) = (Instant::now(), 0);
        let mut last = String::from("nothing");
        while began.elapsed() < INSISTS {
            if self.token.is_none() {
                self.token = self.sign_in().await;
            }
            let answer = match self.token.clone() {
                Some(token) => self.ask(method, path, Some(&token), body, key).await,
                None => None,
            };
            match answer.as_ref().map(|answer| answer.status) {
                Some(401) => self.token = None,
                Some(409) if conflicts < CONFLICTS_MAX => conflicts += 1,
                Some(status @ (200..=407 | 409..=428 | 430..=499)) => {
                    return Some((status, answer.map(|answer| said(&answer)).unwrap_or_default()));
                }
                Some(_) => {}
                None => self.at += 1,
            }
            if let Some(answer) = answer {
                last = format!("{} {}", answer.status, said(&answer));
            }
            self.record.open().asked_again += 1;
            sleep(PAUSE).await;
        }
        self.record.open().faults.push(format!("{method} {path} was never decided; the last answer was {last}"));
        None
    }

    async fn sign_in(&mut self) -> Option<String> {
        let wallet = self.wallet();
        let begun = self.ask("POST", "/api/auth/nonce", None, &json!({"wallet": wallet}), None).await?;
        let message = said(&begun)["message"].as_str()?.to_owned();
        let signature = self.key.sign_message(message.as_bytes()).to_string();
        let body = json!({"message": message, "signature": signature, "wallet": wallet});
        let answer = self.ask("POST", "/api/auth/login", None, &body, None).await?;
        said(&answer)["token"].as_str().map(str::to_owned)
    }

    /// Once; `None` if there is no whole answer.
    async fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &Value,
        key: Option<&str>,
    ) -> Option<Response> {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        headers.extend(key.map(|key| ("Idempotency-Key", key)));
        let bytes = if method == "GET" { Vec::new() } else { body.to_string().into_bytes() };
        let api = &self.apis[self.at % self.apis.len()];
        let answer = timeout(ANSWER, try_request(method, api, path, &headers, &bytes)).await.ok()?.ok()?;
        is_whole(&answer).then_some(answer)
    }
}

/// One that was cut in the middle is none.
fn is_whole(answer: &Response) -> bool {
    answer.header("content-length").is_none_or(|length| length.parse() == Ok(answer.body.len()))
}

/// What it says.
fn said(answer: &Response) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_was_cut_in_the_middle_is_none() {
        let mut answer = Response { status: 201, headers: Vec::new(), body: b"{\"id\":1}".to_vec() };
        assert!(is_whole(&answer));
        answer.headers.push(("content-length".to_owned(), "8".to_owned()));
        assert!(is_whole(&answer));
        answer.body.pop();
        assert!(!is_whole(&answer));
    }
}
