//! The recorded behaviour in `tests/fixtures` of the repository, row by row.

use std::path::Path;

use base64::Engine;
use serde_json::Value;
use solana_sdk::pubkey::Pubkey;

/// All rows of a fixture file.
pub fn rows(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect()
}

/// A field that must be there.
pub fn field<'v>(row: &'v Value, name: &str) -> &'v Value {
    row.get(name).unwrap_or_else(|| panic!("{name} is missing in {row}"))
}

/// A text field.
pub fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    field(row, name).as_str().unwrap_or_else(|| panic!("{name} is no text in {row}"))
}

/// A number, written as such or as decimal text.
pub fn number<N: std::str::FromStr>(row: &Value, name: &str) -> N {
    let value = field(row, name);
    let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    written.parse().unwrap_or_else(|_| panic!("{name} is no number in {row}"))
}

/// An address.
pub fn key(row: &Value, name: &str) -> Pubkey {
    text(row, name).parse().expect("an address")
}

/// Bytes in hex.
pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

/// Bytes in base64.
pub fn base64(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}
