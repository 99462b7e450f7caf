//! Who a connection is: by URL and by message, until the token runs out or the session ends, wherever it is ended.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use solana_sdk::signature::Keypair;
use tokio_tungstenite::tungstenite;
use zmart_testkit::{
    engine::JWT_SECRET,
    signed_in::{SignedInClient, post},
    socket::{Connection, Ended},
    stage::Stage,
};

use super::{Trader, welcomed};

/// The leeway with which tokens are taken after their end, in seconds.
const SKEW: i64 = 30;

/// The same token with another claim, signed with our secret.
fn altered(token: &str, name: &str, value: Value) -> String {
    let mut parts = token.split('.').map(str::to_owned);
    let (head, claims) = (parts.next().unwrap(), parts.next().unwrap());
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims[name] = value;
    let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(JWT_SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

async fn refused(url: &str) -> (u16, Value) {
    match Connection::try_open(url).await {
        Err(tungstenite::Error::Http(answer)) => {
            (answer.status().as_u16(), serde_json::from_slice(answer.body().as_deref().unwrap()).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_url_signs_in_and_one_that_is_no_good_is_refused_before_the_upgrade() {
    let mut stage = Stage::set().await;
    let client = SignedInClient::new(&stage.engine.api).await;
    let (ws, now) = (stage.engine.ws.clone(), chrono::Utc::now().timestamp());
    let mut connection = welcomed(&format!("{ws}/?token={}", client.token)).await;
    connection.send(json!({"id": 1, "action": "get", "what": "positions"})).await;
    let reply = connection.answer_to(&json!(1)).await;
    assert_eq!(reply["data"], json!({"positions": [], "next_cursor": null}), "{reply}");

    let gone = SignedInClient::new(&stage.engine.api).await;
    assert_eq!(gone.post("/api/auth/logout", &json!({})).await.status, 204);
    let forged = [
        ("expired", altered(&client.token, "exp", json!(now - SKEW - 1))),
        ("another type", altered(&client.token, "typ", json!("refresh"))),
        ("another issuer", altered(&client.token, "iss", json!("https://evil.example"))),
        ("another audience", altered(&client.token, "aud", json!("evil"))),
        ("not valid yet", altered(&client.token, "nbf", json!(now + 60))),
        ("no such session", altered(&client.token, "sid", json!(uuid::Uuid::from_u128(1)))),
        ("another secret", format!("{}x", &client.token[..client.token.len() - 1])),
        ("a refresh token", client.refresh_token.clone()),
        ("logged out", gone.token.clone()),
    ];
    for (what, token) in &forged {
        let (status, told) = refused(&format!("{ws}/ws?token={token}")).await;
        assert_eq!((status, &told["error"]), (401, &json!("UNAUTHORIZED")), "{what}: {told}");
        // The same by a message: an error, and then a close.
        let mut connection = welcomed(&ws).await;
        for (id, last) in [(1, false), (2, true)] {
            connection.send(json!({"id": id, "action": "auth", "token": token})).await;
            let error = connection.answer_to(&json!(id)).await;
            assert_eq!(error["code"], json!("UNAUTHORIZED"), "{what}: {error}");
            if last {
                assert_eq!(connection.end().await, Ended::Code(4500), "{what}");
            } else {
                connection.send_text("ping").await;
                assert_eq!(connection.next_frame().await["type"], "pong", "{what}: one is no close");
            }
        }
    }
    let log = stage.engine.stop_and_tell().await;
    for token in forged.iter().map(|(_, token)| token).chain([&client.token]) {
        assert!(!log.contains(token.as_str()), "a token was logged");
    }
    assert!(!log.contains("token="), "a query string was logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_runs_out_signs_out_and_a_new_one_of_the_same_wallet_continues() {
    let stage = Stage::set().await;
    let mut trader = Trader::connect(&stage.engine, Keypair::new()).await;
    assert_eq!(trader.refused("get", json!({"what": "positions"})).await, "UNAUTHORIZED");
    let short = altered(&trader.client.token, "exp", json!(chrono::Utc::now().timestamp() - SKEW + 2));
    let reply = trader.get("auth", json!({"token": short})).await;
    assert_eq!(reply["wallet"], json!(trader.client.wallet()));
    assert!(reply["expires_at"].as_str().unwrap().ends_with('Z'), "{reply}");
    trader.get("get", json!({"what": "positions"})).await;
    let expired = trader.connection.next_of("auth_expired").await;
    assert_eq!(expired, json!({"type": "auth_expired", "reason": "token_expired"}));
    assert_eq!(trader.refused("get", json!({"what": "positions"})).await, "UNAUTHORIZED");
    let token = trader.client.token.clone();
    trader.get("auth", json!({"token": token})).await;
    trader.get("get", json!({"what": "positions"})).await;

    // A connection is one wallet's for its life.
    let other = SignedInClient::new(&stage.engine.api).await;
    assert_eq!(trader.refused("auth", json!({"token": other.token})).await, "FORBIDDEN");
    assert_eq!(trader.connection.end().await, Ended::Code(4501));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_signs_out_open_sockets_wherever_it_was_made() {
    let stage = Stage::set().await;
    for elsewhere in [false, true] {
        let mut trader = Trader::signed_in(&stage.engine, Keypair::new()).await;
        let mut other = Trader::signed_in(&stage.engine, Keypair::new()).await;
        if elsewhere {
            // As another node writes it.
            let database = stage.database.connect().await;
            let end = "UPDATE sessions SET revoked_at = now() WHERE wallet = $1::text";
            assert_eq!(database.execute(end, &[&trader.client.wallet().to_string()]).await.unwrap(), 1);
        } else {
            let token = trader.client.token.clone();
            let out = post(&stage.engine.api, "/api/auth/logout", Some(&token), &json!({}), &[]).await;
            assert_eq!(out.status, 204);
            assert_eq!(trader.refused("get", json!({"what": "positions"})).await, "UNAUTHORIZED", "at once");
        }
        let expired = trader.connection.next_of("auth_expired").await;
        assert_eq!(expired["reason"], json!("session_ended"), "elsewhere: {elsewhere}");
        assert_eq!(trader.refused("get", json!({"what": "positions"})).await, "UNAUTHORIZED");
        other.get("get", json!({"what": "positions"})).await;
    }
}
