//! Reading and writing borsh, strictly.
//!
//! Owns the cursor, the errors, and how each kind of value lies in bytes (`docs/program.md`, sections 2, 4 and 5).
//! Borsh's own derive is not used: it would have to be put on mirror types of every domain value, and its errors are
//! texts. A layout is named field by field with `layout!`, in the order of the bytes; the compiler checks that none
//! is left out.

use crate::domain::{
    amount::{Bps, Lamports, PriceE9, ShareUnits, UnixSeconds},
    event::IpfsHash,
    ids::{AccountAddress, MarketAddress, MarketSeed, Wallet},
};

/// The first eight bytes of an event, an account or an instruction.
pub type Discriminator = [u8; 8];

/// Why bytes are not what they should be. Offsets count from the first byte of the discriminator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes end inside a value.
    #[error("{wanted} bytes wanted at offset {offset}, {left} are left")]
    TooShort {
        /// Where the value begins.
        offset: usize,
        /// Its size.
        wanted: usize,
        /// What is there.
        left: usize,
    },
    /// A bool that is neither 0 nor 1.
    #[error("byte {byte} at offset {offset} is no bool")]
    BadBool {
        /// Where it is.
        offset: usize,
        /// What it is.
        byte: u8,
    },
    /// The tag of an option that is neither 0 nor 1.
    #[error("byte {byte} at offset {offset} is no option tag")]
    BadOptionTag {
        /// Where it is.
        offset: usize,
        /// What it is.
        byte: u8,
    },
    /// The byte of an enum that the program does not have.
    #[error("{name} {byte} does not exist")]
    BadEnum {
        /// The field.
        name: &'static str,
        /// What it holds.
        byte: u8,
    },
    /// Bytes are left over behind the last field.
    #[error("{count} bytes follow the last field")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// The padding of an account is not zero.
    #[error("the padding is not zero at offset {offset}")]
    DirtyPadding {
        /// The first byte that is not.
        offset: usize,
    },
    /// An account of another size than the program allocates.
    #[error("{found} bytes, {expected} are allocated")]
    WrongSize {
        /// What the program allocates.
        expected: usize,
        /// What is there.
        found: usize,
    },
    /// The discriminator is none of the expected ones.
    #[error("the discriminator is unknown")]
    UnknownDiscriminator,
}

/// A cursor over bytes from outside.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// How many bytes have been read.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let left = self.bytes.get(self.offset..).unwrap_or_default();
        let Some(bytes) = left.first_chunk::<N>() else {
            return Err(CodecError::TooShort { offset: self.offset, wanted: N, left: left.len() });
        };
        self.offset += N;
        Ok(*bytes)
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    /// Refuses bytes that have not been read.
    pub fn end(self) -> Result<(), CodecError> {
        match self.rest().len() {
            0 => Ok(()),
            count => Err(CodecError::TrailingBytes { count }),
        }
    }
}

/// A value with a place in the program's bytes.
pub trait Wire: Sized {
    /// Reads it.
    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError>;
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);
    /// As the recorded fixtures show it.
    #[cfg(test)]
    fn show(&self) -> serde_json::Value;
}

macro_rules! integers {
    ($($type:ty => $show:expr),* $(,)?) => {$(
        impl Wire for $type {
            fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
                Ok(Self::from_le_bytes(reader.array()?))
            }
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            #[cfg(test)]
            fn show(&self) -> serde_json::Value {
                let show: fn($type) -> serde_json::Value = $show;
                show(*self)
            }
        }
    )*};
}
integers! {
    u8 => |n| n.into(),
    u16 => |n| n.into(),
    u32 => |n| n.into(),
    u64 => |n| n.to_string().into(),
    i64 => |n| n.to_string().into(),
}

impl Wire for bool {
    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let offset = reader.offset();
        match reader.array::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [byte] => Err(CodecError::BadBool { offset, byte }),
        }
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    #[cfg(test)]
    fn show(&self) -> serde_json::Value {
        (*self).into()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let offset = reader.offset();
        match reader.array::<1>()? {
            [0] => Ok(None),
            [1] => T::read(reader).map(Some),
            [byte] => Err(CodecError::BadOptionTag { offset, byte }),
        }
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        if let Some(value) = self {
            value.write(out);
        }
    }
    #[cfg(test)]
    fn show(&self) -> serde_json::Value {
        self.as_ref().map_or(serde_json::Value::Null, Wire::show)
    }
}

