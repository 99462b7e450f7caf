//! IPFS, from outside: services that pin files, and gateways that give them back.
//!
//! Owns how each is spoken to, how long it may take, and which of its failures are worth another try. Believes nobody: what
//! a service says of a file is compared by whoever asks, and what a gateway gives is checked against its content id as it
//! comes. Secrets go into headers only, and no error tells an address or a body. Never touches the database.

pub mod document;
pub mod gateway;
pub mod kubo;
pub mod pinata;
pub mod provider;

use std::time::Duration;

use reqwest::{Client, Response, redirect};

/// A connection is tried for so long.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Longest answer to an upload that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 65_536;

/// No client can be made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no HTTP client for IPFS: {0}")]
pub struct ClientError(String);

/// Redirects are not followed where an upload, with its secrets, would follow them.
fn client(patience: Duration, follows: bool) -> Result<Client, ClientError> {
    let redirects = if follows { redirect::Policy::limited(4) } else { redirect::Policy::none() };
    let builder = Client::builder().timeout(patience).connect_timeout(CONNECT_MAX.min(patience)).redirect(redirects);
    let builder = builder.user_agent(concat!("zmart/", env!("CARGO_PKG_VERSION")));
    builder.build().map_err(|error| ClientError(describe(&error.without_url())))
}

/// The body of an answer, up to a bound.
async fn body(mut answer: Response, bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| describe(&error.without_url()))? {
        if bytes.len() + piece.len() > bytes_max {
            return Err("an answer without an end".to_owned());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// `reqwest::Error` hides the cause behind `source`.
fn describe(error: &reqwest::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}
