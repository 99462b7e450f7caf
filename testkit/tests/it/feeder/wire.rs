//! The wire: pages, transactions, notifications, errors.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use zmart::{
    chain::{
        anchor::decode::{Decoded, decode},
        model::Commitment,
        pubsub::{LiveEnd, LiveInput, LiveOptions, follow},
    },
    domain::ids::{AccountAddress, Slot, TxSignature},
};
use zmart_testkit::{
    feeder::{Feeder, GeneratedStory, Options},
    patience::within,
};

use super::{client, fold::signatures, small, still};

fn ask(feeder: &Feeder, method: &str, params: Value) -> Value {
    let ask = json!({"jsonrpc": "2.0", "id": 4, "method": method, "params": params});
    let answer: Value = serde_json::from_str(&feeder.ask(&ask.to_string())).unwrap();
    assert_eq!(answer["id"], 4);
    answer
}

#[tokio::test]
async fn ten_thousand_signatures_are_paged_down_to_one_that_is_known() {
    let feeder = Feeder::start(still(small(1, 10_000))).await;
    feeder.emit(20_000);
    let all = signatures(&feeder, 1_000).await;
    assert_eq!(all.len(), 10_016);
    let in_small_pages = signatures(&feeder, 333).await;
    assert_eq!(in_small_pages, all);
    let mut distinct = all.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), all.len());

    // `until` ends the walk above what is known.
    let known = all[4_000];
    let (mut above, mut before): (Vec<TxSignature>, Option<String>) = (Vec::new(), None);
    loop {
        let mut config = json!({"commitment": "confirmed", "until": known.to_string(), "limit": 1_000});
        if let Some(before) = &before {
            config["before"] = json!(before);
        }
        let page = ask(&feeder, "getSignaturesForAddress", json!([feeder.program().to_string(), config]));
        let page = page["result"].as_array().unwrap().clone();
        let Some(last) = page.last() else { break };
        before = Some(last["signature"].as_str().unwrap().to_owned());
        above.extend(page.iter().map(|entry| entry["signature"].as_str().unwrap().parse::<TxSignature>().unwrap()));
    }
    above.reverse();
    assert_eq!(above, all[4_001..]);
    let nowhere = json!([feeder.program().to_string(), {"before": TxSignature([3; 64]).to_string()}]);
    assert_eq!(ask(&feeder, "getSignaturesForAddress", nowhere)["result"], json!([]));
}

#[tokio::test]
async fn a_market_has_a_history_of_its_own() {
    let feeder = Feeder::start(still(small(1, 500))).await;
    feeder.emit(516);
    let rpc = client(&feeder);
    let markets = rpc.program_accounts(zmart::chain::anchor::accounts::AccountKind::Market, None).await.unwrap();
    let mut listed = Vec::new();
    for (market, _) in &markets {
        let page = rpc.signatures_before(*market, None, 1_000).await.unwrap();
        assert!(page.found.is_sorted_by_key(|found| std::cmp::Reverse(found.slot)));
        listed.extend(page.found.into_iter().map(|found| found.signature));
    }
    let mut all = signatures(&feeder, 1_000).await;
    // The first is the config's.
    all.remove(0);
    all.sort();
    listed.sort();
    assert_eq!(listed, all);
}

#[tokio::test]
async fn the_engines_client_reads_slots_blocks_and_statuses() {
    let options = Options { finality_slots: 4, tells_index: true, ..still(small(1, 500)) };
    let feeder = Feeder::start(options).await;
    feeder.emit(516);
    let rpc = client(&feeder);
    let (open, confirmed, finalized) = feeder.slots();
    assert_eq!((open, confirmed, finalized), (1_010, 1_009, 1_005));
    assert_eq!(rpc.slot(Commitment::Processed).await.unwrap(), Slot(open));
    assert_eq!(rpc.slot(Commitment::Confirmed).await.unwrap(), Slot(confirmed));
    assert_eq!(rpc.slot(Commitment::Finalized).await.unwrap(), Slot(finalized));
    assert_eq!(rpc.first_available_slot().await.unwrap(), Slot(1_000));
    assert!(rpc.block_height(Commitment::Confirmed).await.unwrap() > 0);
    assert_eq!(rpc.genesis_hash().await.unwrap(), client(&feeder).genesis_hash().await.unwrap());
    rpc.latest_blockhash(Commitment::Confirmed).await.unwrap();

    let page = rpc.signatures_before(AccountAddress(feeder.program().0), None, 1_000).await.unwrap();
    let finalized_ones = page.found.iter().filter(|found| found.finalized).count();
    assert_eq!(finalized_ones, 300, "six slots of fifty");
    for found in page.found.iter().step_by(37) {
        let block = rpc.block_signatures(found.slot).await;
        if found.slot.0 == open {
            assert!(block.is_err(), "the open slot is no block yet");
            continue;
        }
        let block = block.unwrap().unwrap();
        let index = found.index_in_block.unwrap();
        assert_eq!(block[index as usize], found.signature);
        let transaction = rpc.transaction(found.signature).await.unwrap().unwrap();
        assert_eq!((transaction.slot, transaction.index_in_block), (found.slot.0, Some(index)));
        assert_eq!(transaction.block_time, found.block_time);
    }
    let known: Vec<TxSignature> = page.found.iter().map(|found| found.signature).collect();
    let statuses = rpc.signature_statuses(&[known[0], TxSignature([1; 64]), known[515]], true).await.unwrap();
    let told = statuses.iter().map(|status| status.as_ref().map(|status| status.commitment));
    assert_eq!(told.collect::<Vec<_>>(), [Some(Commitment::Confirmed), None, Some(Commitment::Finalized)]);
}

