//! What a connection string says of TLS, in libpq's words, and what the engine makes of it.
//!
//! tokio-postgres knows only some of the words, and none of those that name a CA; so they are taken out here, and what is
//! left is its to read. What can't be done as it is asked is refused, never done in part: who writes `verify-full` must not get
//! less. The rules are libpq's but for two, both on the side of caution: a CA that is named is always checked by (libpq's
//! `prefer` would go on in the clear), and `verify-full` without one means the system's roots.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::tls::roots::Roots;

/// The string can't be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SslWordsError {
    /// No mode that is known.
    #[error(
        "sslmode is one of disable, prefer, require, verify-ca, verify-full (allow, which begins in the clear, is not offered)"
    )]
    Mode,
    /// A word of libpq's that would change what is checked or shown.
    #[error("{0} is not offered: take it out (of TLS there are sslmode, sslrootcert, sslnegotiation, channel_binding)")]
    NotOffered(String),
    /// A CA is named and would not be used.
    #[error("a CA is named, and sslmode={0} would not check by it: say verify-full, or take the CA away")]
    Unused(&'static str),
    /// Nothing to check by.
    #[error("sslmode=verify-ca needs the CA's file: sslrootcert, or DATABASE_CA_FILE")]
    NoRoots,
    /// Who begins with TLS can't do without it.
    #[error("sslnegotiation=direct begins with TLS: it needs sslmode=require, verify-ca or verify-full")]
    Direct,
    /// Anybody can have a certificate of a public CA.
    #[error("sslrootcert=system is any CA that this system trusts: only sslmode=verify-full is of use with it")]
    Weak,
}

/// How a connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// In the clear.
    Off,
    /// Encrypted if the server offers it, and nothing is checked.
    IfOffered,
    /// Encrypted, and nothing is checked.
    Unchecked,
    /// Encrypted, with a server whose certificate leads to one of the roots.
    Chain(Roots),
    /// As above, and the certificate is made out to the name that was dialled.
    ChainAndName(Roots),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// What was said of TLS.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    mode: Option<Mode>,
    root: Option<String>,
    is_direct: bool,
}

