//! Sign-in over HTTP: a session begins, is refreshed and ends, and nothing of it is good twice.

use serde_json::json;
use solana_sdk::{signature::Keypair, signer::Signer};
use zmart::http::{auth::sessions::Sessions, error::ErrorCode};
use zmart_testkit::{
    engine::Engine,
    http::{Response, request},
    patience::wait_for,
    postgres::Cluster,
    signed_in::{SignedInClient, begin, post, wallet_of},
    stage::Stage,
};

use super::{caller, prepared, reads};

fn refused(answer: &Response, what: &str) {
    assert_eq!(answer.status, 401, "{what}: {}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.json()["error"], "UNAUTHORIZED", "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_signs_in_changes_its_profile_and_signs_out() {
    let stage = Stage::set().await;
    let client = SignedInClient::new(&stage.engine.api).await;
    let me = client.get("/api/users/me").await;
    assert_eq!((me.status, me.json()["wallet"].clone()), (200, json!(client.wallet())));
    assert_eq!(me.json()["display_name"], json!(null));

    let changed = client.send("PATCH", "/api/users/me", Some(&json!({"display_name": " Ada ", "bio": "x"})), &[]).await;
    assert_eq!((changed.status, changed.json()["display_name"].clone()), (200, json!("Ada")), "{changed:?}");
    let changed = client.send("PATCH", "/api/users/me", Some(&json!({"bio": null})), &[]).await;
    assert_eq!((changed.json()["display_name"].clone(), changed.json()["bio"].clone()), (json!("Ada"), json!(null)));
    let wrong = client.send("PATCH", "/api/users/me", Some(&json!({"avatar_url": "http://x", "bio": ""})), &[]).await;
    assert_eq!((wrong.status, wrong.json()["details"].as_array().unwrap().len()), (400, 2));

    // Another session of the same wallet goes on when this one ends.
    let other = SignedInClient::with_key(&stage.engine.api, client.key.insecure_clone()).await;
    assert_eq!(other.get("/api/users/me").await.json()["display_name"], json!("Ada"));
    assert_eq!(client.post("/api/auth/logout", &json!({})).await.status, 204);
    // At once, on every worker and public route.
    for _ in 0..8 {
        refused(&client.get("/api/users/me").await, "a session that has ended");
        refused(&client.get("/api/markets").await, "on a public route too");
    }
    let body = json!({"refresh_token": client.refresh_token});
    refused(&post(&stage.engine.api, "/api/auth/refresh", None, &body, &[]).await, "its refresh token");
    assert_eq!(other.get("/api/users/me").await.status, 200);
    assert_eq!(request("GET", &stage.engine.api, "/health", &[("Authorization", "Bearer x")], b"").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_good_once_and_the_one_just_replaced_gets_the_same_successor() {
    let stage = Stage::set().await;
    let api = &stage.engine.api;
    let refresh = async |token: &str| post(api, "/api/auth/refresh", None, &json!({"refresh_token": token}), &[]).await;
    let mut client = SignedInClient::new(api).await;
    let first = client.refresh_token.clone();
    // All at once, as tabs of one browser do.
    let answers = futures_util::future::join_all((0..6).map(|_| refresh(&first))).await;
    let second = answers[0].json()["refresh_token"].as_str().unwrap().to_owned();
    for answer in &answers {
        assert_eq!((answer.status, answer.json()["refresh_token"].as_str()), (200, Some(second.as_str())));
    }
    client.token = answers[5].json()["token"].as_str().unwrap().to_owned();
    assert_eq!(client.get("/api/users/me").await.status, 200);

    // Two steps back: somebody has a copy. All of the session ends, on every worker at once.
    let third = refresh(&second).await.json()["refresh_token"].as_str().unwrap().to_owned();
    refused(&refresh(&first).await, "an older token");
    for _ in 0..8 {
        refused(&client.get("/api/users/me").await, "its session");
    }
    refused(&refresh(&third).await, "the newest token of that session");

    // Past the grace, the one just replaced is an old one too.
    let late = SignedInClient::new(api).await;
    assert_eq!(refresh(&late.refresh_token).await.status, 200);
    let later =
        "UPDATE refresh_tokens SET replaced_at = replaced_at - interval '11 seconds' WHERE replaced_at IS NOT NULL";
    stage.database.connect().await.batch_execute(later).await.unwrap();
    refused(&refresh(&late.refresh_token).await, "past its grace");
    refused(&late.get("/api/users/me").await, "its session");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_refresh_token_is_refused_and_ends_nothing() {
    let stage = Stage::set().await;
    let api = &stage.engine.api;
    let client = SignedInClient::new(api).await;
    for token in [client.token.as_str(), "", &"A".repeat(43), &"x".repeat(64)] {
        let answer = post(api, "/api/auth/refresh", None, &json!({"refresh_token": token}), &[]).await;
        assert!(matches!(answer.status, 400 | 401), "{token:?}: {}", answer.status);
    }
    let as_access =
        request("GET", api, "/api/users/me", &[("Authorization", &format!("Bearer {}", client.refresh_token))], b"")
            .await;
    refused(&as_access, "a refresh token for access");
    assert_eq!(client.get("/api/users/me").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_on_one_node_holds_on_another_within_seconds() {
    let stage = Stage::set().await;
    let mut other = Engine::on(&stage.chain, &stage.database);
    other.start().await;
    let client = SignedInClient::new(&stage.engine.api).await;
    let there = SignedInClient {
        key: client.key.insecure_clone(),
        api: other.api.clone(),
        token: client.token.clone(),
        refresh_token: String::new(),
    };
    assert_eq!(there.get("/api/users/me").await.status, 200, "a token is good on every node");
    assert_eq!(client.post("/api/auth/logout", &json!({})).await.status, 204);
    refused(&client.get("/api/users/me").await, "here at once");
    wait_for("the other node to know of the logout", || async {
        let status = there.get("/api/users/me").await.status;
        if status == 401 { Ok(()) } else { Err(status) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_too_often_loses_the_oldest_session() {
    let stage = Stage::set().await;
    let (api, database) = (&stage.engine.api, stage.database.connect().await);
    let first = SignedInClient::new(api).await;
    assert_eq!(first.get("/api/users/me").await.status, 200);
    for _ in 0..32 {
        SignedInClient::with_key(api, first.key.insecure_clone()).await;
    }
    refused(&first.get("/api/users/me").await, "the oldest of 33");
    let live = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
    assert_eq!(database.query_one(live, &[]).await.unwrap().get::<_, i64>(0), 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_keep_a_wallet_from_signing_in_by_beginning_for_it() {
    let stage = Stage::set().await;
    let (api, key) = (&stage.engine.api, Keypair::new());
    let begun = begin(api, wallet_of(&key)).await;
    for _ in 0..200 {
        begin(api, wallet_of(&key)).await;
    }
    let database = stage.database.connect().await;
    let kept = async || database.query_one("SELECT count(*) FROM nonces", &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(kept().await, 0, "nothing is kept of what was only begun");
    let message = begun["message"].as_str().unwrap();
    let body = json!({
        "message": message, "wallet": wallet_of(&key), "signature": key.sign_message(message.as_bytes()).to_string()
    });
    assert_eq!(post(api, "/api/auth/login", None, &body, &[]).await.status, 200);
    assert_eq!(kept().await, 1);
    refused(&post(api, "/api/auth/login", None, &body, &[]).await, "the same message again");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_nobody_is_taken_for_signed_in() {
    let mut cluster = Cluster::start().await;
    let mut stage = Stage::on_cluster(&cluster).await;
    let client = SignedInClient::new(&stage.engine.api).await;
    // So that the engine has not just looked.
    stage.engine.kill();
    stage.engine.start().await;
    cluster.stop();
    let answer = client.get("/api/users/me").await;
    assert_eq!((answer.status, answer.json()["error"].clone()), (503, json!("UNAVAILABLE")));
    assert!(answer.header("retry-after").is_some());
    cluster.up().await;
    wait_for("the session to be found again", || async {
        let status = client.get("/api/users/me").await.status;
        if status == 200 { Ok(()) } else { Err(status) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_of_256_bits_the_engine_does_not_start() {
    let stage = Stage::set().await;
    let mut engine = Engine::on(&stage.chain, &stage.database);
    for (environment, secret) in [
        ("test", ""),
        ("test", "too short to be one"),
        ("development", ""),
        ("production", ""),
        ("production", "super-secret-jwt-token-with-at-least-32-characters-long"),
    ] {
        engine.set("ZMART_ENV", environment);
        engine.set("JWT_SECRET", secret);
        let output = engine.run(&["serve"]).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("JWT_SECRET"), "{environment} {secret:?}: {said}");
        assert!(secret.is_empty() || !said.contains(secret), "a secret is never printed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_whose_session_has_ended_is_refused_again_without_asking_the_database() {
    let (database, pool) = prepared(1).await;
    let (reads, sessions) = (reads(&pool), Sessions::default());
    let ask = async |n: u8| sessions.require(&reads, &caller(n)).await.unwrap_err().code;
    assert_eq!(ask(1).await, ErrorCode::Unauthorized);
    database.connect().await.batch_execute("ALTER TABLE sessions RENAME TO unreachable").await.unwrap();
    assert_eq!(ask(1).await, ErrorCode::Unauthorized);
    assert_ne!(ask(2).await, ErrorCode::Unauthorized, "one that was not asked for before");
}
