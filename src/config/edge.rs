//! What surrounds every route of the API: limits, trusted networks, origins.

use std::{num::NonZeroU32, path::Path};

use super::{Environment, Source};
use crate::{
    http::{
        connections::ConnectionSettings,
        edge::EdgeSettings,
        limits::{LimitSettings, class::Rates, client::Networks, rate::Rate},
        ws::admission::SocketSettings,
    },
    redis::RedisSettings,
};

/// `None` if a value is missing or wrong; the source knows which.
pub fn read(source: &mut Source, environment: Option<Environment>) -> Option<EdgeSettings> {
    source.topic("Who may ask, and how much");
    let switch: Option<String> =
        source.value("RATE_LIMITS", "on", "on, or off for load tests; production refuses to start with off");
    let mut rate = |name, default, meaning| source.value::<Rate>(name, default, meaning);
    let rates = [
        rate("RATE_LIMIT_ANONYMOUS", "100/min", "requests of an address (IPv6: a /64), like 5/s, 100/min, 10/h"),
        rate("RATE_LIMIT_SIGNED_IN", "600/min", "requests of a signed-in wallet"),
        rate("RATE_LIMIT_AUTH", "30/min", "sign-ins"),
        rate("RATE_LIMIT_MARKETS", "10/h", "new markets, and their metadata"),
        rate("RATE_LIMIT_VOTES", "60/h", "votes"),
        rate("RATE_LIMIT_COMMENTS", "30/h", "comments"),
        rate("RATE_LIMIT_TRADES", "60/min", "unsigned transactions"),
        rate("RATE_LIMIT_SUBMITS", "60/min", "signed transactions"),
        rate("RATE_LIMIT_WEBHOOKS", "1000/s", "deliveries of the webhook, of an address"),
    ];
    let proxies = source.value("TRUSTED_PROXIES", "", "addresses and networks whose X-Forwarded-For counts, by commas");
    let trusted: Option<String> = source.value(
        "TRUSTED_CLIENTS",
        "",
        "addresses and networks without limits, by commas; default: none in production, else this machine; or none",
    );
    let redis_url: Option<String> = source.value(
        "REDIS_URL",
        "",
        "redis://HOST:PORT, where nodes share the counters, or rediss:// for TLS; may carry a password",
    );
    let redis_ca: Option<String> = source.value(
        "REDIS_CA_FILE",
        "",
        "the CA that Redis's certificate has to lead to, in PEM form; default: those that this system trusts",
    );
    let origins: Option<String> = source.value(
        "CORS_ORIGINS",
        "",
        "origins of pages that may ask from a browser, like https://app.example, by commas",
    );
    let per_address: Option<NonZeroU32> = source.value(
        "WS_CONNECTIONS_PER_IP",
        "50",
        "WebSocket connections of an address (IPv6: a /64); trusted clients have no limit",
    );
    let in_all: Option<u32> = source.value(
        "WS_CONNECTIONS",
        "0",
        "WebSocket connections of the process; 0 = as many as it may have descriptors, with some left for the rest",
    );
    let to_api: Option<NonZeroU32> = source.value(
        "API_CONNECTIONS_PER_IP",
        "100",
        "connections to API_PORT of an address (IPv6: a /64); trusted clients and trusted proxies have no limit",
    );
    let to_indexer: Option<NonZeroU32> =
        source.value("INDEXER_CONNECTIONS_PER_IP", "64", "the same of INDEXER_PORT, which takes 256 in all");
    let public_metrics =
        source.value("METRICS_PUBLIC", "false", "true: /metrics is served on API_PORT too, to whoever asks");
    let behind_tls =
        source.value("BEHIND_TLS", "false", "true: TLS ends in front, browsers are told to use nothing else");

    let is_production = environment == Some(Environment::Production);
    let is_on = match switch.as_deref() {
        Some("on") => Some(true),
        Some("off") if !is_production => Some(false),
        Some(_) => {
            source.refuse("RATE_LIMITS", "on, or off outside production");
            None
        }
        None => None,
    };
    let trusted = match trusted.as_deref()? {
        "none" => Some(Networks::default()),
        "" if is_production => Some(Networks::default()),
        "" => Some(Networks::loopback()),
        list => list
            .parse()
            .map_err(|_| source.refuse("TRUSTED_CLIENTS", "addresses and networks, by commas, or none"))
            .ok(),
    };
    let origins: Vec<String> =
        origins?.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if !origins.iter().all(|origin| is_origin(origin)) {
        source.refuse("CORS_ORIGINS", "origins like https://app.example, without a path, by commas");
    }
    let redis = match (redis_url?, redis_ca?) {
        (url, ca) if url.is_empty() && ca.is_empty() => None,
        (url, ca) => {
            let ca = Some(Path::new(&ca)).filter(|ca| !ca.as_os_str().is_empty());
            RedisSettings::new(&url, ca).map_err(|error| source.refuse("REDIS_URL", &error.to_string())).ok()
        }
    };
    let mut all = Vec::with_capacity(rates.len());
    for rate in rates {
        all.push(rate?);
    }
    let limits =
        LimitSettings { is_on: is_on?, rates: Rates::new(all.try_into().ok()?), proxies: proxies?, trusted: trusted? };
    let in_all = Some(in_all?).filter(|in_all| *in_all > 0);
    let sockets = SocketSettings { per_address: per_address?.get(), in_all };
    Some(EdgeSettings {
        limits,
        redis,
        origins,
        sockets,
        connections: ConnectionSettings { api: to_api?.get(), indexer: to_indexer?.get() },
        is_behind_tls: behind_tls?,
        are_metrics_public: public_metrics?,
    })
}

