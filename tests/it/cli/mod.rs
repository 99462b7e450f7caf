//! What an operator types, against real servers: the doctor, keys, the configuration, and a running engine's services.

mod services;

use std::process::Output;

use serde_json::Value;
use zmart_testkit::{chain::Chain, engine::Engine, folder::Folder, postgres::Database, redis::Redis};

/// What a command said, as text.
fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// How each check of the doctor ended, and what was seen.
async fn doctor(engine: &Engine) -> (i32, Vec<(String, String, String)>) {
    let (code, out, err) = said(&engine.run(&["doctor", "--json"]).await);
    let findings: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let one = |finding: &Value| (text(finding, "check"), text(finding, "status"), text(finding, "detail"));
    (code, findings.as_array().unwrap().iter().map(one).collect())
}

/// The checks that ended so.
fn of<'a>(findings: &'a [(String, String, String)], status: &str) -> Vec<&'a str> {
    findings.iter().filter(|(_, own, _)| own == status).map(|(check, ..)| check.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_is_missing_before_the_first_start_and_nothing_once_it_is_there() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let redis = Redis::start().await;
    let mut engine = Engine::on(&chain, &database);
    engine.set("REDIS_URL", &redis.url);

    let (code, before) = doctor(&engine).await;
    assert_eq!((code, of(&before, "fail")), (0, vec![]), "{before:#?}");
    assert!(of(&before, "warn").contains(&"migrations"), "{before:#?}");

    assert!(engine.run(&["migrate"]).await.status.success());
    let (code, after) = doctor(&engine).await;
    assert_eq!((code, of(&after, "fail"), of(&after, "skip")), (0, vec![], vec![]), "{after:#?}");
    // How many files may be open is this machine's.
    assert_eq!(of(&after, "warn").into_iter().filter(|check| *check != "files").count(), 0, "{after:#?}");
    let mut seen: Vec<&str> = after.iter().map(|(check, ..)| check.as_str()).collect();
    seen.sort_unstable();
    let all = [
        "admin balance",
        "admin key",
        "api port",
        "backend key",
        "balance",
        "clock",
        "config",
        "database",
        "database-tls",
        "files",
        "indexer port",
        "journal",
        "migrations",
        "notifications",
        "ops port",
        "program",
        "redis",
        "redis-tls",
        "roles",
        "rpc",
        "ws port",
    ];
    assert_eq!(seen, all);

    // Everything that could be wrong, at once. Nothing of an address but its place is ever told.
    engine.set("DATABASE_URL", "postgres://someone:hush-password@127.0.0.1:1/hush-name");
    engine.set("SOLANA_RPC_URL", "http://127.0.0.1:1/?api-key=hush-key");
    engine.set("SOLANA_WS_URL", "ws://127.0.0.1:1/hush-key");
    engine.set("REDIS_URL", "redis://:hush-password@127.0.0.1:1");
    engine.set("BACKEND_KEYPAIR_PATH", "/nowhere/backend.json");
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    engine.set("WS_PORT", &other.local_addr().unwrap().port().to_string());
    std::thread::spawn(move || other.incoming().for_each(drop));
    let (code, wrong) = doctor(&engine).await;
    assert_eq!(
        (code, of(&wrong, "fail")),
        (1, vec!["database", "redis", "rpc", "notifications", "backend key", "ws port"]),
        "{wrong:#?}"
    );
    let (_, text, err) = said(&engine.run(&["doctor"]).await);
    assert!(text.contains("FAIL  database") && text.contains("->"), "{text}");
    assert!(!format!("{text}{err}{wrong:?}").contains("hush"), "{text}{err}{wrong:?}");

    engine.set("API_PORT", "many");
    let (code, config) = doctor(&engine).await;
    assert_eq!((code, of(&config, "fail")), (78, vec!["config"]), "{config:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_made_is_its_owners_and_is_given_money_by_a_development_chain() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let engine = Engine::on(&chain, &database);
    let folder = Folder::new("keys");
    let path = folder.path().join("new/backend.json").display().to_string();
    let (code, address, err) = said(&engine.run(&["keys", "new", &path]).await);
    assert_eq!(code, 0, "{err}");
    let address = address.trim();
    let again = engine.run(&["keys", "new", &path]).await;
    assert_eq!(said(&again).0, 1, "a key is never overwritten");
    let (_, read, _) = said(&engine.run(&["keys", "pubkey", &path, "--json"]).await);
    assert_eq!(serde_json::from_str::<Value>(&read).unwrap()["address"], address);

    let (code, given, err) = said(&engine.run(&["keys", "airdrop", &path, "1.5", "--json"]).await);
    assert_eq!(code, 0, "{err}");
    assert_eq!(serde_json::from_str::<Value>(&given).unwrap()["lamports"], "1500000000");
    let (code, held, err) = said(&engine.run(&["keys", "balance", address]).await);
    assert_eq!((code, held.as_str()), (0, "1.500000000 SOL\n"), "{err}");
    let nobody = engine.run(&["keys", "balance", address, "--rpc-url", "http://127.0.0.1:1/?key=hush"]).await;
    let (code, _, err) = said(&nobody);
    assert!(code == 2 && !err.contains("hush"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_force_is_shown_without_a_secret_and_moves_with_them_only_on_request() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let mut engine = Engine::on(&chain, &database);
    engine.set("SOLANA_RPC_URL", "http://127.0.0.1:8899/?api-key=hush");
    engine.set("OPS_TOKEN", "hush-hush-hush-hush-hush-hush");
    let secrets = ["hush", zmart_testkit::engine::JWT_SECRET];
    for arguments in [&["config", "print"][..], &["config", "print", "--json"], &["config", "env", "--all"]] {
        let (code, out, err) = said(&engine.run(arguments).await);
        assert_eq!(code, 0, "{err}");
        assert!(!secrets.iter().any(|secret| out.contains(secret)), "{arguments:?}: {out}");
        assert!(out.contains("JWT_SECRET") && out.contains("API_PORT"), "{out}");
    }
    let (_, printed, _) = said(&engine.run(&["config", "print", "--changed"]).await);
    let rows: Vec<Vec<&str>> = printed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(rows.contains(&vec!["SOLANA_RPC_URL", "http://127.0.0.1:8899/…", "environment"]), "{printed}");
    assert!(rows.iter().skip(1).all(|row| row.last() != Some(&"default")), "{printed}");
    let (_, moved, _) = said(&engine.run(&["config", "env", "--with-secrets"]).await);
    assert!(moved.contains("SOLANA_RPC_URL=http://127.0.0.1:8899/?api-key=hush\n"), "{moved}");

    assert_eq!(said(&engine.run(&["config", "check"]).await).0, 0);
    engine.set("LOG_FORMAT", "xml");
    let (code, _, err) = said(&engine.run(&["config", "check"]).await);
    assert!(code == 78 && err.contains("LOG_FORMAT"), "{err}");
}
