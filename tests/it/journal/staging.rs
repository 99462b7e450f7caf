//! Staged signatures: what is settled leaves, by whichever way it is looked up, and nothing else does.

use std::collections::HashSet;

use zmart::{
    domain::ids::{Slot, TxSignature},
    journal::staging::{self, Staged},
};
use zmart_testkit::postgres::Database;

use super::{leased, prepare, settings};

/// Slots that follow each other, a gap, then one that is alone.
fn slot_of(n: u16) -> Slot {
    Slot(if n < 600 { 1_000 + u64::from(n / 100) } else { 5_000 })
}

fn signature(n: u16) -> TxSignature {
    let mut bytes = [1; 64];
    // Its place in the index is no sign of its place in the chain.
    bytes[..2].copy_from_slice(&n.reverse_bits().to_be_bytes());
    TxSignature(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_leaves_and_nothing_else_of_its_slots() {
    let database = Database::fresh().await;
    prepare(&database).await;
    let pool = leased(settings(&database.url).pool(2).unwrap());
    let all: Vec<Staged> =
        (0..610).map(|n| Staged { signature: signature(n), slot: slot_of(n), retried: false }).collect();
    staging::stage(&pool, &all).await.unwrap();
    let left = async || {
        let (rows, _) = staging::staged(pool.pool(), None, 1_000).await.unwrap();
        rows.iter().map(|staged| staged.signature).collect::<HashSet<_>>()
    };
    let mut expected: HashSet<_> = all.iter().map(|staged| staged.signature).collect();
    let some =
        |which: fn(u16) -> bool| (0..610).filter(|&n| which(n)).map(|n| (signature(n), slot_of(n))).collect::<Vec<_>>();
    let mut elsewhere = some(|n| n == 3);
    elsewhere[0].1 = Slot(4_000);
    // As a backfill settles: most of some slots, and a late one; and one whose slot was another by then.
    let mut many = some(|n| (n < 500 && n % 7 != 3) || n == 605);
    many.push((signature(599), Slot(1_002)));
    let settled = [
        many,
        // One by one.
        some(|n| n % 100 == 10),
        // Its slot is not where it was thought to be.
        elsewhere,
        // Twice.
        some(|n| n < 500 && n % 7 == 4),
    ];
    for done in settled {
        staging::unstage(&pool, &done, &[]).await.unwrap();
        done.iter().for_each(|(signature, _)| {
            expected.remove(signature);
        });
        assert_eq!(left().await, expected);
    }
    assert!(expected.len() > 150, "{}", expected.len());
}
