//! Whose something is: by a file with a key, or by an address.
//!
//! Reads of a file only the address of its key, by the one reader of key files that there is.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::KeysError;
use crate::{
    chain::keys::{AuthorityKeys, KeySource, KeySources},
    domain::ids::Wallet,
};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Of that address.
    Address(Wallet),
    /// Of the key in that file.
    File(PathBuf),
}

impl FromStr for Whose {
    type Err = Infallible;

    /// What is no address names a file.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::File(text.into()), Self::Address))
    }
}

impl Whose {
    /// The address.
    ///
    /// # Errors
    /// The file can't be read, or holds no key.
    pub fn wallet(&self) -> Result<Wallet, KeysError> {
        match self {
            Self::Address(wallet) => Ok(*wallet),
            Self::File(path) => of_file(path),
        }
    }
}

/// The address of the key in a file; warned of where others may open it.
pub fn of_file(path: &Path) -> Result<Wallet, KeysError> {
    let sources = KeySources { backend: Some(KeySource::File(path.to_owned())), admin: None };
    let keys = AuthorityKeys::load(&sources, false)?;
    let wallet = keys.wallets().into_iter().next().map(|(_, wallet)| wallet);
    // What was loaded is there.
    wallet.ok_or_else(|| crate::chain::keys::KeyError::NotAKey { place: path.display().to_string() }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_names_a_file() {
        let address = "7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS";
        assert!(matches!(address.parse::<Whose>().unwrap(), Whose::Address(wallet) if wallet.to_string() == address));
        assert_eq!("keys/backend.json".parse::<Whose>().unwrap(), Whose::File("keys/backend.json".into()));
    }
}
