//! The table of the webhook's deliveries: kept once, claimed before they are worked on, forgotten only when they are settled.

use serde_json::json;
use sha2::{Digest, Sha256};
use zmart::{
    domain::ids::{Slot, TxSignature},
    journal::{
        deliveries::{self, SettledDelivery, Sha256Bytes, Waiting},
        lease::Leased,
    },
};
use zmart_testkit::postgres::Database;

use super::{leased, prepare, settings};

async fn prepared() -> (Database, Leased) {
    let database = Database::fresh().await;
    prepare(&database).await;
    let pool = leased(settings(&database.url).pool(4).unwrap());
    (database, pool)
}

fn name(body: &[u8]) -> Sha256Bytes {
    Sha256::digest(body).into()
}

/// How many of them were not there.
async fn keep(pool: &Leased, bodies: &[&[u8]]) -> usize {
    let mut client = pool.get().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let named: Vec<_> = bodies.iter().map(|body| (name(body), *body)).collect();
    let new = deliveries::keep(&tx, &named).await.unwrap();
    tx.commit().await.unwrap();
    new.len()
}

async fn taken(pool: &Leased, rows: usize, bytes: usize) -> Vec<(Vec<u8>, u32)> {
    let taken = deliveries::take(pool, rows, bytes).await.unwrap();
    taken.into_iter().map(|due| (due.body, due.attempt)).collect()
}

/// As if so many seconds had passed.
async fn later(database: &Database, seconds: i32) {
    const SQL: &str = "UPDATE webhook_deliveries SET due_at = due_at - make_interval(secs => $1), \
                           settled_at = settled_at - make_interval(secs => $1)";
    database.connect().await.execute(SQL, &[&f64::from(seconds)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_claimed_oldest_first_within_bounds_and_comes_again_later_and_later() {
    let (database, pool) = prepared().await;
    assert_eq!(keep(&pool, &[b"[1]", b"[2]"]).await, 2);
    assert_eq!(keep(&pool, &[b"[2]", b"[3]", b"[3]"]).await, 1, "each once");
    assert_eq!(deliveries::waiting(pool.pool()).await.unwrap(), Waiting { rows: 3, bytes: 9 });

    // By rows, and by bytes; one is taken whatever its size.
    assert_eq!(taken(&pool, 1, 1_000).await.len(), 1);
    assert_eq!(taken(&pool, 10, 1).await.len(), 1);
    assert_eq!(taken(&pool, 10, 1_000).await.len(), 1);
    assert_eq!(taken(&pool, 10, 1_000).await, [], "they are claimed");
    // One that nobody survives is behind what comes meanwhile.
    assert_eq!(keep(&pool, &[b"[4]"]).await, 1);
    assert_eq!(taken(&pool, 10, 1_000).await, [(b"[4]".to_vec(), 1)]);
    later(&database, 30).await;
    let again = taken(&pool, 10, 1_000).await;
    assert_eq!(again.len(), 4);
    assert!(again.iter().all(|(_, attempt)| *attempt == 2));
    const WAITS: &str = "SELECT min(extract(epoch FROM due_at - clock_timestamp()))::float8 FROM webhook_deliveries";
    for _ in 0..10 {
        later(&database, 31).await;
        assert_eq!(taken(&pool, 10, 1_000).await.len(), 4, "never rarer than each half minute");
    }
    let waits: f64 = database.connect().await.query_one(WAITS, &[]).await.unwrap().get(0);
    assert!(waits > 10.0, "{waits}");

    // When the chain was first asked about it is noted once.
    let id = deliveries_ids(&database).await[0];
    deliveries::note_asked(&pool, &[id], Slot(70)).await.unwrap();
    deliveries::note_asked(&pool, &[id], Slot(90)).await.unwrap();
    later(&database, 31).await;
    let due = deliveries::take(&pool, 10, 1_000).await.unwrap();
    assert_eq!(due.iter().map(|due| due.asked_at_slot).collect::<Vec<_>>(), [Some(Slot(70)), None, None, None]);
}

async fn deliveries_ids(database: &Database) -> Vec<i64> {
    let rows = database.connect().await.query("SELECT id FROM webhook_deliveries ORDER BY id", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn settled_deliveries_are_forgotten_when_they_are_old_and_others_never() {
    let (database, pool) = prepared().await;
    for body in [b"[1]", b"[2]", b"[3]"] {
        keep(&pool, &[body]).await;
    }
    let ids = deliveries_ids(&database).await;
    let settled = |id: i64, unusable: Option<&str>| SettledDelivery {
        id,
        outcome: json!({ "known": 1 }),
        unusable: unusable.map(str::to_owned),
    };
    let both = [settled(ids[0], None), settled(ids[1], Some("item 0: \0"))];
    deliveries::settle(&pool, &both).await.unwrap();
    deliveries::settle(&pool, &both).await.unwrap();
    assert_eq!(zmart_testkit::audit::dead_letters(&database).await.len(), 1, "told once");
    assert_eq!(deliveries::waiting(pool.pool()).await.unwrap().rows, 1);
    assert_eq!(deliveries::forget_settled(&pool, 3_600, 10).await.unwrap(), 0);
    later(&database, 7_200).await;
    assert_eq!(deliveries::forget_settled(&pool, 3_600, 1).await.unwrap(), 1);
    assert_eq!(deliveries::forget_settled(&pool, 3_600, 10).await.unwrap(), 1);
    assert_eq!(deliveries::forget_settled(&pool, 0, 10).await.unwrap(), 0, "what waits is never forgotten");
    assert_eq!(taken(&pool, 10, 1_000).await, [(b"[3]".to_vec(), 1)]);
    // What was forgotten is new when it comes once more.
    assert_eq!(keep(&pool, &[b"[1]", b"[3]"]).await, 1);
    assert!(deliveries::recorded(pool.pool(), &[TxSignature([1; 64])]).await.unwrap().is_empty());
}
