//! Many trades, many subscribers, a calm sea.

use std::sync::Arc;

use tokio::sync::Semaphore;
use zmart_testkit::stage::Stage;

use super::load::{Load, everybody_heard_everything, finish, rows_equal_accounts, subscribers};

const TRADES: usize = 300;
const MARKETS: usize = 5;
const WALLETS: usize = 4;
const SUBSCRIBERS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn every_subscriber_sees_every_trade_once_in_order_and_the_rows_equal_the_chain() {
    let stage = Stage::set().await;
    let client = stage.chain.client();
    let load = Load::prepare(&stage.chain, MARKETS, WALLETS, TRADES).await;
    let listening = subscribers(&stage.engine.ws, SUBSCRIBERS, &load.markets).await;

    let sent = finish(load.start(client, &Arc::new(Semaphore::new(TRADES)))).await;

    assert_eq!(sent.values().map(Vec::len).sum::<usize>(), TRADES);
    assert_eq!(sent.len(), MARKETS);
    everybody_heard_everything(listening, &sent, &stage.database, client).await;
    rows_equal_accounts(&load, &stage.database, client).await;
}
