//! What passes the proxy: a call, its answer, a notification.
//!
//! Owns the one rule of all of them: the bytes that came are the bytes that go on, unless a fault has changed them. A text
//! is parsed at most once, when the first fault looks into it.

use std::time::Duration;

use serde_json::{Value, json};

/// A text that may be JSON.
#[derive(Debug, Clone)]
pub struct Payload {
    raw: Vec<u8>,
    value: Option<Value>,
    changed: bool,
}

impl Payload {
    /// As it came.
    pub fn new(raw: impl Into<Vec<u8>>) -> Self {
        Self { raw: raw.into(), value: None, changed: false }
    }

    /// As JSON; `Null` if it is none.
    pub fn value(&mut self) -> &Value {
        let raw = &self.raw;
        self.value.get_or_insert_with(|| serde_json::from_slice(raw).unwrap_or_default())
    }

    /// As JSON, to be changed: it is written anew.
    pub fn edit(&mut self) -> &mut Value {
        self.value();
        self.changed = true;
        self.value.get_or_insert_default()
    }

    /// What goes on.
    pub fn into_bytes(self) -> Vec<u8> {
        match self.value {
            Some(value) if self.changed => value.to_string().into_bytes(),
            _ => self.raw,
        }
    }
}

/// A question to the node. A batch of them passes untouched, as a call without a method.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method's name.
    pub method: String,
    /// The whole question.
    pub ask: Value,
}

impl Call {
    /// Reads one.
    pub fn parse(body: &[u8]) -> Self {
        let ask: Value = serde_json::from_slice(body).unwrap_or_default();
        Self { method: ask["method"].as_str().unwrap_or_default().to_owned(), ask }
    }

    /// A parameter by its place.
    pub fn param(&self, index: usize) -> &Value {
        &self.ask["params"][index]
    }

    /// The answer that carries a result.
    pub fn result(&self, result: Value) -> Reply {
        Reply::json(&json!({"jsonrpc": "2.0", "id": self.ask["id"], "result": result}))
    }

    /// The answer that carries an error.
    pub fn error(&self, code: i64, message: &str) -> Reply {
        Reply::json(&json!({"jsonrpc": "2.0", "id": self.ask["id"], "error": {"code": code, "message": message}}))
    }
}

/// How an answer reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Whole.
    Whole,
    /// The connection ends in the middle of the body.
    Cut,
    /// The connection ends before a word of it.
    HangUp,
}

/// An answer on its way to the client.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers that go with it.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Payload,
    /// How long it is held back.
    pub after: Duration,
    /// How it gets there.
    pub manner: Manner,
}

impl Reply {
    /// With a status and a body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: Payload::new(body),
            after: Duration::ZERO,
            manner: Manner::Whole,
        }
    }

    /// With a JSON body.
    pub fn json(value: &Value) -> Self {
        Self::new(200, value.to_string())
    }

    /// The result, to be changed; `None` if the answer carries none, or null.
    pub fn edit_result(&mut self) -> Option<&mut Value> {
        if self.body.value().get("result").is_none_or(Value::is_null) {
            return None;
        }
        self.body.edit().get_mut("result")
    }

    /// The result; `Null` if the answer carries none.
    pub fn result(&mut self) -> &Value {
        &self.body.value()["result"]
    }
}

/// A notification on its way to the client.
#[derive(Debug, Clone)]
pub struct Note {
    /// The text.
    pub payload: Payload,
    /// How long it is held back; what follows it on its socket waits behind it.
    pub after: Duration,
    /// The socket breaks in the middle of it.
    pub cut: bool,
}

impl Note {
    /// As it came.
    pub fn new(text: impl Into<Vec<u8>>) -> Self {
        Self { payload: Payload::new(text), after: Duration::ZERO, cut: false }
    }

    /// `logsNotification`, `slotNotification` …; empty for the answer to a subscription.
    pub fn method(&mut self) -> &str {
        self.payload.value()["method"].as_str().unwrap_or_default()
    }

    /// What it tells.
    pub fn result(&mut self) -> &Value {
        &self.payload.value()["params"]["result"]
    }

    /// The signature that a log notification tells of.
    pub fn signature(&mut self) -> Option<&str> {
        self.result()["value"]["signature"].as_str()
    }
}
