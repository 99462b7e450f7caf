//! What the API's documents say of the values that the domain owns: their form in JSON, in one place.
//!
//! The domain itself knows no document: its types are described here, so that every struct of the API can derive its own
//! description from its fields.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr,
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

use super::wallet::{Ratio, Sum};
use crate::domain::{
    amount::{Bps, Lamports, PriceE9, ShareUnits, UnixSeconds},
    event::Outcome,
    fees::Fees,
    ids::{AccountAddress, Epoch, MarketAddress, MarketSeed, ProgramId, Seq, Slot, TxSignature, Wallet},
    ledger::Profit,
    phase::Phase,
    tally::VoteKind,
};

macro_rules! text_schema {
    ($($type:ident: $pattern:literal, $example:literal, $description:literal;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).description(Some($description));
                text.pattern(Some($pattern)).examples([$example]).into()
            }
        }
        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($type))
            }
        }
    )*};
}

text_schema! {
    MarketAddress: "^[1-9A-HJ-NP-Za-km-z]{32,44}$", "GthTyfd3EV9Y8wN6zhZeES5PgT2jQVzLrZizfZquAY5S", "A market's account address, base58.";
    Wallet: "^[1-9A-HJ-NP-Za-km-z]{32,44}$", "GthTyfd3EV9Y8wN6zhZeES5PgT2jQVzLrZizfZquAY5S", "A wallet's address, base58.";
    ProgramId: "^[1-9A-HJ-NP-Za-km-z]{32,44}$", "7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS", "A program's address, base58.";
    AccountAddress: "^[1-9A-HJ-NP-Za-km-z]{32,44}$", "GthTyfd3EV9Y8wN6zhZeES5PgT2jQVzLrZizfZquAY5S", "An account's address, base58.";
    TxSignature: "^[1-9A-HJ-NP-Za-km-z]{64,88}$", "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW", "A transaction's signature, base58.";
    MarketSeed: "^[0-9a-f]{64}$", "0000000000000000000000000000000000000000000000000000000000000001", "The program's own id of a market, 64 hexadecimal digits.";
    Lamports: "^[0-9]{1,20}$", "1000000000", "Money in lamports (1 SOL = 1e9), a decimal string.";
    ShareUnits: "^[0-9]{1,20}$", "1000000000", "Shares in base units (1 share = 1e9), a decimal string.";
    Sum: "^[0-9]{1,39}$", "1000000000", "A sum of money in lamports, a decimal string.";
    Profit: "^-?[0-9]{1,39}$", "-1000000000", "Money gained, or lost where it is negative, in lamports: a decimal string.";
    Ratio: "^-?[0-9]+\\.[0-9]{4}$", "0.1234", "A part of something, with four decimals.";
    PriceE9: "^[0-9]+\\.[0-9]{9}$", "0.500000000", "A price with nine decimals.";
}

macro_rules! enum_schema {
    ($($type:ident: $values:expr, $description:literal;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).description(Some($description));
                text.enum_values(Some($values)).into()
            }
        }
        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($type))
            }
        }
    )*};
}

enum_schema! {
    Outcome: ["YES", "NO"], "An outcome.";
    VoteKind: ["proposal", "dispute"], "What is voted on.";
    Phase: ["PROPOSED", "APPROVED", "ACTIVE", "RESOLVING", "DISPUTED", "FINALIZED", "CANCELLED"], "A market's state.";
}

macro_rules! integer_schema {
    ($($type:ident: $description:literal;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let number = ObjectBuilder::new().schema_type(Type::Integer).description(Some($description));
                number.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64))).minimum(Some(0)).into()
            }
        }
        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($type))
            }
        }
    )*};
}

integer_schema! {
    Seq: "The number of an entry in its market's journal.";
    Slot: "A slot of the chain.";
    Epoch: "A life of the journal.";
    Bps: "Basis points: 10,000 = all of it.";
}

impl PartialSchema for UnixSeconds {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some("A moment, RFC 3339 in UTC."));
        text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).into()
    }
}
impl ToSchema for UnixSeconds {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Moment")
    }
}

impl PartialSchema for Fees {
    fn schema() -> RefOr<Schema> {
        let mut fees = ObjectBuilder::new().schema_type(Type::Object).description(Some("Fees, by receiver."));
        for part in ["protocol", "resolver", "lp", "total"] {
            fees = fees.property(part, Ref::from_schema_name(Lamports::name())).required(part);
        }
        fees.into()
    }
}
impl ToSchema for Fees {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Lamports::name().into_owned(), Lamports::schema()));
    }
}
