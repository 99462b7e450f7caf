//! Requests that can be followed from their answer to what became of them, and logs that hold nothing that nobody may know.

use serde_json::{Value, json};
use zmart_testkit::{
    engine::JWT_SECRET,
    http::{get, request},
    patience::wait_for,
    signed_in::{SignedInClient, post},
    socket::Connection,
};

use crate::gateway::written::{comment_as, listening, nobody, proposed};

/// The request that an answer names.
fn named(answer: &zmart_testkit::http::Response) -> String {
    answer.header("x-request-id").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_named_alike_in_its_answer_its_log_line_its_entry_and_its_frame() {
    let (mut stage, market, _creator) = proposed().await;
    stage.engine.stop().await;
    stage.engine.set("LOG_FORMAT", "json");
    stage.engine.start().await;
    stage.engine.ready().await;
    let mut connection = listening(&stage, market).await;
    let client = SignedInClient::new(&stage.engine.api).await;
    let comment = client.post(&format!("/api/discussions/{market}"), &json!({"content": "Named."})).await;
    assert_eq!(comment.status, 201, "{}", comment.json());
    assert_eq!(connection.next_of("discussion").await["request_id"], named(&comment));
    let vote = client.post("/api/votes/proposal", &json!({"market_id": market, "vote": true})).await;
    assert!(vote.status < 300, "{}", vote.json());
    assert_eq!(connection.next_of("vote_update").await["request_id"], named(&vote));
    assert_ne!(named(&comment), named(&vote));
    // What is written past the API was no request.
    comment_as(&stage.database, nobody(1), market, "Nobody's.").await;
    assert!(connection.next_of("discussion").await.get("request_id").is_none());
    // One that a client chose is not taken.
    let chosen = request("GET", &stage.engine.api, "/api/markets", &[("X-Request-Id", "mine")], b"").await;
    assert_ne!(named(&chosen), "mine");

    let (client, driver) = tokio_postgres::connect(&stage.database.url, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(driver);
    const SQL: &str = "SELECT payload ->> 'request_id' FROM journal WHERE kind IN ('comment', 'vote') ORDER BY seq";
    let kept: Vec<Option<String>> = client.query(SQL, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(kept, [Some(named(&comment)), Some(named(&vote)), None]);
    drop(client);
    driver.await.unwrap().unwrap();

    let log = stage.engine.stop_and_tell().await;
    let lines: Vec<Value> = log.lines().filter(|line| line.starts_with('{')).map(json_of).collect();
    for (answer, route) in [(&comment, "/api/discussions/{market}"), (&vote, "/api/votes/proposal")] {
        let said: Vec<&Value> = lines.iter().filter(|line| line["request_id"] == named(answer)).collect();
        let is_its = |line: &&&Value| {
            line["target"] == "zmart::http::access"
                && line["service"] == "api-gateway"
                && line["message"].as_str().is_some_and(|text| text.starts_with(&format!("POST {route} 20")))
        };
        assert_eq!(said.iter().filter(is_its).count(), 1, "{said:#?}");
    }
}

fn json_of(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Everything at its loudest, with each secret that there can be, and much that goes wrong.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_logs_of_a_run_however_loud_it_is_and_whatever_goes_wrong() {
    let (mut stage, market, _creator) = proposed().await;
    stage.engine.stop().await;
    let secret = |what: &str| format!("{what}-0c5f1d1a9be7472f8a1ce2a6f5d0b3e4");
    let mut secrets = vec![JWT_SECRET.to_owned()];
    let node = stage.chain.client().rpc_url.clone();
    // A server of tests believes whoever comes, with any password.
    let url = stage.database.url.clone();
    let (user, place) = url.split_at(url.find('@').unwrap());
    for (setting, before, what, after) in [
        ("SOLANA_RPC_URL_FALLBACK", format!("{node}/?api-key="), "node", ""),
        ("SOLANA_WS_URL_FALLBACK", "ws://127.0.0.1:1/?api-key=".to_owned(), "ws", ""),
        ("ALERT_WEBHOOK_URL", "http://127.0.0.1:1/".to_owned(), "alert", ""),
        ("REDIS_URL", "redis://:".to_owned(), "redis", "@127.0.0.1:1"),
        ("HELIUS_AUTH_HEADER", String::new(), "helius-header", ""),
        ("HELIUS_WEBHOOK_SECRET", String::new(), "helius-secret", ""),
        ("OPS_TOKEN", String::new(), "ops", ""),
        ("PINATA_JWT", String::new(), "pinata", ""),
        ("DATABASE_URL", format!("{user}:"), "database", place),
    ] {
        stage.engine.set(setting, &format!("{before}{}{after}", secret(what)));
        secrets.push(secret(what));
    }
    for (setting, value) in [("IPFS_ENABLED", "true"), ("PINATA_API_URL", "http://127.0.0.1:1"), ("LOG_LEVEL", "trace")]
    {
        stage.engine.set(setting, value);
    }
    for path in [stage.chain.backend_key_path(), stage.chain.admin_key_path()] {
        let key: Vec<u8> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        secrets.extend([format!("{key:?}"), serde_json::to_string(&key).unwrap()]);
        secrets.push(zmart::domain::ids::TxSignature(key.try_into().unwrap()).to_string());
    }
    stage.engine.start().await;
    stage.engine.ready().await;

    let (api, indexer) = (stage.engine.api.clone(), stage.engine.indexer.clone());
    let mut client = SignedInClient::new(&api).await;
    secrets.extend([client.token.clone(), client.refresh_token.clone()]);
    client.refresh().await;
    secrets.extend([client.token.clone(), client.refresh_token.clone()]);
    let path = format!("/api/discussions/{market}");
    assert_eq!(client.post(&path, &json!({"content": "Said."})).await.status, 201);
    let forged = format!("{}{}", client.token, "x");
    secrets.push(forged.clone());
    assert_eq!(post(&api, &path, Some(&forged), &json!({"content": "x"}), &[]).await.status, 401);
    assert_ne!(post(&api, "/api/auth/refresh", None, &json!({"refresh_token": "none"}), &[]).await.status, 200);
    let url = format!("{}/?token={}", stage.engine.ws.trim_end_matches('/'), client.token);
    let mut connection = Connection::open(&url).await;
    connection.next_of("welcome").await;
    for token in [client.token.as_str(), forged.as_str()] {
        connection.send(json!({"id": 1, "action": "auth", "token": token})).await;
    }
    let header = secret("helius-header");
    let headers = [("Authorization", header.as_str()), ("Content-Type", "application/json")];
    request("POST", &indexer, "/api/webhooks/helius", &headers, b"[{\"signature\": 1}]").await;
    let wrong = secret("wrong-ops");
    for (token, is_right) in [(secret("ops"), true), (wrong.clone(), false)] {
        let bearer = format!("Bearer {token}");
        for (method, path) in [("GET", "/actors"), ("POST", "/actors/sweeper/restart"), ("PUT", "/intake")] {
            let shown = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
            let body: &[u8] = if method == "PUT" { br#"{"paused": false}"# } else { b"" };
            let answer = request(method, &stage.engine.ops, path, &shown, body).await;
            assert_eq!(answer.status < 300, is_right, "{method} {path}: {}", answer.status);
        }
    }
    secrets.push(wrong);
    stage.engine.crash("hub").await;
    stage.engine.crash("writer").await;
    // All connections to the database end, and are made anew.
    const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    stage.database.connect().await.execute(CUT, &[]).await.unwrap();
    // The pinning service and Redis are away, the second node's notifications too: that is said.
    wait_for("what is away to be told", || async {
        let said = stage.engine.said();
        if said.contains("asked to crash") && said.contains("Redis is degraded") { Ok(()) } else { Err("not yet") }
    })
    .await;
    assert_eq!(get(&api, "/health").await.status, 200);
    stage.engine.stop().await;
    let said = stage.engine.said();
    assert!(said.contains(" TRACE ") || said.contains(" DEBUG zmart::http::access"), "it is loud");
    for secret in secrets {
        assert!(!secret.is_empty());
        let line = said.lines().find(|line| line.contains(&secret));
        assert!(line.is_none(), "a secret is logged: {line:?}");
    }
}
