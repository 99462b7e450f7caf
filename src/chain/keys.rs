//! The authorities' keys: where they come from, and the only type that can sign with them.
//!
//! Owns the reading of key files and texts, and the secrets themselves: nothing gives one out, shows one, compares one or
//! writes one, and each is overwritten when its last holder is gone. Only the parts of governance that send may name this
//! module (`tests/it/layering` checks it). Never decides what is signed. Users' keys never come here: users sign their own
//! transactions.

use std::{
    fmt,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use ed25519_dalek::{Signer, SigningKey};
use solana_sdk::signature::Signature;
use zeroize::Zeroizing;

use crate::domain::{attempt::Authority, ids::Wallet};

/// Bytes of a key file that are read: 64 numbers, with room for white space.
const FILE_BYTES_MAX: usize = 4_096;
/// Bytes of a key: its secret half, then its public one.
const KEY_BYTES: usize = 64;
/// Who else than its owner may do something with a file.
const OTHERS: u32 = 0o077;

/// A key as text, not understood yet. Has no way out but [`AuthorityKeys::load`].
#[derive(Clone)]
pub struct KeyText(Arc<Zeroizing<String>>);

impl KeyText {
    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for KeyText {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Arc::new(Zeroizing::new(text.to_owned()))))
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Where a key is.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// In a file as Solana's tools write it: a JSON array of 64 numbers.
    File(PathBuf),
    /// Here: such an array, or the same bytes in base58.
    Text(KeyText),
}

/// Where the authorities' keys are, if they are here.
#[derive(Debug, Clone, Default)]
pub struct KeySources {
    /// Of the config's `backend_authority`.
    pub backend: Option<KeySource>,
    /// Of the config's `admin`.
    pub admin: Option<KeySource>,
}

/// A key can't be had. Says nothing of what was read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such file, or it may not be read.
    #[error("the key file {} can't be read: {error}", path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Others than its owner may read or write the file.
    #[error("the key file {} is open to others (mode {mode:03o}): it has to be its owner's alone (chmod 600)", path.display())]
    OpenToOthers {
        /// Where.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// What is there is no key, or its halves don't belong together.
    #[error("what {place} holds is no key: a JSON array of 64 numbers, or (in a variable) the same bytes in base58")]
    NotAKey {
        /// A file, or "a variable".
        place: String,
    },
}

/// A key that signs for an authority of the program. Clones share the one secret.
#[derive(Clone)]
pub struct AuthorityKey(Arc<SigningKey>);

impl AuthorityKey {
    /// Whose it is.
    pub fn wallet(&self) -> Wallet {
        Wallet(self.0.verifying_key().to_bytes())
    }

    /// The signature over a message.
    pub fn sign(&self, message: &[u8]) -> Signature {
        self.0.sign(message).to_bytes().into()
    }

    fn load(source: &KeySource, is_strict: bool) -> Result<Self, KeyError> {
        match source {
            KeySource::File(path) => {
                let text = read_file(path, is_strict)?;
                parse(&text).ok_or_else(|| KeyError::NotAKey { place: format!("the file {}", path.display()) })
            }
            KeySource::Text(text) => parse(&text.0).ok_or_else(|| KeyError::NotAKey { place: "a variable".to_owned() }),
        }
    }
}

impl fmt::Debug for AuthorityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorityKey({})", self.wallet())
    }
}

/// The authorities' keys that this process has.
#[derive(Debug, Clone, Default)]
pub struct AuthorityKeys {
    /// The config's `backend_authority`: reports tallies, finalizes, and pays.
    pub backend: Option<AuthorityKey>,
    /// The config's `admin`: approves.
    pub admin: Option<AuthorityKey>,
}

impl AuthorityKeys {
    /// Those that are configured; none is no error. `is_strict`: a file that is open to others is refused, and not only
    /// warned of.
    ///
    /// # Errors
    /// [`KeyError`]: one that is configured can't be had.
    pub fn load(sources: &KeySources, is_strict: bool) -> Result<Self, KeyError> {
        let load = |source: &Option<KeySource>| {
            source.as_ref().map(|source| AuthorityKey::load(source, is_strict)).transpose()
        };
        Ok(Self { backend: load(&sources.backend)?, admin: load(&sources.admin)? })
    }

    /// Whose keys there are.
    pub fn wallets(&self) -> Vec<(Authority, Wallet)> {
        let keys = [(Authority::Backend, &self.backend), (Authority::Admin, &self.admin)];
        keys.into_iter().filter_map(|(authority, key)| Some((authority, key.as_ref()?.wallet()))).collect()
    }

    /// What can't be done without the keys that are missing; `None` where none is.
    pub fn missing(&self) -> Option<&'static str> {
        match (&self.backend, &self.admin) {
            (Some(_), Some(_)) => None,
            (Some(_), None) => Some("no admin's key: proposals are counted on the chain, and approved by an admin"),
            (None, _) => Some("no backend authority's key: what governance would send is only alerted of"),
        }
    }
}

fn read_file(path: &Path, is_strict: bool) -> Result<Zeroizing<String>, KeyError> {
    let unreadable = |error| KeyError::Unreadable { path: path.to_owned(), error };
    let mut file = File::open(path).map_err(unreadable)?;
    // Of what was opened, not of what its name leads to a moment later.
    let mode = mode_of(&file).map_err(unreadable)?;
    if mode & OTHERS != 0 {
        let error = KeyError::OpenToOthers { path: path.to_owned(), mode };
        if is_strict {
            return Err(error);
        }
        log::warn!("{error}");
    }
    // As large as it may get: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(vec![0; FILE_BYTES_MAX]);
    let mut length = 0;
    while let Some(room) = bytes.get_mut(length..).filter(|room| !room.is_empty()) {
        match file.read(room).map_err(unreadable)? {
            0 => break,
            count => length += count,
        }
    }
    let text = bytes.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(unix)]
