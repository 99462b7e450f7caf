//! The table of the webhook's deliveries: kept once, claimed before they are worked on, forgotten only when they are settled.

use serde_json::json;
use sha2::{Digest, Sha256};
use zmart::{
    domain::ids::{AccountAddress, Slot, TxSignature},
    journal::{
        deliveries::{self, DeliveryLetter, Sha256Bytes, Waiting, WorkedOff},
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

/// What is claimed is not due again before [`later`] an hour, however slow this machine is.
async fn claimed_for_long(database: &Database) {
    const SQL: &str = "UPDATE webhook_deliveries SET due_at = clock_timestamp() + interval '1 hour' WHERE attempts > 0";
    database.connect().await.execute(SQL, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_claimed_oldest_first_within_bounds_and_comes_again_later_and_later() {
    let (database, pool) = prepared().await;
    assert_eq!(keep(&pool, &[b"[1]", b"[2]"]).await, 2);
    assert_eq!(keep(&pool, &[b"[2]", b"[3]", b"[3]"]).await, 1, "each once");
    assert_eq!(deliveries::waiting(pool.pool()).await.unwrap(), Waiting { rows: 3, bytes: 9 });

    // By rows, and by bytes; one is taken whatever its size. A claim is short at first: here it is as if no time passed.
    for (rows, bytes) in [(1, 1_000), (10, 1), (10, 1_000)] {
        assert_eq!(taken(&pool, rows, bytes).await.len(), 1);
        claimed_for_long(&database).await;
    }
    assert_eq!(taken(&pool, 10, 1_000).await, [], "they are claimed");
    // One that nobody survives is behind what comes meanwhile.
    assert_eq!(keep(&pool, &[b"[4]"]).await, 1);
    assert_eq!(taken(&pool, 10, 1_000).await, [(b"[4]".to_vec(), 1)]);
    later(&database, 7_200).await;
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
    let letter =
        |detail: &str| DeliveryLetter { reason: "unusable delivery", detail: detail.to_owned(), raw: json!({}) };
    let worked_off = |id: i64, is_settled: bool, letters: Vec<DeliveryLetter>| WorkedOff {
        id,
        decided: 1,
        is_settled,
        outcome: json!({ "known": 1 }),
        letters,
    };
    let both = [worked_off(ids[0], true, vec![]), worked_off(ids[1], true, vec![letter("item 0: \0")])];
    deliveries::settle(&pool, &both).await.unwrap();
    deliveries::settle(&pool, &both).await.unwrap();
    assert_eq!(zmart_testkit::audit::dead_letters(&database).await.len(), 1, "told once");
    assert_eq!(deliveries::waiting(pool.pool()).await.unwrap(), Waiting { rows: 1, bytes: 3 });
    const BODIES: &str = "SELECT count(body) FROM webhook_deliveries";
    let bodies: i64 = database.connect().await.query_one(BODIES, &[]).await.unwrap().get(0);
    assert_eq!(bodies, 1, "what is settled keeps its name only");
    // One of whose first transactions all is known goes on from there, at once.
    deliveries::settle(&pool, &[worked_off(ids[2], false, vec![])]).await.unwrap();
    let rest = deliveries::take(&pool, 10, 1_000).await.unwrap();
    let rest: Vec<_> = rest.into_iter().map(|due| (due.id, due.attempt, due.decided, due.outcome)).collect();
    assert_eq!(rest, [(ids[2], 2, 1, Some(json!({ "known": 1 })))]);
    assert_eq!(deliveries::forget_settled(&pool, 3_600, 10).await.unwrap(), 0);
    later(&database, 7_200).await;
    assert_eq!(deliveries::forget_settled(&pool, 3_600, 1).await.unwrap(), 1);
    assert_eq!(deliveries::forget_settled(&pool, 3_600, 10).await.unwrap(), 1);
    assert_eq!(deliveries::forget_settled(&pool, 0, 10).await.unwrap(), 0, "what waits is never forgotten");
    assert_eq!(taken(&pool, 10, 1_000).await, [(b"[3]".to_vec(), 3)]);
    // What was forgotten is new when it comes once more.
    assert_eq!(keep(&pool, &[b"[1]", b"[3]"]).await, 1);
    assert!(deliveries::recorded(pool.pool(), &[TxSignature([1; 64])]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_of_what_never_came_is_closed_when_all_that_it_names_is_in_the_journal() {
    let (database, pool) = prepared().await;
    keep(&pool, &[b"[1]"]).await;
    let id = deliveries_ids(&database).await[0];
    let signatures = [TxSignature([1; 64]), TxSignature([2; 64])];
    let raw = json!({ "signatures": signatures.map(|signature| signature.to_string()) });
    let letters = vec![DeliveryLetter { reason: "never came", detail: String::new(), raw }];
    let one = WorkedOff { id, decided: 2, is_settled: true, outcome: json!({}), letters };
    deliveries::settle(&pool, &[one]).await.unwrap();
    let client = database.connect().await;
    for (seq, signature) in signatures.iter().enumerate() {
        assert_eq!(deliveries::close_letters(&pool, 10).await.unwrap(), 0, "{seq} are there");
        let (stream, seq) = (AccountAddress([7; 32]).to_string(), seq as i64 + 1);
        client
            .execute(
                "INSERT INTO journal (stream, epoch, seq, kind, slot, slot_high, recorded_at, payload)
                 SELECT $1::text, max(epoch), $2, 'event', 1, 1, now(), '{}' FROM journal_epochs",
                &[&stream, &seq],
            )
            .await
            .unwrap();
        client
            .execute(
                "INSERT INTO chain_events (signature, n, stream, epoch, seq, event, slot, block_time_unix)
                 SELECT $1::text, 0, $2::text, max(epoch), $3, 'X', 1, 1 FROM journal_epochs",
                &[&signature.to_string(), &stream, &seq],
            )
            .await
            .unwrap();
    }
    assert_eq!(deliveries::close_letters(&pool, 10).await.unwrap(), 1);
    assert_eq!(deliveries::close_letters(&pool, 10).await.unwrap(), 0);
}
