//! Answers of nodes: transactions of every form, lists, and what is none.

use serde_json::json;

use super::*;

const OURS: ProgramId = ProgramId([9; 32]);
const OTHER: ProgramId = ProgramId([8; 32]);

/// The wire bytes of a v0 transaction: keys 0 = payer, 1 = ours; one lookup that adds one writable and one read-only
/// address (2 and 3); two instructions of ours, the second on the looked-up accounts.
fn v0_transaction() -> Vec<u8> {
    let mut bytes = vec![1];
    bytes.extend([7; 64]);
    bytes.extend([0x80, 1, 0, 1, 2]);
    bytes.extend([1; 32]);
    bytes.extend(OURS.0);
    bytes.extend([0; 32]);
    bytes.push(2);
    bytes.extend([1, 1, 0, 2, 0xaa, 0xbb]);
    bytes.extend([1, 2, 2, 3, 1, 0xcc]);
    bytes.push(1);
    bytes.extend([6; 32]);
    bytes.extend([1, 0, 1, 1]);
    bytes
}

fn answer() -> Value {
    json!({
        "slot": 12,
        "blockTime": 1_760_000_000,
        "transactionIndex": 3,
        "version": 0,
        "transaction": [BASE64_STANDARD.encode(v0_transaction()), "base64"],
        "meta": {
            "err": null,
            "status": { "Ok": null },
            "fee": 5000,
            "preBalances": [], "postBalances": [],
            "logMessages": ["Program log: x"],
            "innerInstructions": [{
                "index": 0,
                "instructions": [
                    { "programIdIndex": 3, "accounts": [0, 2], "data": "!not base58!", "stackHeight": 2 },
                    { "programIdIndex": 1, "accounts": [], "data": bs58::encode([5, 6]).into_string() },
                ],
            }],
            "loadedAddresses": {
                "writable": [AccountAddress([4; 32])],
                "readonly": [AccountAddress(OTHER.0)],
            },
            "newField": { "of": "a later version" },
        },
    })
}

fn invocation(program: ProgramId, accounts: &[u8], data: &[u8], stack_height: Option<u32>) -> RawInvocation {
    let accounts = accounts.iter().map(|byte| AccountAddress([*byte; 32])).collect();
    RawInvocation { program, accounts, data: data.to_vec(), stack_height }
}

#[test]
fn a_v0_transaction_is_put_in_execution_order_with_looked_up_addresses() {
    let transaction = parse_transaction(OURS, answer()).unwrap();
    assert_eq!(
        transaction,
        RawTransaction {
            signature: TxSignature([7; 64]),
            slot: 12,
            index_in_block: Some(3),
            block_time: Some(1_760_000_000),
            failed: false,
            logs: Some(vec!["Program log: x".into()]),
            invocations: Some(vec![
                invocation(OURS, &[1], &[0xaa, 0xbb], Some(1)),
                // Another program's data is not even undone from base58.
                invocation(OTHER, &[1, 4], &[], Some(2)),
                invocation(OURS, &[], &[5, 6], None),
                invocation(OURS, &[4, 8], &[0xcc], Some(1)),
            ]),
        }
    );
}

#[test]
fn the_json_form_reads_the_same() {
    let mut json_form = answer();
    json_form["transaction"] = json!({
        "signatures": [TxSignature([7; 64])],
        "message": {
            "accountKeys": [AccountAddress([1; 32]), AccountAddress(OURS.0)],
            "instructions": [
                { "programIdIndex": 1, "accounts": [0], "data": bs58::encode([0xaa, 0xbb]).into_string() },
                { "programIdIndex": 1, "accounts": [2, 3], "data": bs58::encode([0xcc]).into_string() },
            ],
        },
    });
    assert_eq!(parse_transaction(OURS, json_form).unwrap(), parse_transaction(OURS, answer()).unwrap());
}

#[test]
fn what_is_absent_is_not_made_up() {
    let mut bare = answer();
    bare.as_object_mut().unwrap().remove("transactionIndex");
    bare["blockTime"] = Value::Null;
    for field in ["logMessages", "innerInstructions"] {
        bare["meta"][field] = Value::Null;
    }
    bare["meta"]["err"] = json!({ "InstructionError": [0, "ErrorOfALaterVersion"] });
    let transaction = parse_transaction(OURS, bare).unwrap();
    assert_eq!((transaction.index_in_block, transaction.block_time, transaction.logs), (None, None, None));
    assert!(transaction.failed);
    assert_eq!(transaction.invocations.unwrap().len(), 2);
}

