//! Helius' API for webhooks: what there is, and making, changing and deleting one.
//!
//! Owns four calls and their two shapes. The key is a part of every address, so no address gets into an error, and no redirect
//! is followed. One attempt a call: an operator asks, sees the answer, and asks again.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode, Url, redirect};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::domain::ids::ProgramId;

/// The service has so long to answer.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// Characters of an answer that an error tells.
const TOLD_MAX: usize = 300;
const WEBHOOKS: &str = "v0/webhooks";

/// A call did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum HeliusError {
    /// The address of the service can't be used.
    #[error("HELIUS_API_URL can't be used: {0}")]
    Setup(String),
    /// It was not reached, or gave no answer: of a change it is not known whether it was made.
    #[error("Helius gives no answer: {0}")]
    NoAnswer(String),
    /// It refused.
    #[error("Helius refuses with {status}: {said}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// What it said, cut.
        said: String,
    },
    /// Its answer is not what it should be.
    #[error("Helius answers what can't be understood: {0}")]
    BadAnswer(String),
}

/// What a webhook is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WantedWebhook {
    /// Where deliveries go.
    #[serde(rename = "webhookURL")]
    pub url: String,
    /// `ANY`.
    pub transaction_types: Vec<String>,
    /// Whose transactions.
    pub account_addresses: Vec<String>,
    /// `raw` or `enhanced`, or those of the development network.
    pub webhook_type: String,
    /// What `Authorization` of a delivery will be.
    pub auth_header: String,
    /// `success`: failed transactions change nothing.
    pub txn_status: String,
}

impl WantedWebhook {
    /// All successful transactions of the program, to that address.
    pub fn of_program(program: ProgramId, url: &str, webhook_type: &str, auth_header: &str) -> Self {
        Self {
            url: url.to_owned(),
            transaction_types: vec!["ANY".to_owned()],
            account_addresses: vec![program.to_string()],
            webhook_type: webhook_type.to_owned(),
            auth_header: auth_header.to_owned(),
            txn_status: "success".to_owned(),
        }
    }

    /// Is it what that one does already?
    pub fn is(&self, webhook: &Webhook) -> bool {
        webhook.url == self.url
            && webhook.transaction_types == self.transaction_types
            && webhook.account_addresses == self.account_addresses
            && webhook.webhook_type == self.webhook_type
            && webhook.auth_header.as_deref() == Some(&self.auth_header)
            && webhook.txn_status.as_ref().is_none_or(|status| *status == self.txn_status)
    }
}

/// A webhook, as the service tells it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Its name there.
    #[serde(rename = "webhookID")]
    pub id: String,
    /// Where deliveries go.
    #[serde(rename = "webhookURL")]
    pub url: String,
    /// What kinds of transactions it tells of.
    #[serde(default)]
    pub transaction_types: Vec<String>,
    /// Whose.
    #[serde(default)]
    pub account_addresses: Vec<String>,
    /// In which form.
    #[serde(default)]
    pub webhook_type: String,
    /// A secret.
    #[serde(default)]
    pub auth_header: Option<String>,
    /// Which outcomes.
    #[serde(default)]
    pub txn_status: Option<String>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("id", &self.id).field("url", &self.url).finish_non_exhaustive()
    }
}

/// A client of the service.
pub struct Helius {
    client: Client,
    url: Url,
    key: String,
}

