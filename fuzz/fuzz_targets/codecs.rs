//! Events, accounts and instructions: no bytes panic, and what decodes encodes to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zmart::chain::anchor::{
    accounts::{ProgramAccount, decode_any_account, encode_account},
    events::{EVENT_BYTES_MAX, decode_event, encode_event},
    instructions::{decode_executed_instruction, decode_instruction, encode_instruction},
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(event) = decode_event(bytes) {
        assert_eq!(encode_event(&event), bytes);
        assert!(bytes.len() <= EVENT_BYTES_MAX);
    }
    if let Ok(account) = decode_any_account(bytes) {
        let again = match &account {
            ProgramAccount::GlobalConfig(config) => encode_account(&**config),
            ProgramAccount::Market(market) => encode_account(&**market),
            ProgramAccount::UserPosition(position) => encode_account(&**position),
            ProgramAccount::VoteRecord(vote) => encode_account(vote),
        };
        assert_eq!(again, bytes);
    }
    let executed = decode_executed_instruction(bytes);
    if let Ok((instruction, rest)) = &executed {
        assert_eq!(encode_instruction(instruction), bytes[..bytes.len() - rest]);
    }
    let exact = decode_instruction(bytes).ok();
    assert_eq!(exact, executed.ok().filter(|(_, rest)| *rest == 0).map(|(instruction, _)| instruction));
});
