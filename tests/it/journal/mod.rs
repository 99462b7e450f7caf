//! The writer and its tables, on a real PostgreSQL: what is acknowledged is there once, what is refused is not there at
//! all, whatever the server or the network does in between.

mod alerts;
mod bounds;
mod chain_submissions;
mod columns;
mod deliveries;
mod figures;
mod governance;
mod identity;
mod indexes;
pub mod ledgers;
mod letters;
mod numbers;
mod outages;
mod overdue;
mod passivation;
mod rollback;
mod rows;
mod staging;
mod story;
mod streams;
mod wallets;
mod writer;

use std::time::Duration;

use actix::prelude::*;
use deadpool_postgres::Pool;
use zmart::{
    actors::{
        journal_writer::{Append, AppendError, Generation, JournalWriter, Open},
        supervision::DeathGuard,
    },
    domain::ids::{AccountAddress, Epoch},
    journal::{
        DatabaseSettings,
        identity::current_epoch,
        lease::{Leased, Term},
        migrate,
        write::StreamAppend,
    },
    telemetry::health::Health,
};
use zmart_testkit::postgres::Database;

fn settings(url: &str) -> DatabaseSettings {
    DatabaseSettings { url: url.to_owned(), connect_timeout: Duration::from_secs(5), ca_file: None }
}

/// Migrates, begins the journal's life, and takes the lease for as long as any test may last.
async fn prepare(database: &Database) -> Epoch {
    migrate::run(&settings(&database.url)).await.unwrap();
    database.take_lease().await;
    current_epoch(&database.connect().await).await.unwrap()
}

/// Connections in the term of [`Database::take_lease`].
pub fn leased(pool: Pool) -> Leased {
    Leased::new(pool, Term(1))
}

/// A writer on the caller's arbiter.
fn writer(url: &str) -> (Addr<JournalWriter>, Health) {
    let (guard, _death) = DeathGuard::new();
    let health = Health::new();
    let pool = leased(settings(url).writer_pool().unwrap());
    (JournalWriter::new(pool, health.clone(), guard).start(), health)
}

async fn open(writer: &Addr<JournalWriter>, stream: AccountAddress) -> Generation {
    writer.send(Open(stream)).await.unwrap().unwrap()
}

async fn append(writer: &Addr<JournalWriter>, generation: Generation, append: StreamAppend) -> Result<(), AppendError> {
    writer.send(Append { generation, append: Box::new(append) }).await.unwrap()
}

/// As [`append`], in the background; what is begun first is sent first.
fn begin_append(
    writer: &Addr<JournalWriter>,
    generation: Generation,
    append: StreamAppend,
) -> tokio::task::JoinHandle<Result<(), AppendError>> {
    let answer = writer.send(Append { generation, append: Box::new(append) });
    actix::spawn(async move { answer.await.unwrap() })
}

/// How many entries each stream has, as (stream, entries), in the order of the streams.
async fn entries(database: &Database) -> Vec<(String, i64)> {
    const SQL: &str = "SELECT stream::text, count(*) FROM journal GROUP BY stream ORDER BY stream";
    let rows = database.connect().await.query(SQL, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Holds every commit back until it is dropped.
async fn stall(database: &Database) -> tokio_postgres::Client {
    let client = database.connect().await;
    client.batch_execute("BEGIN; LOCK TABLE journal_writers IN ACCESS EXCLUSIVE MODE").await.unwrap();
    client
}
