//! A client that is signed in: a wallet's key, its session, and requests under its token.
//!
//! It signs in as a wallet does, over HTTP, and holds nothing that a wallet would not. What is wrong with an answer is for
//! the test to say; only sign-in itself must work.

use serde_json::{Value, json};
use solana_sdk::{signature::Keypair, signer::Signer};
use zmart::domain::ids::Wallet;

use crate::http::{Response, request};

/// See the module.
#[derive(Debug)]
pub struct SignedInClient {
    /// The wallet's key.
    pub key: Keypair,
    /// `http://HOST:PORT` of the REST API.
    pub api: String,
    /// The access token.
    pub token: String,
    /// The newest refresh token.
    pub refresh_token: String,
}

impl SignedInClient {
    /// A new wallet, signed in.
    pub async fn new(api: &str) -> Self {
        Self::with_key(api, Keypair::new()).await
    }

    /// This wallet, signed in.
    ///
    /// # Panics
    /// If it can't sign in.
    pub async fn with_key(api: &str, key: Keypair) -> Self {
        let begun = begin(api, wallet_of(&key)).await;
        let message = begun["message"].as_str().expect("a message").to_owned();
        let signature = key.sign_message(message.as_bytes()).to_string();
        let body = json!({"message": message, "signature": signature, "wallet": wallet_of(&key)});
        let answer = post(api, "/api/auth/login", None, &body, &[]).await;
        assert_eq!(answer.status, 200, "login: {}", String::from_utf8_lossy(&answer.body));
        let answer = answer.json();
        let text = |name: &str| answer[name].as_str().expect(name).to_owned();
        Self { key, api: api.to_owned(), token: text("token"), refresh_token: text("refresh_token") }
    }

    /// Its wallet.
    pub fn wallet(&self) -> Wallet {
        wallet_of(&self.key)
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Response {
        self.send("GET", path, None, &[]).await
    }

    /// POST of a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, Some(body), &[]).await
    }

    /// POST of a JSON body under an Idempotency-Key.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Response {
        self.send("POST", path, Some(body), &[("Idempotency-Key", key)]).await
    }

    /// Any request, with more headers.
    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Response {
        send(method, &self.api, path, Some(&self.token), body, headers).await
    }

    /// Takes new tokens for its refresh token.
    ///
    /// # Panics
    /// If there are none.
    pub async fn refresh(&mut self) {
        let answer =
            post(&self.api, "/api/auth/refresh", None, &json!({"refresh_token": self.refresh_token}), &[]).await;
        assert_eq!(answer.status, 200, "refresh: {}", String::from_utf8_lossy(&answer.body));
        let answer = answer.json();
        self.token = answer["token"].as_str().expect("a token").to_owned();
        self.refresh_token = answer["refresh_token"].as_str().expect("a refresh token").to_owned();
    }
}

/// A key's wallet.
pub fn wallet_of(key: &Keypair) -> Wallet {
    Wallet(key.pubkey().to_bytes())
}

/// Begins a sign-in: `{nonce, message, input, expires_at}`.
///
/// # Panics
/// If it can't be begun.
pub async fn begin(api: &str, wallet: Wallet) -> Value {
    let answer = post(api, "/api/auth/nonce", None, &json!({"wallet": wallet}), &[]).await;
    assert_eq!(answer.status, 200, "nonce: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// POST of a JSON body, with or without a token.
pub async fn post(api: &str, path: &str, token: Option<&str>, body: &Value, headers: &[(&str, &str)]) -> Response {
    send("POST", api, path, token, Some(body), headers).await
}

/// Any request, with or without a token and a JSON body.
pub async fn send(
    method: &str,
    api: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
    headers: &[(&str, &str)],
) -> Response {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = headers.to_vec();
    headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
    let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    if body.is_some() {
        headers.push(("Content-Type", "application/json"));
    }
    request(method, api, path, &headers, &bytes).await
}
