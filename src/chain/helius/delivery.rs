//! What a delivery says: an array of transactions, or one alone, raw (as a node tells them) or enhanced (as Helius reads them).
//!
//! Owns the two shapes, and takes from either the signature, the slot, and whether the transaction failed; all else that is said
//! of it (logs, amounts, accounts) is not even read. Pure: any bytes may come, and none of them is believed.

use std::collections::HashSet;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::domain::ids::{Slot, TxSignature};

/// What a delivery says of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The transaction.
    pub signature: TxSignature,
    /// Where it is said to have landed.
    pub slot: Option<Slot>,
    /// It is said to have failed: it changed nothing.
    pub failed: bool,
}

/// A delivery, read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// What it says, each once.
    pub claims: Vec<Claim>,
    /// Its items that are no transaction of a known shape: which they are, and why.
    pub unusable: Vec<(usize, String)>,
}

/// It is no delivery: not JSON, or neither an array nor an object.
#[derive(Debug, thiserror::Error)]
#[error("not a delivery: {0}")]
pub struct NotADelivery(String);

#[derive(Deserialize)]
struct WireItem {
    // Enhanced.
    signature: Option<String>,
    #[serde(rename = "transactionError")]
    transaction_error: Option<IgnoredAny>,
    // Raw.
    transaction: Option<WireTransaction>,
    meta: Option<WireMeta>,
    // Both.
    slot: Option<u64>,
}

#[derive(Deserialize)]
struct WireTransaction {
    #[serde(default)]
    signatures: Vec<String>,
}

#[derive(Deserialize)]
struct WireMeta {
    err: Option<IgnoredAny>,
}

/// Is it JSON, and an array or an object? What is in it is not looked at.
///
/// # Errors
/// [`NotADelivery`].
pub fn check(body: &[u8]) -> Result<(), NotADelivery> {
    items(body).map(drop)
}

/// Reads a delivery.
///
/// # Errors
/// [`NotADelivery`].
pub fn read(body: &[u8]) -> Result<Delivery, NotADelivery> {
    let mut delivery = Delivery::default();
    let mut said = HashSet::new();
    for (place, item) in items(body)?.into_iter().enumerate() {
        match claim(item.get()) {
            Ok(claim) if said.insert((claim.signature, claim.slot)) => delivery.claims.push(claim),
            Ok(_) => {}
            Err(reason) => delivery.unusable.push((place, reason)),
        }
    }
    Ok(delivery)
}

fn items(body: &[u8]) -> Result<Vec<&RawValue>, NotADelivery> {
    let not = |error: serde_json::Error| NotADelivery(error.to_string());
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => serde_json::from_slice(body).map_err(not),
        Some(b'{') => serde_json::from_slice(body).map(|item| vec![item]).map_err(not),
        _ => Err(NotADelivery("an array of transactions, or one, is expected".to_owned())),
    }
}

fn claim(item: &str) -> Result<Claim, String> {
    let item: WireItem = serde_json::from_str(item).map_err(|error| error.to_string())?;
    let of_raw = item.transaction.and_then(|transaction| transaction.signatures.into_iter().next());
    let signature = item.signature.or(of_raw).ok_or("it names no signature")?;
    let signature: TxSignature = signature.parse().map_err(|error| format!("{error}"))?;
    if signature.0 == [0; 64] {
        // What stands where a transaction was never signed.
        return Err("its signature is a placeholder".to_owned());
    }
    let failed = item.transaction_error.is_some() || item.meta.is_some_and(|meta| meta.err.is_some());
    Ok(Claim { signature, slot: item.slot.map(Slot), failed })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn signature(n: u8) -> TxSignature {
        TxSignature([n; 64])
    }

    fn raw(n: u8, slot: u64, error: &Value) -> Value {
        json!({
            "blockTime": 1_700_000_000, "indexWithinBlock": 3, "slot": slot, "version": 0,
            "meta": {"err": error, "fee": 5_000, "logMessages": ["Program data: AAAA"], "innerInstructions": []},
            "transaction": {"message": {"accountKeys": [], "instructions": []}, "signatures": [signature(n), signature(99)]},
        })
    }

    fn enhanced(n: u8, slot: u64, error: &Value) -> Value {
        json!({
            "description": "", "type": "UNKNOWN", "source": "UNKNOWN", "fee": 5_000, "feePayer": "x", "slot": slot,
            "signature": signature(n), "timestamp": 1_700_000_000, "transactionError": error, "instructions": [],
            "accountData": [], "nativeTransfers": [], "tokenTransfers": [], "events": {},
        })
    }

    fn claims(body: &Value) -> Vec<(u8, u64, bool)> {
        let delivery = read(body.to_string().as_bytes()).unwrap();
        assert_eq!(delivery.unusable, []);
        delivery.claims.iter().map(|claim| (claim.signature.0[0], claim.slot.unwrap().0, claim.failed)).collect()
    }

    #[test]
    fn raw_and_enhanced_ones_alone_and_in_arrays_say_the_same() {
        let failed = json!({"InstructionError": [0, {"Custom": 6001}]});
        for of in [raw, enhanced] {
            assert_eq!(claims(&of(1, 7, &Value::Null)), [(1, 7, false)]);
            assert_eq!(claims(&json!([of(1, 7, &Value::Null), of(2, 8, &failed)])), [(1, 7, false), (2, 8, true)]);
        }
        assert_eq!(claims(&json!([raw(1, 7, &Value::Null), enhanced(1, 7, &Value::Null)])), [(1, 7, false)], "once");
        assert_eq!(claims(&json!([])), []);
    }

    #[test]
    fn an_item_that_is_none_spoils_no_other() {
        let items = json!([
            {}, 7, null, "x", {"signature": "no base58 0OIl", "slot": 1}, {"signature": signature(1), "slot": -1},
            {"transaction": {"signatures": []}, "slot": 1}, {"signature": signature(0), "slot": 1},
            {"signature": signature(5)}, raw(6, 9, &Value::Null),
        ]);
        let delivery = read(items.to_string().as_bytes()).unwrap();
        assert_eq!(delivery.claims.iter().map(|claim| claim.signature.0[0]).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(delivery.claims[0].slot, None);
        assert_eq!(delivery.unusable.iter().map(|(place, _)| *place).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_no_json_or_neither_an_array_nor_an_object_is_no_delivery() {
        for body in ["", " ", "1", "null", "\"x\"", "[", "{}}", "[1,]", "{\"a\":}", "\u{feff}[]"] {
            assert!(check(body.as_bytes()).is_err() && read(body.as_bytes()).is_err(), "{body:?}");
        }
        assert!(check("[".repeat(10_000).as_bytes()).is_err(), "however deep");
        assert!(check(b" \n{}").is_ok() && check(b"[]").is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..300)) {
            assert_eq!(check(&body).is_ok(), read(&body).is_ok());
        }

        #[test]
        fn any_json_is_read_or_refused(body in "[\\[\\]{}\",:0-9a-z]{0,60}") {
            assert_eq!(check(body.as_bytes()).is_ok(), read(body.as_bytes()).is_ok());
        }
    }
}
