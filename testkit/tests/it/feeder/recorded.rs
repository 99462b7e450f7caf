//! Recorded transactions of the deployed program.

use zmart::{
    chain::anchor::{
        accounts::decode_any_account,
        decode::{Decoded, decode},
    },
    domain::ids::AccountAddress,
};
use zmart_testkit::feeder::{Feeder, Options, Source};

use super::{client, fold::signatures};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/program_transactions.jsonl");

#[tokio::test]
async fn a_recording_is_told_as_it_was_and_taken_back_as_it_was() {
    let lines = std::fs::read_to_string(RECORDING).unwrap();
    let recorded: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let options = Options { slot_time: None, ..Options::new(Source::Recorded(lines)) };
    let feeder = Feeder::start(options).await;
    assert_eq!(feeder.emit(1_000), 166);
    let rpc = client(&feeder);
    let told = signatures(&feeder, 100).await;
    assert_eq!(told.len(), 166);
    let (mut events, mut failed) = (0, 0);
    for (signature, line) in told.iter().zip(&recorded) {
        assert_eq!(line["signature"], signature.to_string().as_str());
        let transaction = rpc.transaction(*signature).await.unwrap().unwrap();
        assert_eq!(serde_json::json!(transaction.logs), line["logs"]);
        assert_eq!(transaction.failed, !line["err"].is_null());
        match decode(feeder.program(), &transaction) {
            Decoded::Events(of) => events += of.len(),
            Decoded::Failed(_) => failed += 1,
            other => panic!("{signature}: {other:?}"),
        }
    }
    assert_eq!(failed, recorded.iter().filter(|line| !line["err"].is_null()).count());
    assert_eq!(events, recorded.len() - failed + 1, "one has two");

    // The accounts are those of the last transaction that left each; undone, those of the one before.
    let last = recorded.last().unwrap()["post_program_accounts_b64"].as_object().unwrap();
    for address in last.keys() {
        let address: AccountAddress = address.parse().unwrap();
        let account = rpc.accounts(&[address]).await.unwrap().accounts[0].clone().unwrap();
        decode_any_account(&account.data).unwrap();
    }
    let fork = feeder.fork(166);
    assert_eq!(fork.signatures, told);
    for address in last.keys() {
        let address: AccountAddress = address.parse().unwrap();
        assert_eq!(rpc.accounts(&[address]).await.unwrap().accounts, [None]);
    }
}
