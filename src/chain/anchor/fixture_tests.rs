//! The codec against the recorded bytes of the deployed program, in both directions.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    accounts::{AccountKind, AccountLayout, ProgramAccount, decode_account, decode_any_account, encode_account},
    codec::CodecError,
    events::{EVENT_BYTES_MAX, EVENT_DISCRIMINATORS, decode_event, encode_event, show_event},
    instructions::{decode_executed_instruction, decode_instruction, encode_instruction},
};
use crate::{
    chain::program::{InstructionKind, ProgramAddresses, pda::VoteKind},
    domain::{
        account::{GlobalConfigAccount, MarketAccount, UserPositionAccount, VoteRecordAccount},
        event::ProgramEvent,
        ids::{AccountAddress, MarketAddress, ProgramId},
    },
};

const CODEC: &str = include_str!("../../../tests/fixtures/codec.jsonl");

fn rows(kind: &str) -> Vec<Value> {
    let rows = CODEC.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let rows: Vec<Value> = rows.filter(|row| row["kind"] == kind).collect();
    assert!(!rows.is_empty(), "{kind}");
    rows
}

fn unhex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn discriminator(namespace: &str, name: &str) -> [u8; 8] {
    Sha256::digest(format!("{namespace}:{name}"))[..8].try_into().unwrap()
}

#[test]
fn every_discriminator_is_the_hash_of_its_name() {
    let events: Vec<&str> = EVENT_DISCRIMINATORS.iter().map(|(name, _)| *name).collect();
    let mut known = ProgramEvent::NAMES.to_vec();
    let mut listed = events.clone();
    known.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, known);
    for (name, bytes) in EVENT_DISCRIMINATORS {
        assert_eq!(*bytes, discriminator("event", name), "{name}");
    }
    for kind in AccountKind::ALL {
        assert_eq!(kind.discriminator(), discriminator("account", kind.name()), "{kind:?}");
    }
    assert_eq!(InstructionKind::ALL.len(), 18);
    for kind in InstructionKind::ALL {
        assert_eq!(kind.discriminator(), discriminator("global", kind.name()), "{kind:?}");
    }
}

#[test]
fn every_event_comes_from_exactly_one_instruction() {
    let mut events: Vec<&str> = InstructionKind::ALL.iter().map(|kind| kind.event()).collect();
    let mut known = ProgramEvent::NAMES.to_vec();
    events.sort_unstable();
    known.sort_unstable();
    assert_eq!(events, known);
}

#[test]
fn events_equal_the_recorded_bytes_in_both_directions() {
    for row in rows("event") {
        let bytes = unhex(&row["hex"]);
        let event = decode_event(&bytes).unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(row["name"], event.name());
        assert_eq!(row["fields"], show_event(&event));
        assert_eq!(bytes, encode_event(&event));
        assert!(bytes.len() <= EVENT_BYTES_MAX);
        refuses_other_lengths(&bytes, |bytes| decode_event(bytes).map(drop));
    }
}

#[test]
fn instructions_equal_the_recorded_bytes_and_account_lists_in_both_directions() {
    for row in rows("instruction") {
        let bytes = unhex(&row["hex"]);
        let instruction = decode_instruction(&bytes).unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(row["name"], instruction.kind().name());
        assert_eq!(row["fields"], instruction.show());
        assert_eq!(bytes, encode_instruction(&instruction));
        let accounts = instruction
            .kind()
            .accounts()
            .iter()
            .map(|spec| serde_json::json!({ "name": spec.name, "signer": spec.signer, "writable": spec.writable }));
        assert_eq!(row["accounts"], accounts.collect::<Value>());
        refuses_other_lengths(&bytes, |bytes| decode_instruction(bytes).map(drop));
    }
}

#[test]
fn an_executed_instruction_may_have_bytes_behind_its_arguments() {
    for row in rows("instruction") {
        let mut bytes = unhex(&row["hex"]);
        let instruction = decode_instruction(&bytes).unwrap();
        bytes.extend([1, 2, 3]);
        assert_eq!(decode_executed_instruction(&bytes), Ok((instruction, 3)));
    }
}

