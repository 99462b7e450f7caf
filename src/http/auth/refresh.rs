//! Refresh tokens: 256 bits that mean nothing, used once.
//!
//! Stored by their hash only. What replaces a token follows from the token and our secret, so that for a few seconds the
//! one that was just replaced can be answered with the same successor (a reply that was lost, two tabs of a browser)
//! without it being stored. Nobody without the secret can compute it.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// A refresh token. Never printed but by [`RefreshToken::text`].
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken([u8; 32]);

impl RefreshToken {
    /// A new one.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// What it is replaced by.
    pub fn successor(&self, secret: &[u8]) -> Self {
        // Any length of key is one.
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(secret);
        let mut mac = mac.unwrap_or_else(|_| Hmac::new(&Default::default()));
        mac.update(b"zmart refresh token, successor of ");
        mac.update(&self.0);
        Self(mac.finalize().into_bytes().into())
    }

    /// What is stored of it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    /// For the client.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(refresh token)")
    }
}

impl FromStr for RefreshToken {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() != 43 {
            return Err(());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ())?;
        bytes.try_into().map(Self).map_err(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_follows_from_the_token_and_the_secret() {
        let token = RefreshToken::random();
        assert_eq!(token.successor(b"secret"), token.successor(b"secret"));
        assert_ne!(token.successor(b"secret"), token.successor(b"other"));
        assert_ne!(token.successor(b"secret"), token.successor(b"secret").successor(b"secret"));
        assert_eq!(token.text().parse(), Ok(token.clone()));
        assert_eq!(format!("{token:?}"), "(refresh token)");
        for text in ["", "x", &"x".repeat(44), &"!".repeat(43), &token.text()[1..]] {
            assert!(text.parse::<RefreshToken>().is_err(), "{text:?}");
        }
    }
}
