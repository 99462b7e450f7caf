//! What an operator can find out and set right: whether the journal is the chain, what could not be used, what a market's entries
//! make of it.

mod dead_letters;
mod repair;
mod replay;

use std::process::Output;

use serde_json::Value;
use zmart_testkit::{engine::Engine, patience::wait_for, postgres::Database};

/// All that a command said.
fn said(output: &Output) -> String {
    format!(
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A command's exit code and the JSON of its lines.
async fn told(engine: &Engine, arguments: &[&str]) -> (i32, Vec<Value>) {
    let output = engine.run(arguments).await;
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    (output.status.code().unwrap_or(-1), lines.lines().map(parse).collect())
}

/// The row of a market is written once more when its last entry becomes final: what is changed before is mended by that.
async fn all_final(database: &Database) {
    let rows = database.connect().await;
    wait_for("every entry to be final", || async {
        let open: i64 =
            rows.query_one("SELECT count(*) FROM markets WHERE finalized_seq < last_seq", &[]).await.unwrap().get(0);
        if open == 0 { Ok(()) } else { Err(format!("{open} markets are not")) }
    })
    .await;
}
