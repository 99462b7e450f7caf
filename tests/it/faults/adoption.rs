//! A market whose history has a hole that nobody can fill: its account is adopted, and what is known of its history is
//! recorded without moving anything twice.

use serde_json::json;
use zmart::domain::event::Outcome;
use zmart_testkit::{
    chain::{Chain, SOL, wallet_of},
    compare::differences,
    http::request,
    patience::wait_for,
    postgres::Database,
    proxy::Proxy,
};

use super::{dead_letters, journal_of, journal_with, rig::Rig};

#[tokio::test(flavor = "multi_thread")]
async fn a_market_whose_beginning_is_lost_is_adopted_and_goes_on() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let client = chain.client().clone();
    let (holder, trader) = (client.funded_wallet().await, client.funded_wallet().await);
    let market = chain.active_market(&trader, 100 * SOL).await;
    let lost_buy = client.buy(market, &holder, Outcome::Yes, 3 * SOL).await;
    let known_buys =
        [client.buy(market, &trader, Outcome::No, SOL).await, client.buy(market, &trader, Outcome::Yes, 2 * SOL).await];
    let proxy = Proxy::before(&client.rpc_url, &chain.ws_url).await;
    let history = client.signatures(market).await;
    let forgotten = proxy.handle().forget(&[history[0], lost_buy]);
    let settings = [("SOLANA_RPC_URL", proxy.rpc_url.clone())];
    let rig = Rig::start(&chain, &database, &settings).await;

    let journal = journal_with(&database, market, known_buys[1]).await;
    assert_eq!(journal[0].0, "resync", "{journal:?}");
    assert_eq!(journal.iter().filter(|(kind, _)| kind == "resync").count(), 1, "{journal:?}");
    assert!(journal[1..].iter().all(|(kind, _)| kind == "contained"), "{journal:?}");
    for lost in [history[0], lost_buy] {
        assert!(journal.iter().all(|(_, signature)| signature.as_deref() != Some(lost.to_string().as_str())));
    }

    forgotten.has_struck(2).await;

    // It goes on from there; also for the wallet whose purchase nobody knows any more.
    let position = client.position(market, wallet_of(&holder)).await.unwrap();
    let sale = client.sell(market, &holder, Outcome::Yes, position.shares_yes.0 / 2).await;
    let last = client.buy(market, &trader, Outcome::No, SOL + 3).await;
    let grown = journal_with(&database, market, last).await;
    assert_eq!(grown[..journal.len()], journal[..]);
    let trades: Vec<_> = grown[journal.len()..].to_vec();
    let trade = |signature: zmart::domain::ids::TxSignature| ("trade".to_owned(), Some(signature.to_string()));
    assert_eq!(trades, [trade(sale), trade(last)]);

    wait_for("the market's row to be its account", || async {
        let found = differences(&database, &client, &[market], &[wallet_of(&trader)]).await;
        if found.is_empty() { Ok(()) } else { Err(format!("{found:#?}")) }
    })
    .await;
    assert_eq!(dead_letters(&database).await, []);
    rig.engine.ready().await;
    assert_eq!(journal_of(&database, market).await, grown, "nothing is adopted again");
}

#[tokio::test(flavor = "multi_thread")]
async fn markets_below_the_cursor_are_read_from_the_chain_when_they_are_heard_of() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let client = chain.client().clone();
    let trader = client.funded_wallet().await;
    let market = chain.active_market(&trader, 100 * SOL).await;
    let newest = client.buy(market, &trader, Outcome::Yes, SOL).await;
    let mut rig = Rig::prepare(&chain, &database, &[]).await;
    // As if everything so far had been covered by an engine whose journal is lost.
    let rows = database.connect().await;
    const AHEAD: &str = "INSERT INTO chain_cursor (program_id, signature, slot, covered_slot) \
                         VALUES ($1::text, $2::text, $3, $3)";
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "getSignatureStatuses", "params": [[newest.to_string()]]});
    let headers = [("Content-Type", "application/json")];
    let status = request("POST", &client.rpc_url, "/", &headers, ask.to_string().as_bytes()).await.json();
    // Right behind it: of the cursor's own slot everything is read again.
    let slot = status["result"]["value"][0]["slot"].as_i64().unwrap() + 1;
    rows.execute(AHEAD, &[&client.program.to_string(), &newest.to_string(), &slot]).await.unwrap();
    rig.engine.start().await;
    rig.engine.ready().await;
    assert_eq!(journal_of(&database, market).await, [], "nobody has spoken of it yet");

    let next = client.buy(market, &trader, Outcome::No, SOL + 1).await;
    let journal = journal_with(&database, market, next).await;
    assert!(journal.iter().all(|(kind, _)| kind == "trade" || kind == "event"), "all is there: {journal:?}");
    let mut journaled: Vec<String> = journal.iter().filter_map(|(_, signature)| signature.clone()).collect();
    journaled.dedup();
    let on_chain: Vec<String> = client.signatures(market).await.iter().map(ToString::to_string).collect();
    assert_eq!(journaled, on_chain);
    let found = differences(&database, &client, &[market], &[wallet_of(&trader)]).await;
    assert!(found.is_empty(), "{found:#?}");
}
