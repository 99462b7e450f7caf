//! What an operator sees of users, and what they may do about it.

use serde_json::json;
use zmart_testkit::{
    chain::Chain,
    engine::Engine,
    http::{get, request},
    postgres::Database,
    signed_in::SignedInClient,
    socket::Connection,
};

use super::{order, told};
use crate::gateway::written::proposed;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_new_is_taken_while_intake_is_paused_and_reading_goes_on() {
    let (stage, market, _creator) = proposed().await;
    let engine = &stage.engine;
    let user = SignedInClient::new(&engine.api).await;
    let comment = format!("/api/discussions/{market}");
    let vote = json!({"market_id": market, "vote": true});
    assert_eq!(told(engine, "/intake").await, json!({"paused": false}));
    assert_eq!(order(engine, "PUT", "/intake", r#"{"paused": true}"#).await.0, 200);
    for (path, body) in [
        (&*comment, json!({"content": "Too late."})),
        ("/api/votes/proposal", vote.clone()),
        ("/api/trades/buy", json!({"market_id": market, "outcome": "YES", "spend": "1000000000"})),
    ] {
        let answer = user.post(path, &body).await;
        assert_eq!(
            (answer.status, answer.json()["error"].clone()),
            (503, json!("PAUSED")),
            "{path}: {}",
            answer.json()
        );
        assert!(answer.header("retry-after").is_some(), "{path}");
    }
    // Over WebSocket it is told so, too.
    let mut connection = Connection::open(&format!("{}/?token={}", engine.ws.trim_end_matches('/'), user.token)).await;
    connection.next_of("welcome").await;
    let ballot = json!({"id": 1, "action": "vote", "vote_type": "proposal", "market_id": market, "vote": true});
    connection.send(ballot).await;
    let refused = connection.answer_to(&json!(1)).await;
    assert_eq!(
        (&refused["code"], &refused["retryable"], refused["retry_after_seconds"].as_u64() > Some(0)),
        (&json!("PAUSED"), &json!(true), true),
        "{refused}"
    );
    assert_eq!(get(&engine.api, &format!("/api/markets/{market}")).await.status, 200);
    assert_eq!(get(&engine.api, &comment).await.status, 200);
    assert_eq!(order(engine, "PUT", "/intake", r#"{"paused": false}"#).await.0, 200);
    assert_eq!(user.post("/api/votes/proposal", &vote).await.status, 201);
    assert_eq!(order(engine, "PUT", "/intake", r#"{"paused": 1}"#).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_hides_a_comment_for_all_and_it_is_written_down_who_and_why() {
    let (stage, market, _creator) = proposed().await;
    let engine = &stage.engine;
    let author = SignedInClient::new(&engine.api).await;
    let path = format!("/api/discussions/{market}");
    let comment = author.post(&path, &json!({"content": "Something vile."})).await.json();
    let id = comment["id"].as_str().unwrap().to_owned();
    let mut connection = Connection::open(&engine.ws).await;
    connection.subscribe(market, None).await;
    let hide = format!("/discussions/{id}/hide");
    assert_eq!(order(engine, "POST", &hide, r#"{"reason": "", "by": "ann"}"#).await.0, 400);
    let why = r#"{"reason": "names a person", "by": "ann"}"#;
    let (status, hidden) = order(engine, "POST", &hide, why).await;
    assert_eq!((status, &hidden["by_this"]), (200, &json!(true)), "{hidden}");
    let mut told_of = Vec::new();
    while !told_of.contains(&json!("deleted")) {
        let frame = connection.next_of("discussion").await;
        assert_eq!(frame["data"]["id"], json!(id), "{frame}");
        told_of.push(frame["data"]["action"].clone());
    }
    assert_eq!(get(&engine.api, &path).await.json()["discussions"], json!([]));
    let (status, again) = order(engine, "POST", &hide, r#"{"reason": "once more", "by": "bob"}"#).await;
    assert_eq!((status, &again["by_this"]), (200, &json!(false)), "{again}");
    let nobodys = "/discussions/00000000-0000-4000-8000-000000000000/hide";
    assert_eq!(order(engine, "POST", nobodys, why).await.0, 404);
    let noted = told(engine, "/audit").await;
    let row = |row: &serde_json::Value| ["action", "subject", "reason", "by"].map(|name| row[name].clone());
    let noted: Vec<_> = noted["actions"].as_array().unwrap().iter().map(row).collect();
    assert_eq!(noted, [[json!("hide_comment"), json!(id), json!("names a person"), json!("ann")]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_connections_markets_and_what_is_on_its_way_and_acknowledges_alerts() {
    let (stage, market, _creator) = proposed().await;
    let engine = &stage.engine;
    let mut connection = Connection::open(&engine.ws).await;
    connection.subscribe(market, None).await;
    let seen = told(engine, "/connections").await;
    assert_eq!(seen["total"], 1, "{seen:#}");
    assert_eq!(
        (&seen["connections"][0]["channels"], &seen["connections"][0]["address"]),
        (&json!(1), &json!("127.0.0.1"))
    );

    let markets = told(engine, "/actors/markets?sort=lag&limit=10").await;
    let one = &markets["markets"][0];
    assert_eq!(
        (&one["market"], &one["running"], &one["held"]),
        (&json!(market), &json!(true), &json!(true)),
        "{one:#}"
    );
    assert_eq!(order(engine, "POST", &format!("/actors/market:{market}/stop"), "").await.0, 409);
    assert_eq!(order(engine, "POST", &format!("/actors/market:{market}/restart"), "").await.0, 202);
    let user = SignedInClient::new(&engine.api).await;
    assert_eq!(user.post(&format!("/api/discussions/{market}"), &json!({"content": "Still here."})).await.status, 201);
    connection.next_of("discussion").await;

    assert_eq!(told(engine, "/submissions").await, json!({"users": 0, "governance": 0, "submissions": []}));
    const RAISED: &str =
        "INSERT INTO alerts (kind, subject, severity, message) VALUES ('test', '*', 'warning', 'x') RETURNING id";
    let id: i64 = stage.database.connect().await.query_one(RAISED, &[]).await.unwrap().get(0);
    let is_ours = |alert: &&serde_json::Value| alert["id"] == id;
    let alerts = told(engine, "/alerts").await;
    let ours = alerts["alerts"].as_array().unwrap().iter().find(is_ours).unwrap();
    assert!(ours["acknowledged_at"].is_null(), "{ours:#}");
    let (status, known) = order(engine, "POST", &format!("/alerts/{id}/acknowledge"), "").await;
    assert!(status == 200 && known["acknowledged_at"].is_string(), "{known:#}");
    assert_eq!(order(engine, "POST", "/alerts/0/acknowledge", "").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_a_token_nobody_asks_without_it_and_no_other_page_asks_at_all() {
    let chain = Chain::start().await;
    let mut engine = Engine::on(&chain, &Database::fresh().await);
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    engine.set("OPS_TOKEN", TOKEN);
    engine.start().await;
    let bearer = format!("Bearer {TOKEN}");
    let console = engine.api.clone();
    let asked = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        request(method, &engine.ops, path, headers, b"").await
    };
    assert_eq!(asked("GET", "/health", &[]).await.status, 200);
    for path in ["/actors", "/metrics", "/alerts", "/nothing"] {
        let answer = asked("GET", path, &[]).await;
        assert_eq!((answer.status, answer.json()["error"].clone()), (401, json!("UNAUTHORIZED")), "{path}");
    }
    assert_eq!(asked("POST", "/actors/listener/stop", &[("Authorization", "Bearer wrong")]).await.status, 401);
    let shown = [("Authorization", bearer.as_str())];
    assert_eq!(asked("GET", "/actors", &shown).await.status, 200);
    let page = |origin| [("Authorization", bearer.as_str()), ("Origin", origin)];
    let answer = asked("GET", "/actors", &page(&console)).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(&*console)));
    assert_eq!(asked("GET", "/actors", &page("http://evil.example:4000")).await.status, 403);
    let preflight = [
        ("Origin", &*console),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization"),
    ];
    let answer = asked("OPTIONS", "/actors/listener/restart", &preflight).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(&*console)));
    let foreign = [("Origin", "http://evil.example:4000"), ("Access-Control-Request-Method", "POST")];
    assert_eq!(
        asked("OPTIONS", "/actors/listener/restart", &foreign).await.header("access-control-allow-origin"),
        None
    );
    assert!(!engine.stop_and_tell().await.contains(TOKEN));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_reads_the_last_lines_and_sets_the_levels_while_it_runs() {
    let chain = Chain::start().await;
    let mut engine = Engine::on(&chain, &Database::fresh().await);
    engine.set("LOG_LEVEL", "info");
    engine.start().await;
    engine.ready().await;
    assert_eq!(told(&engine, "/log-levels").await, json!({"levels": "info"}));
    let set = r#"{"levels": "warn,zmart::actors=info"}"#;
    assert_eq!(order(&engine, "PUT", "/log-levels", set).await, (200, json!({"levels": "warn,zmart::actors=info"})));
    assert_eq!(order(&engine, "PUT", "/log-levels", r#"{"levels": "loud"}"#).await.0, 400);
    assert_eq!(told(&engine, "/log-levels").await, json!({"levels": "warn,zmart::actors=info"}));
    let said = told(&engine, "/logs?lines=50").await;
    let lines = said["lines"].as_array().unwrap();
    assert!(lines.len() <= 50 && lines.iter().any(|line| line["message"].as_str().unwrap().contains("log levels")));
    let of_one = told(&engine, "/logs?lines=50&service=event-indexer").await;
    assert!(of_one["lines"].as_array().unwrap().iter().all(|line| line["service"] == "event-indexer"), "{of_one:#}");
    for path in ["/logs?lines=0", "/logs?service=nobody"] {
        assert_eq!(get(&engine.ops, path).await.status, 400, "{path}");
    }
}
