//! Snapshots of discussions on IPFS: whether, when, and by which service.

use std::time::Duration;

use super::{SecretText, Source};
use crate::{
    domain::schedule::Schedule,
    ipfs::{
        gateway::GatewayUrl,
        provider::{PinataKey, ProviderSettings},
    },
};

/// Where a project of Infura is served, whose id and secret may stand alone.
const PROJECTS: &str = "https://ipfs.infura.io:5001";

/// See the module.
#[derive(Debug, Clone)]
pub struct IpfsConfig {
    /// Snapshots are made.
    pub enabled: bool,
    /// When: cron, UTC.
    pub cron: Schedule,
    /// Where pinned files are read.
    pub gateway: GatewayUrl,
    /// Who pins them, where that is said.
    pub provider: Option<ProviderSettings>,
    /// One upload, or one file from the gateway, may take so long.
    pub patience: Duration,
}

/// `None` if a value is missing or wrong; the source knows which.
pub fn read(source: &mut Source) -> Option<IpfsConfig> {
    source.topic("Snapshots of discussions on IPFS: what nodes with the role ipfs do (docs/snapshots.md)");
    let enabled: Option<bool> = source.value("IPFS_ENABLED", "false", "true: new discussion is pinned by a schedule");
    let cron = source.value("IPFS_SNAPSHOT_CRON", "0 0 * * *", "when: cron, UTC");
    let gateway =
        source.value("IPFS_GATEWAY_URL", "https://ipfs.io", "where pinned files are read; shown to everybody");
    let mut secret = |name, meaning| source.value::<SecretText>(name, "", meaning).filter(|it| !it.reveal().is_empty());
    let jwt = secret("PINATA_JWT", "the token that Pinata knows us by; or both of the next two");
    let key = secret("PINATA_API_KEY", "a key of Pinata's");
    let key_secret = secret("PINATA_SECRET_API_KEY", "and its secret");
    let node = secret("IPFS_API_URL", "a node with the RPC of Kubo, instead of Pinata, like http://127.0.0.1:5001");
    let project = secret("IPFS_PROJECT_ID", "the user that such a node asks for, if it does; alone: Infura's");
    let project_secret = secret("IPFS_PROJECT_SECRET", "and the password");
    let pinata: Option<SecretText> =
        source.value("PINATA_API_URL", "https://api.pinata.cloud", "where Pinata's API is");
    let patience =
        source.value("IPFS_TIMEOUT_MS", "60000", "one upload, or one file from the gateway, may take so long");

    for (name, url) in [("IPFS_API_URL", node.as_ref()), ("PINATA_API_URL", pinata.as_ref())] {
        let is_http = |url: &SecretText| url.reveal().starts_with("https://") || url.reveal().starts_with("http://");
        if url.is_some_and(|url| !is_http(url)) {
            source.refuse(name, "an http or https address");
        }
    }
    if key.is_some() != key_secret.is_some() {
        source.refuse("PINATA_API_KEY", "both PINATA_API_KEY and PINATA_SECRET_API_KEY, or neither");
    }
    if project.is_some() != project_secret.is_some() {
        source.refuse("IPFS_PROJECT_ID", "both IPFS_PROJECT_ID and IPFS_PROJECT_SECRET, or neither");
    }
    if patience == Some(0) {
        source.refuse("IPFS_TIMEOUT_MS", "1 or more");
    }
    let known_to_pinata = jwt.map(PinataKey::Jwt).or_else(|| Some(PinataKey::Pair(key?, key_secret?)));
    let by_pinata = known_to_pinata.zip(pinata).map(|(key, url)| ProviderSettings::Pinata { url, key });
    let project = project.zip(project_secret);
    let node = node.or_else(|| project.as_ref().and_then(|_| PROJECTS.parse().ok()));
    let by_node = node.map(|url| ProviderSettings::Kubo { url, project });
    if by_pinata.is_some() && by_node.is_some() {
        source.refuse("IPFS_API_URL", "one service: Pinata (PINATA_*) or a node (IPFS_API_URL, IPFS_PROJECT_*)");
    }
    let provider = by_pinata.or(by_node);
    if enabled == Some(true) && provider.is_none() {
        source.refuse(
            "IPFS_ENABLED",
            "a service that pins: PINATA_JWT, or PINATA_API_KEY and PINATA_SECRET_API_KEY, or IPFS_API_URL",
        );
    }
    Some(IpfsConfig {
        enabled: enabled?,
        cron: cron?,
        gateway: gateway?,
        provider,
        patience: Duration::from_millis(patience?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(values: &[(&'static str, &'static str)]) -> Result<IpfsConfig, String> {
        let values = values.to_vec();
        let mut source =
            Source::new(move |name| values.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned()));
        let config = read(&mut source);
        source.finish().map(|()| config.unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_pinned_unless_it_is_asked_for_and_there_is_a_service() {
        let config = read_with(&[]).unwrap();
        assert!(!config.enabled && config.provider.is_none());
        assert_eq!(config.cron.to_string(), "0 0 * * *");
        let error = read_with(&[("IPFS_ENABLED", "true")]).unwrap_err();
        assert!(error.contains("IPFS_ENABLED") && error.contains("PINATA_JWT"), "{error}");
        let named = |values: &[(&'static str, &'static str)]| {
            read_with(&[values, &[("IPFS_ENABLED", "true")]].concat()).unwrap().provider.unwrap()
        };
        assert!(matches!(named(&[("PINATA_JWT", "t")]), ProviderSettings::Pinata { key: PinataKey::Jwt(_), .. }));
        assert!(matches!(
            named(&[("PINATA_API_KEY", "k"), ("PINATA_SECRET_API_KEY", "s")]),
            ProviderSettings::Pinata { key: PinataKey::Pair(..), .. }
        ));
        assert!(matches!(
            named(&[("IPFS_API_URL", "http://127.0.0.1:5001")]),
            ProviderSettings::Kubo { project: None, .. }
        ));
        let ProviderSettings::Kubo { url, project: Some(_) } =
            named(&[("IPFS_PROJECT_ID", "p"), ("IPFS_PROJECT_SECRET", "s")])
        else {
            panic!("another service")
        };
        assert_eq!(url.reveal(), PROJECTS);
    }

    #[test]
    fn what_is_half_given_or_given_twice_is_refused_and_no_secret_is_shown() {
        for (values, name) in [
            (&[("PINATA_API_KEY", "hush")][..], "PINATA_API_KEY"),
            (&[("IPFS_PROJECT_SECRET", "hush")], "IPFS_PROJECT_ID"),
            (&[("PINATA_JWT", "hush"), ("IPFS_API_URL", "http://x")], "IPFS_API_URL"),
            (&[("IPFS_API_URL", "hush")], "IPFS_API_URL"),
            (&[("IPFS_GATEWAY_URL", "https://hush@x")], "IPFS_GATEWAY_URL"),
            (&[("IPFS_SNAPSHOT_CRON", "hush")], "IPFS_SNAPSHOT_CRON"),
            (&[("IPFS_TIMEOUT_MS", "0")], "IPFS_TIMEOUT_MS"),
        ] {
            let error = read_with(values).unwrap_err();
            assert!(error.contains(name) && !error.contains("hush"), "{name}: {error}");
        }
        let config = read_with(&[("PINATA_JWT", "hush")]).unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}
