//! A wallet's own channel: its transactions and its positions, for nobody else.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use solana_sdk::signer::Signer;
use zmart::domain::event::Outcome;
use zmart_testkit::{chain::SOL, signed_in::SignedInClient, socket::Connection};

use super::{stage_with, subscribe, welcomed};

async fn sign_in(connection: &mut Connection, client: &SignedInClient) {
    connection.send(json!({"id": "auth", "action": "auth", "token": client.token})).await;
    let answer = connection.answer_to(&json!("auth")).await;
    assert_eq!(answer["type"], "reply", "{answer}");
}

/// Builds a purchase, signs it and hands it in; gives its signature.
async fn order(client: &SignedInClient, body: &Value) -> String {
    let built = client.post("/api/trades/buy", body).await;
    assert_eq!(built.status, 200, "{}", String::from_utf8_lossy(&built.body));
    let mut wire = BASE64_STANDARD.decode(built.json()["transaction"].as_str().unwrap()).unwrap();
    let signature = client.key.sign_message(&wire[65..]);
    wire[1..65].copy_from_slice(signature.as_ref());
    let handed_in = client.post("/api/transactions", &json!({"transaction": BASE64_STANDARD.encode(wire)})).await;
    assert_eq!(handed_in.status, 200, "{}", String::from_utf8_lossy(&handed_in.body));
    handed_in.json()["signature"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_told_its_own_orders_and_positions_and_nobody_elses() {
    let (stage, made) = stage_with(1).await;
    let (market, other) = (made[0].0, &made[0].1);
    let chain = stage.chain.client().clone();
    let client = SignedInClient::with_key(&stage.engine.api, chain.funded_wallet().await).await;
    let own = format!("wallet:{}", client.wallet());
    let mut watcher = welcomed(&stage).await;
    let refused = subscribe(&mut watcher, &own, None, json!({})).await;
    assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("FORBIDDEN")), "not signed in");
    sign_in(&mut watcher, &client).await;
    let theirs = format!("wallet:{}", zmart_testkit::chain::wallet_of(other));
    assert_eq!(subscribe(&mut watcher, &theirs, None, json!({})).await["code"], "FORBIDDEN");
    let answer = subscribe(&mut watcher, &own, None, json!({})).await;
    assert_eq!(answer["snapshot"], json!({"orders": [], "positions": []}), "{answer}");

    // Of another wallet nothing is told.
    chain.buy(market, other, Outcome::Yes, SOL).await;
    let body = json!({"market_id": market.to_string(), "outcome": "YES", "spend": SOL.to_string(),
                      "accept_unsound": true});
    let signature = order(&client, &body).await;
    let (mut statuses, mut held) = (Vec::new(), None);
    while statuses.last().is_none_or(|status| status != "finalized") || held.is_none() {
        let frame = watcher.next_frame().await;
        if frame["type"] == "config_update" {
            continue;
        }
        assert_eq!(frame["channel"], json!(own), "{frame}");
        assert!(frame.get("seq").is_none(), "{frame}");
        match frame["type"].as_str().unwrap() {
            "order_update" => {
                assert_eq!(frame["data"]["signature"], json!(signature), "{frame}");
                statuses.push(frame["data"]["status"].as_str().unwrap().to_owned());
            }
            "position_update" => held = Some(frame),
            // The actor of submissions has begun its life just now: who listens already begins anew once.
            "subscribed" => assert!(frame.get("id").is_none(), "{frame}"),
            other => panic!("{other}: {frame}"),
        }
    }
    assert_eq!(statuses[0], "received", "{statuses:?}");
    let told = client.get(&format!("/api/transactions/{signature}")).await.json();
    assert_eq!(told["status"], "finalized");
    let held = held.unwrap();
    let position = chain.position(market, client.wallet()).await.unwrap();
    assert_eq!(held["data"]["shares_yes"], json!(position.shares_yes.to_string()), "{held}");
    assert_eq!((&held["market_id"], &held["data"]["trades_count"]), (&json!(market.to_string()), &json!(1)));

    // Who comes back has it in the snapshot.
    let mut again = welcomed(&stage).await;
    sign_in(&mut again, &client).await;
    let answer = subscribe(&mut again, &own, Some((1, 1)), json!({})).await;
    assert_eq!(answer["recovered"], json!(false), "{answer}");
    assert_eq!(answer["snapshot"]["positions"][0], held["data"], "{answer}");

    // With the session the channel ends.
    let out = client.post("/api/auth/logout", &json!({})).await;
    assert!(out.status < 300, "{}", String::from_utf8_lossy(&out.body));
    assert_eq!(again.next_of("auth_expired").await["type"], "auth_expired");
    again.send(json!({"id": 9, "action": "list"})).await;
    assert_eq!(again.answer_to(&json!(9)).await["channels"], json!([]));
    assert_eq!(subscribe(&mut again, &own, None, json!({})).await["code"], "FORBIDDEN");
}
