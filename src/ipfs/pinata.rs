//! Pinata: `POST /pinning/pinFileToIPFS`, a form with the file and what is asked for it; and `DELETE /pinning/unpin/CID`.
//!
//! Asked for content ids of version 0. It answers with the id, the size and whether it had the file; the id is compared by
//! whoever asks.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    multipart::{Form, Part},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    ANSWER_BYTES_MAX, ClientError, body, client,
    provider::{AddError, Added, PinataKey, taken},
};
use crate::config::SecretText;

/// See the module.
#[derive(Debug, Clone)]
pub struct Pinata {
    client: Client,
    url: SecretText,
    key: PinataKey,
}

/// What it answers; more may be there.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "IpfsHash")]
    cid: String,
    #[serde(rename = "isDuplicate", default)]
    is_duplicate: bool,
}

impl Pinata {
    /// Nothing is sent.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(url: SecretText, key: PinataKey, patience: Duration) -> Result<Self, ClientError> {
        Ok(Self { client: client(patience, false)?, url, key })
    }

    /// Has a file pinned.
    ///
    /// # Errors
    /// [`AddError`].
    pub async fn add(&self, name: &str, file: Bytes) -> Result<Added, AddError> {
        let length = file.len() as u64;
        let file = Part::stream_with_length(file, length).file_name(name.to_owned());
        let form = Form::new()
            .part("file", file)
            .text("pinataMetadata", json!({"name": name}).to_string())
            .text("pinataOptions", json!({"cidVersion": 0, "wrapWithDirectory": false}).to_string());
        let url = format!("{}/pinning/pinFileToIPFS", self.url.reveal().trim_end_matches('/'));
        let bytes = taken(self.known(self.client.post(url).multipart(form)).send().await).await?;
        let Answer { cid, is_duplicate } =
            serde_json::from_slice(&bytes).map_err(|_| AddError::away("its answer can't be read"))?;
        Ok(Added { cid, is_duplicate })
    }

    /// Has a file forgotten.
    ///
    /// # Errors
    /// [`AddError`]; none for what it says it has not pinned.
    pub async fn remove(&self, cid: &str) -> Result<(), AddError> {
        let url = format!("{}/pinning/unpin/{cid}", self.url.reveal().trim_end_matches('/'));
        let answer = self.known(self.client.delete(url)).send().await;
        let refusal = match answer.as_ref().map(Response::status) {
            Ok(status @ StatusCode::BAD_REQUEST) => AddError::Refused(status),
            Ok(status @ StatusCode::NOT_FOUND) => AddError::Closed(status),
            _ => return taken(answer).await.map(drop),
        };
        let Ok(answer) = answer else { return Err(refusal) };
        // In a reason (`CURRENT_USER_HAS_NOT_PINNED_CID`), or in words. Else it may be there.
        let why = body(answer, ANSWER_BYTES_MAX).await.map_err(AddError::away)?;
        let why = String::from_utf8_lossy(&why).to_lowercase().replace('_', " ");
        if why.contains("not pinned") { Ok(()) } else { Err(refusal) }
    }

    fn known(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            PinataKey::Jwt(token) => request.bearer_auth(token.reveal()),
            PinataKey::Pair(key, secret) => {
                request.header("pinata_api_key", key.reveal()).header("pinata_secret_api_key", secret.reveal())
            }
        }
    }
}
