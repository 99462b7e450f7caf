//! The decoder against the recorded transactions, against hostile logs, and against a naive twin.

mod completed;
mod hostile;
mod twin;

use serde_json::Value;

use super::*;
use crate::{
    chain::{
        anchor::{events::encode_event, instructions::encode_instruction},
        program::instructions::{BuyShares, CreateMarket, EmergencyPause},
    },
    domain::{
        amount::{Lamports, UnixSeconds},
        event::{IpfsHash, MarketCreated, ProtocolPauseStatusChanged},
        ids::{MarketSeed, TxSignature},
    },
};

const RECORDED: &str = include_str!("../../../../tests/fixtures/program_transactions.jsonl");
const OURS: ProgramId = ProgramId([9; 32]);
const OTHER: ProgramId = ProgramId([8; 32]);
const SYSTEM: ProgramId = ProgramId([0; 32]);

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// A recorded row as a node would report it: the inner calls of the system program are read off its log.
fn recorded(row: &Value) -> (ProgramId, RawTransaction) {
    let program: ProgramId = row["program"].as_str().unwrap().parse().unwrap();
    let logs: Vec<String> = serde_json::from_value(row["logs"].clone()).unwrap();
    let accounts: Vec<AccountAddress> = row["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| account["pubkey"].as_str().unwrap().parse().unwrap())
        .collect();
    let mut datas = match &row["data_hex"] {
        Value::Array(list) => list.iter().map(|data| unhex(data.as_str().unwrap())).collect::<Vec<_>>(),
        data => vec![unhex(data.as_str().unwrap())],
    }
    .into_iter();
    let invocations = logs.iter().filter_map(|line| {
        let (program, height) = line.strip_prefix("Program ")?.strip_suffix(']')?.split_once(" invoke [")?;
        let outer = height == "1";
        Some(RawInvocation {
            program: program.parse().unwrap(),
            accounts: if outer { accounts.clone() } else { vec![] },
            data: if outer { datas.next().unwrap() } else { vec![2, 0, 0, 0] },
            stack_height: Some(height.parse().unwrap()),
        })
    });
    let transaction = RawTransaction {
        signature: row["signature"].as_str().unwrap().parse().unwrap(),
        slot: row["slot"].as_u64().unwrap(),
        index_in_block: Some(4),
        block_time: row["block_time"].as_i64(),
        failed: !row["err"].is_null(),
        invocations: Some(invocations.collect()),
        logs: Some(logs),
    };
    (program, transaction)
}

#[test]
fn recorded_transactions_yield_one_event_an_instruction_or_nothing_at_all() {
    let mut events_seen = 0;
    for line in RECORDED.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let (program, transaction) = recorded(&row);
        let silent_node = RawTransaction { failed: false, ..transaction.clone() };
        let logs_only = RawTransaction { invocations: None, ..silent_node.clone() };
        if transaction.failed {
            assert_eq!(decode(program, &transaction), Decoded::Failed(FailureEvidence::Reported));
            for transaction in [silent_node, logs_only] {
                let evidence = FailureEvidence::OutermostFrame { program };
                assert_eq!(decode(program, &transaction), Decoded::Failed(evidence), "{}", row["note"]);
            }
            continue;
        }
        let Decoded::Events(events) = decode(program, &transaction) else { panic!("{row}") };
        let calls: Vec<&RawInvocation> = calls_of(program, &transaction).unwrap();
        assert_eq!(events.len(), calls.len(), "{}", row["note"]);
        let printed = transaction.logs.iter().flatten().filter_map(|line| line.strip_prefix("Program data: "));
        for (n, ((event, call), printed)) in events.iter().zip(calls).zip(printed).enumerate() {
            let (instruction, _) = decode_executed_instruction(&call.data).unwrap();
            assert_eq!(instruction.kind().event(), event.event.name());
            assert_eq!(BASE64_STANDARD.encode(encode_event(&event.event)), printed);
            assert_eq!(event.id, EventId { signature: transaction.signature, n: n as u16 });
            assert_eq!(event.position.slot.0, transaction.slot);
            assert_eq!(event.position.transaction_index, Some(4));
            assert!(!event.lacks_facts(), "{}", row["note"]);
            assert_facts(event, &instruction, &row);
            events_seen += 1;
        }
        let Decoded::Events(hinted) = decode(program, &logs_only) else { panic!("{row}") };
        assert!(hinted.iter().all(|event| event.facts.is_none()));
        assert!(hinted.iter().zip(&events).all(|(a, b)| a.event == b.event && a.id == b.id));
    }
    assert_eq!(events_seen, 105);
}

