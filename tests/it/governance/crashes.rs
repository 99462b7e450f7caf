//! Whatever dies between two steps of governance: the next life finds in tables what the last one knew.
//!
//! The points between the steps of one submission are `submitter`'s own; here everything else dies: actors, the process at
//! any moment, the database under it.

use std::time::Duration;

use zmart::domain::{
    ids::MarketAddress,
    phase::Phase::{Approved, Finalized},
    tally::VoteKind,
};
use zmart_testkit::{chain::Chain, postgres::Cluster};

use super::court::{APPROVED, Court, FINALIZED, HOUR};

/// Four markets to be approved, two to be finalized, all of them due at this moment.
async fn all_due(court: &Court) -> ([MarketAddress; 4], [MarketAddress; 2]) {
    let proposals = court.proposed().await;
    let [undisputed, disputed] = court.resolving().await;
    court.dispute(&[disputed]).await;
    court.vote(VoteKind::Dispute, disputed, 3, 1).await;
    court.tally_is(VoteKind::Dispute, disputed, 3, 1).await;
    court.client.travel(73 * HOUR).await;
    for market in proposals {
        court.vote(VoteKind::Proposal, market, 3, 0).await;
    }
    (proposals, [undisputed, disputed])
}

async fn all_done_once(court: &Court, proposals: [MarketAddress; 4], resolutions: [MarketAddress; 2]) {
    court.all_are(&proposals, Approved).await;
    court.all_are(&resolutions, Finalized).await;
    court.is_in_order().await;
    for market in proposals {
        court.landed(market, &[APPROVED]).await;
    }
    for market in resolutions {
        court.landed(market, &[APPROVED, FINALIZED]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn actors_that_govern_may_crash_at_any_moment() {
    let mut court = Court::set(&[]).await;
    let (proposals, resolutions) = all_due(&court).await;
    for round in 0..4_u64 {
        for actor in ["aggregator", "submitter", "monitor", "writer"] {
            court.engine.crash(actor).await;
            tokio::time::sleep(Duration::from_millis(60 + round * 90)).await;
        }
    }
    all_done_once(&court, proposals, resolutions).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_killed_again_and_again_lands_each_decision_once() {
    let mut court = Court::set(&[]).await;
    let (proposals, resolutions) = all_due(&court).await;
    for millis in [50, 400, 900, 1_600] {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        court.engine.kill();
        court.open().await;
    }
    all_done_once(&court, proposals, resolutions).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_dies_in_the_middle_loses_no_decision_and_doubles_none() {
    let mut cluster = Cluster::start().await;
    let mut court = Court::empty(Chain::start().await, cluster.database().await, &[]).await;
    court.open().await;
    let (proposals, resolutions) = all_due(&court).await;
    for millis in [100, 1_500] {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        cluster.kill();
        cluster.up().await;
    }
    all_done_once(&court, proposals, resolutions).await;
}
