//! Actors panic under trade, one after the other; nobody misses a trade and nobody hears one twice.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::{
    harness::{patience::wait_for, stage::Stage},
    spine::load::{Load, everybody_heard_everything, finish, rows_equal_accounts, subscribers},
};

const TRADES: usize = 160;
const MARKETS: usize = 3;
const WALLETS: usize = 4;
const SUBSCRIBERS: usize = 8;

/// Trades between one crash and the next.
const TRADES_A_CRASH: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn any_actor_may_panic_under_trade() {
    let mut stage = Stage::set().await;
    let client = stage.chain.client().clone();
    let load = Load::prepare(&stage.chain, MARKETS, WALLETS, TRADES).await;
    let listening = subscribers(&stage.engine.ws, SUBSCRIBERS, &load.markets).await;

    let permits = Arc::new(Semaphore::new(TRADES_A_CRASH));
    let traders = load.start(&client, &permits);
    let market = load.markets[0].to_string();
    for (count, actor) in
        ["writer", &market, "listener", "config", "reader", "clock", "registry", &market].into_iter().enumerate()
    {
        let wanted = (count + 1) * TRADES_A_CRASH / 2;
        wait_for("trades before a crash", || async {
            let done = load.done();
            if done >= wanted { Ok(()) } else { Err(done) }
        })
        .await;
        // Trades go on while the actor is down, and while it comes back.
        permits.add_permits(TRADES_A_CRASH);
        stage.engine.crash(actor).await;
        assert!(stage.engine.is_running(), "the crash of {actor} ends the engine");
    }
    permits.add_permits(TRADES);
    let sent = finish(traders).await;

    assert_eq!(sent.values().map(Vec::len).sum::<usize>(), TRADES);
    stage.engine.ready().await;
    everybody_heard_everything(listening, &sent, &stage.database, &client).await;
    rows_equal_accounts(&load, &stage.database, &client).await;
}
