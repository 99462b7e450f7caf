//! A market's way through its phases, as a subscriber is told.

use zmart::domain::event::Outcome;
use zmart_testkit::{chain::SOL, patience::wait_for, socket::Connection, stage::Stage};

#[tokio::test(flavor = "multi_thread")]
async fn each_move_of_a_market_is_told_once_with_the_phase_before_and_after() {
    let stage = Stage::set().await;
    let client = stage.chain.client();
    let creator = client.funded_wallet().await;
    let market = client.proposed_market(&creator, 100 * SOL).await;
    stage.shown(market).await;
    let mut connection = Connection::open(&stage.engine.ws).await;
    connection.subscribe(market, None).await;

    stage.chain.approve(market).await;
    client.activate(market, &creator).await;
    client.buy(market, &creator, Outcome::No, SOL).await;
    // The program's clock counts seconds, and refuses a resolution in the second of the activation.
    let resolver = client.funded_wallet().await;
    wait_for("a second to pass on the chain", || async { client.try_resolve(market, &resolver, Outcome::No).await })
        .await;

    for (reason, before, after) in [
        ("proposal_aggregated", "PROPOSED", "PROPOSED"),
        ("proposal_approved", "PROPOSED", "APPROVED"),
        ("market_activated", "APPROVED", "ACTIVE"),
        ("market_resolved", "ACTIVE", "RESOLVING"),
    ] {
        let update = connection.next_of("market_update").await;
        let data = &update["data"];
        assert_eq!((&data["reason"], &data["old_state"]), (&reason.into(), &before.into()), "{update}");
        assert_eq!((&data["new_state"], &data["market"]["state"]), (&after.into(), &after.into()), "{update}");
    }
    let account = client.market(market).await;
    assert_eq!((account.state, account.proposed_outcome), (3, Some(false)));
}
