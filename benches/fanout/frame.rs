//! The frame that is sent: a text of a known length with its number in it, and the same as it goes over the wire.

use std::fmt::Write;

/// Length of every text.
pub const TEXT_BYTES: usize = 300;
/// What the baseline says first; the engine says the same and more.
pub const SUBSCRIBED: &str = r#"{"type":"subscribed","seq":0}"#;
const HEAD: &str = r#"{"type":"config_update","channel":"config","epoch":1,"seq":"#;

/// The text of an entry.
pub fn text(seq: u64) -> String {
    let mut text = String::with_capacity(TEXT_BYTES);
    let _ = write!(text, r#"{HEAD}{seq},"data":{{"filler":""#);
    let end = r#""}}"#;
    while text.len() + end.len() < TEXT_BYTES {
        text.push('x');
    }
    text.push_str(end);
    text
}

/// The number of an entry, if the text is that of one.
pub fn seq(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(HEAD.as_bytes())?;
    let count = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
    std::str::from_utf8(&digits[..count]).ok()?.parse().ok()
}

/// As a server's text frame (RFC 6455): unmasked, whole.
pub fn framed(text: &str) -> Vec<u8> {
    let mut bytes = vec![0x81];
    match text.len() {
        short @ ..126 => bytes.push(short as u8),
        medium => {
            bytes.push(126);
            bytes.extend((medium as u16).to_be_bytes());
        }
    }
    bytes.extend(text.as_bytes());
    bytes
}
