//! `zmart webhook` against a stand-in of the service: one webhook an address, and no secret in what is printed.

use std::process::Output;

use serde_json::Value;
use zmart_testkit::{
    chain::PROGRAM,
    engine::Engine,
    helius::AUTH,
    helius_api::{HeliusApi, KEY},
    postgres::Database,
};

const URL: &str = "https://indexer.example/api/webhooks/helius";

fn engine(api: &HeliusApi, settings: &[(&str, &str)]) -> Engine {
    // Neither of them is asked.
    let database = Database { url: "postgres://nobody@127.0.0.1:1/none".to_owned() };
    let mut engine = Engine::on_node("http://127.0.0.1:1", "ws://127.0.0.1:1", PROGRAM.parse().unwrap(), &database);
    for (name, value) in [("HELIUS_API_URL", api.url.as_str()), ("HELIUS_API_KEY", KEY), ("HELIUS_AUTH_HEADER", AUTH)] {
        engine.set(name, value);
    }
    for (name, value) in settings {
        engine.set(name, value);
    }
    engine
}

async fn run(engine: &Engine, arguments: &[&str]) -> (i32, Value) {
    let Output { status, stdout, stderr } = engine.run(&[&["webhook", "--json"], arguments].concat()).await;
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    for secret in [KEY, AUTH] {
        assert!(!out.contains(secret) && !err.contains(secret), "a secret is told: {out}{err}");
    }
    let told = serde_json::from_str(&out).unwrap_or(Value::String(err));
    (status.code().unwrap(), told)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_one_webhook_which_is_made_left_changed_and_deleted() {
    let api = HeliusApi::open().await;
    let engine = engine(&api, &[]);
    let register = ["register", "--url", URL];
    let (code, told) = run(&engine, &register).await;
    assert_eq!((code, &told["result"]), (0, &"made".into()), "{told}");
    let made = api.webhooks();
    assert_eq!(made.len(), 1);
    for (field, value) in [
        ("webhookURL", URL.into()),
        ("webhookType", "raw".into()),
        ("authHeader", AUTH.into()),
        ("txnStatus", "success".into()),
        ("accountAddresses", serde_json::json!([PROGRAM])),
        ("transactionTypes", serde_json::json!(["ANY"])),
    ] {
        assert_eq!(made[0][field], value, "{field}");
    }
    let (code, told) = run(&engine, &register).await;
    assert_eq!((code, &told["result"]), (0, &"unchanged".into()), "{told}");
    let (code, told) = run(&engine, &["register", "--url", URL, "--type", "enhanced"]).await;
    assert_eq!((code, &told["result"], &told["webhooks"][0]["id"]), (0, &"changed".into(), &made[0]["webhookID"]));
    let (code, told) = run(&engine, &["register", "--url", "https://other.example/"]).await;
    assert_eq!((code, &told["result"]), (0, &"made".into()), "{told}");
    let (code, told) = run(&engine, &["list"]).await;
    assert_eq!((code, told["webhooks"].as_array().unwrap().len()), (0, 2), "{told}");
    assert!(told["webhooks"][0]["has_auth_header"] == true && told["webhooks"][0].get("authHeader").is_none());

    assert_eq!(run(&engine, &["delete", "--url", URL]).await.0, 0);
    assert_eq!(run(&engine, &["delete", "--url", URL]).await.0, 1, "there is none any more");
    let other = api.webhooks()[0]["webhookID"].as_str().unwrap().to_owned();
    assert_eq!(run(&engine, &["delete", "--id", &other]).await.0, 0);
    assert!(api.webhooks().is_empty());
    let changes = api.calls().into_iter().filter(|call| !call.starts_with("GET"));
    let changes: Vec<String> = changes.map(|call| call.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(changes, ["POST", "PUT", "POST", "DELETE", "DELETE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_said_by_the_exit_code_and_without_a_secret() {
    let api = HeliusApi::open().await;
    let register = ["register", "--url", URL];
    for (setting, code) in
        [(("HELIUS_API_KEY", ""), 78), (("HELIUS_AUTH_HEADER", ""), 78), (("HELIUS_API_URL", "http://127.0.0.1:1"), 2)]
    {
        let (found, told) = run(&engine(&api, &[setting]), &register).await;
        assert_eq!(found, code, "{setting:?}: {told}");
    }
    let engine = engine(&api, &[]);
    assert_eq!(run(&engine, &["register", "--url", "indexer.example"]).await.0, 78);
    for (status, body) in [
        (401, format!("{{\"error\":\"invalid api key {KEY}\"}}")),
        (429, String::new()),
        (500, "x".repeat(100_000)),
        (200, "no json".to_owned()),
        (200, format!("[{{\"authHeader\":\"{AUTH}\"}}]")),
    ] {
        api.answer_next(status, &body);
        let (code, told) = run(&engine, &register).await;
        assert!(code == 2 && told.to_string().len() < 1_000, "{status}: {code} {told}");
    }
    assert!(api.webhooks().is_empty());
}
