//! A short soak, so that the long ones (`scripts/soak`) stay in order.

use std::time::Duration;

use zmart_testkit::soak;

const SEED: u64 = 2;
const LENGTH: Duration = Duration::from_secs(45);

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_of_all_faults_ends_with_a_journal_that_is_the_chain() {
    let summary = soak::run(SEED, LENGTH).await;
    assert!(summary.differences.is_empty(), "{:#?}", summary.differences);
    assert!(summary.trades > 0 && summary.struck.len() > 5, "{summary:?}");
}