fn assert_facts(event: &ChainEvent, instruction: &ProgramInstruction, row: &Value) {
    let facts = event.facts.clone();
    match instruction {
        ProgramInstruction::CreateMarket(CreateMarket { initial_liquidity, ipfs_question_hash, .. }) => assert_eq!(
            facts,
            Some(InstructionFacts::Creation {
                initial_liquidity: *initial_liquidity,
                question_hash: *ipfs_question_hash
            })
        ),
        ProgramInstruction::FinalizeMarket(a) => assert_eq!(
            facts,
            Some(InstructionFacts::Finalization { agree: a.dispute_agree, disagree: a.dispute_disagree })
        ),
        ProgramInstruction::InitializeGlobalConfig(_) => {
            let wallet = row["accounts"][2]["pubkey"].as_str().unwrap().parse().unwrap();
            assert_eq!(facts, Some(InstructionFacts::Initialization { protocol_fee_wallet: wallet }));
        }
        _ => assert_eq!(facts, None),
    }
}

fn pause(is_paused: bool) -> ProgramEvent {
    ProtocolPauseStatusChanged { is_paused, paused_by: Wallet([3; 32]), timestamp: UnixSeconds(7) }.into()
}

fn data(event: &ProgramEvent) -> String {
    format!("Program data: {}", BASE64_STANDARD.encode(encode_event(event)))
}

fn invoke(program: ProgramId, depth: usize) -> String {
    format!("Program {program} invoke [{depth}]")
}

fn success(program: ProgramId) -> String {
    format!("Program {program} success")
}

fn failed(program: ProgramId) -> String {
    format!("Program {program} failed: custom program error: 0x1")
}

fn logs_only(logs: Vec<String>) -> RawTransaction {
    RawTransaction {
        signature: TxSignature([1; 64]),
        slot: 5,
        index_in_block: None,
        block_time: None,
        failed: false,
        logs: Some(logs),
        invocations: None,
    }
}

fn garbage(reason: GarbageReason) -> Decoded {
    Decoded::Garbage { reason, touched: None }
}

fn events(list: &[(u16, ProgramEvent)]) -> Decoded {
    let event = |(n, event): &(u16, ProgramEvent)| ChainEvent {
        id: EventId { signature: TxSignature([1; 64]), n: *n },
        position: ChainPosition { slot: Slot(5), transaction_index: None, n: *n },
        event: event.clone(),
        facts: None,
    };
    Decoded::Events(list.iter().map(event).collect())
}

fn call(program: ProgramId, data: Vec<u8>, stack_height: u32) -> RawInvocation {
    RawInvocation { program, accounts: vec![AccountAddress([5; 32]); 8], data, stack_height: Some(stack_height) }
}

fn pause_call(stack_height: u32) -> RawInvocation {
    call(OURS, encode_instruction(&EmergencyPause {}.into()), stack_height)
}

fn with_calls(logs: Vec<String>, calls: Vec<RawInvocation>) -> RawTransaction {
    RawTransaction { invocations: Some(calls), ..logs_only(logs) }
}

