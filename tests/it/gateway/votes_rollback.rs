//! Roll-backs of votes: what the chain gave up is taken back, what was said here stands.

use serde_json::json;
use zmart_testkit::{
    audit,
    chain::{Chain, SOL, wallet_of},
    engine::Engine,
    http::get,
    patience::wait_for,
    postgres::Database,
    proxy::Proxy,
    socket::Connection,
};

use super::written::{comment_as, counts, nobody, number, tally_is, vote_as};

/// Slots long enough for a transaction to be recorded, and hidden, before it is final.
const SLOT_MS: &str = "150";

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_on_the_chain_that_vanishes_is_taken_back_and_the_one_cast_here_counts_again() {
    let (chain, database) = (Chain::with_slots_of(SLOT_MS).await, Database::fresh().await);
    let client = chain.client().clone();
    let [creator, both, only] =
        [client.funded_wallet().await, client.funded_wallet().await, client.funded_wallet().await];
    let proxy = Proxy::before(&client.rpc_url, &chain.ws_url).await;
    let mut engine = Engine::on(&chain, &database);
    engine.set("COVERAGE_INTERVAL_MS", "500");
    engine.set("SOLANA_RPC_URL", &proxy.rpc_url);
    engine.set("SOLANA_WS_URL", &proxy.ws_url);
    assert!(engine.run(&["migrate"]).await.status.success());
    engine.start().await;
    engine.ready().await;
    let market = client.proposed_market(&creator, 100 * SOL).await;
    let path = format!("/api/votes/{market}");
    wait_for("the market", || async {
        match get(&engine.api, &path).await.status {
            200 => Ok(()),
            other => Err(other),
        }
    })
    .await;
    let mut connection = Connection::open(&engine.ws).await;
    connection.subscribe(market, None).await;
    vote_as(&database, wallet_of(&both), market, true).await;
    tally_is(&database, market, 1, 0).await;

    let frozen = proxy.handle().freeze().await;
    let fallen = [client.vote(market, &both, false).await, client.vote(market, &only, true).await];
    tally_is(&database, market, 1, 1).await;
    vote_as(&database, nobody(3), market, true).await;
    comment_as(&database, nobody(3), market, "It will.").await;
    tally_is(&database, market, 2, 1).await;
    for signature in fallen {
        frozen.hide(signature).await;
    }
    let rolled_back = connection.next_of("rollback").await;
    assert_eq!(rolled_back["data"]["reverted_seqs"].as_array().unwrap().len(), 2, "{rolled_back}");
    assert_eq!(counts(&rolled_back["data"]["tallies"]["proposal"]), (2, 0), "{rolled_back}");
    tally_is(&database, market, 2, 0).await;
    let shown = get(&engine.api, &path).await.json();
    assert_eq!(counts(&shown["proposal"]), (2, 0), "{shown}");
    let listed = get(&engine.api, &format!("/api/markets/{market}/votes")).await.json();
    let sources: Vec<_> = listed["votes"].as_array().unwrap().iter().map(|vote| vote["source"].clone()).collect();
    assert_eq!(sources, [json!("offchain"), json!("offchain")], "{listed}");
    let comments = get(&engine.api, &format!("/api/discussions/{market}")).await.json();
    assert_eq!(comments["discussions"][0]["content"], "It will.");

    // A life that reads everything again counts the same, and so does what lands again.
    engine.crash(&market.to_string()).await;
    let slot = client.slot().await;
    frozen.land_again(fallen[0], slot);
    frozen.notify_again(fallen[0]).await;
    tally_is(&database, market, 1, 1).await;
    engine.kill();
    engine.start().await;
    engine.ready().await;
    vote_as(&database, nobody(4), market, false).await;
    tally_is(&database, market, 1, 2).await;
    let checked = engine.run(&["verify"]).await;
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    assert_eq!(number(&database, "SELECT count(*) FROM dead_letters").await, 0);
    wait_for("the journal's rules to hold", || async {
        let breaches = audit::breaches(&database).await;
        if breaches.is_empty() { Ok(()) } else { Err(format!("{breaches:#?}")) }
    })
    .await;
}
