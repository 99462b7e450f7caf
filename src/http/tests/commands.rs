//! Who a connection is, and what it may ask for, without a database behind it.

use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::Error};

use super::fakes::{World, limits};

#[actix_web::test]
async fn a_bad_token_in_the_url_is_refused_before_the_upgrade_with_the_error_body_and_not_told() {
    let world = World::new(limits()).await;
    for (query, status, code) in [
        ("token=forged.secret.token", 401, "UNAUTHORIZED"),
        ("token=", 401, "UNAUTHORIZED"),
        ("token=forged&token=secret", 400, "VALIDATION_ERROR"),
    ] {
        let refused = connect_async(format!("ws://{}/ws?{query}", world.servers.ws)).await.map(drop).unwrap_err();
        let Error::Http(answer) = refused else { panic!("{query}: {refused}") };
        let told: Value = serde_json::from_slice(answer.body().as_deref().expect("a body")).unwrap();
        assert_eq!((answer.status().as_u16(), &told["error"], &told["path"]), (status, &json!(code), &json!("/ws")));
        assert!(told["request_id"].is_string(), "{told}");
        assert!(!format!("{answer:?} {told}").contains("secret"), "{answer:?} {told}");
    }
    let mut client = world.connect().await;
    client.say_text("ping").await;
    assert_eq!(client.heard().await["type"], "pong", "without a token anybody may come");
}

#[actix_web::test]
async fn a_bad_token_in_a_message_is_an_error_and_the_second_closes() {
    let world = World::new(limits()).await;
    let mut client = world.connect().await;
    for field in [json!(null), json!(5), json!({"a": 1})] {
        client.say(json!({"action": "auth", "id": 1, "token": field})).await;
        let error = client.heard().await;
        assert_eq!((&error["id"], &error["code"]), (&json!(1), &json!("VALIDATION_ERROR")), "no token, no attempt");
        assert_eq!(error["details"][0]["field"], "token");
    }
    client.say(json!({"action": "auth", "id": 2, "token": "forged.secret.token"})).await;
    let error = client.heard().await;
    assert_eq!((&error["type"], &error["id"], &error["code"]), (&json!("error"), &json!(2), &json!("UNAUTHORIZED")));
    assert_eq!(error["retryable"], json!(false));
    assert!(!error.to_string().contains("secret"), "{error}");
    client.say(json!({"action": "auth", "id": 3, "token": "x"})).await;
    assert_eq!(client.heard().await["id"], json!(3), "it is answered before the close");
    assert_eq!(client.end().await, Some(4500));
}
