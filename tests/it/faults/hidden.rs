//! The proxy's forks before the development chain: what a client of the node is told while a confirmed transaction is
//! hidden, and after it has landed again.

use serde_json::json;
use zmart::domain::event::Outcome;
use zmart_testkit::{
    chain::{Chain, SOL, wallet_of},
    http::request,
    proxy::{Proxy, When},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_transaction_of_a_real_chain_is_unknown_and_undone_until_it_lands_again() {
    let chain = Chain::start().await;
    let client = chain.client().clone();
    let trader = client.funded_wallet().await;
    let market = chain.active_market(&trader, 100 * SOL).await;
    let kept = client.buy(market, &trader, Outcome::Yes, SOL).await;
    let proxy = Proxy::before(&client.rpc_url, &chain.ws_url).await;
    let mut told = client.clone();
    told.rpc_url = proxy.rpc_url.clone();
    let before = (told.market(market).await, told.position(market, wallet_of(&trader)).await);

    let frozen = proxy.handle().freeze().await;
    let vanishing = client.buy(market, &trader, Outcome::No, SOL).await;
    assert_eq!(told.signatures(market).await.last(), Some(&vanishing));
    frozen.hide(vanishing).await;
    assert_eq!(told.signatures(market).await.last(), Some(&kept));
    assert_eq!((told.market(market).await, told.position(market, wallet_of(&trader)).await), before);
    assert!(frozen.fault().struck() >= 3);

    let slot = frozen.slot() + 100_000;
    frozen.land_again(vanishing, slot);
    assert_eq!(told.signatures(market).await.last(), Some(&vanishing));
    assert_eq!(told.market(market).await, client.market(market).await);
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "getSignatureStatuses", "params": [[vanishing]]});
    let status = request("POST", &proxy.rpc_url, "/", &[], ask.to_string().as_bytes()).await.json();
    assert_eq!(status["result"]["value"][0]["slot"], slot);

    frozen.thaw();
    let stale = proxy.handle().stale_accounts(When::Always).await;
    let now = told.market(market).await;
    client.buy(market, &trader, Outcome::Yes, SOL).await;
    assert_eq!(told.market(market).await, now);
    assert_eq!(stale.struck(), 1);
}
