//! What an operator sees and orders on the port of operators, of an engine that runs.

mod actors;
mod audit;
mod desk;
mod ends;
mod faults;
mod logs;

use serde_json::Value;
use zmart_testkit::{
    engine::Engine,
    http::{get, request},
    patience::wait_for,
};

/// What is at a path of the operators' port.
async fn told(engine: &Engine, path: &str) -> Value {
    let answer = get(&engine.ops, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// Orders it; the status, and what was said.
async fn order(engine: &Engine, method: &str, path: &str, body: &str) -> (u16, Value) {
    let headers: &[(&str, &str)] = if body.is_empty() { &[] } else { &[("Content-Type", "application/json")] };
    let answer = request(method, &engine.ops, path, headers, body.as_bytes()).await;
    (answer.status, if answer.body.is_empty() { Value::Null } else { answer.json() })
}

/// A kind of actor, as it is told.
async fn actor(engine: &Engine, name: &str) -> Value {
    let all = told(engine, "/actors").await;
    let found = all["actors"].as_array().unwrap().iter().find(|actor| actor["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {all:#}")).clone()
}

/// Waits until a kind of actor is as wanted.
async fn actor_becomes(engine: &Engine, name: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    wait_for(&format!("{name}: {what}"), || async {
        let shown = actor(engine, name).await;
        if wanted(&shown) { Ok(shown) } else { Err(shown) }
    })
    .await
}
