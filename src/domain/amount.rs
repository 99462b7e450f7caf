//! Amounts: integers in base units, each with a type of its own.
//!
//! Money is [`Lamports`] (1 SOL = 1e9), quantities of outcome shares are [`ShareUnits`] (1 share = 1e9), a price is
//! [`PriceE9`] (1e9 = certainty), a rate is [`Bps`] (10,000 = all of it), a moment of the chain is [`UnixSeconds`].
//! Amounts of different kinds do not add up, and none is ever a float. In JSON the first two are decimal strings
//! (JavaScript numbers end at 2^53), a price is a string with nine decimals, and a moment is RFC 3339 in UTC with
//! milliseconds; the journal stores exactly these forms.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! integer_amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// The sum, or `None` past 2^64 − 1.
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }
            /// The difference, or `None` below zero.
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

integer_amount! {
    /// Money in base units: 1 SOL = 1e9 lamports.
    Lamports
}
integer_amount! {
    /// A quantity of outcome shares in base units: 1 share = 1e9.
    ShareUnits
}

/// A price in units of 1e-9: from 0 to 1,000,000,000, the price of a share that pays for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PriceE9(pub u64);

impl PriceE9 {
    /// The price of certainty.
    pub const ONE: Self = Self(1_000_000_000);

    /// The price of the other outcome (the program's PRICE_NO = P − PRICE_YES); zero for a price above one.
    pub fn complement(self) -> Self {
        Self(Self::ONE.0.saturating_sub(self.0))
    }
}

impl fmt::Display for PriceE9 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / Self::ONE.0, self.0 % Self::ONE.0)
    }
}

/// A text is not a price with nine decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a price with nine decimals")]
pub struct ParsePriceError;

impl FromStr for PriceE9 {
    type Err = ParsePriceError;
    fn from_str(text: &str) -> Result<Self, ParsePriceError> {
        let (whole, fraction) = text.split_once('.').ok_or(ParsePriceError)?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
        if fraction.len() != 9 || !digits(whole) || !digits(fraction) {
            return Err(ParsePriceError);
        }
        let whole: u64 = whole.parse().map_err(|_| ParsePriceError)?;
        let fraction: u64 = fraction.parse().map_err(|_| ParsePriceError)?;
        whole.checked_mul(Self::ONE.0).and_then(|units| units.checked_add(fraction)).map(Self).ok_or(ParsePriceError)
    }
}

impl Serialize for PriceE9 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PriceE9 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A rate in basis points: 10,000 = all of it. A plain number in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bps(pub u16);

/// A moment of the chain, in seconds since 1970 UTC (the program's clock). In JSON RFC 3339 with milliseconds; a moment
/// that a calendar can't show (the chain's clock is any i64) is its number of seconds as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixSeconds(pub i64);

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match chrono::DateTime::from_timestamp(self.0, 0) {
            Some(moment) => f.write_str(&moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)),
            None => self.0.fmt(f),
        }
    }
}

impl Serialize for UnixSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnixSeconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if let Ok(seconds) = text.parse() {
            return Ok(Self(seconds));
        }
        chrono::DateTime::parse_from_rfc3339(&text).map(|moment| Self(moment.timestamp())).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_forms_are_exact_and_round_trip() {
        let json = |value: &dyn erased::Json| value.json();
        assert_eq!(json(&Lamports(u64::MAX)), r#""18446744073709551615""#);
        assert_eq!(json(&PriceE9(512_345_678)), r#""0.512345678""#);
        assert_eq!(json(&PriceE9(1_000_000_000)), r#""1.000000000""#);
        assert_eq!(json(&UnixSeconds(1_760_000_000)), r#""2025-10-09T08:53:20.000Z""#);
        assert_eq!(json(&UnixSeconds(i64::MIN)), r#""-9223372036854775808""#);
        for seconds in [0, 1_760_000_000, i64::MIN, i64::MAX, -1] {
            let text = serde_json::to_string(&UnixSeconds(seconds)).unwrap();
            assert_eq!(serde_json::from_str::<UnixSeconds>(&text).unwrap(), UnixSeconds(seconds));
        }
        for bad in ["0.5", "0.5123456789", "1", ".512345678", "-0.512345678", "0.51234567x", "+1.000000000"] {
            assert_eq!(bad.parse::<PriceE9>(), Err(ParsePriceError), "{bad}");
        }
        assert_eq!("0.512345678".parse(), Ok(PriceE9(512_345_678)));
    }

    mod erased {
        pub trait Json {
            fn json(&self) -> String;
        }
        impl<T: serde::Serialize> Json for T {
            fn json(&self) -> String {
                serde_json::to_string(self).unwrap()
            }
        }
    }
}
