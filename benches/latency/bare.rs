//! The baseline: a row of the size of a journal entry, inserted and committed, again and again at a rate.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use zmart_testkit::postgres::Database;

/// More than ever wait for a commit at once, so that none waits for a connection.
const CONNECTIONS: usize = 32;

/// How long each took from the moment that it was due to the answer of its commit.
pub async fn measure(database: &Database, rate: u64, rows: u64) -> Vec<Duration> {
    let setup = database.connect().await;
    setup.batch_execute("CREATE TABLE bare (id bigint PRIMARY KEY, entry text NOT NULL)").await.unwrap();
    let (sender, mut took) = mpsc::unbounded_channel();
    let mut lines = Vec::new();
    for _ in 0..CONNECTIONS {
        let client = database.connect().await;
        let insert = client.prepare("INSERT INTO bare VALUES ($1, $2)").await.unwrap();
        let (line, mut due) = mpsc::unbounded_channel::<(i64, Instant)>();
        let sender = sender.clone();
        tokio::spawn(async move {
            let entry = "x".repeat(600);
            while let Some((id, began)) = due.recv().await {
                client.execute(&insert, &[&id, &entry]).await.unwrap();
                let _ = sender.send(began.elapsed());
            }
        });
        lines.push(line);
    }
    drop(sender);
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let (began, mut done) = (Instant::now(), 0);
    while done < rows {
        ticks.tick().await;
        let due = (began.elapsed().as_micros() as u64 * rate / 1_000_000).min(rows);
        for id in done..due {
            let _ = lines[id as usize % CONNECTIONS].send((id as i64, Instant::now()));
        }
        done = due;
    }
    drop(lines);
    let mut all = Vec::new();
    while let Some(one) = took.recv().await {
        all.push(one);
    }
    all
}