impl Helius {
    /// Of the service at that address; nothing is asked.
    ///
    /// # Errors
    /// [`HeliusError::Setup`].
    pub fn new(url: &str, key: &str) -> Result<Self, HeliusError> {
        // An error of the parser does not repeat what it parsed.
        let mut url: Url = url.parse().map_err(|error| HeliusError::Setup(format!("{error}")))?;
        if url.cannot_be_a_base() {
            return Err(HeliusError::Setup("an http or https address is needed".to_owned()));
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let client = Client::builder()
            .timeout(ANSWER_MAX)
            .connect_timeout(ANSWER_MAX)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("zmart/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| HeliusError::Setup(error.without_url().to_string()))?;
        Ok(Self { client, url, key: key.to_owned() })
    }

    /// All webhooks of the key.
    ///
    /// # Errors
    /// [`HeliusError`].
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, HeliusError> {
        parsed(&self.call(Method::GET, None, None).await?)
    }

    /// Makes one.
    ///
    /// # Errors
    /// [`HeliusError`].
    pub async fn create(&self, wanted: &WantedWebhook) -> Result<Webhook, HeliusError> {
        parsed(&self.call(Method::POST, None, Some(wanted)).await?)
    }

    /// Makes another one of it.
    ///
    /// # Errors
    /// [`HeliusError`].
    pub async fn change(&self, id: &str, wanted: &WantedWebhook) -> Result<Webhook, HeliusError> {
        parsed(&self.call(Method::PUT, Some(id), Some(wanted)).await?)
    }

    /// Deletes it; false if there is none of that name.
    ///
    /// # Errors
    /// [`HeliusError`].
    pub async fn delete(&self, id: &str) -> Result<bool, HeliusError> {
        match self.call(Method::DELETE, Some(id), None).await {
            Ok(_) => Ok(true),
            Err(HeliusError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn call(
        &self,
        method: Method,
        id: Option<&str>,
        body: Option<&WantedWebhook>,
    ) -> Result<String, HeliusError> {
        let mut url = self.url.join(WEBHOOKS).map_err(|error| HeliusError::Setup(error.to_string()))?;
        if let (Some(id), Ok(mut path)) = (id, url.path_segments_mut()) {
            path.push(id);
        }
        url.query_pairs_mut().append_pair("api-key", &self.key);
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            let body = serde_json::to_vec(body).map_err(|error| HeliusError::BadAnswer(error.to_string()))?;
            request = request.header("content-type", "application/json").body(body);
        }
        let no_answer = |error: reqwest::Error| HeliusError::NoAnswer(described(&error.without_url()));
        let answer = request.send().await.map_err(no_answer)?;
        let status = answer.status();
        let text = answer.text().await.map_err(no_answer)?;
        if status.is_success() {
            return Ok(text);
        }
        Err(HeliusError::Refused { status, said: self.told(&text) })
    }

    /// What it said, without what it may have repeated of us.
    fn told(&self, text: &str) -> String {
        let said = text.replace(&self.key, "(key)");
        said.chars().filter(|c| !c.is_control()).take(TOLD_MAX).collect()
    }
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, HeliusError> {
    // The place and what is wrong there, and no value: a webhook holds a secret.
    serde_json::from_str(text).map_err(|error| {
        HeliusError::BadAnswer(format!("line {}, column {}: {:?}", error.line(), error.column(), error.classify()))
    })
}

/// `reqwest::Error` hides the cause behind `source`.
fn described(error: &reqwest::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> WantedWebhook {
        let program = "7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS".parse().unwrap();
        WantedWebhook::of_program(program, "https://a.example/helius/webhook", "raw", "the-secret-header")
    }

    #[test]
    fn a_webhook_is_what_is_wanted_or_differs_in_something() {
        let mut told = serde_json::to_value(wanted()).unwrap();
        told["webhookID"] = "w1".into();
        told["wallet"] = "of whoever pays".into();
        let read = |told: &serde_json::Value| serde_json::from_value::<Webhook>(told.clone()).unwrap();
        assert!(wanted().is(&read(&told)));
        assert!(!format!("{:?}", read(&told)).contains("the-secret"));
        for (field, other) in [
            ("webhookURL", serde_json::json!("https://b.example")),
            ("webhookType", "enhanced".into()),
            ("authHeader", "another".into()),
            ("txnStatus", "all".into()),
            ("accountAddresses", serde_json::json!([])),
        ] {
            let mut told = told.clone();
            told[field] = other;
            assert!(!wanted().is(&read(&told)), "{field}");
        }
    }

    #[test]
    fn the_key_is_not_shown_by_what_goes_wrong() {
        let helius = Helius::new("http://127.0.0.1:1", "the-secret-key").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(helius.webhooks()).unwrap_err();
        assert!(matches!(error, HeliusError::NoAnswer(_)));
        assert!(!format!("{error} {error:?}").contains("the-secret-key"), "{error:?}");
        assert_eq!(helius.told("no such key: the-secret-key\n"), "no such key: (key)");
        assert!(
            parsed::<Webhook>(r#"{"authHeader": "the-secret"}"#)
                .is_err_and(|error| !error.to_string().contains("secret"))
        );
        assert!(Helius::new("mailto:x", "k").is_err());
    }
}
