//! A gateway: where anybody reads a pinned file by its content id.
//!
//! What it gives is hashed as it comes, and is worth nothing unless the id is the one that was asked for.

use std::{fmt, str::FromStr, time::Duration};

use reqwest::{Client, RequestBuilder, StatusCode, Url};

use super::{ClientError, client, describe, kubo::Kubo, provider::Provider};
use crate::domain::{cid::FileHasher, event::IpfsHash};

/// The address of a gateway: what stands before `/ipfs/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayUrl(String);

impl GatewayUrl {
    /// Where a file is.
    pub fn link(&self, cid: &str) -> String {
        format!("{}/ipfs/{cid}", self.0)
    }
}

impl Default for GatewayUrl {
    fn default() -> Self {
        Self("https://ipfs.io".to_owned())
    }
}

impl FromStr for GatewayUrl {
    type Err = String;

    /// With or without `/ipfs` at its end.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "an http or https address".to_owned();
        let url: Url = text.parse().map_err(|_| wrong())?;
        // It is shown to everybody.
        let is_fit = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
        if !is_fit || url.password().is_some() || !url.username().is_empty() {
            return Err(wrong());
        }
        let text = text.trim_end_matches('/');
        Ok(Self(text.strip_suffix("/ipfs").unwrap_or(text).to_owned()))
    }
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a file can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Who was asked is not there, busy or broken: ask again later.
    #[error("it can't be had now: {0}")]
    Away(String),
    /// Who was asked does not have it, or can't find it.
    #[error("it is not there ({0})")]
    NotThere(StatusCode),
    /// What came is another file.
    #[error("what came is another file: {0}")]
    Another(String),
}

/// Who is asked for pinned files.
#[derive(Debug, Clone)]
pub struct Gateway {
    client: Client,
    url: GatewayUrl,
    /// Asked where the gateway does not give a file: a node that has it itself.
    node: Option<Kubo>,
}

impl Gateway {
    /// Nothing is asked. `patience`: so long may one file take.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(url: GatewayUrl, provider: Option<&Provider>, patience: Duration) -> Result<Self, ClientError> {
        let node = match provider {
            Some(Provider::Kubo(kubo)) => Some(kubo.clone()),
            Some(Provider::Pinata(_)) | None => None,
        };
        Ok(Self { client: client(patience, true)?, url, node })
    }

    /// The bytes of a file, which are those of that content id; no more than so many.
    ///
    /// # Errors
    /// [`FetchError`], of the gateway.
    pub async fn fetch(&self, cid: &IpfsHash, bytes_max: u64) -> Result<Vec<u8>, FetchError> {
        let text = cid.text().unwrap_or_default();
        let fetched = fetch(self.client.get(self.url.link(text)), cid, bytes_max).await;
        match (fetched, &self.node) {
            (Err(error), Some(node)) => fetch(node.cat(text), cid, bytes_max).await.map_err(|_| error),
            (fetched, _) => fetched,
        }
    }
}

async fn fetch(request: RequestBuilder, cid: &IpfsHash, bytes_max: u64) -> Result<Vec<u8>, FetchError> {
    let away = |error: reqwest::Error| FetchError::Away(describe(&error.without_url()));
    let mut answer = request.send().await.map_err(away)?;
    match answer.status() {
        StatusCode::OK => {}
        status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) => {
            return Err(FetchError::Away(format!("busy ({status})")));
        }
        status if status.is_client_error() => return Err(FetchError::NotThere(status)),
        status => return Err(FetchError::Away(format!("broken ({status})"))),
    }
    let (mut bytes, mut hasher) = (Vec::new(), FileHasher::default());
    while let Some(piece) = answer.chunk().await.map_err(away)? {
        hasher.update(&piece);
        if hasher.bytes() > bytes_max {
            return Err(FetchError::Another(format!("longer than {bytes_max} bytes")));
        }
        bytes.extend_from_slice(&piece);
    }
    let found = hasher.finish();
    if found == *cid { Ok(bytes) } else { Err(FetchError::Another(found.text().unwrap_or_default().to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_written_with_or_without_its_path_and_holds_no_secret() {
        for text in ["https://a.example", "https://a.example/", "https://a.example/ipfs", "https://a.example/ipfs/"] {
            assert_eq!(text.parse::<GatewayUrl>().unwrap().link("Qm1"), "https://a.example/ipfs/Qm1");
        }
        for wrong in ["", "a.example", "ftp://a.example", "https://a:b@a.example", "https://a.example/?token=1"] {
            assert!(wrong.parse::<GatewayUrl>().is_err(), "{wrong:?}");
        }
    }
}