#[test]
fn an_answer_that_is_no_transaction_is_refused() {
    let change = |pointer: &str, value: Value| {
        let mut answer = answer();
        *answer.pointer_mut(pointer).unwrap() = value;
        answer
    };
    let mut no_err = answer();
    no_err["meta"].as_object_mut().unwrap().remove("err");
    let mut cut = v0_transaction();
    cut.pop();
    let table = [
        ("nothing", json!({})),
        ("no word on success", no_err),
        ("no status", change("/meta", Value::Null)),
        ("another encoding", change("/transaction/1", json!("base58"))),
        ("no base64", change("/transaction/0", json!("###"))),
        ("cut bytes", change("/transaction/0", json!(BASE64_STANDARD.encode(cut)))),
        ("an account that is not there", change("/meta/innerInstructions/0/instructions/0/programIdIndex", json!(9))),
        ("looked-up addresses missing", change("/meta/loadedAddresses", Value::Null)),
        ("inner instructions of no instruction", change("/meta/innerInstructions/0/index", json!(2))),
        ("our data is no base58", change("/meta/innerInstructions/0/instructions/1/data", json!("0OIl"))),
        ("a log that is no list", change("/meta/logMessages", json!("Program log: x"))),
    ];
    for (name, answer) in table {
        assert!(parse_transaction(OURS, answer).is_err(), "{name}");
    }
}

fn entry(signature: u8, status: Value) -> Value {
    json!({
        "signature": TxSignature([signature; 64]), "slot": 5, "err": null, "memo": null, "blockTime": null,
        "confirmationStatus": status,
    })
}

#[test]
fn merely_processed_signatures_are_left_out_and_counted() {
    let mut failed = entry(2, json!("finalized"));
    failed["err"] = json!({ "InstructionError": [0, { "Custom": 6018 }] });
    failed["transactionIndex"] = json!(4);
    let page = parse_signatures(json!([
        entry(1, json!("confirmed")),
        failed,
        entry(3, Value::Null),
        entry(4, json!("processed")),
    ]))
    .unwrap();
    let seen = page.found.iter().map(|f| (f.signature.0[0], f.failed, f.finalized, f.index_in_block));
    assert_eq!(seen.collect::<Vec<_>>(), [(1, false, false, None), (2, true, true, Some(4)), (3, false, false, None)]);
    assert_eq!(page.processed_left_out, 1);
    assert_eq!(page.oldest, Some(TxSignature([4; 64])));
    assert_eq!(parse_signatures(json!([])).unwrap().oldest, None);
}

#[test]
fn a_list_with_an_entry_that_is_none_is_refused() {
    let change = |field: &str, value: Value| {
        let mut entry = entry(1, json!("confirmed"));
        entry[field] = value;
        json!([entry])
    };
    let mut no_err = entry(1, json!("confirmed"));
    no_err.as_object_mut().unwrap().remove("err");
    let table = [
        Value::Null,
        json!({}),
        json!([null]),
        json!([no_err]),
        change("signature", json!("x")),
        change("slot", json!(-1)),
        change("confirmationStatus", json!("hearsay")),
    ];
    for answer in table {
        assert!(parse_signatures(answer.clone()).is_err(), "{answer}");
    }
}

#[test]
fn accounts_are_base64_only() {
    let account = |data: Value| {
        let value = json!({
            "owner": OURS, "lamports": u64::MAX, "data": data, "executable": false, "rentEpoch": u64::MAX, "space": 1,
        });
        json!({ "context": { "slot": 3, "apiVersion": "x" }, "value": [null, value] })
    };
    let raw = RawAccount { owner: OURS, lamports: u64::MAX, data: vec![255] };
    assert_eq!(parse_accounts(account(json!(["/w==", "base64"]))), Ok((Slot(3), vec![None, Some(raw)])));
    for data in [json!(["/w==", "base58"]), json!(["#", "base64"]), json!("/w=="), json!({ "parsed": {} })] {
        assert!(parse_accounts(account(data)).is_err());
    }
}
