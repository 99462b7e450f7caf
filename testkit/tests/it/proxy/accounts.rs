//! Faults of accounts.

use serde_json::{Value, json};
use zmart_testkit::{chain::PROGRAM, proxy::When};

use super::node::{PLACE, Rig};

/// What each of the three methods tells of the account: (slot, data).
async fn told(rig: &Rig) -> Vec<(Value, Value)> {
    let config = json!({"encoding": "base64"});
    let one = rig.result("getAccountInfo", json!([PLACE, config])).await;
    let several = rig.result("getMultipleAccounts", json!([[PLACE], config])).await;
    let all = rig.result("getProgramAccounts", json!([PROGRAM, config])).await;
    vec![
        (one["context"]["slot"].clone(), one["value"]["data"][0].clone()),
        (several["context"]["slot"].clone(), several["value"][0]["data"][0].clone()),
        (Value::Null, all[0]["account"]["data"][0].clone()),
    ]
}

#[tokio::test]
async fn newer_accounts_are_told_under_an_older_slot() {
    let rig = Rig::start().await;
    rig.write(1, 120, PLACE, 1);
    let before = told(&rig).await;
    let fault = rig.faults.older_slot(50, When::Always);
    let after = told(&rig).await;
    let slots = |told: &[(Value, Value)]| told.iter().map(|(slot, _)| slot.as_u64()).collect::<Vec<_>>();
    assert_eq!(slots(&before), [Some(120), Some(120), None]);
    assert_eq!(slots(&after), [Some(70), Some(70), None]);
    assert!(before.iter().zip(&after).all(|((_, before), (_, after))| before == after));
    assert_eq!(fault.struck(), 2);
}

#[tokio::test]
async fn older_accounts_are_told_under_a_newer_slot() {
    let rig = Rig::start().await;
    rig.write(1, 120, PLACE, 1);
    let before = told(&rig).await;
    let fault = rig.faults.stale_accounts(When::Always).await;
    assert_eq!(told(&rig).await, before);
    assert_eq!(fault.struck(), 0, "nothing is older yet");
    rig.write(2, 130, PLACE, 2);
    let after = told(&rig).await;
    assert!(before.iter().zip(&after).all(|((_, before), (_, after))| before == after), "{after:?}");
    assert_eq!(after[0].0, 130);
    assert_eq!(fault.struck(), 3);
    fault.lift();
    assert_ne!(told(&rig).await[1], before[1]);
}
