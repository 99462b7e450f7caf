//! Who asks: sign-in, tokens, and what handlers are told of the caller.
//!
//! A wallet signs a message ([`siws`], also inside the envelope of hardware wallets: [`offchain`]) that holds a nonce of
//! ours ([`nonces`]); for that it gets a session, an access token ([`tokens`], an hour, checked without asking anybody) and a refresh
//! token ([`refresh`], used once). At each request [`middleware`] checks the token and whether its session still is
//! ([`sessions`]), and leaves the [`caller::Caller`] with the request. Tokens are written and read here only; the rows are
//! [`crate::journal::sessions`]'.

pub mod caller;
pub mod middleware;
pub mod nonces;
pub mod offchain;
pub mod refresh;
pub mod sessions;
pub mod siws;
pub mod tokens;

use uuid::{Uuid, uuid};

use crate::domain::ids::Wallet;

/// What sign-in is told of the site and its secret.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// Signs and checks tokens; at least 256 bits.
    pub secret: crate::config::Secret,
    /// What messages must name.
    pub site: siws::Site,
}

/// `sub` is the UUIDv5 of the wallet's base58 text in this namespace.
const USERS: Uuid = uuid!("2f8f3c52-6c5e-5b0a-9d6c-6c0f6f4b1a57");

/// The user of a wallet: Supabase wants a UUID.
pub fn user_of(wallet: Wallet) -> Uuid {
    Uuid::new_v5(&USERS, wallet.to_string().as_bytes())
}
