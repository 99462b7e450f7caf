//! Faults of answers as such.

use std::time::{Duration, Instant};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use zmart_testkit::{
    http::try_request,
    proxy::{Bad, Delay, Methods, When},
};

use super::node::Rig;

const SLOT: Methods = Methods::Of(&["getSlot"]);

#[tokio::test]
async fn an_answer_that_no_fault_touches_passes_byte_for_byte() {
    let rig = Rig::start().await;
    for round in 0..2 {
        let body = json!({"jsonrpc": "2.0", "id": 3, "method": "getSlot"}).to_string();
        let answer = try_request("POST", &rig.proxy.rpc_url, "/", &[], body.as_bytes()).await.unwrap();
        assert_eq!(answer.body, br#"{ "jsonrpc":  "2.0", "result": 100, "id": 3 }"#, "round {round}");
        // Also where faults look at it.
        rig.faults.older_slot(3, When::Always);
        rig.faults.rpc_behind(3, true, When::Always);
    }
}

#[tokio::test]
async fn chosen_calls_are_answered_badly_so_often_and_no_more() {
    let rig = Rig::start().await;
    let table = [
        (Bad::Error(-32005), 200, json!({"code": -32005, "message": "Node is behind"})),
        (Bad::Error(-32004), 200, json!({"code": -32004, "message": "Block not available for slot"})),
        (Bad::Error(-32603), 200, json!({"code": -32603, "message": "Internal error"})),
        (Bad::Status(500), 500, Value::Null),
        (Bad::Status(502), 502, Value::Null),
        (Bad::TooMany(None), 429, Value::Null),
        (Bad::TooMany(Some(3)), 429, Value::Null),
        (Bad::Garbage, 200, Value::Null),
        (Bad::Half, 200, Value::Null),
        (Bad::Empty, 200, Value::Null),
        (Bad::Null, 200, Value::Null),
    ];
    for (bad, status, error) in table {
        let fault = rig.faults.answer_badly(SLOT, bad, When::Next(1));
        assert_eq!(rig.result("getHealth", json!([])).await["echo"], "getHealth", "another method");
        assert_eq!(fault.struck(), 0);
        let answer = rig.ask("getSlot", json!([])).await.unwrap();
        assert_eq!(answer.status, status, "{bad:?}");
        let told: Option<Value> = serde_json::from_slice(&answer.body).ok();
        match bad {
            Bad::Null => assert_eq!(told.unwrap(), json!({"jsonrpc": "2.0", "id": 9, "result": null})),
            Bad::Error(_) => assert_eq!(told.unwrap()["error"], error),
            _ => assert_eq!(told, None, "{bad:?}"),
        }
        let wait = if bad == Bad::TooMany(Some(3)) { Some("3") } else { None };
        assert_eq!(answer.header("retry-after"), wait);
        assert_eq!(rig.result("getSlot", json!([])).await, 100, "only the next one");
        assert_eq!((fault.struck(), fault.left()), (1, 0));
        fault.lift();
    }
}

#[tokio::test]
async fn a_fraction_is_drawn_from_a_seed() {
    let mut seen = Vec::new();
    for seed in [1, 1, 2] {
        let rig = Rig::start().await;
        let fault = rig.faults.answer_badly(SLOT, Bad::Error(-32603), When::OneIn { n: 3, seed });
        let mut failed = Vec::new();
        for _ in 0..60 {
            failed.push(rig.result("getSlot", json!([])).await.is_null());
        }
        assert_eq!(fault.struck(), failed.iter().filter(|failed| **failed).count() as u64);
        assert!((5..40).contains(&fault.struck()), "{}", fault.struck());
        seen.push(failed);
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
}

#[tokio::test]
async fn late_answers_come_late() {
    let rig = Rig::start().await;
    let fault = rig.faults.delay_answers(SLOT, Delay::Fixed(Duration::from_millis(60)), When::Next(1));
    let started = Instant::now();
    assert_eq!(rig.result("getSlot", json!([])).await, 100);
    assert!(started.elapsed() >= Duration::from_millis(60), "it was held back");
    assert_eq!(fault.struck(), 1);
}

#[tokio::test]
async fn faults_are_asked_in_their_order() {
    let rig = Rig::start().await;
    let first = rig.faults.answer_badly(SLOT, Bad::Error(1), When::Next(1));
    let second = rig.faults.answer_badly(Methods::All, Bad::Error(2), When::Next(1));
    let code = async || rig.ask("getSlot", json!([])).await.unwrap().json()["error"]["code"].clone();
    assert_eq!(code().await, 1);
    assert_eq!(second.struck(), 0);
    assert_eq!(code().await, 2);
    assert_eq!((first.struck(), second.struck()), (1, 1));
    assert_eq!(code().await, Value::Null);
}

#[tokio::test]
async fn a_transaction_that_is_swallowed_is_answered_with_its_signature_and_never_reaches_the_node() {
    let rig = Rig::start().await;
    let fault = rig.faults.swallow_transactions(When::Next(2));
    let signature = [7; 64];
    let bytes = [[1].as_slice(), &signature, &[9; 40]].concat();
    let text = bs58::encode(signature).into_string();
    let base64 = json!([BASE64_STANDARD.encode(&bytes), {"encoding": "base64"}]);
    assert_eq!(rig.result("sendTransaction", base64.clone()).await, text.as_str());
    assert_eq!(rig.result("getSlot", json!([])).await, 100, "other calls pass");
    assert_eq!(rig.result("sendTransaction", json!([bs58::encode(&bytes).into_string()])).await, text.as_str());
    assert_eq!(rig.world().asked.iter().filter(|method| *method == "sendTransaction").count(), 0);
    assert_eq!((fault.struck(), fault.left()), (2, 0));
    rig.result("sendTransaction", base64).await;
    assert_eq!(rig.world().asked.iter().filter(|method| *method == "sendTransaction").count(), 1);
}
