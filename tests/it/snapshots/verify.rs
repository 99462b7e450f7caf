//! `zmart snapshot --verify`, and a pass by hand, as an operator has them.

use serde_json::Value;
use zmart_testkit::engine::Engine;

use super::{rig, text};

async fn verify(operator: &Engine) -> (Option<i32>, Value) {
    let output = operator.run(&["snapshot", "--verify", "--json"]).await;
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (output.status.code(), report)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pinned_is_verified_and_each_difference_is_found() {
    let (rig, market) = rig().await;
    rig.say(market, 1, 1_500).await;
    rig.unsay(market, 3).await;
    let mut operator = rig.operator();
    // The lease is a test's.
    let held = operator.run(&["snapshot", "--json"]).await;
    assert_eq!(held.status.code(), Some(3), "{held:?}");
    let give_up = "UPDATE leases SET expires_at = '-infinity' WHERE name = 'snapshots'";
    let client = rig.database.connect().await;
    client.execute(give_up, &[]).await.unwrap();
    operator.set("IPFS_ENABLED", "false");
    let off = operator.run(&["snapshot"]).await;
    assert_eq!((off.status.code(), rig.pins.uploads().len()), (Some(2), 0), "{off:?}");
    operator.set("IPFS_ENABLED", "true");
    let made = operator.run(&["snapshot", "--json"]).await;
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!((&made["markets"], &made["pinned"]), (&1.into(), &2.into()), "{made}");

    let none = operator.run(&["snapshot", "--drop", "--market", &market.to_string()]).await;
    assert_eq!(none.status.code(), Some(2), "none has failed: {none:?}");

    let (code, found) = verify(&operator).await;
    assert_eq!((code, &found["verified"], &found["comments"]), (Some(0), &2.into(), &1_500.into()), "{found}");

    // Nobody gives the files.
    rig.pins.lose_all();
    let (code, found) = verify(&operator).await;
    assert_eq!((code, found["unanswered"].as_array().unwrap().len()), (Some(2), 2), "{found}");
    // But a node that has them does.
    let url = rig.pins.url.clone();
    operator.set("PINATA_JWT", "");
    operator.set("IPFS_API_URL", &url);
    operator.set("IPFS_PROJECT_ID", zmart_testkit::pins::PAIR.0);
    operator.set("IPFS_PROJECT_SECRET", zmart_testkit::pins::PAIR.1);
    assert_eq!(verify(&operator).await.0, Some(0));

    // A comment of the database is another one now.
    let own = "UPDATE discussions SET content = 'other words' WHERE id = lpad('7', 32, '0')::uuid";
    client.batch_execute(&format!("ALTER TABLE discussions DISABLE TRIGGER USER; {own}")).await.unwrap();
    let (code, found) = verify(&operator).await;
    assert_eq!((code, &found["verified"]), (Some(1), &1.into()), "{found}");
    assert!(found["differences"][0].as_str().unwrap().contains("is another in the database"), "{found}");

    // So is an entry of the journal.
    client
        .execute("UPDATE journal SET payload = payload || '{\"content\": \"forged\"}' WHERE seq = 1200", &[])
        .await
        .unwrap();
    let (_, found) = verify(&operator).await;
    let told: Vec<_> = found["differences"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert!(told.iter().any(|line| line.contains("document 2: the journal gives Qm")), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_gives_other_bytes_is_found_out_and_what_waits_is_no_difference() {
    let (rig, market) = rig().await;
    rig.say(market, 1, 2).await;
    rig.pass().await;
    rig.say(market, 10, 1).await;
    rig.pins.always(Some(zmart_testkit::pins::Fault::Status(503, None)));
    rig.pass().await;
    let rows = rig.anchors(market).await;
    let cid = text(&rows[0], "cid");
    let operator = rig.operator();
    let (code, found) = verify(&operator).await;
    assert_eq!((code, &found["verified"], &found["waiting"]), (Some(0), &1.into(), &1.into()), "{found}");
    let forged = rig.pins.files()[cid].replace("words of 1", "words of 9");
    rig.pins.replace(cid, forged.as_bytes());
    let (code, found) = verify(&operator).await;
    assert_eq!(code, Some(1), "{found}");
    assert!(found["differences"][0].as_str().unwrap().contains("another file"), "{found}");
    rig.pins.replace(cid, forged.repeat(2).as_bytes());
    assert!(
        verify(&operator).await.1["differences"][0].as_str().unwrap().contains("longer"),
        "no endless file is read"
    );
}
