//! Which requests are counted together: the classes of routes, and how many of each.
//!
//! Every counted request draws on the caller's general bucket, and one that writes also on the stricter one of its class.
//! A trade is a build (an unsigned transaction) and a submit of it: each has a bucket of the same size, so that it counts
//! once, and submits are bounded all the same.

use actix_web::http::Method;

use super::rate::Rate;

/// What a bucket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Class {
    /// Everything, of an address.
    Anonymous,
    /// Everything, of a wallet.
    SignedIn,
    /// Sign-in.
    Auth,
    /// New markets.
    Markets,
    /// Votes.
    Votes,
    /// Comments.
    Comments,
    /// Unsigned transactions.
    Trades,
    /// Signed transactions.
    Submits,
    /// Deliveries of the webhook, on a port of their own.
    Webhooks,
}

impl Class {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Anonymous,
        Self::SignedIn,
        Self::Auth,
        Self::Markets,
        Self::Votes,
        Self::Comments,
        Self::Trades,
        Self::Submits,
        Self::Webhooks,
    ];

    /// In keys that nodes share. Never changes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::SignedIn => "signed_in",
            Self::Auth => "auth",
            Self::Markets => "markets",
            Self::Votes => "votes",
            Self::Comments => "comments",
            Self::Trades => "trades",
            Self::Submits => "submits",
            Self::Webhooks => "webhooks",
        }
    }
}

/// How a request is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Not at all.
    Free,
    /// In the general bucket.
    General,
    /// In the general bucket, and in one of its own.
    Also(Class),
}

/// How a request is counted. `path` is the path that routes are matched by, its escapes undone.
pub fn counted(method: &Method, path: &str) -> Counted {
    if method == Method::OPTIONS {
        return Counted::Free;
    }
    // No path of ours is longer.
    let mut parts = [""; 6];
    for (place, part) in parts.iter_mut().zip(path.split('/').skip(1)) {
        *place = part;
    }
    let reads = method == Method::GET || method == Method::HEAD;
    match (reads, parts) {
        (true, ["", "", ..] | ["ops" | "console" | "console.json" | "favicon.ico", ..]) => Counted::Free,
        (_, ["health" | "ready" | "openapi.json" | "asyncapi.json" | "docs", ..]) => Counted::Free,
        (_, ["api", "auth", ..]) => Counted::Also(Class::Auth),
        (true, _) => Counted::General,
        (false, ["api", "markets", "", ..]) => Counted::Also(Class::Markets),
        (false, ["api", "markets", _, "metadata", ..]) => Counted::Also(Class::Markets),
        (false, ["api", "markets", _, "resolve" | "dispute" | "activate" | "claim" | "withdraw", ..]) => {
            Counted::Also(Class::Trades)
        }
        (false, ["api", "trades" | "actions" | "faucet", ..]) => Counted::Also(Class::Trades),
        (false, ["api", "transactions", ..]) => Counted::Also(Class::Submits),
        (false, ["api", "votes", ..]) => Counted::Also(Class::Votes),
        (false, ["api", "discussions", ..]) => Counted::Also(Class::Comments),
        _ => Counted::General,
    }
}

/// How many of each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates([Rate; Class::ALL.len()]);

impl Rates {
    /// In the order of [`Class::ALL`].
    pub fn new(rates: [Rate; Class::ALL.len()]) -> Self {
        Self(rates)
    }

    /// Of a class.
    pub fn of(&self, class: Class) -> Rate {
        self.0[class as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::openapi;

    #[test]
    fn each_write_is_counted_in_its_class_and_what_must_always_answer_is_free() {
        use Counted::{Also, Free, General};
        for (method, path, expected) in [
            ("OPTIONS", "/api/markets", Free),
            ("GET", "/health", Free),
            ("HEAD", "/ready", Free),
            ("GET", "/docs", Free),
            ("GET", "/docs/swagger-ui.css", Free),
            ("GET", "/openapi.json", Free),
            ("GET", "/asyncapi.json", Free),
            ("GET", "/healthy", General),
            ("GET", "/api/markets", General),
            ("GET", "/api/votes/x", General),
            ("GET", "/", Free),
            ("GET", "/ops", Free),
            ("GET", "/console/js/live.js", Free),
            ("GET", "/console.json", Free),
            ("POST", "/console/x", General),
            ("POST", "/api/faucet", Also(Class::Trades)),
            ("POST", "/", General),
            ("POST", "/api/auth/login", Also(Class::Auth)),
            ("POST", "/api/markets", Also(Class::Markets)),
            ("PUT", "/api/markets/x/metadata", Also(Class::Markets)),
            ("POST", "/api/markets/x/claim", Also(Class::Trades)),
            ("POST", "/api/trades/buy", Also(Class::Trades)),
            ("POST", "/api/actions/markets/x", Also(Class::Trades)),
            ("POST", "/api/transactions", Also(Class::Submits)),
            ("POST", "/api/votes/proposal", Also(Class::Votes)),
            ("POST", "/api/discussions/x", Also(Class::Comments)),
            ("DELETE", "/api/discussions/x", Also(Class::Comments)),
            ("PATCH", "/api/users/me", General),
            ("BREW", "/api/a/b/c/d/e/f/g/h", General),
        ] {
            assert_eq!(counted(&method.parse().unwrap(), path), expected, "{method} {path}");
        }
    }

    /// A new route that writes says here that the general bucket is enough for it, or gets a class.
    #[test]
    fn every_documented_write_has_a_class() {
        let document = serde_json::to_value(openapi::document()).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys().filter(|method| *method != "get") {
                let method: Method = method.to_uppercase().parse().unwrap();
                let is_class = matches!(counted(&method, path), Counted::Also(_));
                let is_enough = matches!((method.as_str(), path.as_str()), ("PATCH", "/api/users/me"));
                assert!(is_class || is_enough, "{method} {path}");
            }
        }
    }
}
