//! Faults of history: lists, transactions, statuses.

use serde_json::{Value, json};
use zmart::domain::ids::{MarketSeed, TxSignature};
use zmart_testkit::{
    chain::PROGRAM,
    proxy::{PageFault, When},
};

use super::node::Rig;

const MARKET: MarketSeed = MarketSeed([1; 32]);

fn signature(name: u8) -> TxSignature {
    TxSignature([name; 64])
}

/// Slots 101 to 101 + count - 1, a transaction each.
async fn with_history(count: u8) -> Rig {
    let rig = Rig::start().await;
    for name in 1..=count {
        rig.execute(name, 100 + u64::from(name), MARKET);
    }
    rig
}

/// Names of a walk in pages of that limit, to the first empty page.
async fn walk(rig: &Rig, limit: usize) -> Vec<Vec<u8>> {
    let mut pages: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut config = json!({"limit": limit});
        if let Some(last) = pages.last().and_then(|page| page.last()) {
            config["before"] = json!(signature(*last));
        }
        let page: Vec<u8> = rig.page(config).await.into_iter().map(|(name, _)| name).collect();
        if page.is_empty() {
            return pages;
        }
        pages.push(page);
    }
}

async fn status(rig: &Rig, name: u8) -> Value {
    rig.result("getSignatureStatuses", json!([[signature(name)]])).await["value"][0].clone()
}

#[tokio::test]
async fn a_node_behind_its_notifications_does_not_know_the_newest_transactions() {
    let rig = with_history(3).await;
    let mut listener = rig.listen().await;
    let fault = rig.faults.rpc_behind(2, true, When::Always);
    rig.execute(4, 105, MARKET);
    assert_eq!(listener.name().await, 4, "its notification passes");
    assert_eq!(rig.page(json!({})).await, [(3, 103), (2, 102), (1, 101)]);
    assert_eq!(rig.result("getTransaction", json!([signature(4)])).await, Value::Null);
    assert_eq!(status(&rig, 4).await, Value::Null);
    assert_eq!(fault.struck(), 3);
    assert_eq!(rig.result("getTransaction", json!([signature(3)])).await["slot"], 103);
    assert_eq!(rig.result("getSlot", json!([])).await, 105);
    rig.world().slot = 107;
    assert_eq!(rig.page(json!({"limit": 1})).await, [(4, 105)]);
    fault.lift();
    let _honest = rig.faults.rpc_behind(2, false, When::Always);
    assert_eq!(rig.result("getSlot", json!([])).await, 105);
}

#[tokio::test]
async fn pages_change_while_they_are_read() {
    let rig = with_history(7).await;
    assert_eq!(walk(&rig, 4).await, [vec![7, 6, 5, 4], vec![3, 2, 1]]);

    let short = rig.faults.bad_pages(PageFault::Short(3), When::Always);
    assert_eq!(walk(&rig, 4).await, [vec![7, 6, 5], vec![4, 3, 2], vec![1]]);
    assert_eq!(short.struck(), 4);
    short.lift();

    let overlap = rig.faults.bad_pages(PageFault::Overlap(2), When::Always);
    assert_eq!(walk(&rig, 4).await, [vec![7, 6, 5, 4], vec![5, 4, 3, 2, 1]]);
    assert_eq!(overlap.struck(), 1);
    overlap.lift();

    let hole = rig.faults.bad_pages(PageFault::Hole(2), When::Next(1));
    assert_eq!(walk(&rig, 4).await, [vec![7, 4], vec![3, 2, 1]]);
    assert_eq!(walk(&rig, 4).await, [vec![7, 6, 5, 4], vec![3, 2, 1]], "the next reading has them");
    assert_eq!(hole.struck(), 1);

    let forgotten = rig.faults.bad_pages(PageFault::ForgottenBefore, When::Next(1));
    assert_eq!(walk(&rig, 4).await, [vec![7, 6, 5, 4]]);
    assert_eq!(walk(&rig, 4).await.len(), 2);
    assert_eq!(forgotten.struck(), 1);
}

#[tokio::test]
async fn history_ends_early_wherever_it_is_asked_for() {
    let rig = with_history(5).await;
    let fault = rig.faults.history_begins(103);
    assert_eq!(walk(&rig, 2).await, [vec![5, 4], vec![3]]);
    assert_eq!(rig.page(json!({"before": signature(2)})).await, [], "from where nobody knows, nothing goes on");
    assert_eq!(rig.result("getTransaction", json!([signature(2)])).await, Value::Null);
    assert_eq!(rig.result("getTransaction", json!([signature(3)])).await["slot"], 103);
    assert_eq!(status(&rig, 2).await, Value::Null);
    assert_eq!(rig.result("getFirstAvailableBlock", json!([])).await, 103);
    assert!(fault.struck() >= 4, "{}", fault.struck());
}

#[tokio::test]
async fn chosen_transactions_are_forgotten_and_no_others() {
    let rig = with_history(3).await;
    let fault = rig.faults.forget(&[signature(2)]);
    assert_eq!(walk(&rig, 10).await, [vec![3, 1]]);
    assert_eq!(rig.result("getTransaction", json!([signature(2)])).await, Value::Null);
    assert_eq!(status(&rig, 2).await, Value::Null);
    assert_eq!(status(&rig, 3).await["slot"], 103);
    assert_eq!(fault.struck(), 3);
}

#[tokio::test]
async fn chosen_transactions_are_listed_as_merely_processed() {
    let rig = with_history(2).await;
    let fault = rig.faults.only_processed(&[signature(2)], When::Always);
    let list = rig.result("getSignaturesForAddress", json!([PROGRAM, {}])).await;
    let statuses: Vec<_> = list.as_array().unwrap().iter().map(|one| one["confirmationStatus"].clone()).collect();
    assert_eq!(statuses, ["processed", "confirmed"]);
    assert_eq!(status(&rig, 2).await["confirmationStatus"], "processed");
    assert_eq!(status(&rig, 1).await["confirmationStatus"], "confirmed");
    assert_eq!(fault.struck(), 2);
}

#[tokio::test]
async fn the_index_in_the_block_is_told_or_not() {
    let rig = with_history(1).await;
    rig.execute(2, 101, MARKET);
    let told = rig.faults.transaction_index(true);
    let indexes = async || {
        let list = rig.result("getSignaturesForAddress", json!([PROGRAM, {}])).await;
        let listed = list.as_array().unwrap().iter().map(|one| one["transactionIndex"].clone()).collect::<Vec<_>>();
        (listed, rig.result("getTransaction", json!([signature(2)])).await["transactionIndex"].clone())
    };
    assert_eq!(indexes().await, (vec![json!(1), json!(0)], json!(1)));
    let untold = rig.faults.transaction_index(false);
    assert_eq!(indexes().await, (vec![Value::Null, Value::Null], Value::Null));
    assert_eq!((told.struck(), untold.struck()), (6, 3));
}