/// A scheme and a host, as browsers send them: any more and it would match nothing.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(values: &[(&str, &str)], environment: Environment) -> Vec<String> {
        let mut source =
            Source::new(|name| values.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).into()));
        let _ = read(&mut source, Some(environment));
        let text = source.finish().err().map(|error| error.to_string()).unwrap_or_default();
        text.lines().skip(1).map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
    }

    #[test]
    fn what_would_open_more_than_it_says_is_refused() {
        use Environment::{Development, Production};
        for (values, environment, expected) in [
            (&[][..], Production, &[][..]),
            (&[("RATE_LIMITS", "off")], Development, &[]),
            (&[("RATE_LIMITS", "off")], Production, &["RATE_LIMITS"]),
            (&[("RATE_LIMITS", "no")], Development, &["RATE_LIMITS"]),
            (&[("CORS_ORIGINS", "https://a.example, http://localhost:3000")], Production, &[]),
            (&[("CORS_ORIGINS", "*")], Production, &["CORS_ORIGINS"]),
            (&[("CORS_ORIGINS", "https://a.example/")], Production, &["CORS_ORIGINS"]),
            (
                &[("TRUSTED_CLIENTS", "10.0.0.0/40"), ("TRUSTED_PROXIES", "x")],
                Production,
                &["TRUSTED_PROXIES", "TRUSTED_CLIENTS"],
            ),
            (&[("REDIS_URL", "http://x")], Production, &["REDIS_URL"]),
            (&[("REDIS_URL", "rediss://x"), ("REDIS_CA_FILE", "/ca.pem")], Production, &[]),
            (&[("REDIS_URL", "redis://x"), ("REDIS_CA_FILE", "/ca.pem")], Production, &["REDIS_URL"]),
            (&[("RATE_LIMIT_VOTES", "many")], Production, &["RATE_LIMIT_VOTES"]),
        ] {
            assert_eq!(refused(values, environment), expected, "{values:?}");
        }
    }

    #[test]
    fn this_machine_is_trusted_everywhere_but_in_production() {
        let trusted = |environment, list: &'static str| {
            let mut source = Source::new(move |name| (name == "TRUSTED_CLIENTS").then(|| list.to_owned()));
            read(&mut source, Some(environment)).unwrap().limits.trusted
        };
        assert_eq!(trusted(Environment::Development, ""), Networks::loopback());
        assert_eq!(trusted(Environment::Production, ""), Networks::default());
        assert_eq!(trusted(Environment::Development, "none"), Networks::default());
    }
}
