//! Every route, asked by everybody: without a token, by two wallets, with Supabase's service key, with a token that has
//! expired.
//!
//! A new route needs one line in [`ROUTES`]; that none is missing is a test of its own, which reads the source. What a
//! route of one wallet shows or changes of another's is for the tests of that route.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use zmart_testkit::{
    engine::JWT_SECRET,
    signed_in::{SignedInClient, send},
    stage::Stage,
};

use Who::{Anyone, Everybody, SignedIn};

/// Whom a route serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Anyone; but a token that is there must be good.
    Anyone,
    /// Wallets that have signed in.
    SignedIn,
    /// Whoever asks with whatever token: it says nothing of anybody.
    Everybody,
}

/// Method, path as it is registered, whom it serves.
const ROUTES: &[(&str, &str, Who)] = &[
    ("GET", "/health", Everybody),
    ("GET", "/ready", Everybody),
    ("GET", "/asyncapi.json", Everybody),
    ("GET", "/openapi.json", Everybody),
    ("GET", "/docs", Everybody),
    ("GET", "/docs/{file}", Everybody),
    ("GET", "/docs/{file:.*}", Everybody),
    ("GET", "/actions.json", Everybody),
    ("GET", "/api/actions/icon.svg", Anyone),
    ("GET", "/api/actions/markets/{market}", Anyone),
    ("POST", "/api/actions/markets/{market}", Anyone),
    ("GET", "/api/config", Anyone),
    ("GET", "/api/faucet", SignedIn),
    ("POST", "/api/faucet", SignedIn),
    ("GET", "/api/events/latest", Anyone),
    ("GET", "/api/export/trades.csv", Anyone),
    ("GET", "/api/export/trades.ndjson", Anyone),
    ("GET", "/api/leaderboard", Anyone),
    ("GET", "/api/markets", Anyone),
    ("POST", "/api/markets", SignedIn),
    ("GET", "/api/markets/activity", Anyone),
    ("GET", "/api/markets/trending", Anyone),
    ("GET", "/api/markets/categories", Anyone),
    ("GET", "/api/markets/{market}", Anyone),
    ("GET", "/api/markets/{market}/prices", Anyone),
    ("GET", "/api/markets/{market}/price-history", Anyone),
    ("GET", "/api/markets/{market}/candles", Anyone),
    ("GET", "/api/markets/{market}/trades", Anyone),
    ("GET", "/api/markets/{market}/votes", Anyone),
    ("GET", "/api/markets/{market}/governance", Anyone),
    ("GET", "/api/markets/{market}/stats", Anyone),
    ("GET", "/api/markets/{market}/related", Anyone),
    ("GET", "/api/markets/{market}/holders", Anyone),
    ("GET", "/api/markets/{market}/depth", Anyone),
    ("GET", "/api/markets/{market}/discussions", Anyone),
    ("GET", "/api/markets/{market}/snapshots", Anyone),
    ("PUT", "/api/markets/{market}/metadata", SignedIn),
    ("POST", "/api/markets/{market}/resolve", SignedIn),
    ("POST", "/api/markets/{market}/dispute", SignedIn),
    ("POST", "/api/markets/{market}/activate", SignedIn),
    ("POST", "/api/markets/{market}/claim", SignedIn),
    ("POST", "/api/markets/{market}/withdraw", SignedIn),
    ("GET", "/api/trades/estimate", Anyone),
    ("GET", "/api/trades/quote", Anyone),
    ("POST", "/api/trades/buy", SignedIn),
    ("POST", "/api/trades/sell", SignedIn),
    ("GET", "/api/trades/history", SignedIn),
    ("POST", "/api/transactions", SignedIn),
    ("GET", "/api/transactions/{signature}", SignedIn),
    ("GET", "/api/votes/{market}", Anyone),
    ("POST", "/api/votes/proposal", SignedIn),
    ("POST", "/api/votes/dispute", SignedIn),
    ("POST", "/api/discussions", SignedIn),
    ("GET", "/api/discussions/{market}", Anyone),
    ("POST", "/api/discussions/{market}", SignedIn),
    ("DELETE", "/api/discussions/{market}", SignedIn),
    ("POST", "/api/auth/nonce", Anyone),
    ("POST", "/api/auth/login", Anyone),
    ("POST", "/api/auth/refresh", Anyone),
    ("POST", "/api/auth/logout", SignedIn),
    ("GET", "/api/users/me", SignedIn),
    ("PATCH", "/api/users/me", SignedIn),
    ("GET", "/api/users/{wallet}", Anyone),
    ("GET", "/api/users/{wallet}/positions", Anyone),
    ("GET", "/api/users/{wallet}/portfolio", Anyone),
    ("GET", "/api/users/{wallet}/trades", Anyone),
    ("GET", "/api/users/{wallet}/votes", Anyone),
];

/// Ports 4001 and 4002 have these beside `/health`. (`/metrics` is on 4000 only where the operator wants it.)
const OF_OTHER_PORTS: &[&str] = &["/", "/ws", "/metrics", "/api/webhooks/helius", "/helius/webhook"];

