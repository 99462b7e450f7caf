//! Votes on a dispute are taken for a while, by the chain's time and by no other.

use serde_json::{Value, json};
use zmart::domain::event::Outcome;
use zmart_testkit::{
    chain::{Chain, SOL},
    engine::Engine,
    http::get,
    patience::wait_for,
    postgres::Database,
    proxy::{Bad, Methods, Proxy, When},
    signed_in::SignedInClient,
    socket::Connection,
};

use super::written::number;

const DISPUTE: &str = "/api/votes/dispute";

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_on_a_dispute_is_taken_until_the_window_ends_on_the_chain_and_where_that_is_not_known() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let client = chain.client().clone();
    let proxy = Proxy::before(&client.rpc_url, &chain.ws_url).await;
    let mut engine = Engine::on(&chain, &database);
    engine.set("SOLANA_RPC_URL", &proxy.rpc_url);
    engine.set("DISPUTE_VOTING_HOURS", "1");
    // Nobody is to decide the dispute meanwhile.
    engine.set("ROLES", "api,ws,indexer");
    engine.start().await;
    engine.ready().await;
    let creator = client.funded_wallet().await;
    let market = chain.active_market(&creator, 100 * SOL).await;
    chain.dispute(market, &creator, Outcome::Yes).await;
    let shown = wait_for("the dispute to be shown", || async {
        let shown = get(&engine.api, &format!("/api/markets/{market}")).await.json();
        if shown["state"] == "DISPUTED" { Ok(shown) } else { Err(shown) }
    })
    .await;
    let ballot = json!({"market_id": market, "vote": true});
    let vote = async || SignedInClient::new(&engine.api).await.post(DISPUTE, &ballot).await;
    let in_time = vote().await;
    assert_eq!(in_time.status, 201, "{}", in_time.json());

    // The window has ended, but the chain's clock can't be read: what is known is that it had not when it last was.
    let away = proxy.handle().answer_badly(Methods::Of(&["getMultipleAccounts"]), Bad::Status(503), When::Always);
    client.travel(3_600).await;
    let unknown = vote().await;
    assert_eq!(unknown.status, 201, "{}", unknown.json());
    away.lift();
    let late = wait_for("a vote to be refused", || async {
        match vote().await {
            answer if answer.status == 409 => Ok(answer.json()),
            answer => Err(answer.json()),
        }
    })
    .await;
    let began = client.market(market).await.dispute_initiated_at.0;
    let end = chrono::DateTime::from_timestamp(began + 3_600, 0).unwrap();
    let end = end.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    assert_eq!((&late["error"], &late["message"]), (&json!("CONFLICT"), &says(&end)), "{shown}");

    // What this API has taken is counted, and not asked about again.
    wait_for("both to be entries", || async {
        match number(&database, "SELECT count(*) FROM journal WHERE kind = 'vote'").await {
            count if count >= 2 => Ok(()),
            other => Err(other),
        }
    })
    .await;
    assert_eq!(number(&database, "SELECT count(*) FROM dead_letters").await, 0);

    let voter = SignedInClient::new(&engine.api).await;
    let mut connection = Connection::open(&engine.ws).await;
    connection.send(json!({"id": 1, "action": "auth", "token": voter.token})).await;
    assert_eq!(connection.answer_to(&json!(1)).await["type"], "reply");
    let ballot = json!({"id": 2, "action": "vote", "vote_type": "dispute", "market_id": market, "vote": true});
    connection.send(ballot).await;
    let refused = connection.answer_to(&json!(2)).await;
    assert_eq!((&refused["code"], &refused["message"]), (&json!("CONFLICT"), &says(&end)), "{refused}");
}

fn says(end: &str) -> Value {
    json!(format!("Votes on this dispute were taken until {end}."))
}
