//! What the faults of history have in common: changing lists of signatures, statuses and transactions, and leaving an
//! answer byte for byte where none of them is meant.

use serde_json::Value;

use super::super::message::{Call, Reply};

/// Lists an address' transactions.
pub const LIST: &str = "getSignaturesForAddress";
/// Tells a transaction.
pub const TRANSACTION: &str = "getTransaction";
/// Tells statuses.
pub const STATUSES: &str = "getSignatureStatuses";
/// Tells a block.
pub const BLOCK: &str = "getBlock";

/// An entry's or a question's signature.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Entries of a list that are meant, changed or (`None`) taken out. Nothing happens where none is meant.
pub fn edit_list(
    reply: &mut Reply,
    mut meant: impl FnMut(&Value) -> bool,
    mut edit: impl FnMut(Value) -> Option<Value>,
) {
    let Some(list) = reply.result().as_array() else { return };
    let marks: Vec<bool> = list.iter().map(&mut meant).collect();
    if marks.contains(&true)
        && let Some(Value::Array(list)) = reply.edit_result()
    {
        let entries = std::mem::take(list).into_iter().zip(marks);
        *list = entries.filter_map(|(entry, marked)| if marked { edit(entry) } else { Some(entry) }).collect();
    }
}

/// Statuses that are meant (by the signature that was asked for and what is told of it), changed. Unknown ones are not
/// asked about.
pub fn edit_statuses(
    call: &Call,
    reply: &mut Reply,
    mut meant: impl FnMut(&str, &Value) -> bool,
    mut edit: impl FnMut(&str, &mut Value),
) {
    let empty = Vec::new();
    let asked = call.param(0).as_array().unwrap_or(&empty);
    let Some(told) = reply.result()["value"].as_array() else { return };
    let marks: Vec<bool> =
        asked.iter().zip(told).map(|(signature, status)| !status.is_null() && meant(text(signature), status)).collect();
    if marks.contains(&true)
        && let Some(told) = reply.edit_result().and_then(|result| result["value"].as_array_mut())
    {
        for ((signature, status), _) in asked.iter().zip(told).zip(marks).filter(|(_, marked)| *marked) {
            edit(text(signature), status);
        }
    }
}

/// The node does not know the transaction.
pub fn forget_transaction(reply: &mut Reply) {
    if let Some(result) = reply.edit_result() {
        *result = Value::Null;
    }
}
