//! Writing a key to a file, in the form of Solana's own tools: a JSON array of 64 numbers.
//!
//! A file is new, is its owner's alone from its first moment, and is whole or is not there. It never lies where git would
//! take it. Reading is `chain::keys`' part.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use zeroize::Zeroizing;

/// Bytes of a key: its secret half, then its public one.
const KEY_BYTES: usize = 64;
/// Its owner may read and write it, and nobody else anything.
const MODE: u32 = 0o600;

/// A key was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A key that is overwritten is lost for good.
    #[error("{} is there already, and stays as it is: a key that is overwritten is lost for good", .0.display())]
    IsThere(PathBuf),
    /// git would take it.
    #[error(
        "{} is in a git checkout that does not ignore it, and might be committed: choose a place outside, or under .zmart/, \
         or have git ignore it",
        .0.display()
    )]
    InGit(PathBuf),
    /// The file system refused.
    #[error("{} can't be written: {error}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// Writes a key that there was not.
///
/// # Errors
/// [`WriteError`]; then there is no new file.
pub fn write_new(path: &Path, key: &[u8; KEY_BYTES]) -> Result<(), WriteError> {
    if git_would_take(path) {
        return Err(WriteError::InGit(path.to_owned()));
    }
    write(path, key).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => WriteError::IsThere(path.to_owned()),
        _ => WriteError::Io { path: path.to_owned(), error },
    })
}

fn write(path: &Path, key: &[u8; KEY_BYTES]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // By hand: a buffer that grows leaves copies behind. Four characters a number at most.
    let mut text = Zeroizing::new(String::with_capacity(4 * KEY_BYTES + 2));
    for (at, byte) in key.iter().enumerate() {
        text.push_str(if at == 0 { "[" } else { "," });
        push_number(&mut text, *byte);
    }
    text.push(']');
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // It is of this call, and half a key is none.
        let _ = fs::remove_file(path);
    }
    written
}

fn push_number(text: &mut String, number: u8) {
    let digit = |value: u8| char::from(b'0' + value % 10);
    if number >= 100 {
        text.push(digit(number / 100));
    }
    if number >= 10 {
        text.push(digit(number / 10));
    }
    text.push(digit(number));
}

/// In a checkout, and not ignored. Where git can't be asked, only what the checkout of this project ignores is believed.
fn git_would_take(path: &Path) -> bool {
    let Ok(whole) = std::path::absolute(path) else { return false };
    let Some(checkout) = whole.ancestors().skip(1).find(|folder| folder.join(".git").exists()) else { return false };
    let asked = Command::new("git")
        .args(["check-ignore", "--quiet", "--"])
        .arg(&whole)
        .current_dir(checkout)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match asked.map(|status| status.code()) {
        Ok(Some(0)) => false,
        Ok(Some(1)) => true,
        _ => !whole.starts_with(checkout.join(".zmart")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder of the test's own, outside of any checkout.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("zmart-new-keys-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_key_file_is_its_owners_alone_and_never_overwritten() {
        let folder = folder("once");
        let path = folder.join("deep/backend.json");
        let key: [u8; KEY_BYTES] = std::array::from_fn(|at| at as u8 * 4);
        write_new(&path, &key).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read: Vec<u8> = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(read, key);
        assert!(matches!(write_new(&path, &[1; KEY_BYTES]), Err(WriteError::IsThere(_))));
        let again: Vec<u8> = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(again, key, "the first one stays");
        assert!(matches!(write_new(&path.join("below/a/file"), &key), Err(WriteError::Io { .. })));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn every_number_is_written_as_it_is() {
        for number in 0..=u8::MAX {
            let mut text = String::new();
            push_number(&mut text, number);
            assert_eq!(text, number.to_string());
        }
    }

    #[test]
    fn no_key_is_written_where_git_would_take_it() {
        let folder = folder("git");
        let git = |arguments: &[&str]| {
            assert!(Command::new("git").args(arguments).current_dir(&folder).status().unwrap().success());
        };
        git(&["init", "--quiet"]);
        fs::write(folder.join(".gitignore"), "/kept/\n").unwrap();
        let refused = write_new(&folder.join("sub/key.json"), &[1; KEY_BYTES]);
        assert!(matches!(refused, Err(WriteError::InGit(_))), "{refused:?}");
        assert!(!folder.join("sub").exists(), "nothing is made");
        write_new(&folder.join("kept/key.json"), &[1; KEY_BYTES]).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }
}
