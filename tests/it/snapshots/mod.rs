//! Snapshots of discussions: what is pinned is what was said, once, whatever fails; and it can be checked.
//!
//! Most of it is the snapshotter's pass itself, on a real database whose journal is written as the engine writes it, against a
//! pinning service that a test can have fail. What needs the engine is in `engine`.

mod documents;
mod engine;
mod service;
mod verify;

use std::time::Duration;

use serde_json::Value;
use zmart::{
    actors::snapshotter::{
        SnapshotterParts,
        pass::{self, Pass, Which},
    },
    domain::ids::{MarketAddress, Wallet},
    ipfs::provider::{PinataKey, Provider, ProviderSettings},
    journal::{
        DatabaseSettings,
        identity::current_epoch,
        lease::{Leased, Term},
        migrate,
    },
    telemetry::metrics::Metrics,
};
use zmart_testkit::{
    engine::Engine,
    pins::{JWT, Pins},
    postgres::Database,
};

use crate::gateway::market;

/// Long enough for any answer on a busy machine.
const PATIENT: Duration = Duration::from_secs(60);

struct Rig {
    pins: Pins,
    database: Database,
    leased: Leased,
}

/// A database with a market, the lease of snapshots, and a service.
async fn rig() -> (Rig, MarketAddress) {
    let (database, pins) = (Database::fresh().await, Pins::open().await);
    let settings =
        DatabaseSettings { url: database.url.clone(), connect_timeout: Duration::from_secs(30), ca_file: None };
    migrate::run(&settings).await.unwrap();
    let client = database.connect().await;
    current_epoch(&client).await.unwrap();
    // Rows of these tests name it.
    client.batch_execute("UPDATE journal_epochs SET epoch = 1").await.unwrap();
    database.take_lease().await;
    let leased = Leased::snapshots(settings.pool(4).unwrap(), Term(1));
    let market = market(&database, 1, 0).await;
    (Rig { pins, database, leased }, market)
}

fn by_pinata(url: &str, key: PinataKey) -> ProviderSettings {
    ProviderSettings::Pinata { url: url.parse().unwrap(), key }
}

impl Rig {
    fn parts(&self, settings: &ProviderSettings, patience: Duration) -> SnapshotterParts {
        let provider = Provider::new(settings, patience).unwrap();
        SnapshotterParts {
            pool: self.leased.clone(),
            provider,
            schedule: "0 0 * * *".parse().unwrap(),
            metrics: Metrics::new(),
        }
    }

    /// A pass over all markets, by Pinata's token.
    async fn pass(&self) -> Pass {
        self.pass_within(PATIENT).await
    }

    async fn pass_within(&self, patience: Duration) -> Pass {
        let parts = self.parts(&by_pinata(&self.pins.url, PinataKey::Jwt(JWT.parse().unwrap())), patience);
        let made = pass::make(&parts, Which::All).await.unwrap();
        pass::tell(&self.leased, &made, u32::MAX).await.unwrap();
        made
    }

    /// So many comments by different wallets, from number `from` on: in the table of users, and in the journal as the engine
    /// writes them.
    async fn say(&self, market: MarketAddress, from: i32, count: i32) {
        let wallets: Vec<String> = (0..8).map(|n| Wallet([n + 1; 32]).to_string()).collect();
        let client = self.database.connect().await;
        const USERS: &str = "INSERT INTO discussions (id, market, wallet, content, created_at)
            SELECT lpad(n::text, 32, '0')::uuid, $1::text, ($2::text[])[1 + n % 8], 'words of ' || n || e' \u{20ac}',
                   '2026-01-01 00:00:00+00'::timestamptz + n * interval '1.001 seconds'
            FROM generate_series($3::int, $3::int + $4::int - 1) n";
        client.execute(USERS, &[&market.to_string(), &wallets, &from, &count]).await.unwrap();
        const ENTRIES: &str = "
            WITH last AS (SELECT coalesce(max(seq), 0) AS seq FROM journal WHERE stream = $1::text)
            INSERT INTO journal (stream, epoch, seq, kind, slot, slot_high, recorded_at, payload)
            SELECT market, 1, last.seq + row_number() OVER (ORDER BY created_at), 'comment', 1, 1,
                   created_at + interval '5 milliseconds',
                   jsonb_build_object('kind', 'comment', 'id', id, 'wallet', wallet, 'content', content,
                       'created_at_ms', floor(extract(epoch FROM created_at) * 1000)::bigint, 'slot', 1)
            FROM discussions, last WHERE market = $1::text
              AND id BETWEEN lpad($2::int::text, 32, '0')::uuid AND lpad(($2::int + $3::int - 1)::text, 32, '0')::uuid";
        client.execute(ENTRIES, &[&market.to_string(), &from, &count]).await.unwrap();
    }

    /// The author of comment n deletes it.
    async fn unsay(&self, market: MarketAddress, n: i32) {
        self.unsay_to_users(n).await;
        self.unsay_to_journal(market, n).await;
    }

    /// What an author is told at once.
    async fn unsay_to_users(&self, n: i32) {
        let client = self.database.connect().await;
        const USERS: &str = "UPDATE discussions SET deleted_at = now() WHERE id = lpad($1::int::text, 32, '0')::uuid";
        assert_eq!(client.execute(USERS, &[&n]).await.unwrap(), 1);
    }

    /// What follows once an engine leads.
    async fn unsay_to_journal(&self, market: MarketAddress, n: i32) {
        let client = self.database.connect().await;
        const ENTRY: &str = "
            INSERT INTO journal (stream, epoch, seq, kind, slot, slot_high, recorded_at, payload)
            SELECT market, 1, (SELECT max(seq) + 1 FROM journal WHERE stream = $1::text), 'comment', 1, 1,
                   '2026-02-01 00:00:00+00', jsonb_build_object('kind', 'comment_deleted', 'id', id, 'wallet', wallet, 'slot', 1)
            FROM discussions WHERE id = lpad($2::int::text, 32, '0')::uuid";
        assert_eq!(client.execute(ENTRY, &[&market.to_string(), &n]).await.unwrap(), 1);
    }

    /// Its documents' rows, in their order.
    async fn anchors(&self, market: MarketAddress) -> Vec<Value> {
        anchors(&self.database, market).await
    }

    /// The documents of its pinned rows, in their order, from the service.
    async fn documents(&self, market: MarketAddress) -> Vec<Value> {
        let files = self.pins.files();
        let rows = self.anchors(market).await;
        let pinned = rows.iter().filter(|row| row["status"] == "pinned");
        pinned.map(|row| serde_json::from_str(&files[row["cid"].as_str().unwrap()]).unwrap()).collect()
    }

    /// Open alerts of snapshots: subject and message.
    async fn alerts(&self) -> Vec<(String, String)> {
        const SQL: &str =
            "SELECT subject, message FROM alerts WHERE kind = 'snapshot_failing' AND resolved_at IS NULL ORDER BY 1";
        let rows = self.database.connect().await.query(SQL, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// The command, as an operator has it.
    fn operator(&self) -> Engine {
        let mut engine = Engine::on_node(
            "http://127.0.0.1:9",
            "ws://127.0.0.1:9",
            MarketAddress([9; 32]).to_string().parse().unwrap(),
            &self.database,
        );
        self.pins.serve(&mut engine, "0 0 * * *");
        engine
    }
}

async fn anchors(database: &Database, market: MarketAddress) -> Vec<Value> {
    const SQL: &str = "SELECT to_jsonb(a) FROM ipfs_anchors a WHERE market = $1::text ORDER BY number";
    let rows = database.connect().await.query(SQL, &[&market.to_string()]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}
