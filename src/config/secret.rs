//! A secret: long enough to be one, and never printed.

use std::{fmt, str::FromStr};

/// Shortest that is taken, in bytes: 256 bits, as many as an HMAC-SHA256 can use.
pub const SECRET_BYTES_MIN: usize = 32;

/// Secrets that everybody knows, because they are in examples: fit for a developer's machine only.
const KNOWN: &[&str] = &[
    "super-secret-jwt-token-with-at-least-32-characters-long",
    "your-super-secret-jwt-token-with-at-least-32-characters-long",
    "your-super-secret-and-long-postgres-password",
];

/// Bytes that nobody else may know.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// It stands in examples, or is one character again and again.
    pub fn is_known(&self) -> bool {
        KNOWN.iter().any(|known| known.as_bytes() == self.0) || self.0.iter().all(|byte| Some(byte) == self.0.first())
    }
}

impl FromStr for Secret {
    type Err = ();

    /// Too short is no secret.
    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() < SECRET_BYTES_MIN { Err(()) } else { Ok(Self(text.as_bytes().to_vec())) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A text that is never printed, of any length: an address that may carry a token.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// The text, for who needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretText {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_256_bits_and_is_never_printed() {
        assert!("x".repeat(31).parse::<Secret>().is_err());
        let secret: Secret = "0123456789abcdef0123456789abcdef".parse().unwrap();
        assert_eq!(format!("{secret:?}"), "(secret)");
        assert!(!secret.is_known());
    }

    #[test]
    fn what_stands_in_examples_is_known() {
        for known in KNOWN.iter().map(|known| (*known).to_owned()).chain(["x".repeat(64)]) {
            assert!(known.parse::<Secret>().unwrap().is_known(), "{known}");
        }
    }
}
