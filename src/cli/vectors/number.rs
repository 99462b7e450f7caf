//! Numbers as vectors write them: decimal digits in a string, nothing around them.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de};

/// A u64 as a string of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct U64(pub(super) u64);

/// An i64 as a string of digits, with a minus sign if it is negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct I64(pub(super) i64);

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    /// `Cow` alone would copy every string.
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let Text(text) = Text::deserialize(deserializer)?;
    // `parse` would take a plus sign too.
    if text.starts_with('+') { Err(de::Error::custom("not a decimal number")) } else { Ok(text) }
}

impl<'de> Deserialize<'de> for U64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for I64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}
