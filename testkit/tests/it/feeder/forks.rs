//! Transactions vanish on a fork and land again, with consistent accounts at every point.

use zmart::{chain::anchor::accounts::AccountKind, domain::ids::TxSignature};
use zmart_testkit::feeder::{Feeder, Order};

use super::{
    client,
    fold::{agrees, fold, signatures},
    small, still,
};

#[tokio::test]
async fn a_fork_takes_the_newest_away_as_if_they_had_never_been() {
    let feeder = Feeder::start(still(small(2, 600))).await;
    feeder.emit(400);
    let before = signatures(&feeder, 1_000).await;
    let rpc = client(&feeder);
    let accounts_before = rpc.program_accounts(AccountKind::Market, None).await.unwrap();
    feeder.emit(60);
    let (open, ..) = feeder.slots();
    let fork = feeder.fork(60);
    assert_eq!(fork.signatures.len(), 60);
    assert_eq!(signatures(&feeder, 1_000).await, before);
    assert_eq!(rpc.program_accounts(AccountKind::Market, None).await.unwrap(), accounts_before);
    agrees(&feeder, &fold(&feeder).await).await;
    assert!(feeder.slots().0 > open, "the slots go on");
    assert_eq!(rpc.transaction(fork.signatures[3]).await.unwrap(), None);
    assert_eq!(rpc.signature_statuses(&fork.signatures[..2], true).await.unwrap(), [None, None]);
    assert_eq!(feeder.slot_of(&fork.signatures[0]), None);
}

#[tokio::test]
async fn what_vanished_lands_again_in_whatever_order_with_figures_that_fit() {
    for order in [Order::Kept, Order::Reversed, Order::Shuffled(9)] {
        let feeder = Feeder::start(still(small(2, 600))).await;
        feeder.emit(460);
        let slots = |signatures: &[TxSignature]| signatures.iter().map(|one| feeder.slot_of(one)).collect::<Vec<_>>();
        let newest = signatures(&feeder, 1_000).await[400..].to_vec();
        let slots_before = slots(&newest);
        let fork = feeder.fork(60);
        assert_eq!(fork.signatures, newest);
        // Others may come between, and sell what a sale that vanished has sold.
        let between = if order == Order::Kept { 0 } else { 20 };
        feeder.emit(between as u64);
        let landed = feeder.land_again(&fork, order);
        assert!(landed.len() > 50, "{} of 60 landed again", landed.len());
        assert!(slots(&landed).iter().all(|slot| slot.is_some() && *slot > slots_before[59]));
        assert_eq!(signatures(&feeder, 1_000).await[400 + between..], landed);
        assert_eq!(landed == fork.signatures, order == Order::Kept);
        agrees(&feeder, &fold(&feeder).await).await;
        feeder.emit(200);
        agrees(&feeder, &fold(&feeder).await).await;
    }
}

#[tokio::test]
async fn what_is_finalized_does_not_vanish() {
    let feeder = Feeder::start(still(small(2, 3_000))).await;
    feeder.emit(2_500);
    let (_, _, finalized) = feeder.slots();
    let fork = feeder.fork(2_500);
    assert!(!fork.signatures.is_empty() && fork.signatures.len() < 2_500, "{}", fork.signatures.len());
    let newest = *signatures(&feeder, 1_000).await.last().unwrap();
    assert_eq!(feeder.slot_of(&newest), Some(finalized));
}
