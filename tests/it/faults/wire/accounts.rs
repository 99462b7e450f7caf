//! Accounts are compared by content, never by slot: a node tells newer ones under an older slot and older ones under a
//! newer slot, and neither is a reason to adopt anything.

use zmart_testkit::proxy::{When, Which};

use super::{super::scene::Cast, TRADES, Wire};

const SEED: u64 = 23;

#[tokio::test(flavor = "multi_thread")]
async fn newer_accounts_under_an_older_slot_and_older_ones_under_a_newer_are_met_and_not_adopted() {
    let wire = Wire::set(Cast::default(), &[]).await;
    wire.scene.trade(TRADES).await;
    let gaps = || wire.hand.withhold(Which::Logs, When::OneIn { n: 3, seed: SEED });
    let older = wire.hand.older_slot(200, When::Always);
    wire.bears("newer accounts under an older slot", &[older, gaps()]).await;
    // An account that stands still is met by a stream that has gone on.
    let stale = wire.hand.stale_accounts(When::Always).await;
    let faults = [stale, gaps()];
    wire.strike("older accounts under a newer slot", &faults, 1).await;
    wire.scene.everything_is_heard().await;
    wire.survives("older accounts under a newer slot", &faults).await;
}
