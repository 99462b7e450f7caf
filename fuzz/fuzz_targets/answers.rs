//! What a node may answer to `getTransaction`: no JSON panics, what is read survives being stored, and the decoder takes
//! whatever was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use zmart::{
    chain::{
        anchor::decode::{Decoded, decode, touched},
        model::RawTransaction,
        rpc::parse_transaction,
    },
    domain::ids::ProgramId,
};

/// The program of the recorded transactions, from which the corpus was made.
const PROGRAM: &str = "6s8bbbCS7oNYNnTUHgrPDHG4jqaSrD6MSxQSPVR1rxw";

fuzz_target!(|bytes: &[u8]| {
    let Ok(answer) = serde_json::from_slice::<Value>(bytes) else { return };
    let program: ProgramId = PROGRAM.parse().unwrap();
    let reports_failure = answer.pointer("/meta/err").is_some_and(|error| !error.is_null());
    let Ok(transaction) = parse_transaction(program, answer) else { return };
    assert!(!reports_failure || transaction.failed, "a failure is never read as a success");

    let stored = serde_json::to_string(&transaction).unwrap();
    assert_eq!(serde_json::from_str::<RawTransaction>(&stored).unwrap(), transaction);

    let decoded = decode(program, &transaction);
    assert!(touched(program, &transaction).is_some(), "its instructions are known");
    if let Decoded::Events(events) = decoded {
        assert!(!transaction.failed || events.is_empty());
        let ours = transaction.invocations.iter().flatten().filter(|call| call.program == program).count();
        assert!(events.len() <= ours);
    }
});
