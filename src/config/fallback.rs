//! The second node of the chain, which is used while the first does not answer.
//!
//! Where its notifications are follows from its address as the chain's own tools have it, unless it is said.

use solana_rpc_client_api::client_error::reqwest::Url;

use super::Source;

/// A second node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FallbackConfig {
    /// JSON-RPC over HTTP. May carry a key.
    pub rpc_url: String,
    /// Notifications over WebSocket. May carry a key.
    pub ws_url: String,
}

/// `None` if a value is wrong; the source knows which.
pub(super) fn read(source: &mut Source) -> Option<Option<FallbackConfig>> {
    let rpc_url: String = source.value(
        "SOLANA_RPC_URL_FALLBACK",
        "",
        "a second node of the same chain, asked while the first does not answer; may carry a key; default: none",
    )?;
    let ws_url: String = source.value(
        "SOLANA_WS_URL_FALLBACK",
        "",
        "its notifications; default: as the chain's tools have it (https: the same place; with a port: the next port)",
    )?;
    if rpc_url.is_empty() {
        if !ws_url.is_empty() {
            source.refuse("SOLANA_WS_URL_FALLBACK", "nothing without SOLANA_RPC_URL_FALLBACK");
            return None;
        }
        return Some(None);
    }
    let Some(guessed) = notifications_of(&rpc_url) else {
        source.refuse("SOLANA_RPC_URL_FALLBACK", "an address like https://host/key");
        return None;
    };
    Some(Some(FallbackConfig { rpc_url, ws_url: if ws_url.is_empty() { guessed } else { ws_url } }))
}

fn notifications_of(rpc_url: &str) -> Option<String> {
    let mut url = Url::parse(rpc_url).ok()?;
    let scheme = match url.scheme() {
        "http" => "ws",
        "https" => "wss",
        _ => return None,
    };
    url.set_scheme(scheme).ok()?;
    if let Some(port) = url.port() {
        url.set_port(Some(port.checked_add(1)?)).ok()?;
    }
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(pairs: &[(&str, &str)]) -> Result<Option<FallbackConfig>, String> {
        let mut source =
            Source::new(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()));
        let read = read(&mut source);
        source.finish().map(|()| read.unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn where_a_second_nodes_notifications_are_follows_from_its_address_or_is_said() {
        let ws_of = |url| read_from(&[("SOLANA_RPC_URL_FALLBACK", url)]).unwrap().unwrap().ws_url;
        assert_eq!(ws_of("https://node.example/?api-key=k"), "wss://node.example/?api-key=k");
        assert_eq!(ws_of("http://127.0.0.1:8899"), "ws://127.0.0.1:8900/");
        let said = [("SOLANA_RPC_URL_FALLBACK", "http://a"), ("SOLANA_WS_URL_FALLBACK", "ws://b")];
        assert_eq!(read_from(&said).unwrap().unwrap().ws_url, "ws://b");
        assert_eq!(read_from(&[]), Ok(None));
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_a_word_of_it() {
        for (name, value) in [("SOLANA_RPC_URL_FALLBACK", "SECRET"), ("SOLANA_WS_URL_FALLBACK", "ws://SECRET")] {
            let error = read_from(&[(name, value)]).unwrap_err();
            assert!(error.contains(name) && !error.contains("SECRET"), "{error}");
        }
    }
}
