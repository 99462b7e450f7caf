//! A variable as people may see it: its name, its meaning, and as much of its value as is nobody's secret.
//!
//! Owns the one rule of what is hidden, and errs on that side: whatever is read as a secret, or is called like one, is
//! never kept here; of an address only the scheme, the host and the port are, because the rest may carry a key.

use std::{any::TypeId, fmt};

use super::{Secret, SecretText};
use crate::chain::keys::KeyText;

/// Words of names whose values are hidden, whatever they are read as.
const HIDING_WORDS: [&str; 7] = ["SECRET", "TOKEN", "PASSWORD", "JWT", "KEY", "PRIVATE", "HEADER"];
/// What a name ends with whose value is a place, not what is there.
const PLACE: &str = "_PATH";
/// What stands for what is not shown.
const HIDDEN: &str = "(set, not shown)";

/// A variable that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What it is about.
    pub topic: String,
    /// Its name.
    pub name: String,
    /// What holds without it; `None`: it has to be there.
    pub default: Option<String>,
    /// What it is.
    pub meaning: String,
    /// What it was set to, if it was.
    pub value: Option<Shown>,
}

impl Setting {
    /// What holds, as far as it may be shown; `None`: it is missing.
    pub fn in_force(&self) -> Option<String> {
        self.value.as_ref().map(ToString::to_string).or_else(|| self.default.clone())
    }
}

/// A value, or what may be shown of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// All of it.
    Whole(String),
    /// Where an address leads to, without what it may carry.
    Address(String),
    /// That it is set.
    Hidden,
}

impl Shown {
    /// What may be shown of a variable of that name that is read as a `T`.
    pub fn of<T: 'static>(name: &str, text: &str) -> Self {
        let secrets = [TypeId::of::<Secret>(), TypeId::of::<SecretText>(), TypeId::of::<KeyText>()];
        if secrets.contains(&TypeId::of::<T>()) || is_called_like_a_secret(name) {
            return Self::Hidden;
        }
        if !name.split('_').any(|word| word == "URL") {
            return Self::Whole(text.to_owned());
        }
        place_of(text).map_or(Self::Hidden, Self::Address)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(text) | Self::Address(text) => f.write_str(text),
            Self::Hidden => f.write_str(HIDDEN),
        }
    }
}

fn is_called_like_a_secret(name: &str) -> bool {
    !name.ends_with(PLACE) && name.split('_').any(|word| HIDING_WORDS.contains(&word))
}

/// `scheme://host:port`, and `/…` where more follows; `None` of what is no such address (PostgreSQL also takes
/// `host=… password=…`).
pub fn place_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, more) = rest.split_at_checked(end)?;
    // A password may hold an `@` that nobody encoded, and then a slash too: nothing after the last one is a password.
    if more.contains('@') || !scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+') {
        return None;
    }
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let more = if matches!(more, "" | "/") { "" } else { "/…" };
    Some(format!("{scheme}://{host}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Source};

    #[test]
    fn of_an_address_only_the_place_is_shown() {
        for (url, shown) in [
            ("postgres://me:hush@db.example:5432/zmart?sslpassword=hush", Some("postgres://db.example:5432/…")),
            ("https://node.example/?api-key=hush", Some("https://node.example/…")),
            ("https://node.example/hush", Some("https://node.example/…")),
            ("redis://:hush@127.0.0.1:6379", Some("redis://127.0.0.1:6379")),
            ("ws://127.0.0.1:8900/", Some("ws://127.0.0.1:8900")),
            ("postgres://me:hu/sh@db.example/zmart", None),
            ("postgres://me:hu@sh@db.example/zmart", Some("postgres://db.example/…")),
            ("host=db.example password=hush", None),
            ("hush", None),
        ] {
            assert_eq!(place_of(url).as_deref(), shown, "{url}");
        }
    }

    #[test]
    fn what_is_read_as_a_secret_or_called_like_one_is_hidden() {
        assert_eq!(Shown::of::<SecretText>("ALERT_WEBHOOK_URL", "https://x/hush"), Shown::Hidden);
        assert_eq!(Shown::of::<Secret>("ANYTHING", "hush"), Shown::Hidden);
        assert_eq!(Shown::of::<String>("OPS_TOKEN", "hush"), Shown::Hidden);
        assert_eq!(Shown::of::<KeyText>("BACKEND_AUTHORITY_PRIVATE_KEY", "hush"), Shown::Hidden);
        assert_eq!(Shown::of::<String>("BACKEND_KEYPAIR_PATH", "/k"), Shown::Whole("/k".to_owned()));
        assert_eq!(Shown::of::<u16>("API_PORT", "4000"), Shown::Whole("4000".to_owned()));
    }

    #[test]
    fn no_setting_shows_a_secret_that_it_was_given() {
        // Each variable holds a word of its own, in the form in which it would be a secret.
        let word = |name: &str| format!("hush{}", name.to_lowercase());
        let mut source = Source::new(|name| {
            Some(match name {
                "REDIS_URL" | "DATABASE_URL" => format!("redis://me:{}@host:1/{}", word(name), word(name)),
                _ if name.contains("URL") => format!("https://host/?key={}", word(name)),
                _ if name.contains("PRIVATE_KEY") || name.contains("SECRET") => word(name).repeat(2),
                _ => return None,
            })
        });
        let _ = Config::read(&mut source);
        let settings = source.settings();
        assert!(settings.len() > 60, "the walk finds nothing");
        let shown: String = settings.iter().filter_map(Setting::in_force).collect();
        let kept = format!("{settings:?}");
        assert!(!shown.contains("hush") && !kept.contains("hush"), "{kept}");
        assert!(settings.iter().filter(|setting| setting.value.is_some()).count() > 10);
    }
}