fn mode_of(file: &File) -> std::io::Result<u32> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode_of(_: &File) -> std::io::Result<u32> {
    Ok(0)
}

/// A key in either form; `None` if it is none, or if its public half is not of its secret one. By hand, because parsers of
/// JSON leave copies behind.
fn parse(text: &str) -> Option<AuthorityKey> {
    let text = text.trim();
    let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
    match text.strip_prefix('[') {
        Some(rest) => {
            let mut numbers = rest.strip_suffix(']')?.split(',');
            for byte in bytes.iter_mut() {
                *byte = numbers.next()?.trim().parse().ok()?;
            }
            if numbers.next().is_some() {
                return None;
            }
        }
        None => {
            if bs58::decode(text).onto(&mut bytes[..]).ok()? != KEY_BYTES {
                return None;
            }
        }
    }
    Some(AuthorityKey(Arc::new(SigningKey::from_keypair_bytes(&bytes).ok()?)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use ed25519_dalek::{Verifier, VerifyingKey};

    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[41; 32])
    }

    fn array(bytes: &[u8]) -> String {
        serde_json::to_string(bytes).unwrap()
    }

    fn load(text: &str) -> Result<AuthorityKey, KeyError> {
        AuthorityKey::load(&KeySource::Text(text.parse().unwrap()), true)
    }

    fn file(name: &str, content: &str, mode: u32) -> KeySource {
        let path = std::env::temp_dir().join(format!("zmart-keys-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        KeySource::File(path)
    }

    #[test]
    fn a_key_signs_for_its_wallet_in_whichever_form_it_was_given() {
        let bytes = key().to_keypair_bytes();
        let owners = file("owner.json", &format!(" {}\n", array(&bytes)), 0o600);
        for key in [
            load(&array(&bytes)).unwrap(),
            load(&bs58::encode(bytes).into_string()).unwrap(),
            AuthorityKey::load(&owners, true).unwrap(),
        ] {
            assert_eq!(key.wallet().0, self::key().verifying_key().to_bytes());
            let signature = ed25519_dalek::Signature::from_bytes(&key.sign(b"a message").into());
            let verifying = VerifyingKey::from_bytes(&key.wallet().0).unwrap();
            assert!(verifying.verify(b"a message", &signature).is_ok());
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_a_word_of_what_it_is() {
        let mut other = key().to_keypair_bytes();
        other[40] ^= 1;
        let bytes = key().to_keypair_bytes();
        let too_many = array(&[&bytes[..], &[1]].concat());
        for wrong in [
            "".to_owned(),
            "[]".to_owned(),
            array(&other),
            array(&bytes[..63]),
            too_many,
            array(&bytes).replace(']', ""),
            "[1,2,300]".to_owned(),
            bs58::encode(&bytes[..32]).into_string(),
            bs58::encode([7; 80]).into_string(),
            "not base58: 0OIl".to_owned(),
        ] {
            let error = load(&wrong).unwrap_err().to_string();
            assert!(error.contains("is no key") && (wrong.len() < 3 || !error.contains(&wrong)), "{error}");
        }
        let endless = file("endless.json", &"1,".repeat(FILE_BYTES_MAX), 0o600);
        assert!(matches!(AuthorityKey::load(&endless, true), Err(KeyError::NotAKey { .. })));
        let missing = KeySource::File("/nowhere/key.json".into());
        assert!(matches!(AuthorityKey::load(&missing, false), Err(KeyError::Unreadable { .. })));
    }

    #[test]
    fn a_file_that_others_may_open_is_refused_where_it_is_strict() {
        for mode in [0o640, 0o604, 0o620, 0o644] {
            let open = file(&format!("{mode:o}.json"), &array(&key().to_keypair_bytes()), mode);
            let error = AuthorityKey::load(&open, true).unwrap_err();
            assert!(matches!(error, KeyError::OpenToOthers { mode: told, .. } if told == mode), "{error}");
            assert!(AuthorityKey::load(&open, false).is_ok(), "a developer is only warned");
        }
        let readable = file("400.json", &array(&key().to_keypair_bytes()), 0o400);
        assert!(AuthorityKey::load(&readable, true).is_ok());
    }

    #[test]
    fn nothing_that_holds_a_key_shows_it() {
        let bytes = key().to_keypair_bytes();
        let text = bs58::encode(bytes).into_string();
        let source = KeySource::Text(text.parse().unwrap());
        let sources = KeySources { backend: Some(source.clone()), admin: None };
        let keys = AuthorityKeys::load(&sources, true).unwrap();
        let shown = format!("{source:?} {sources:?} {sources:#?} {keys:?} {keys:#?} {:?}", keys.backend);
        let half = bs58::encode(&bytes[..32]).into_string();
        let numbers = bytes[..3].iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        for secret in [text.as_str(), &half, &numbers] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains(&keys.backend.as_ref().unwrap().wallet().to_string()), "whose it is may be said");
    }

    #[test]
    fn what_is_missing_is_said_and_no_key_is_no_error() {
        let none = AuthorityKeys::load(&KeySources::default(), true).unwrap();
        assert!(none.missing().is_some_and(|what| what.contains("backend")));
        let one = AuthorityKeys { backend: load(&array(&key().to_keypair_bytes())).ok(), admin: None };
        assert!(one.missing().is_some_and(|what| what.contains("admin")));
        assert_eq!(AuthorityKeys { admin: one.backend.clone(), ..one }.missing(), None);
    }
}