fn refuses_other_lengths(bytes: &[u8], decode: impl Fn(&[u8]) -> Result<(), CodecError>) {
    for length in 0..bytes.len() {
        let refused = decode(&bytes[..length]);
        assert!(matches!(refused, Err(CodecError::TooShort { .. })), "{length} of {}: {refused:?}", bytes.len());
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert_eq!(decode(&longer), Err(CodecError::TrailingBytes { count: 1 }));
    let mut other = bytes.to_vec();
    other[0] ^= 1;
    assert_eq!(decode(&other), Err(CodecError::UnknownDiscriminator));
}

#[test]
fn accounts_equal_the_recorded_bytes_in_both_directions() {
    for row in rows("account") {
        match row["name"].as_str().unwrap() {
            "GlobalConfig" => account_round_trips::<GlobalConfigAccount>(&row),
            "MarketAccount" => account_round_trips::<MarketAccount>(&row),
            "UserPosition" => account_round_trips::<UserPositionAccount>(&row),
            "VoteRecord" => account_round_trips::<VoteRecordAccount>(&row),
            name => panic!("{name}"),
        }
    }
}

fn account_round_trips<T: AccountLayout + PartialEq + std::fmt::Debug>(row: &Value) {
    let bytes = unhex(&row["hex"]);
    let account = decode_account::<T>(&bytes).unwrap_or_else(|error| panic!("{row}: {error}"));
    assert_eq!(row["name"], T::KIND.name());
    assert_eq!(row["data_len"], T::KIND.allocated_bytes());
    assert_eq!(row["fields"], account.show());
    assert_eq!(bytes, encode_account(&account));
    let any = decode_any_account(&bytes).unwrap();
    let kind = match any {
        ProgramAccount::GlobalConfig(_) => AccountKind::GlobalConfig,
        ProgramAccount::Market(_) => AccountKind::Market,
        ProgramAccount::UserPosition(_) => AccountKind::UserPosition,
        ProgramAccount::VoteRecord(_) => AccountKind::VoteRecord,
    };
    assert_eq!(kind, T::KIND);

    let end = 8 + row["borsh_len"].as_u64().unwrap() as usize;
    for at in end..bytes.len() {
        let mut dirty = bytes.clone();
        dirty[at] = 1;
        assert_eq!(decode_account::<T>(&dirty), Err(CodecError::DirtyPadding { offset: at }));
    }
    let expected = T::KIND.allocated_bytes();
    let longer = [&bytes[..], &[0]].concat();
    for (bytes, found) in [(&longer[..], expected + 1), (&bytes[..expected - 1], expected - 1)] {
        assert_eq!(decode_account::<T>(bytes), Err(CodecError::WrongSize { expected, found }));
    }
    let mut other = bytes;
    other[7] ^= 1;
    assert_eq!(decode_account::<T>(&other), Err(CodecError::UnknownDiscriminator));
}

#[test]
fn a_state_or_a_vote_type_that_does_not_exist_is_refused() {
    for row in rows("account") {
        let (at, limit) = match row["name"].as_str().unwrap() {
            "MarketAccount" => (72, 7),
            "VoteRecord" => (72, 2),
            _ => continue,
        };
        let mut bytes = unhex(&row["hex"]);
        for byte in [limit, 255] {
            bytes[at] = byte;
            let refused = decode_any_account(&bytes);
            assert!(matches!(refused, Err(CodecError::BadEnum { byte: found, .. }) if found == byte), "{refused:?}");
        }
    }
}

#[test]
fn addresses_equal_the_recorded_ones() {
    for row in rows("pda") {
        let fields = &row["fields"];
        let text = |name: &str| fields[name].as_str().unwrap();
        let program: ProgramId = text("program_id").parse().unwrap();
        let addresses = ProgramAddresses::new(program);
        let market = || text("market").parse::<MarketAddress>().unwrap();
        let (address, bump) = match row["name"].as_str().unwrap() {
            "global_config" => addresses.config(),
            "market" => {
                let (market, bump) = addresses.market(text("market_id").parse().unwrap());
                (market.account(), bump)
            }
            "position" => addresses.position(market(), text("user").parse().unwrap()),
            "vote" => {
                let kind = if fields["vote_type"] == 0 { VoteKind::Proposal } else { VoteKind::Dispute };
                addresses.vote(market(), text("user").parse().unwrap(), kind)
            }
            name => panic!("{name}"),
        };
        assert_eq!(address, row["address"].as_str().unwrap().parse::<AccountAddress>().unwrap(), "{row}");
        assert_eq!(row["bump"], bump, "{row}");
    }
}
