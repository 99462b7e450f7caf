//! Keys in files, in the form of Solana's own tools: a JSON array of 64 numbers.

use std::{fs, path::Path};

use solana_sdk::{signature::Keypair, signer::Signer};

use super::error::DemoError;
use crate::{cli::keys::file::write_new, domain::ids::Wallet};

/// The wallet of a key.
pub fn wallet_of(keypair: &Keypair) -> Wallet {
    Wallet(keypair.pubkey().to_bytes())
}

/// Reads a key, or makes one where there is no file. Only its owner may read the file.
///
/// # Errors
/// [`DemoError::Key`].
pub fn read_or_make(path: &Path) -> Result<Keypair, DemoError> {
    let bad = |reason: String| DemoError::Key { path: path.to_owned(), reason };
    match fs::read_to_string(path) {
        Ok(text) => parse(&text).map_err(bad),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let keypair = Keypair::new();
            write_new(path, &keypair.to_bytes()).map_err(|error| bad(error.to_string()))?;
            Ok(keypair)
        }
        Err(error) => Err(bad(error.to_string())),
    }
}

fn parse(text: &str) -> Result<Keypair, String> {
    let bytes: Vec<u8> = serde_json::from_str(text).map_err(|_| "not a JSON array of 64 bytes".to_owned())?;
    Keypair::try_from(bytes.as_slice()).map_err(|_| "not a key pair of 64 bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = std::env::temp_dir().join(format!("zmart-demo-keys-{}", std::process::id()));
        let path = folder.join("a/key.json");
        let made = read_or_make(&path).unwrap();
        assert_eq!(read_or_make(&path).unwrap().pubkey(), made.pubkey());
        for garbage in ["", "[]", "[1,2,3]", "{}", "not JSON"] {
            fs::write(&path, garbage).unwrap();
            assert!(matches!(read_or_make(&path), Err(DemoError::Key { .. })), "{garbage}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
