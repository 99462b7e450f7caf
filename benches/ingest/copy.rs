//! The baseline: the same rows by `COPY`, in one backend and one transaction, into identically defined tables.
//!
//! Of the tables that are only appended to: `journal`, `chain_events`, `trades`, with their domains, checks, indexes and
//! foreign keys. The rows of markets and positions, which the engine updates as well in the same transactions, are left
//! out: `COPY` can't do that, so the baseline does less than the engine.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt};
use tokio_postgres::Client;

const TABLES: [&str; 3] = ["journal", "chain_events", "trades"];

/// Makes the tables, reads the engine's rows and copies them.
pub async fn run(client: &mut Client) -> Duration {
    make_tables(client).await;
    let mut rows = Vec::new();
    for table in TABLES {
        // In the order in which they were written.
        let out = client.copy_out(&format!("COPY public.{table} TO STDOUT (FORMAT binary)")).await.unwrap();
        rows.push(out.try_collect::<Vec<Bytes>>().await.unwrap());
    }
    client.batch_execute("CHECKPOINT").await.unwrap();
    let began = Instant::now();
    let transaction = client.transaction().await.unwrap();
    for (table, rows) in TABLES.iter().zip(rows) {
        let into = transaction.copy_in(&format!("COPY baseline.{table} FROM STDIN (FORMAT binary)")).await.unwrap();
        let mut into = std::pin::pin!(into);
        for row in rows {
            into.feed(row).await.unwrap();
        }
        into.finish().await.unwrap();
    }
    transaction.commit().await.unwrap();
    let took = began.elapsed();
    check(client).await;
    took
}

async fn make_tables(client: &Client) {
    client.batch_execute("CREATE SCHEMA baseline").await.unwrap();
    for table in TABLES {
        client
            .batch_execute(&format!("CREATE TABLE baseline.{table} (LIKE public.{table} INCLUDING ALL)"))
            .await
            .unwrap();
        // What LIKE leaves out. A key into the journal becomes one into the baseline's.
        const KEYS: &str = "SELECT pg_get_constraintdef(oid) FROM pg_constraint \
                            WHERE conrelid = $1::text::regclass AND contype = 'f'";
        for key in client.query(KEYS, &[&format!("public.{table}")]).await.unwrap() {
            let key: String = key.get(0);
            let key = key.replace("REFERENCES journal(", "REFERENCES baseline.journal(");
            client.batch_execute(&format!("ALTER TABLE baseline.{table} ADD {key}")).await.unwrap();
        }
    }
}

/// The same rows, under the same rules.
async fn check(client: &Client) {
    for table in TABLES {
        // Of triggers those that an insert fires: whose keys lead here, wants to know of deletions.
        const SHAPE: &str = "SELECT
            (SELECT count(*) FROM pg_constraint WHERE conrelid = $1::text::regclass),
            (SELECT count(*) FROM pg_index WHERE indrelid = $1::text::regclass),
            (SELECT count(*) FROM pg_trigger WHERE tgrelid = $1::text::regclass AND tgtype & 4 > 0)";
        let mut shapes = Vec::new();
        for schema in ["public", "baseline"] {
            let shape = client.query_one(SHAPE, &[&format!("{schema}.{table}")]).await.unwrap();
            shapes.push([0, 1, 2].map(|at| shape.get::<_, i64>(at)));
        }
        assert_eq!(shapes[0], shapes[1], "constraints, indexes and triggers of {table}");
        let differing =
            format!("SELECT (SELECT count(*) FROM public.{table}) - (SELECT count(*) FROM baseline.{table})");
        assert_eq!(client.query_one(&differing, &[]).await.unwrap().get::<_, i64>(0), 0, "rows of {table}");
    }
}