fn reason(transaction: &RawTransaction) -> GarbageReason {
    match decode(OURS, transaction) {
        Decoded::Garbage { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_log_and_the_instructions_must_tell_the_same_story() {
    let on = pause(true);
    let logs = vec![invoke(OURS, 1), data(&on), success(OURS)];
    let buy = encode_instruction(&BuyShares { outcome: true, target_cost: Lamports(1) }.into());
    let table = [
        (vec![], GarbageReason::InvocationCount { logged: 1, executed: 0 }),
        (vec![pause_call(1), pause_call(1)], GarbageReason::InvocationCount { logged: 1, executed: 2 }),
        (vec![call(OTHER, vec![], 1), pause_call(2)], GarbageReason::InvocationDepth { n: 0 }),
        (vec![call(OURS, buy, 1)], GarbageReason::WrongEvent { n: 0 }),
        (
            vec![call(OURS, vec![7; 8], 1)],
            GarbageReason::NotAnInstruction { n: 0, error: CodecError::UnknownDiscriminator },
        ),
        (vec![RawInvocation { accounts: vec![], ..pause_call(1) }], GarbageReason::TooFewAccounts { n: 0 }),
    ];
    for (calls, expected) in table {
        assert_eq!(reason(&with_calls(logs.clone(), calls)), expected);
    }
    // A precompile in front leaves no line, and a height that the node does not tell is not compared.
    let calls = vec![call(OTHER, vec![1], 1), RawInvocation { stack_height: None, ..pause_call(1) }];
    assert_eq!(decode(OURS, &with_calls(logs, calls)), events(&[(0, on)]));
}

#[test]
fn bytes_behind_the_arguments_of_an_instruction_do_not_hide_its_event() {
    let seed = MarketSeed([4; 32]);
    let event: ProgramEvent = MarketCreated {
        market_id: seed,
        creator: Wallet([3; 32]),
        b_parameter: 1,
        state: 0,
        timestamp: UnixSeconds(1),
    }
    .into();
    let create = CreateMarket {
        market_id: seed,
        b_parameter: 1,
        initial_liquidity: Lamports(77),
        ipfs_question_hash: IpfsHash([b'Q'; 46]),
    };
    let mut bytes = encode_instruction(&create.into());
    bytes.extend([0xff; 30]);
    let logs = vec![invoke(OURS, 1), data(&event), success(OURS)];
    let Decoded::Events(events) = decode(OURS, &with_calls(logs, vec![call(OURS, bytes, 1)])) else { panic!() };
    let facts = InstructionFacts::Creation { initial_liquidity: Lamports(77), question_hash: IpfsHash([b'Q'; 46]) };
    assert_eq!(events[0].facts, Some(facts));
}

#[test]
fn instructions_on_the_interface_file_are_the_only_ones_without_an_event() {
    let logs = vec![invoke(OURS, 1), success(OURS), invoke(OURS, 1), data(&pause(true)), success(OURS)];
    let tagged = [&INTERFACE_FILE_TAG[..], &[1]].concat();
    let transaction = with_calls(logs.clone(), vec![call(OURS, tagged, 1), pause_call(1)]);
    assert_eq!(decode(OURS, &transaction), events(&[(1, pause(true))]));
    let transaction = with_calls(logs, vec![pause_call(1), pause_call(1)]);
    assert_eq!(reason(&transaction), GarbageReason::NoEvent { n: 0 });
}

#[test]
fn what_a_truncated_transaction_touched_is_read_from_its_instructions() {
    let buy = |market: u8| {
        let mut call = call(OURS, encode_instruction(&BuyShares { outcome: true, target_cost: Lamports(1) }.into()), 1);
        call.accounts[1] = AccountAddress([market; 32]);
        call
    };
    let markets = vec![MarketAddress([6; 32]), MarketAddress([7; 32])];
    let logs = vec![invoke(OURS, 1), "Log truncated".into()];
    let calls = vec![buy(6), call(OTHER, vec![], 1), buy(7), buy(6)];
    let touched = Some(Touched { config: false, markets: markets.clone() });
    let truncated = Decoded::Truncated { touched: touched.clone() };
    assert_eq!(decode(OURS, &with_calls(logs, calls.clone())), truncated);
    for logs in [None, Some(vec![])] {
        let transaction = RawTransaction { logs, invocations: Some(calls.clone()), ..logs_only(vec![]) };
        assert_eq!(decode(OURS, &transaction), truncated);
        let stranger = RawTransaction { invocations: Some(vec![call(OTHER, vec![], 1)]), ..transaction };
        assert_eq!(decode(OURS, &stranger), events(&[]));
    }
    assert_eq!(super::touched(OURS, &with_calls(vec![], calls)), touched);
    let config = with_calls(vec!["Log truncated".into()], vec![pause_call(1)]);
    let touched = Some(Touched { config: true, markets: vec![] });
    assert_eq!(decode(OURS, &config), Decoded::Truncated { touched });
}
