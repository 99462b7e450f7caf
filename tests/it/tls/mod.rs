//! TLS to PostgreSQL and to Redis, over real servers: an engine that has it, and servers that are not the ones that were meant.

use std::process::Output;

use serde_json::Value;
use zmart::domain::ids::ProgramId;
use zmart_testkit::{
    authority::Authority,
    chain::Chain,
    engine::Engine,
    http::get,
    patience::{wait_for, within},
    postgres::{Cluster, Database},
    redis::Redis,
    tls_relay::TlsRelay,
};

/// Where nothing that is tried here comes to.
const NOWHERE: &str = "http://127.0.0.1:1";

/// An engine of that database; the chain is nowhere.
fn engine(database: &Database) -> Engine {
    Engine::on_node(NOWHERE, "ws://127.0.0.1:1", ProgramId([7; 32]), database)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What the doctor finds of a check: how it is, what was seen, what to do.
async fn found(engine: &Engine, check: &str) -> (String, String, String) {
    let output = engine.run(&["doctor", "--json"]).await;
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let finding = findings.as_array().unwrap().iter().find(|finding| finding["check"] == check).unwrap();
    let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    (text("status"), text("detail"), text("advice"))
}

/// What an engine says of Redis, once it says something that has `wanted` in it.
async fn redis_says(engine: &Engine, wanted: &str) {
    wait_for(&format!("redis: {wanted}"), || async {
        let part = get(&engine.api, "/ready").await.json()["parts"]["redis"].to_string();
        if part.contains(wanted) { Ok(()) } else { Err(part) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_speaks_tls_to_postgresql_and_to_redis_and_says_nothing_in_the_clear() {
    let authority = Authority::new("tests");
    let shown = authority.vouch(&["127.0.0.1"]);
    let (cluster, redis, chain) = (Cluster::with_tls(&shown).await, Redis::start().await, Chain::start().await);
    let (database, relay) = (cluster.database().await, TlsRelay::before(redis.port, &shown).await);
    let mut engine = Engine::on(&chain, &database);
    engine.set("DATABASE_URL", &format!("{}?sslmode=verify-full", database.url));
    engine.set("DATABASE_CA_FILE", &authority.path());
    engine.set("REDIS_URL", &format!("rediss://127.0.0.1:{}", relay.port));
    engine.set("REDIS_CA_FILE", &authority.path());
    engine.start().await;
    engine.ready().await;
    redis_says(&engine, r#""status":"up""#).await;
    wait_for("limits, and the bus both ways", || {
        std::future::ready(Some(()).filter(|()| relay.agreed() >= 3).ok_or(""))
    })
    .await;

    const OPEN: &str = "SELECT count(*) FILTER (WHERE ssl), count(*) FILTER (WHERE NOT ssl)
                        FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'zmart'";
    let row = database.connect().await.query_one(OPEN, &[]).await.unwrap();
    let (encrypted, clear): (i64, i64) = (row.get(0), row.get(1));
    assert!(encrypted > 5 && clear == 0, "{encrypted} with TLS, {clear} in the clear");
    for check in ["database", "database-tls", "redis", "redis-tls", "roles"] {
        let (status, detail, _) = found(&engine, check).await;
        assert_eq!(status, "ok", "{check}: {detail}");
    }

    // A Redis that is not the one that was meant is one that is away, and why is told.
    engine.kill();
    let stranger = Authority::new("tests");
    engine.set("REDIS_CA_FILE", &stranger.path());
    engine.start().await;
    engine.ready().await;
    redis_says(&engine, "leads to no root that is trusted here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_the_one_that_was_meant_is_refused_at_the_start_with_what_to_do() {
    let (authority, stranger, public) = (Authority::new("tests"), Authority::new("tests"), Authority::new("public"));
    let cluster = Cluster::with_tls(&authority.vouch(&["db.example"])).await;
    let (encrypted, plain) = (cluster.database().await, Database::fresh().await);
    let (right, wrong) = (Some(&authority), Some(&stranger));
    for (database, mode, ca, refusal, advice) in [
        (&encrypted, "sslmode=verify-ca", wrong, "leads to no root that is trusted here", "DATABASE_CA_FILE"),
        (&encrypted, "sslmode=verify-full", right, "in the address, but to db.example", "subjectAltName"),
        (&encrypted, "sslmode=verify-full", None, "leads to no root that is trusted here", "DATABASE_CA_FILE"),
        (&plain, "sslmode=require", None, "TLS is required, and the server does not speak it there", "ssl=on"),
        (&plain, "", right, "TLS is required, and the server does not speak it there", "ssl=on"),
    ] {
        let mut engine = engine(database);
        // Whom this system trusts.
        engine.set("SSL_CERT_FILE", &public.path());
        engine.set("DATABASE_URL", &format!("{}?{mode}", database.url));
        if let Some(ca) = ca {
            engine.set("DATABASE_CA_FILE", &ca.path());
        }
        let migrated = engine.run(&["migrate"]).await;
        assert!(!migrated.status.success() && said(&migrated).contains(refusal), "{mode}: {}", said(&migrated));
        let (status, detail, told) = found(&engine, "database").await;
        assert!(status == "fail" && detail.contains(refusal) && told.contains(advice), "{mode}: {detail} -> {told}");
        let again = engine.run(&["serve"]);
        let serves = within("a start that is of no use to end", again).await;
        // At once: who waits for a server to come up says so.
        let text = said(&serves);
        assert!(!serves.status.success() && text.contains(refusal) && !text.contains("waiting for"), "{mode}: {text}");
    }
    // What can't be followed is found before anything is dialled, and no start is of use until it is changed.
    for command in [&["config", "check"] as &[_], &["doctor"], &["serve"]] {
        let mut engine = engine(&encrypted);
        engine.set("DATABASE_URL", &format!("{}?sslmode=allow", encrypted.url));
        let output = engine.run(command).await;
        let text = said(&output);
        assert_eq!(output.status.code(), Some(78), "{command:?}: {text}");
        assert!(text.contains("DATABASE_URL") && text.contains("sslmode is one of disable, prefer"), "{text}");
    }
    // And what is taken, because no more was asked for.
    for (mode, ca, how) in [
        ("sslmode=verify-ca", right, "any server whose certificate leads to"),
        ("sslmode=require", right, "any server whose certificate leads to"),
        ("sslmode=require", None, "whose certificate is not checked"),
        ("sslmode=prefer", None, "whose certificate is not checked"),
        ("sslmode=disable", None, "in the clear, on this machine"),
    ] {
        let mut engine = engine(&encrypted);
        engine.set("DATABASE_URL", &format!("{}?{mode}", encrypted.url));
        if let Some(ca) = ca {
            engine.set("DATABASE_CA_FILE", &ca.path());
        }
        let (status, detail, _) = found(&engine, "database-tls").await;
        assert!(status == "ok" && detail.contains(how), "{mode}: {detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_not_the_one_that_was_meant_is_refused_with_what_to_do() {
    let (authority, redis, database) = (Authority::new("tests"), Redis::start().await, Database::fresh().await);
    let named = TlsRelay::before(redis.port, &authority.vouch(&["cache.example"])).await;
    let right = TlsRelay::before(redis.port, &authority.vouch(&["127.0.0.1"])).await;
    let (stranger, public) = (Authority::new("tests"), Authority::new("public"));
    for (port, ca, status, seen, advice) in [
        (right.port, Some(&authority), "ok", "Redis", ""),
        (right.port, Some(&stranger), "fail", "leads to no root that is trusted here", "REDIS_CA_FILE"),
        (right.port, None, "fail", "leads to no root that is trusted here", "REDIS_CA_FILE"),
        (named.port, Some(&authority), "fail", "is not made out to the name in the address", "subjectAltName"),
        // It is silent, or says that it does not understand.
        (redis.port, Some(&authority), "fail", "TLS", "tls-port"),
    ] {
        let mut engine = engine(&database);
        engine.set("SSL_CERT_FILE", &public.path());
        engine.set("REDIS_URL", &format!("rediss://127.0.0.1:{port}"));
        if let Some(ca) = ca {
            engine.set("REDIS_CA_FILE", &ca.path());
        }
        let (found, detail, told) = found(&engine, "redis").await;
        assert_eq!(found, status, "{detail}");
        assert!(detail.contains(seen) && told.contains(advice), "{detail} -> {told}");
    }
    // A file that is not there is no reason to go on without it.
    let mut engine = engine(&database);
    engine.set("REDIS_URL", &format!("rediss://127.0.0.1:{}", right.port));
    engine.set("REDIS_CA_FILE", "/nowhere/ca.pem");
    let (status, detail, _) = found(&engine, "redis").await;
    assert!(status == "fail" && detail.contains("/nowhere/ca.pem can't be read"), "{detail}");
}