impl<const N: usize> Wire for [u8; N] {
    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        reader.array()
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    #[cfg(test)]
    fn show(&self) -> serde_json::Value {
        self.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }
}

macro_rules! newtypes {
    ($($name:ident => $show:expr),* $(,)?) => {$(
        impl Wire for $name {
            fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
                Ok(Self(Wire::read(reader)?))
            }
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
            #[cfg(test)]
            fn show(&self) -> serde_json::Value {
                let show: fn(&$name) -> serde_json::Value = $show;
                show(self)
            }
        }
    )*};
}
newtypes! {
    Bps => |v| v.0.show(),
    Lamports => |v| v.0.show(),
    PriceE9 => |v| v.0.show(),
    ShareUnits => |v| v.0.show(),
    UnixSeconds => |v| v.0.show(),
    IpfsHash => |v| v.0.show(),
    MarketSeed => |v| v.0.show(),
    AccountAddress => |v| v.to_string().into(),
    MarketAddress => |v| v.to_string().into(),
    Wallet => |v| v.to_string().into(),
}

/// Gives structures their place in bytes: their fields, in the order of the bytes.
macro_rules! layout {
    ($($name:path { $($field:ident),* $(,)? })*) => {$(
        impl $crate::chain::anchor::codec::Wire for $name {
            fn read(
                reader: &mut $crate::chain::anchor::codec::Reader<'_>,
            ) -> Result<Self, $crate::chain::anchor::codec::CodecError> {
                let _ = &reader;
                $(let $field = $crate::chain::anchor::codec::Wire::read(reader)?;)*
                Ok(Self { $($field),* })
            }
            fn write(&self, out: &mut Vec<u8>) {
                let _ = &out;
                let Self { $($field),* } = self;
                $($crate::chain::anchor::codec::Wire::write($field, out);)*
            }
            #[cfg(test)]
            fn show(&self) -> serde_json::Value {
                #[allow(unused_mut)]
                let mut fields = serde_json::Map::new();
                $(fields.insert(
                    stringify!($field).to_owned(),
                    $crate::chain::anchor::codec::Wire::show(&self.$field),
                );)*
                fields.into()
            }
        }
    )*};
}
pub(crate) use layout;

/// Splits off the discriminator.
pub(super) fn split(bytes: &[u8]) -> Result<(Discriminator, Reader<'_>), CodecError> {
    let mut reader = Reader::new(bytes);
    let discriminator = reader.array()?;
    Ok((discriminator, reader))
}

/// Writes a discriminator and what follows it.
pub(super) fn join(discriminator: Discriminator, value: &impl Wire) -> Vec<u8> {
    let mut bytes = discriminator.to_vec();
    value.write(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Wire>(bytes: &[u8]) -> Result<T, CodecError> {
        let mut reader = Reader::new(bytes);
        let value = T::read(&mut reader)?;
        reader.end()?;
        Ok(value)
    }

    #[test]
    fn only_zero_and_one_are_bools_and_option_tags() {
        assert_eq!(read::<bool>(&[1]), Ok(true));
        assert_eq!(read::<Option<bool>>(&[1, 0]), Ok(Some(false)));
        for byte in 2..=255 {
            assert_eq!(read::<bool>(&[byte]), Err(CodecError::BadBool { offset: 0, byte }));
            assert_eq!(read::<Option<u8>>(&[byte, 0]), Err(CodecError::BadOptionTag { offset: 0, byte }));
            assert_eq!(read::<Option<bool>>(&[1, byte]), Err(CodecError::BadBool { offset: 1, byte }));
        }
    }

    #[test]
    fn missing_and_left_over_bytes_are_refused() {
        assert_eq!(read::<u64>(&[0; 7]), Err(CodecError::TooShort { offset: 0, wanted: 8, left: 7 }));
        assert_eq!(read::<u64>(&[0; 9]), Err(CodecError::TrailingBytes { count: 1 }));
        assert_eq!(read::<bool>(&[]), Err(CodecError::TooShort { offset: 0, wanted: 1, left: 0 }));
    }
}