#[tokio::test]
async fn notifications_tell_what_the_transactions_tell() {
    let feeder = Feeder::start(still(small(1, 200))).await;
    let (sender, mut inputs) = mpsc::channel(1_000);
    let (stop, stopped) = oneshot::channel();
    let options = LiveOptions {
        url: feeder.ws_url.clone(),
        program: feeder.program(),
        connect_timeout: Duration::from_secs(20),
        silent_after: Duration::from_secs(20),
    };
    let following = tokio::spawn(follow(options, sender, stopped));
    assert_eq!(within("a subscription", inputs.recv()).await, Some(LiveInput::Subscribed));
    feeder.emit(100);
    feeder.set_silent(true);
    feeder.emit(50);
    feeder.set_silent(false);
    feeder.emit(66);
    let mut heard = Vec::new();
    let mut slots = 0;
    while heard.len() < 166 || slots == 0 {
        match within("a notification", inputs.recv()).await.unwrap() {
            LiveInput::Logs(transaction) => heard.push(transaction),
            LiveInput::Slot(_) => slots += 1,
            LiveInput::Subscribed => panic!("twice"),
        }
    }
    let mut told = signatures(&feeder, 1_000).await;
    told.drain(100..150);
    assert_eq!(heard.iter().map(|transaction| transaction.signature).collect::<Vec<_>>(), told);
    let rpc = client(&feeder);
    for live in heard.iter().step_by(7) {
        let read = rpc.transaction(live.signature).await.unwrap().unwrap();
        assert_eq!((live.slot, &live.logs), (read.slot, &read.logs));
        let (Decoded::Events(live_events), Decoded::Events(events)) =
            (decode(feeder.program(), live), decode(feeder.program(), &read))
        else {
            panic!("both are decoded")
        };
        let events_of =
            |events: Vec<zmart::domain::event::ChainEvent>| events.into_iter().map(|one| one.event).collect::<Vec<_>>();
        assert_eq!(events_of(live_events), events_of(events));
        assert!(feeder.emitted_at(&live.signature).is_some());
    }
    assert_eq!(feeder.emissions().len(), 166);
    assert_eq!(feeder.lost(), 0);
    drop(stop);
    assert_eq!(within("the end", following).await.unwrap(), LiveEnd::Stopped);
}

#[tokio::test]
async fn the_same_seed_tells_the_same_bytes_and_another_does_not() {
    let mut told = Vec::new();
    for seed in [5, 5, 6] {
        let feeder = Feeder::start(still(small(seed, 300))).await;
        feeder.emit(100);
        feeder.emit(216);
        let mut bytes = Vec::new();
        for signature in signatures(&feeder, 1_000).await {
            let config = json!({"encoding": "base64", "commitment": "confirmed"});
            bytes.push(ask(&feeder, "getTransaction", json!([signature.to_string(), config])).to_string());
        }
        let config = json!({"encoding": "base64", "filters": [{"dataSize": 488}]});
        bytes.push(ask(&feeder, "getProgramAccounts", json!([feeder.program().to_string(), config])).to_string());
        assert_eq!(bytes.len(), 317);
        told.push(bytes);
    }
    assert!(told[0] == told[1]);
    assert!(told[0][0] != told[2][0]);
}

#[tokio::test]
async fn what_the_feeder_does_not_know_is_an_error_with_a_reason() {
    let feeder = Feeder::start(still(small(1, 10))).await;
    feeder.emit(30);
    let program = feeder.program().to_string();
    let table = [
        ("getRecentPerformanceSamples", json!([]), -32601),
        ("sendTransaction", json!(["AA=="]), -32601),
        ("getAccountInfo", json!([program, {"encoding": "jsonParsed"}]), -32602),
        ("getAccountInfo", json!(["x", {"encoding": "base64"}]), -32602),
        ("getSignaturesForAddress", json!(["11111111111111111111111111111111", {}]), -32602),
        ("getSignaturesForAddress", json!([program, {"limit": 1_001}]), -32602),
        ("getProgramAccounts", json!(["11111111111111111111111111111111", {"encoding": "base64"}]), -32602),
        ("getBlock", json!([5_000, {"transactionDetails": "signatures"}]), -32004),
        ("getBlock", json!([5, {"transactionDetails": "signatures"}]), -32001),
    ];
    for (method, params, code) in table {
        let answer = ask(&feeder, method, params);
        assert_eq!(answer["error"]["code"], code, "{method}: {answer}");
        assert!(!answer["error"]["message"].as_str().unwrap().is_empty());
    }
    let garbage: Value = serde_json::from_str(&feeder.ask("[]")).unwrap();
    assert_eq!(garbage["error"]["code"], -32600);
}

#[test]
fn the_first_trade_comes_after_the_markets() {
    assert_eq!(GeneratedStory::setup_len(&small(1, 10)), 16);
}