/// A path that can be asked: nothing has these names, which is no matter of rights.
fn target(path: &str) -> String {
    let mut target = String::new();
    for part in path.split_inclusive('/') {
        match part.strip_prefix('{') {
            Some(name) => {
                let value = match name.trim_end_matches(['/', '}']) {
                    "id" => "0197a000-0000-7000-8000-000000000000",
                    "signature" => {
                        "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"
                    }
                    // Markets and wallets.
                    _ => "So11111111111111111111111111111111111111112",
                };
                target.push_str(value);
                target.push_str(if part.ends_with('/') { "/" } else { "" });
            }
            None => target.push_str(part),
        }
    }
    target
}

fn sign(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(JWT_SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn expired(client: &SignedInClient) -> String {
    let claims = URL_SAFE_NO_PAD.decode(client.token.split('.').nth(1).unwrap()).unwrap();
    let mut claims: Value = serde_json::from_slice(&claims).unwrap();
    for name in ["iat", "nbf", "exp"] {
        claims[name] = json!(claims[name].as_i64().unwrap() - 2 * 3_600);
    }
    sign(&claims)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_serves_whom_it_should_and_nobody_else() {
    let stage = Stage::set().await;
    let api = &stage.engine.api;
    let service = sign(&json!({"role": "service_role", "iss": "supabase", "iat": 1, "exp": 4_000_000_000_i64}));
    for (method, path, who) in ROUTES {
        let target = target(path);
        // New ones each time: a route may end the session that asks.
        let (a, b) = (SignedInClient::new(api).await, SignedInClient::new(api).await);
        let expired = expired(&a);
        let callers = [
            ("nobody", None, *who != SignedIn),
            ("A", Some(a.token.as_str()), true),
            ("B", Some(b.token.as_str()), true),
            ("the service key", Some(service.as_str()), *who == Everybody),
            ("an expired token", Some(expired.as_str()), *who == Everybody),
        ];
        for (caller, token, is_served) in callers {
            let body = (*method != "GET").then(|| json!({}));
            let answer = send(method, api, &target, token, body.as_ref(), &[]).await;
            let said = String::from_utf8_lossy(&answer.body);
            let what = format!("{method} {target} by {caller}: {} {said}", answer.status);
            if path.ends_with("/refresh") || path.ends_with("/login") {
                // What is handed in is refused as such: never for who asks, unless there is a bad token.
                assert_eq!(answer.status == 400, is_served, "{what}");
            } else {
                assert_eq!(!matches!(answer.status, 401 | 403), is_served, "{what}");
            }
            assert!(answer.status < 500, "{what}");
            assert!(is_served || answer.json()["error"] == "UNAUTHORIZED", "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wallet_sees_and_changes_its_own_profile_only() {
    let stage = Stage::set().await;
    let api = &stage.engine.api;
    let (a, b) = (SignedInClient::new(api).await, SignedInClient::new(api).await);
    let name = json!({"display_name": "Ada"});
    assert_eq!(a.send("PATCH", "/api/users/me", Some(&name), &[]).await.status, 200);
    assert_eq!(b.get("/api/users/me").await.json()["wallet"], json!(b.wallet()));
    assert_eq!(b.get("/api/users/me").await.json()["display_name"], json!(null));
    for more in [json!({"wallet": b.wallet()}), json!({"id": "x"}), json!({"display_name": "x", "wallet": b.wallet()})]
    {
        assert_eq!(a.send("PATCH", "/api/users/me", Some(&more), &[]).await.status, 400, "{more}");
    }
}

/// What stands between `before` and the next quotation mark, at each place.
fn quoted<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = (usize, &'t str)> {
    text.match_indices(before).filter_map(move |(at, _)| {
        let rest = text[at + before.len()..].trim_start().strip_prefix('"')?;
        Some((at, rest.split('"').next()?))
    })
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn no_route_is_missing_from_the_matrix() {
    let mut texts = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/routes"), &mut texts);
    let mut count = 0;
    for text in &texts {
        for helper in ["readable(", "writable(", "both(", "takes(", "resource(", "action("] {
            for (_, path) in quoted(text, helper) {
                count += 1;
                let is_known = ROUTES.iter().any(|(_, known, _)| *known == path) || OF_OTHER_PORTS.contains(&path);
                assert!(is_known, "whom does {path} serve? Add a line to ROUTES");
            }
        }
        // What the documents say of a handler: its method and its path.
        for (at, path) in quoted(text, "path =") {
            let before = text[..at].trim_end().trim_end_matches(',');
            let method = before.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap().to_uppercase();
            if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                continue;
            }
            count += 1;
            let is_known = ROUTES.iter().any(|(own, known, _)| *own == method && *known == path);
            assert!(is_known, "whom does {method} {path} serve? Add a line to ROUTES");
        }
    }
    assert!(count > ROUTES.len(), "the source is not read as it is written: {count} found");
}