impl Said {
    /// A word and its value; false: it is not about TLS, or tokio-postgres knows it.
    fn take(&mut self, word: &str, value: &str) -> Result<bool, SslWordsError> {
        match word {
            "sslmode" => {
                self.mode = Some(match value {
                    "disable" => Mode::Disable,
                    "prefer" => Mode::Prefer,
                    "require" => Mode::Require,
                    "verify-ca" => Mode::VerifyCa,
                    "verify-full" => Mode::VerifyFull,
                    _ => return Err(SslWordsError::Mode),
                });
            }
            "sslrootcert" => self.root = Some(value.to_owned()).filter(|path| !path.is_empty()),
            "sslnegotiation" => {
                self.is_direct = value == "direct";
                return Ok(false);
            }
            _ if word.starts_with("ssl") || word == "requiressl" => {
                return Err(SslWordsError::NotOffered(word.to_owned()));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn protection(self, ca_file: Option<&Path>) -> Result<Protection, SslWordsError> {
        let roots = match self.root.as_deref() {
            Some("system") => Some(Roots::System),
            Some(path) => Some(Roots::File(PathBuf::from(path))),
            None => ca_file.map(|path| Roots::File(path.to_owned())),
        };
        let is_system = roots == Some(Roots::System);
        Ok(match (self.mode, roots) {
            (None | Some(Mode::Prefer | Mode::Disable), None) if self.is_direct => return Err(SslWordsError::Direct),
            (None | Some(Mode::Prefer), None) => Protection::IfOffered,
            (Some(Mode::Disable), None) => Protection::Off,
            (Some(Mode::Require), None) => Protection::Unchecked,
            (Some(Mode::VerifyCa), None) => return Err(SslWordsError::NoRoots),
            (Some(Mode::VerifyFull), None) => Protection::ChainAndName(Roots::System),
            (Some(Mode::Disable), Some(_)) => return Err(SslWordsError::Unused("disable")),
            (Some(Mode::Prefer), Some(_)) => return Err(SslWordsError::Unused("prefer")),
            (Some(Mode::Require | Mode::VerifyCa), Some(_)) if is_system => return Err(SslWordsError::Weak),
            (Some(Mode::Require | Mode::VerifyCa), Some(roots)) => Protection::Chain(roots),
            (None | Some(Mode::VerifyFull), Some(roots)) => Protection::ChainAndName(roots),
        })
    }
}

/// The string without what only libpq knows of TLS, and what that means; `ca_file` holds where the string names no CA.
///
/// # Errors
/// [`SslWordsError`].
pub fn read(text: &str, ca_file: Option<&Path>) -> Result<(String, Protection), SslWordsError> {
    let mut said = Said::default();
    let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    let rest = if is_url { without_query(text, &mut said)? } else { without_words(text, &mut said)? };
    Ok((rest, said.protection(ca_file)?))
}

fn without_query(url: &str, said: &mut Said) -> Result<String, SslWordsError> {
    // A password may hold a question mark: tokio-postgres reads a login up to the first `@`.
    let login_end = url.find('@').unwrap_or_default();
    let Some(at) = url.get(login_end..).and_then(|rest| rest.find('?')).map(|at| at + login_end) else {
        return Ok(url.to_owned());
    };
    let (place, query) = url.split_at(at);
    let mut kept = Vec::new();
    for pair in query.trim_start_matches('?').split('&') {
        let (word, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |text| percent_decode_str(text).decode_utf8_lossy();
        if !said.take(&plain(word), &plain(value))? {
            kept.push(pair);
        }
    }
    let query = if kept.iter().all(|pair| pair.is_empty()) { String::new() } else { format!("?{}", kept.join("&")) };
    Ok(format!("{place}{query}"))
}

fn without_words(text: &str, said: &mut Said) -> Result<String, SslWordsError> {
    let mut kept = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some((word, value, length)) = first_word(rest) else {
            // What is no word and value is tokio-postgres' to complain of.
            kept.push(rest);
            break;
        };
        let (whole, after) = rest.split_at(length);
        if !said.take(word, &value)? {
            kept.push(whole);
        }
        rest = after.trim_start();
    }
    Ok(kept.join(" "))
}

/// `word = value` or `word = 'value'`, with backslashes before what stands for itself: the word, the value, their length.
fn first_word(text: &str) -> Option<(&str, String, usize)> {
    let equals = text.find('=')?;
    let word = text.get(..equals)?.trim_end();
    if word.is_empty() || word.contains(char::is_whitespace) {
        return None;
    }
    let mut at = equals + 1;
    at += text.get(at..)?.len() - text.get(at..)?.trim_start().len();
    let is_quoted = text.get(at..)?.starts_with('\'');
    at += usize::from(is_quoted);
    let mut value = String::new();
    let mut chars = text.get(at..)?.char_indices();
    while let Some((n, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, next)| next)),
            '\'' if is_quoted => return Some((word, value, at + n + 1)),
            c if !is_quoted && c.is_whitespace() => return Some((word, value, at + n)),
            c => value.push(c),
        }
    }
    // A quote that is not closed.
    (!is_quoted).then_some((word, value, text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Roots {
        Roots::File(PathBuf::from(path))
    }

    #[test]
    fn the_words_mean_what_they_mean_to_libpq_and_nothing_less_is_done() {
        use Protection::{Chain, ChainAndName, IfOffered, Off, Unchecked};
        use SslWordsError::{Direct, Mode, NoRoots, NotOffered, Unused, Weak};
        for (query, ca_file, expected) in [
            ("", None, Ok(IfOffered)),
            ("sslmode=prefer", None, Ok(IfOffered)),
            ("sslmode=disable", None, Ok(Off)),
            ("sslmode=require", None, Ok(Unchecked)),
            ("sslmode=require&sslrootcert=/ca.pem", None, Ok(Chain(file("/ca.pem")))),
            ("sslmode=verify-ca&sslrootcert=%2Fa%20b", None, Ok(Chain(file("/a b")))),
            ("sslmode=verify-full", None, Ok(ChainAndName(Roots::System))),
            ("sslmode=verify-full&sslrootcert=system", Some("/ca.pem"), Ok(ChainAndName(Roots::System))),
            ("sslmode=verify-full", Some("/ca.pem"), Ok(ChainAndName(file("/ca.pem")))),
            ("sslmode=require", Some("/ca.pem"), Ok(Chain(file("/ca.pem")))),
            ("", Some("/ca.pem"), Ok(ChainAndName(file("/ca.pem")))),
            ("sslmode=prefer", Some("/ca.pem"), Err(Unused("prefer"))),
            ("sslmode=disable&sslrootcert=/ca.pem", None, Err(Unused("disable"))),
            ("sslmode=verify-ca", None, Err(NoRoots)),
            ("sslmode=verify-ca&sslrootcert=system", None, Err(Weak)),
            ("sslmode=require&sslrootcert=system", None, Err(Weak)),
            ("sslnegotiation=direct", None, Err(Direct)),
            ("sslnegotiation=direct&sslmode=disable", None, Err(Direct)),
            ("sslnegotiation=direct&sslmode=require", None, Ok(Unchecked)),
            ("sslmode=allow", None, Err(Mode)),
            ("sslmode=verify_full", None, Err(Mode)),
            ("sslcert=/me.pem", None, Err(NotOffered("sslcert".to_owned()))),
            ("ssl_min_protocol_version=TLSv1.3", None, Err(NotOffered("ssl_min_protocol_version".to_owned()))),
        ] {
            let ca_file = ca_file.map(Path::new);
            let url = read(&format!("postgres://me@db.example/zmart?{query}"), ca_file);
            assert_eq!(url.map(|(_, protection)| protection), expected, "{query}");
            let words = query.replace('&', " ").replace("%2F", "/").replace("%20", "\\ ");
            let words = read(&format!("host=db.example {words} user=me"), ca_file);
            assert_eq!(words.map(|(_, protection)| protection), expected, "{query}");
        }
    }

    #[test]
    fn what_is_left_is_the_same_string_without_those_words() {
        for (text, rest) in [
            ("postgres://me:p%3F@h/db?sslmode=require", "postgres://me:p%3F@h/db"),
            ("postgres://me:p?sslmode=x@h/db", "postgres://me:p?sslmode=x@h/db"),
            (
                "postgresql://h/db?connect_timeout=3&sslmode=require&options=-c%20a",
                "postgresql://h/db?connect_timeout=3&options=-c%20a",
            ),
            ("postgres://h/db?sslnegotiation=direct&sslmode=require", "postgres://h/db?sslnegotiation=direct"),
            ("host=h sslmode = 'require'  user=me", "host=h user=me"),
            (
                "password='a sslmode=b \\' c' host=h sslrootcert='/a b' sslmode=verify-full",
                "password='a sslmode=b \\' c' host=h",
            ),
            ("password=a\\  sslmode=require host=h", "password=a\\  host=h"),
            ("host=h what", "host=h what"),
            ("password='open sslmode=require", "password='open sslmode=require"),
            ("", ""),
        ] {
            assert_eq!(read(text, None).unwrap().0, rest, "{text}");
        }
    }
}
