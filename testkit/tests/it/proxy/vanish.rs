//! A confirmed transaction vanishes and lands again.

use serde_json::{Value, json};
use zmart::domain::ids::{MarketSeed, TxSignature};
use zmart_testkit::chain::PROGRAM;

use super::node::{PLACE, Rig};

const OTHER: &str = "Stake11111111111111111111111111111111111111";

async fn data_at(rig: &Rig, address: &str) -> Value {
    rig.result("getAccountInfo", json!([address, {"encoding": "base64"}])).await["value"]["data"][0].clone()
}

async fn slots_of(rig: &Rig, signature: TxSignature) -> [Value; 2] {
    let transaction = rig.result("getTransaction", json!([signature])).await["slot"].clone();
    let status = rig.result("getSignatureStatuses", json!([[signature]])).await["value"][0]["slot"].clone();
    [transaction, status]
}

#[tokio::test]
async fn what_is_hidden_is_nowhere_and_its_accounts_are_as_before() {
    let rig = Rig::start().await;
    rig.write(1, 101, PLACE, 1);
    rig.write(2, 102, OTHER, 1);
    let before = data_at(&rig, PLACE).await;
    let frozen = rig.faults.freeze().await;
    let vanishing = rig.write(3, 103, PLACE, 2);
    rig.write(4, 104, OTHER, 2);
    assert_eq!(slots_of(&rig, vanishing).await, [103, 103], "nothing is hidden yet");

    frozen.hide(vanishing).await;
    assert_eq!(rig.page(json!({})).await, [(4, 104), (2, 102), (1, 101)]);
    assert_eq!(rig.page(json!({"before": vanishing})).await, [], "a signature that nobody knows");
    assert_eq!(slots_of(&rig, vanishing).await, [Value::Null, Value::Null]);
    assert_eq!(rig.result("getBlock", json!([103])).await["signatures"], json!([]));
    assert_eq!(data_at(&rig, PLACE).await, before);
    assert_ne!(data_at(&rig, OTHER).await, before, "what it did not write is told as it is");
    let all = rig.result("getProgramAccounts", json!([PROGRAM, {"encoding": "base64"}])).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(rig.result("getSlot", json!([])).await, 104, "the slots go on");
    assert!(frozen.fault().struck() >= 4);

    frozen.land_again(vanishing, 109);
    assert_eq!(rig.page(json!({})).await, [(3, 109), (4, 104), (2, 102), (1, 101)]);
    assert_eq!(rig.page(json!({"before": vanishing, "limit": 1})).await, [(4, 104)]);
    assert_eq!(slots_of(&rig, vanishing).await, [109, 109]);
    assert_eq!(rig.result("getBlock", json!([109])).await["signatures"], json!([vanishing]));
    assert_eq!(rig.result("getBlock", json!([103])).await["signatures"], json!([]));
    assert_ne!(data_at(&rig, PLACE).await, before);

    frozen.thaw();
    assert_eq!(slots_of(&rig, vanishing).await, [103, 103]);
}

#[tokio::test]
async fn everything_after_the_moment_can_vanish_and_land_again_one_by_one() {
    let rig = Rig::start().await;
    rig.write(1, 101, PLACE, 1);
    let before = data_at(&rig, PLACE).await;
    let mut listener = rig.listen().await;
    let frozen = rig.faults.freeze().await;
    frozen.hide_all();
    let first = rig.write(2, 102, PLACE, 2);
    let second = rig.write(3, 103, PLACE, 3);
    assert_eq!(rig.page(json!({})).await, [(1, 101)]);
    assert_eq!(data_at(&rig, PLACE).await, before);
    // Two in the list, the account, and two notifications.
    frozen.fault().has_struck(5).await;

    // Not even their notifications come; landing again is told.
    frozen.land_again(first, 110);
    frozen.land_again(second, 111);
    frozen.thaw_accounts();
    assert_eq!(frozen.notify_again(second).await, 1);
    let note: Value = serde_json::from_str(&listener.text().await.unwrap()).unwrap();
    assert_eq!(note["params"]["result"]["value"]["signature"], json!(second));
    assert_eq!(note["params"]["result"]["context"]["slot"], 111);
    assert_eq!(note["params"]["subscription"], 22);
    assert_eq!(rig.page(json!({})).await, [(3, 111), (2, 110), (1, 101)]);
    assert_ne!(data_at(&rig, PLACE).await, before);
    rig.execute(4, 112, MarketSeed([4; 32]));
    assert_eq!(listener.name().await, 4);
    assert_eq!(rig.page(json!({"limit": 1})).await, [(4, 112)]);
}
