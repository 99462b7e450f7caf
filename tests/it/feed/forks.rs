//! Forks on the feeder, which executes anew what lands again: other figures, another order, and some of it not at all.

use std::collections::BTreeMap;

use zmart::domain::ids::TxSignature;
use zmart_testkit::{
    feeder::{Feeder, Options, Order, Source},
    patience::wait_for,
    postgres::Database,
};

use super::{all_journaled, engine_on, generated};

/// Where each transaction stands in the journal, and how often.
async fn standing(database: &Database) -> BTreeMap<String, Vec<u64>> {
    const SQL: &str = "SELECT signature::text, slot FROM chain_events WHERE NOT orphaned AND n = 0";
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for row in database.connect().await.query(SQL, &[]).await.unwrap() {
        found.entry(row.get(0)).or_default().push(row.get::<_, i64>(1) as u64);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_in_many_markets_is_taken_back_and_what_lands_again_is_recorded_as_it_landed() {
    let database = Database::fresh().await;
    let options = Options { finality_slots: 120, ..Options::new(Source::Generated(generated(1_200))) };
    let feeder = Feeder::start(options).await;
    feeder.emit(561);
    let engine = engine_on(&feeder, &database).await;
    all_journaled(&database, &feeder).await;
    assert_eq!(feeder.run(400, 200).await, 200);
    all_journaled(&database, &feeder).await;

    let fork = feeder.fork(150);
    assert!(fork.signatures.len() > 50, "{} were not final", fork.signatures.len());
    let landed: Vec<TxSignature> = feeder.land_again(&fork, Order::Shuffled(3));
    // And it goes on from there.
    assert_eq!(feeder.run(100, 200).await, 200);
    let (_, newest, _) = feeder.slots();
    wait_for("all of it to be final", || async {
        let row = database.connect().await.query_one("SELECT finalized_slot FROM chain_cursor", &[]).await.unwrap();
        let finalized = row.get::<_, i64>(0) as u64;
        if finalized >= newest { Ok(()) } else { Err(format!("{finalized} of {newest}")) }
    })
    .await;
    let standing = standing(&database).await;
    assert_eq!(standing.len() as u64, feeder.landed());
    for (signature, slots) in &standing {
        let slot = feeder.slot_of(&signature.parse().unwrap());
        assert_eq!(Vec::from_iter(slot), *slots, "{signature}");
    }
    assert!(landed.iter().all(|signature| standing.contains_key(&signature.to_string())));
    let client = database.connect().await;
    let count = async |sql: &str| -> i64 { client.query_one(sql, &[]).await.unwrap().get(0) };
    assert!(count("SELECT count(*) FROM journal WHERE kind = 'rollback'").await > 1, "several markets");
    assert_eq!(count("SELECT count(*) FROM dead_letters").await, 0);
    let checked = engine.run(&["verify"]).await;
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
