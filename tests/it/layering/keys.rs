//! No key lies where it would be committed, or get into an image.
//!
//! Looks at what is in the checkout, whether git has it yet or not: only what git ignores for certain is left out.

use std::{fs, path::Path};

use super::FilePath;

/// What git ignores, and an image has to as well.
const IGNORED: [&str; 7] = [".git", ".zmart", ".env", "target", "node_modules", "artifacts", "coverage"];
/// Longer than any key file.
const BYTES_MAX: u64 = 4_096;
/// Bytes of a key.
const KEY_BYTES: usize = 64;

/// In the form of Solana's tools: a JSON array of 64 bytes.
fn is_key(text: &str) -> bool {
    let inner = text.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let numbers = inner.map(|inner| inner.split(',').map(|number| number.trim().parse::<u8>()).collect::<Vec<_>>());
    numbers.is_some_and(|numbers| numbers.len() == KEY_BYTES && numbers.iter().all(Result::is_ok))
}

/// How many files were looked at, and those that hold a key.
fn look(folder: &Path, keys: &mut Vec<String>) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if IGNORED.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if kind.is_dir() {
            count += look(&entry.path(), keys);
        } else if kind.is_file() && entry.metadata().unwrap().len() <= BYTES_MAX {
            count += 1;
            let text = fs::read(entry.path()).unwrap();
            if std::str::from_utf8(&text).is_ok_and(is_key) {
                keys.push(entry.path().display().to_string());
            }
        }
    }
    count
}

#[test]
fn no_file_of_the_project_is_a_key() {
    let key = format!("[{}]", vec!["7"; KEY_BYTES].join(", "));
    assert!(is_key(&key) && is_key(&format!(" {key}\n")) && !is_key("[1,2,3]") && !is_key(&key.replace('7', "700")));
    let mut keys = Vec::new();
    let count = look(FilePath::new(env!("CARGO_MANIFEST_DIR")), &mut keys);
    assert!(count > 100, "the walk finds nothing");
    assert!(keys.is_empty(), "keys lie where they may be committed: {keys:?}");
}

#[test]
fn what_an_image_leaves_out_anywhere_is_no_part_of_the_source() {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(".dockerignore")).unwrap();
    let anywhere: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("**/")).collect();
    let all_the_same: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert!(!anywhere.is_empty());
    for file in super::rust_files(&root.join("src")) {
        let file = file.strip_prefix(root).unwrap();
        let is_lost = file.components().any(|part| anywhere.iter().any(|name| part.as_os_str() == *name));
        let is_let_in = all_the_same.iter().any(|place| file.starts_with(place));
        assert!(!is_lost || is_let_in, "an image would be built without {}", file.display());
    }
}
