//! What operators order is written down: by whom, why, and what came of it; and an order waits for no database.

use serde_json::{Value, json};
use zmart_testkit::{chain::Chain, engine::Engine, patience::wait_for, postgres::Cluster, stage::Stage};

use super::{actor_becomes, order, told};

/// What is told of each action, the oldest first: action, subject, who, why, what came of it and the words for it.
async fn actions(engine: &Engine, path: &str) -> Vec<[Value; 6]> {
    let told = told(engine, path).await;
    let one = |row: &Value| {
        assert_eq!((&row["peer"], row["at"].is_string()), (&json!("127.0.0.1"), true), "{row:#}");
        ["action", "subject", "by", "reason", "outcome", "detail"].map(|name| row[name].clone())
    };
    told["actions"].as_array().unwrap().iter().rev().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_order_of_an_operator_is_written_down_with_who_why_and_what_came_of_it() {
    let stage = Stage::set().await;
    let engine = &stage.engine;
    assert_eq!(actions(engine, "/audit").await, [] as [[Value; 6]; 0]);
    const RAISED: &str =
        "INSERT INTO alerts (kind, subject, severity, message) VALUES ('test', '*', 'warning', 'x') RETURNING id";
    let alert: i64 = stage.database.connect().await.query_one(RAISED, &[]).await.unwrap().get(0);
    let ann = r#"{"by": "ann", "reason": "it stands still"}"#;
    let levels = "warn,zmart::actors=info";
    for (method, path, body, wanted) in [
        ("POST", "/actors/stats%20keeper/restart", ann, 202),
        ("POST", "/actors/market-monitor/stop", "", 202),
        ("POST", "/actors/market-monitor/start", "", 202),
        ("POST", "/actors/nobody/restart", ann, 404),
        ("POST", "/actors/clock/stop", "", 409),
        ("PUT", "/intake", r#"{"paused": true, "by": "ann"}"#, 200),
        ("PUT", "/intake", r#"{"paused": false}"#, 200),
        ("PUT", "/log-levels", &json!({"levels": levels, "reason": "too loud"}).to_string(), 200),
        ("PUT", "/log-levels", r#"{"levels": "loud"}"#, 400),
        ("POST", &format!("/alerts/{alert}/acknowledge"), ann, 200),
        // Nothing was ordered.
        ("POST", "/actors/listener/dance", ann, 404),
        ("POST", "/actors/listener/restart", r#"{"by": ""}"#, 400),
        ("PUT", "/intake", r#"{"paused": true, "why": "x"}"#, 400),
        ("POST", "/alerts/0/acknowledge", ann, 404),
    ] {
        let (status, answer) = order(engine, method, path, body).await;
        assert_eq!(status, wanted, "{path}: {answer}");
    }
    let noted = actions(engine, "/audit").await;
    let (by, why, none) = (json!("ann"), json!("it stands still"), Value::Null);
    let is = |row: &[Value; 6], wanted: [&Value; 5]| assert_eq!(row[..5].iter().collect::<Vec<_>>(), wanted, "{row:?}");
    let [done, refused] = ["done", "refused"].map(|outcome| json!(outcome));
    let wanted = [
        ("restart", "stats keeper".to_owned(), &by, &why, &done, "starting"),
        ("stop", "market-monitor".to_owned(), &none, &none, &done, "stopped"),
        ("start", "market-monitor".to_owned(), &none, &none, &done, "running"),
        ("restart", "nobody".to_owned(), &by, &why, &refused, "Nobody has that name."),
        ("stop", "clock".to_owned(), &none, &none, &refused, "not be stopped"),
        ("pause_intake", "intake".to_owned(), &by, &none, &done, ""),
        ("resume_intake", "intake".to_owned(), &none, &none, &done, ""),
        ("set_log_levels", "log levels".to_owned(), &none, &json!("too loud"), &done, levels),
        ("set_log_levels", "log levels".to_owned(), &none, &none, &refused, ""),
        ("acknowledge_alert", alert.to_string(), &by, &why, &done, "test of *"),
    ];
    assert_eq!(noted.len(), wanted.len(), "{noted:#?}");
    for (row, (action, subject, by, reason, outcome, detail)) in noted.iter().zip(wanted) {
        is(row, [&json!(action), &json!(subject), by, reason, outcome]);
        assert!(row[5].as_str().unwrap_or_default().contains(detail), "{row:?}");
    }

    // In pages, the newest first; and by the command.
    let newest = told(engine, "/audit?limit=4").await["actions"].clone();
    let last = newest[3]["id"].as_i64().unwrap();
    assert_eq!(actions(engine, &format!("/audit?before={last}&limit=1000")).await, noted[..noted.len() - 4]);
    assert_eq!(order(engine, "GET", "/audit?limit=0", "").await.0, 400);
    let output = engine.run(&["audit", "--json", "--lines", "4", "--ops-url", &engine.ops]).await;
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().rev().collect::<Vec<_>>(), newest.as_array().unwrap().iter().collect::<Vec<_>>());
    // An order by the command says who it is and why.
    let restart = ["restart", "sweeper", "--by", "bob", "--reason", "to see", "--ops-url", &engine.ops];
    assert!(engine.run(&restart).await.status.success());
    let row = actions(engine, "/audit?limit=1").await.remove(0);
    is(&row, [&json!("restart"), &json!("sweeper"), &json!("bob"), &json!("to see"), &done]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_obeyed_while_the_database_is_away_and_is_logged_instead() {
    let mut cluster = Cluster::start().await;
    let (chain, database) = (Chain::start().await, cluster.database().await);
    let mut engine = Engine::on(&chain, &database);
    engine.start().await;
    engine.ready().await;
    cluster.stop();
    let ann = r#"{"by": "ann", "reason": "it hangs"}"#;
    assert_eq!(order(&engine, "POST", "/actors/feeds/restart", ann).await.0, 202);
    actor_becomes(&engine, "feeds", "began anew", |feeds| feeds["restarts"] == 1 && feeds["status"] == "running").await;
    assert_eq!(order(&engine, "PUT", "/intake", r#"{"paused": true}"#).await.0, 200);
    assert_eq!(told(&engine, "/intake").await, json!({"paused": true}));
    wait_for("both orders to be logged", || async {
        let said = engine.said();
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("not written down")).collect();
        let has = |words: [&str; 3]| lines.iter().any(|line| words.iter().all(|word| line.contains(word)));
        let are_there =
            has(["restart \"feeds\"", "ann", "it hangs"]) && has(["pause_intake", "127.0.0.1", "no reason given"]);
        if are_there { Ok(()) } else { Err(lines.join("\n")) }
    })
    .await;
    // What is done in the database is not done without it.
    assert_eq!(order(&engine, "POST", "/alerts/1/acknowledge", "").await.0, 503);
    cluster.up().await;
    engine.ready().await;
    wait_for("the list to be told", || async {
        let (status, told) = order(&engine, "GET", "/audit", "").await;
        if status == 200 { Ok(()) } else { Err(told) }
    })
    .await;
}
