//! What many indexers do: each row inserted by a statement of its own, which is a transaction of its own.
//!
//! Into identically defined tables, of the rows of `journal`, `chain_events` and `trades`: three statements a trade. As in
//! the other baseline, rows of markets and positions are left out.

use std::time::{Duration, Instant};

use tokio_postgres::Client;

/// Inserts the rows of so many trades; what it takes but for reading them.
pub async fn one_at_a_time(client: &Client, trades: i64) -> Duration {
    let mut statements = Vec::new();
    for (table, key) in [("journal", "stream"), ("chain_events", "stream"), ("trades", "market")] {
        let make =
            format!("CREATE SCHEMA IF NOT EXISTS one; CREATE TABLE one.{table} (LIKE public.{table} INCLUDING ALL)");
        client.batch_execute(&make).await.unwrap();
        const KEYS: &str = "SELECT pg_get_constraintdef(oid) FROM pg_constraint \
                            WHERE conrelid = $1::text::regclass AND contype = 'f'";
        for key in client.query(KEYS, &[&format!("public.{table}")]).await.unwrap() {
            let key: String = key.get(0);
            let key = key.replace("REFERENCES journal(", "REFERENCES one.journal(");
            client.batch_execute(&format!("ALTER TABLE one.{table} ADD {key}")).await.unwrap();
        }
        // As text, as most clients send it; `OFFSET 0` keeps the row from being read once a column.
        let read = format!(
            "SELECT 'INSERT INTO one.{table} SELECT (r).* FROM (SELECT ' || quote_literal(t::text) || '::one.{table} AS r OFFSET 0) x'
             FROM (SELECT market, epoch, seq FROM public.trades ORDER BY slot, market, seq LIMIT {trades}) few
             JOIN public.{table} t ON t.{key} = few.market AND t.epoch = few.epoch AND t.seq = few.seq
             ORDER BY few.market, few.seq"
        );
        let rows = client.query(&read, &[]).await.unwrap();
        statements.push(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>());
    }
    let began = Instant::now();
    for at in 0..statements[0].len() {
        for table in &statements {
            client.batch_execute(&table[at]).await.unwrap();
        }
    }
    began.elapsed()
}
