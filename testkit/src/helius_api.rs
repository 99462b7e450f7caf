//! A stand-in of Helius' API for webhooks: a real HTTP server with the four calls, the key as a parameter of the address, and
//! the answers and refusals of the real one.

use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The key that it knows.
pub const KEY: &str = "0f9a2c4e-the-secret-key-of-tests";

/// See the module; ends when it is dropped.
#[derive(Debug)]
pub struct HeliusApi {
    /// Where it listens.
    pub url: String,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    webhooks: Vec<Value>,
    made: u64,
    calls: Vec<String>,
    /// Answered instead, once each.
    answers: Vec<(u16, String)>,
}

impl HeliusApi {
    /// Without a webhook.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                // Who hangs up is none of its cares.
                tokio::spawn(async move { serve(stream, &state).await });
            }
        });
        Self { url, state, server }
    }

    /// The webhooks that there are.
    pub fn webhooks(&self) -> Vec<Value> {
        self.state.lock().unwrap().webhooks.clone()
    }

    /// Calls so far, like `POST /v0/webhooks`.
    pub fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }

    /// Answers the next call with this, and does nothing.
    pub fn answer_next(&self, status: u16, body: &str) {
        self.state.lock().unwrap().answers.push((status, body.to_owned()));
    }
}

impl Drop for HeliusApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(mut stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut read = Vec::new();
    let (method, target, body) = loop {
        if let Some(request) = parse(&read) {
            break request;
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    };
    let (status, answer) = state.lock().unwrap().answer(&method, &target, &body);
    let head = format!(
        "HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        answer.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn parse(read: &[u8]) -> Option<(String, String, Vec<u8>)> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(read).ok()? else { return None };
    let (method, target) = (request.method?.to_owned(), request.path?.to_owned());
    let length = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.map_or(0, |header| String::from_utf8_lossy(header.value).parse().unwrap());
    Some((method, target, read.get(head..head + length)?.to_vec()))
}

impl State {
    fn answer(&mut self, method: &str, target: &str, body: &[u8]) -> (u16, String) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.calls.push(format!("{method} {path}"));
        if !self.answers.is_empty() {
            return self.answers.remove(0);
        }
        let error = |status, text: &str| (status, json!({ "error": text }).to_string());
        if query != format!("api-key={KEY}") {
            return error(401, &format!("invalid api key: {query}"));
        }
        let id = path.strip_prefix("/v0/webhooks/");
        let place = |webhooks: &[Value]| webhooks.iter().position(|one| id.is_some_and(|id| one["webhookID"] == id));
        match (method, id) {
            ("GET", None) if path == "/v0/webhooks" => (200, json!(self.webhooks).to_string()),
            ("POST", None) if path == "/v0/webhooks" => {
                self.made += 1;
                let Some(webhook) = made(&format!("webhook-{}", self.made), body) else {
                    return error(400, "webhookURL, webhookType and accountAddresses are needed");
                };
                self.webhooks.push(webhook.clone());
                (200, webhook.to_string())
            }
            ("PUT", Some(id)) => match (place(&self.webhooks), made(id, body)) {
                (Some(place), Some(webhook)) => {
                    self.webhooks[place] = webhook.clone();
                    (200, webhook.to_string())
                }
                (None, _) => error(404, "webhook not found"),
                (_, None) => error(400, "webhookURL, webhookType and accountAddresses are needed"),
            },
            ("DELETE", Some(_)) => match place(&self.webhooks) {
                Some(place) => {
                    self.webhooks.remove(place);
                    (200, String::new())
                }
                None => error(404, "webhook not found"),
            },
            _ => error(404, "no such path"),
        }
    }
}

fn made(id: &str, body: &[u8]) -> Option<Value> {
    let mut webhook: Value = serde_json::from_slice(body).ok()?;
    let has = |field: &str| webhook.get(field).is_some_and(|value| !value.is_null());
    if !["webhookURL", "webhookType", "accountAddresses", "transactionTypes"].into_iter().all(has) {
        return None;
    }
    webhook["webhookID"] = json!(id);
    webhook["wallet"] = json!("of whoever pays");
    Some(webhook)
}
