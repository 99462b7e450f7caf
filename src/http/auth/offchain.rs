//! Signatures over a message: as it is, or inside the envelope that hardware wallets sign instead.
//!
//! A hardware wallet signs no bytes that could be a transaction: it puts a header before the message. There are two
//! layouts of version 0 in the field, the short one of Solana's own tools and the long one with the application's domain
//! and the signers, and version 1. The header is part of what is signed, so the client may hand it over; without it the
//! usual ones are tried. Verification is strict: no small-order key, no second form of a signature.

use ed25519_dalek::{Signature, VerifyingKey};

use crate::domain::ids::Wallet;

const SIGNING_DOMAIN: &[u8; 16] = b"\xffsolana offchain";
/// Longest envelope that is read: a message and 255 signers would not fit a hardware wallet.
pub const ENVELOPE_BYTES_MAX: usize = 4_096;
/// Restricted ASCII, and UTF-8 that fits a transaction's size.
const FORMATS: [u8; 2] = [0, 1];

/// Did this wallet sign this message? `envelope`: the exact bytes that were signed, if the client knows them.
pub fn is_signed(message: &str, envelope: Option<&[u8]>, signature: &[u8; 64], wallet: Wallet) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(&wallet.0) else { return false };
    let signature = Signature::from_bytes(signature);
    let signed = |bytes: &[u8]| key.verify_strict(bytes, &signature).is_ok();
    match envelope {
        Some(envelope) => holds(envelope, message, wallet) && signed(envelope),
        None => signed(message.as_bytes()) || usual(message, wallet).iter().any(|envelope| signed(envelope)),
    }
}

/// The envelopes that wallets make of a message, the application's domain left empty.
fn usual(message: &str, wallet: Wallet) -> Vec<Vec<u8>> {
    let Ok(length) = u16::try_from(message.len()) else { return Vec::new() };
    let mut all = Vec::new();
    for format in FORMATS {
        let mut short = SIGNING_DOMAIN.to_vec();
        short.extend([0, format]);
        let mut long = SIGNING_DOMAIN.to_vec();
        long.push(0);
        long.extend([0; 32]);
        long.extend([format, 1]);
        long.extend(wallet.0);
        for mut envelope in [short, long] {
            envelope.extend(length.to_le_bytes());
            envelope.extend(message.as_bytes());
            all.push(envelope);
        }
    }
    all
}

/// Are these bytes the message, or an envelope with exactly this message, for this wallet?
fn holds(bytes: &[u8], message: &str, wallet: Wallet) -> bool {
    if bytes == message.as_bytes() {
        return true;
    }
    let Some(rest) = bytes.strip_prefix(SIGNING_DOMAIN) else { return false };
    if bytes.len() > ENVELOPE_BYTES_MAX {
        return false;
    }
    match rest.split_first() {
        Some((0, rest)) => is_short(rest, message) || is_long(rest, message, wallet),
        Some((1, rest)) => signers(rest, wallet).is_some_and(|rest| rest == message.as_bytes()),
        _ => false,
    }
}

/// Format, length, message.
fn is_short(rest: &[u8], message: &str) -> bool {
    let Some((format, rest)) = rest.split_first() else { return false };
    FORMATS.contains(format) && is_counted(rest, message)
}

/// The application's domain, format, signers, length, message.
fn is_long(rest: &[u8], message: &str, wallet: Wallet) -> bool {
    let Some((_domain, rest)) = rest.split_at_checked(32) else { return false };
    let Some((format, rest)) = rest.split_first() else { return false };
    FORMATS.contains(format) && signers(rest, wallet).is_some_and(|rest| is_counted(rest, message))
}

fn is_counted(rest: &[u8], message: &str) -> bool {
    let Some((length, rest)) = rest.split_first_chunk::<2>() else { return false };
    usize::from(u16::from_le_bytes(*length)) == rest.len() && rest == message.as_bytes()
}

/// What follows the signers, if the wallet is one of them.
fn signers(rest: &[u8], wallet: Wallet) -> Option<&[u8]> {
    let (count, rest) = rest.split_first()?;
    let (signers, rest) = rest.split_at_checked(usize::from(*count) * 32)?;
    signers.chunks_exact(32).any(|signer| signer == wallet.0).then_some(rest)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    const MESSAGE: &str = "zmart.example wants you to sign in";

    fn key() -> (SigningKey, Wallet) {
        let key = SigningKey::from_bytes(&[3; 32]);
        let wallet = Wallet(key.verifying_key().to_bytes());
        (key, wallet)
    }

    #[test]
    fn a_signature_is_taken_over_the_message_and_over_each_usual_envelope() {
        let (key, wallet) = key();
        let sign = |bytes: &[u8]| key.sign(bytes).to_bytes();
        assert!(is_signed(MESSAGE, None, &sign(MESSAGE.as_bytes()), wallet));
        let usual = usual(MESSAGE, wallet);
        assert_eq!(usual.len(), 4);
        for envelope in usual {
            assert!(is_signed(MESSAGE, None, &sign(&envelope), wallet));
            assert!(is_signed(MESSAGE, Some(&envelope), &sign(&envelope), wallet));
            assert!(!is_signed("another", None, &sign(&envelope), wallet));
            assert!(!is_signed("another", Some(&envelope), &sign(&envelope), wallet), "of another message");
        }
    }

    #[test]
    fn an_envelope_is_read_to_the_last_byte() {
        let (key, wallet) = key();
        let mut long = SIGNING_DOMAIN.to_vec();
        long.push(0);
        long.extend([9; 32]);
        long.extend([1, 2]);
        long.extend([5; 32]);
        long.extend(wallet.0);
        long.extend((MESSAGE.len() as u16).to_le_bytes());
        long.extend(MESSAGE.as_bytes());
        let mut newer = SIGNING_DOMAIN.to_vec();
        newer.extend([1, 1]);
        newer.extend(wallet.0);
        newer.extend(MESSAGE.as_bytes());
        for envelope in [long, newer] {
            let signed = |bytes: &[u8]| is_signed(MESSAGE, Some(bytes), &key.sign(bytes).to_bytes(), wallet);
            assert!(signed(&envelope));
            for end in 0..envelope.len() {
                assert!(!signed(&envelope[..end]), "{end} bytes of it");
            }
            let more = [envelope.as_slice(), b"!"].concat();
            assert!(!signed(&more));
            // For somebody else.
            let mut other = envelope.clone();
            let at = other.windows(32).position(|part| part == wallet.0).unwrap();
            other[at] ^= 1;
            assert!(!signed(&other));
        }
    }

    #[test]
    fn a_small_order_key_signs_nothing() {
        // The neutral point: without strictness, its signature with R = neutral and s = 0 fits every message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!is_signed(MESSAGE, None, &signature, Wallet(neutral)));
        assert!(!is_signed(MESSAGE, None, &[0; 64], Wallet([0; 32])));
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        let (key, wallet) = key();
        let signature = key.sign(MESSAGE.as_bytes()).to_bytes();
        for at in 0..64 {
            let mut altered = signature;
            altered[at] ^= 1;
            assert!(!is_signed(MESSAGE, None, &altered, wallet), "byte {at}");
        }
    }
}
