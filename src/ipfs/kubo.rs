//! A node of IPFS by its RPC, as Kubo has it and others (Infura's) speak it: `POST /api/v0/add`, `/api/v0/pin/rm`, and
//! `/api/v0/cat` to read.
//!
//! All that decides the content id is asked for, whatever the node's own profile is.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    Client, RequestBuilder, StatusCode,
    multipart::{Form, Part},
};
use serde::Deserialize;

use super::{
    ANSWER_BYTES_MAX, ClientError, body, client,
    provider::{AddError, Added, taken},
};
use crate::config::SecretText;

const ADD: &str = "api/v0/add?cid-version=0&raw-leaves=false&chunker=size-262144&trickle=false&pin=true&progress=false";

/// See the module.
#[derive(Debug, Clone)]
pub struct Kubo {
    client: Client,
    url: SecretText,
    project: Option<(SecretText, SecretText)>,
}

/// A line of its answer that tells of a file.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "Hash")]
    cid: String,
}

impl Kubo {
    /// Nothing is sent.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(
        url: SecretText,
        project: Option<(SecretText, SecretText)>,
        patience: Duration,
    ) -> Result<Self, ClientError> {
        Ok(Self { client: client(patience, false)?, url, project })
    }

    /// Has a file added and pinned.
    ///
    /// # Errors
    /// [`AddError`].
    pub async fn add(&self, name: &str, file: Bytes) -> Result<Added, AddError> {
        let length = file.len() as u64;
        let form = Form::new().part("file", Part::stream_with_length(file, length).file_name(name.to_owned()));
        let bytes = taken(self.post(ADD).multipart(form).send().await).await?;
        // A line for each thing that was added, the file last.
        let lines = bytes.split(|byte| *byte == b'\n').rev();
        let line = lines.filter_map(|line| serde_json::from_slice(line).ok()).next();
        let Line { cid } = line.ok_or_else(|| AddError::away("its answer can't be read"))?;
        Ok(Added { cid, is_duplicate: false })
    }

    /// Has a file forgotten.
    ///
    /// # Errors
    /// [`AddError`].
    pub async fn remove(&self, cid: &str) -> Result<(), AddError> {
        let answer = self.post(&format!("api/v0/pin/rm?arg={cid}")).send().await;
        match answer {
            // It tells so of what is not there, as of whatever else goes wrong.
            Ok(answer) if answer.status() == StatusCode::INTERNAL_SERVER_ERROR => {
                let why = body(answer, ANSWER_BYTES_MAX).await.map_err(AddError::away)?;
                let is_not_there = String::from_utf8_lossy(&why).contains("not pinned");
                if is_not_there { Ok(()) } else { Err(AddError::away("it is broken (500)")) }
            }
            answer => taken(answer).await.map(drop),
        }
    }

    /// A request for a file's bytes.
    pub(super) fn cat(&self, cid: &str) -> RequestBuilder {
        self.post(&format!("api/v0/cat?arg={cid}"))
    }

    fn post(&self, path: &str) -> RequestBuilder {
        let request = self.client.post(format!("{}/{path}", self.url.reveal().trim_end_matches('/')));
        match &self.project {
            Some((user, password)) => request.basic_auth(user.reveal(), Some(password.reveal())),
            None => request,
        }
    }
}
