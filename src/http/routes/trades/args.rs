//! What requests about trades say, in the forms that clients use.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, OneOfBuilder, Schema, Type},
    },
};

use crate::{
    chain::tx::compose::{Priority, Version},
    domain::event::Outcome,
    http::gateway::MarketRef,
};

/// Longest `client_ref`, in characters.
pub const CLIENT_REF_MAX: usize = 64;

/// A market by its address or its seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketId(pub MarketRef);

/// An outcome: YES, NO, true or false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeArg(pub Outcome);

/// `none`, `low`, `medium`, `high`, or micro-lamports a compute unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PriorityFee(pub Priority);

/// `0` or `legacy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VersionArg(pub Version);

/// A client's name for what it wants: 1 to 64 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRef(pub String);

/// A text that is none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {0}")]
pub struct BadArg(&'static str);

impl FromStr for OutcomeArg {
    type Err = BadArg;
    fn from_str(text: &str) -> Result<Self, BadArg> {
        match text {
            "YES" | "true" => Ok(Self(Outcome::Yes)),
            "NO" | "false" => Ok(Self(Outcome::No)),
            _ => Err(BadArg("YES, NO, true or false")),
        }
    }
}

impl FromStr for MarketId {
    type Err = BadArg;
    fn from_str(text: &str) -> Result<Self, BadArg> {
        text.parse().map(Self).map_err(|_| BadArg("a market's address (base58) or seed (64 hexadecimal digits)"))
    }
}

impl FromStr for PriorityFee {
    type Err = BadArg;
    fn from_str(text: &str) -> Result<Self, BadArg> {
        Ok(Self(match text {
            "none" => Priority::None,
            "low" => Priority::Low,
            "medium" => Priority::Medium,
            "high" => Priority::High,
            _ => {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let price = text.parse().ok().filter(|_| digits);
                Priority::Exactly(price.ok_or(BadArg("none, low, medium, high or a number of micro-lamports"))?)
            }
        }))
    }
}

impl FromStr for VersionArg {
    type Err = BadArg;
    fn from_str(text: &str) -> Result<Self, BadArg> {
        match text {
            "0" => Ok(Self(Version::V0)),
            "legacy" => Ok(Self(Version::Legacy)),
            _ => Err(BadArg("0 or legacy")),
        }
    }
}

impl FromStr for ClientRef {
    type Err = BadArg;
    fn from_str(text: &str) -> Result<Self, BadArg> {
        let fits = (1..=CLIENT_REF_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(BadArg("1 to 64 visible ASCII characters")) }
    }
}

/// Reads what has a text form from a text, and from a number or a truth value that is written as one would write the text.
struct Text<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = BadArg>> de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or its number or truth value")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
        self.visit_str(if value { "true" } else { "false" })
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

macro_rules! by_text {
    ($($name:ident: $schema:expr;)*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Text::<Self>(std::marker::PhantomData))
            }
        }
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema
            }
        }
        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

fn text(pattern: &str, description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).pattern(Some(pattern))
}

by_text! {
    MarketId: text(
        "^([1-9A-HJ-NP-Za-km-z]{32,44}|[0-9a-f]{64})$",
        "A market's account address (base58) or its seed (64 hexadecimal digits).",
    ).into();
    OutcomeArg: OneOfBuilder::new()
        .item(text("^(YES|NO|true|false)$", "YES or true, NO or false."))
        .item(ObjectBuilder::new().schema_type(Type::Boolean))
        .into();
    PriorityFee: OneOfBuilder::new()
        .item(text("^(none|low|medium|high|[0-9]{1,20})$", "A level of recent fees, or micro-lamports a compute unit."))
        .item(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)))
        .into();
    VersionArg: OneOfBuilder::new()
        .item(text("^(0|legacy)$", "The transaction's version."))
        .item(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(0)))
        .into();
    ClientRef: text("^[!-~]{1,64}$", "A client's name for what it wants: one intent lands once.").into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_taken_and_no_other() {
        fn read<T: for<'de> Deserialize<'de>>(json: &str) -> Option<T> {
            serde_json::from_str(json).ok()
        }
        for (json, outcome) in [
            (r#""YES""#, Some(Outcome::Yes)),
            ("true", Some(Outcome::Yes)),
            (r#""false""#, Some(Outcome::No)),
            (r#""NO""#, Some(Outcome::No)),
            (r#""yes""#, None),
            ("1", None),
            ("null", None),
        ] {
            assert_eq!(read::<OutcomeArg>(json).map(|arg| arg.0), outcome, "{json}");
        }
        for (json, priority) in [
            (r#""high""#, Some(Priority::High)),
            (r#""none""#, Some(Priority::None)),
            ("25", Some(Priority::Exactly(25))),
            (r#""25""#, Some(Priority::Exactly(25))),
            ("-1", None),
            ("1.5", None),
            (r#""+5""#, None),
            (r#""""#, None),
        ] {
            assert_eq!(read::<PriorityFee>(json).map(|arg| arg.0), priority, "{json}");
        }
        for (json, version) in [
            ("0", Some(Version::V0)),
            (r#""0""#, Some(Version::V0)),
            (r#""legacy""#, Some(Version::Legacy)),
            ("1", None),
        ] {
            assert_eq!(read::<VersionArg>(json).map(|arg| arg.0), version, "{json}");
        }
        for (text, taken) in [("a", true), ("", false), ("a b", false), ("ä", false), (&"x".repeat(65), false)] {
            assert_eq!(text.parse::<ClientRef>().is_ok(), taken, "{text:?}");
        }
    }
}
