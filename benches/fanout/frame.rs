//! The frames that are sent: texts of a known length with their number in them, and the same as they go over the wire.

use std::fmt::Write;

use zmart::domain::ids::MarketAddress;

/// Length of every text.
pub const TEXT_BYTES: usize = 300;
/// What the baseline says first; the engine says the same and more.
pub const SUBSCRIBED: &str = r#"{"type":"subscribed","seq":0}"#;
const CONFIG_HEAD: &str = r#"{"type":"config_update","channel":"config","epoch":1,"seq":"#;
const MARKET_HEAD: &str = r#"{"type":"price_update","seq":"#;

/// The address of the market of that number.
pub fn market(number: usize) -> MarketAddress {
    let mut bytes = [7; 32];
    bytes[24..].copy_from_slice(&(number as u64).to_be_bytes());
    MarketAddress(bytes)
}

/// As clients name it.
pub fn channel(number: usize) -> String {
    format!("market:{}", market(number))
}

/// The text of an entry of the config.
pub fn config_text(seq: u64) -> String {
    filled(format_args!(r#"{CONFIG_HEAD}{seq},"data":{{"filler":""#))
}

/// The text of an entry of a market, that was ordered at a moment (nanoseconds of the clock of who ordered it).
pub fn market_text(channel: &str, seq: u64, at: u64) -> String {
    filled(format_args!(r#"{MARKET_HEAD}{seq},"at":{at},"channel":"{channel}","data":{{"filler":""#))
}

fn filled(head: std::fmt::Arguments<'_>) -> String {
    let mut text = String::with_capacity(TEXT_BYTES);
    let _ = text.write_fmt(head);
    let end = r#""}}"#;
    while text.len() + end.len() < TEXT_BYTES {
        text.push('x');
    }
    text.push_str(end);
    text
}

/// What an entry's text says.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub channel: &'a [u8],
    pub seq: u64,
    /// When it was ordered; on markets' channels.
    pub at: Option<u64>,
}

/// The entry, if the text is that of one.
pub fn entry(text: &[u8]) -> Option<Entry<'_>> {
    if let Some(digits) = text.strip_prefix(CONFIG_HEAD.as_bytes()) {
        return Some(Entry { channel: b"config", seq: number(digits)?.0, at: None });
    }
    let (seq, rest) = number(text.strip_prefix(MARKET_HEAD.as_bytes())?)?;
    let (at, rest) = number(rest.strip_prefix(br#","at":"#)?)?;
    let name = rest.strip_prefix(br#","channel":""#)?;
    let end = name.iter().position(|byte| *byte == b'"')?;
    Some(Entry { channel: &name[..end], seq, at: Some(at) })
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (digits, rest) = text.split_at(text.iter().take_while(|digit| digit.is_ascii_digit()).count());
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
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
