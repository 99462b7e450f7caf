//! Identifiers: accounts, markets, wallets, signatures, slots, sequence numbers.
//!
//! Each is its own type, so that a wallet cannot be passed where a market is meant. Text forms are those of the field:
//! base58 for account addresses and signatures, 64 hex digits for a market's seed. Parsing is strict: the exact
//! length, nothing around it.
//!
//! Texts are made by `five8`, which knows the two lengths and is some ten times as fast as `bs58`: each trade writes a
//! dozen of them. They are read by `bs58`: what comes from outside meets no unchecked code.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// Not base58 of exactly 32 bytes.
    #[error("not an account address (base58 of 32 bytes)")]
    Address,
    /// Not 64 hexadecimal digits.
    #[error("not a market seed (64 hexadecimal digits)")]
    MarketSeed,
    /// Not base58 of exactly 64 bytes.
    #[error("not a transaction signature (base58 of 64 bytes)")]
    Signature,
}

fn write_digits(f: &mut fmt::Formatter<'_>, text: &[u8], length: u8) -> fmt::Result {
    let digits = text.get(..usize::from(length)).ok_or(fmt::Error)?;
    f.write_str(std::str::from_utf8(digits).map_err(|_| fmt::Error)?)
}

macro_rules! text_form {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
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

macro_rules! address {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; 32]);
        text_form!($name);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0u8; 44];
                let length = five8::encode_32(&self.0, &mut text);
                write_digits(f, &text, length)
            }
        }
        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                // 44 digits hold 32 bytes; a longer text is refused before any work is spent on it.
                if text.len() > 44 {
                    return Err(ParseIdError::Address);
                }
                let mut bytes = [0u8; 32];
                match bs58::decode(text).onto(&mut bytes[..]) {
                    Ok(32) => Ok(Self(bytes)),
                    _ => Err(ParseIdError::Address),
                }
            }
        }
    };
}

address! {
    /// The address of a market's account (a PDA of the program): how a market is named everywhere.
    MarketAddress
}
address! {
    /// The address of a wallet.
    Wallet
}
address! {
    /// The address of a program.
    ProgramId
}
address! {
    /// The address of any other account (a position, a vote record, the config).
    AccountAddress
}

impl MarketAddress {
    /// The same address as a plain account.
    pub fn account(self) -> AccountAddress {
        AccountAddress(self.0)
    }
}

/// The program's own 32-byte id of a market, from which its address is derived. Text: 64 hex digits, lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MarketSeed(pub [u8; 32]);
text_form!(MarketSeed);

impl fmt::Display for MarketSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for MarketSeed {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(ParseIdError::MarketSeed);
        }
        let mut bytes = [0u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |c: u8| (c as char).to_digit(16).ok_or(ParseIdError::MarketSeed);
            *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Ok(Self(bytes))
    }
}

/// A transaction's first signature: its name on the chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxSignature(pub [u8; 64]);
text_form!(TxSignature);

impl TxSignature {
    /// What a node writes where a transaction was never signed or never landed (it was only rehearsed): it names none.
    pub const PLACEHOLDER: Self = Self([0; 64]);
}

impl fmt::Display for TxSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; 88];
        let length = five8::encode_64(&self.0, &mut text);
        write_digits(f, &text, length)
    }
}

impl FromStr for TxSignature {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        if text.len() > 88 {
            return Err(ParseIdError::Signature);
        }
        let mut bytes = [0u8; 64];
        match bs58::decode(text).onto(&mut bytes[..]) {
            Ok(64) => Ok(Self(bytes)),
            _ => Err(ParseIdError::Signature),
        }
    }
}

/// A slot of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub u64);

/// The number of an entry in its stream's journal: 1, 2, 3 … without holes. 0 is "nothing yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The number that follows.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Which life of the journal a `Seq` belongs to: it changes only when the database is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u32);

macro_rules! number_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}
number_text!(Slot, Seq, Epoch);

/// The identity of an event: the transaction, and the number of the program's invocation in it (from 0, in execution
/// order, nested ones included). Slot and position are no part of it: a transaction can land again in another slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId {
    /// The transaction.
    pub signature: TxSignature,
    /// The program's invocation in it.
    pub n: u16,
}

/// Where an event stands in the chain's order: slot, then the transaction's index in its block where it is known, then
/// the invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChainPosition {
    /// The slot that the transaction landed in.
    pub slot: Slot,
    /// Its index in the block; live notifications do not tell it.
    pub transaction_index: Option<u32>,
    /// As in [`EventId::n`].
    pub n: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip_and_are_strict() {
        let address: MarketAddress = "7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS".parse().unwrap();
        assert_eq!(address.to_string(), "7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS");
        assert_eq!(Wallet([0; 32]).to_string(), "1".repeat(32));
        assert_eq!(Wallet([255; 32]).to_string().parse(), Ok(Wallet([255; 32])));
        let seed = MarketSeed([0xab; 32]);
        assert_eq!(seed.to_string().parse(), Ok(seed));
        assert_eq!(TxSignature([255; 64]).to_string().parse(), Ok(TxSignature([255; 64])));
        for bad in [
            "",
            "0",
            "l",
            "7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJSS",
            " 7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJ",
        ] {
            assert_eq!(bad.parse::<Wallet>(), Err(ParseIdError::Address), "{bad:?}");
        }
        assert_eq!("é".repeat(32).parse::<MarketSeed>(), Err(ParseIdError::MarketSeed));
        assert_eq!("1".repeat(200).parse::<TxSignature>(), Err(ParseIdError::Signature));
    }

    proptest::proptest! {
        #[test]
        fn texts_are_those_of_plain_base58(bytes in proptest::array::uniform32(0u8..), zeros in 0usize..=64) {
            let mut wallet = Wallet(bytes);
            wallet.0[..zeros.min(32)].fill(0);
            proptest::prop_assert_eq!(wallet.to_string(), bs58::encode(wallet.0).into_string());
            proptest::prop_assert_eq!(wallet.to_string().parse(), Ok(wallet));
            let mut signature = TxSignature([0; 64]);
            signature.0[..32].copy_from_slice(&bytes);
            signature.0[32..].copy_from_slice(&bytes);
            signature.0[..zeros].fill(0);
            proptest::prop_assert_eq!(signature.to_string(), bs58::encode(signature.0).into_string());
            proptest::prop_assert_eq!(signature.to_string().parse(), Ok(signature));
        }
    }
}
