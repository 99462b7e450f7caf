//! Numbers that look random and follow from a seed: signatures, seeds, wallets, draws.
//!
//! The mixing function is a permutation that can be inverted, so a signature leads back to the transaction's number
//! without a table: a million of them cost no memory.

use zmart::domain::ids::TxSignature;

/// A permutation of 64-bit numbers (the finalizer of splitmix64).
pub fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The way back.
fn unmix(number: u64) -> u64 {
    let number = (number ^ (number >> 31) ^ (number >> 62)).wrapping_mul(0x3196_42b2_d24d_8ec3);
    let number = (number ^ (number >> 27) ^ (number >> 54)).wrapping_mul(0x96de_1b17_3f11_9089);
    number ^ (number >> 30) ^ (number >> 60)
}

/// What a number is drawn for: the same seed gives each of them a sequence of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// A transaction's signature.
    Signature = 1,
    /// A market's seed.
    Market,
    /// A wallet.
    Wallet,
    /// What a trade is about.
    Trade,
    /// The cluster's identity.
    Genesis,
}

/// Draws from a seed.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    seed: u64,
}

impl Numbers {
    /// The same seed, the same numbers.
    pub fn new(seed: u64) -> Self {
        Self { seed: mix(seed ^ 0x7a6d_6172_7400_0000) }
    }

    fn key(self, purpose: For) -> u64 {
        mix(self.seed ^ ((purpose as u64) << 56))
    }

    /// The `draw`th number of the `index`th of its kind.
    pub fn draw(self, purpose: For, index: u64, draw: u64) -> u64 {
        mix(mix(index.wrapping_add(self.key(purpose))) ^ mix(draw.wrapping_add(1)))
    }

    /// 32 bytes.
    pub fn bytes(self, purpose: For, index: u64) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (draw, chunk) in (0..).zip(bytes.chunks_exact_mut(8)) {
            chunk.copy_from_slice(&self.draw(purpose, index, draw).to_be_bytes());
        }
        bytes
    }

    /// A transaction's signature: its first eight bytes lead back to the number.
    pub fn signature(self, number: u32) -> TxSignature {
        let first = mix(u64::from(number).wrapping_add(self.key(For::Signature)));
        let mut bytes = [0; 64];
        for (draw, chunk) in (0..).zip(bytes.chunks_exact_mut(8)) {
            let word = if draw == 0 { first } else { mix(first ^ mix(draw)) };
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        TxSignature(bytes)
    }

    /// The number of the transaction with that signature, if it is of this seed.
    pub fn number_of(self, signature: &TxSignature) -> Option<u32> {
        let first = u64::from_be_bytes(*signature.0.first_chunk()?);
        let number = u32::try_from(unmix(first).wrapping_sub(self.key(For::Signature))).ok()?;
        (self.signature(number) == *signature).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_leads_back_to_its_number_and_to_no_other() {
        let (numbers, others) = (Numbers::new(1), Numbers::new(2));
        for number in (0..1_000).chain([u32::MAX - 1, u32::MAX]) {
            let signature = numbers.signature(number);
            assert_eq!(numbers.number_of(&signature), Some(number));
            assert_eq!(others.number_of(&signature), None);
            let mut other = signature;
            other.0[63] ^= 1;
            assert_eq!(numbers.number_of(&other), None);
        }
        assert_eq!(numbers.number_of(&TxSignature([0; 64])), None);
    }

    #[test]
    fn mixing_is_undone() {
        for number in [0, 1, u64::MAX, 0x1234_5678_9abc_def0] {
            assert_eq!(unmix(mix(number)), number);
            assert_eq!(mix(unmix(number)), number);
        }
    }
}
