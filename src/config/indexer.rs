//! The event indexer: whose deliveries are taken, and the service that sends them.

use super::{Environment, SecretText, Source};

/// See the module.
#[derive(Debug, Clone)]
pub struct IndexerConfig {
    /// What `Authorization` of a delivery must be.
    pub auth_header: Option<SecretText>,
    /// What signs a delivery's body.
    pub webhook_secret: Option<SecretText>,
    /// Deliveries that may wait to be worked off.
    pub waiting_max: u32,
    /// The key of Helius' API.
    pub api_key: Option<SecretText>,
    /// Where that is.
    pub api_url: String,
}

/// What is shorter can be guessed.
const SECRET_BYTES_MIN: usize = 16;
/// What `scripts/dev` begins its secret with: none of it gets into production by a copied file.
const OF_DEVELOPMENT: &str = "development-";

/// `None` if a value is missing or wrong; the source knows which.
pub fn read(source: &mut Source, environment: Option<Environment>) -> Option<IndexerConfig> {
    source.topic("The event indexer: deliveries of Helius (docs/indexer.md)");
    let auth_header: Option<SecretText> = source.value(
        "HELIUS_AUTH_HEADER",
        "",
        "what the header Authorization of a delivery must be: 16 characters or more (`openssl rand -hex 32`)",
    );
    let webhook_secret: Option<SecretText> = source.value(
        "HELIUS_WEBHOOK_SECRET",
        "",
        "instead, or too: the key by which X-Helius-Signature signs a body (hex HMAC-SHA256), 16 characters or more",
    );
    let waiting_max =
        source.value("WEBHOOK_WAITING_MAX", "65536", "deliveries that may wait to be worked off; beyond, 503");
    let api_key: Option<SecretText> =
        source.value("HELIUS_API_KEY", "", "for `zmart webhook`, which makes the webhook at Helius");
    let api_url: Option<String> = source.value("HELIUS_API_URL", "https://api.helius.xyz", "where that is");

    let given = |text: Option<SecretText>| text.filter(|text| !text.reveal().is_empty());
    let (auth_header, webhook_secret, api_key) = (given(auth_header), given(webhook_secret), given(api_key));
    for (name, secret) in [("HELIUS_AUTH_HEADER", &auth_header), ("HELIUS_WEBHOOK_SECRET", &webhook_secret)] {
        let Some(text) = secret.as_ref().map(SecretText::reveal) else { continue };
        if text.len() < SECRET_BYTES_MIN || !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            source.refuse(name, "16 characters or more, of those that a header can have");
        } else if environment == Some(Environment::Production) && text.starts_with(OF_DEVELOPMENT) {
            source.refuse(name, "a secret of development is none");
        }
    }
    if api_url.as_ref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
        source.refuse("HELIUS_API_URL", "an http or https address");
    }
    if waiting_max == Some(0) {
        source.refuse("WEBHOOK_WAITING_MAX", "1 or more");
    }
    Some(IndexerConfig { auth_header, webhook_secret, waiting_max: waiting_max?, api_key, api_url: api_url? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in(
        environment: Environment,
        set: &'static [(&'static str, &'static str)],
    ) -> Result<IndexerConfig, String> {
        let mut source = Source::new(|name| set.iter().find(|(own, _)| *own == name).map(|(_, is)| (*is).to_owned()));
        let config = read(&mut source, Some(environment));
        source.finish().map_err(|error| error.to_string())?;
        Ok(config.unwrap())
    }

    #[test]
    fn a_secret_is_long_enough_a_headers_value_and_never_shown() {
        let development = |set| read_in(Environment::Development, set);
        assert!(development(&[]).is_ok_and(|config| config.auth_header.is_none() && config.webhook_secret.is_none()));
        let config = development(&[
            ("HELIUS_AUTH_HEADER", "Bearer the-secret-text"),
            ("HELIUS_WEBHOOK_SECRET", "another-secret-text"),
            ("HELIUS_API_KEY", "the-secret-key"),
        ]);
        let shown = format!("{:?}", config.unwrap());
        assert!(!shown.contains("secret-text") && !shown.contains("secret-key"), "{shown}");
        for (name, set) in [
            ("HELIUS_AUTH_HEADER", &[("HELIUS_AUTH_HEADER", "0123456789abcde")] as &'static [_]),
            ("HELIUS_AUTH_HEADER", &[("HELIUS_AUTH_HEADER", "0123456789abcdef\u{e9}")]),
            ("HELIUS_WEBHOOK_SECRET", &[("HELIUS_WEBHOOK_SECRET", "short")]),
            ("HELIUS_API_URL", &[("HELIUS_API_URL", "api.helius.xyz")]),
            ("WEBHOOK_WAITING_MAX", &[("WEBHOOK_WAITING_MAX", "0")]),
        ] {
            let error = development(set).unwrap_err();
            assert!(error.contains(name) && !error.contains("0123456789"), "{error}");
        }
    }

    #[test]
    fn a_secret_of_development_is_none_in_production() {
        let set = &[("HELIUS_AUTH_HEADER", "development-0123456789")];
        assert!(read_in(Environment::Development, set).is_ok());
        assert!(read_in(Environment::Production, set).unwrap_err().contains("HELIUS_AUTH_HEADER"));
    }
}
