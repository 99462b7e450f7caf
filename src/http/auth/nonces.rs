//! Nonces of sign-ins: issued without keeping anything, and told from made-up ones by a code that only we can make.
//!
//! Who begins a sign-in need not be the wallet's owner. So nothing is stored until a signed message comes back, and nobody
//! can push out another's sign-in. That a nonce is good once is for [`crate::journal::sessions::use_up`], which keeps the
//! used ones until they have expired.

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::domain::ids::Wallet;

/// Digits of the random part; as many of the code follow. Both are hexadecimal.
const RANDOM_DIGITS: usize = 32;

/// A nonce for this wallet and these moments (to the millisecond).
pub fn issue(secret: &[u8], wallet: Wallet, issued_at: DateTime<Utc>, expires_at: DateTime<Utc>) -> String {
    let random = format!("{:032x}", rand::random::<u128>());
    let code = code(secret, &random, wallet, issued_at, expires_at).finalize().into_bytes();
    let code: String = code.iter().take(RANDOM_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
    format!("{random}{code}")
}

/// True if it was issued here, to this wallet, with these moments. Takes as long for every code.
pub fn is_issued(
    secret: &[u8],
    nonce: &str,
    wallet: Wallet,
    issued_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> bool {
    let Some((random, digits)) = nonce.split_at_checked(RANDOM_DIGITS) else { return false };
    // One way of writing only, or a used nonce could be written otherwise and used again.
    let is_code = digits.len() == RANDOM_DIGITS && digits.bytes().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f'));
    if !is_code {
        return false;
    }
    let bytes = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap_or_default(), 16).unwrap_or_default();
    let given: Vec<u8> = digits.as_bytes().chunks(2).map(bytes).collect();
    code(secret, random, wallet, issued_at, expires_at).verify_truncated_left(&given).is_ok()
}

fn code(
    secret: &[u8],
    random: &str,
    wallet: Wallet,
    issued_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Hmac<Sha256> {
    // Any length of key is one.
    let mac = <Hmac<Sha256> as Mac>::new_from_slice(secret);
    let mut mac = mac.unwrap_or_else(|_| Hmac::new(&Default::default()));
    // All parts but the random one have one length; it is the last.
    mac.update(b"zmart sign-in nonce, ");
    mac.update(&wallet.0);
    mac.update(&issued_at.timestamp_micros().to_be_bytes());
    mac.update(&expires_at.timestamp_micros().to_be_bytes());
    mac.update(random.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use chrono::{SubsecRound, TimeDelta};

    use super::*;

    #[test]
    fn only_what_was_issued_so_to_this_wallet_is_taken() {
        let (secret, wallet, at) = (b"secret", Wallet([7; 32]), Utc::now().trunc_subsecs(3));
        let until = at + TimeDelta::minutes(5);
        let nonce = issue(secret, wallet, at, until);
        assert_eq!(nonce.len(), 64, "as long as a nonce may be");
        assert_ne!(nonce, issue(secret, wallet, at, until));
        assert!(is_issued(secret, &nonce, wallet, at, until));
        assert!(!is_issued(b"another", &nonce, wallet, at, until));
        assert!(!is_issued(secret, &nonce, Wallet([8; 32]), at, until));
        assert!(!is_issued(secret, &nonce, wallet, at + TimeDelta::milliseconds(1), until));
        assert!(!is_issued(secret, &nonce, wallet, at, until + TimeDelta::minutes(5)));
        for place in [0, 31, 32, 63] {
            let mut altered = nonce.clone().into_bytes();
            altered[place] = if altered[place] == b'0' { b'1' } else { b'0' };
            assert!(!is_issued(secret, std::str::from_utf8(&altered).unwrap(), wallet, at, until), "{place}");
        }
        for other in ["", "0123456789abcdef", &nonce[..63], &format!("{nonce}0"), &"é".repeat(32)] {
            assert!(!is_issued(secret, other, wallet, at, until), "{other:?}");
        }
        let shouted = nonce.to_uppercase();
        assert!(shouted == nonce || !is_issued(secret, &shouted, wallet, at, until), "written otherwise");
    }
}
