//! The same promises while the engine is killed and the database restarted under it.

use std::sync::Arc;

use tokio::sync::Semaphore;
use zmart_testkit::{patience::wait_for, postgres::Cluster, stage::Stage};

use super::load::{Load, everybody_heard_everything, finish, rows_equal_accounts, subscribers};

const TRADES: usize = 300;
const MARKETS: usize = 5;
const WALLETS: usize = 4;
const SUBSCRIBERS: usize = 20;
const KILLS: usize = 5;

/// Trades between one blow and the next; those after the last blow are the rest.
const TRADES_A_BLOW: usize = 40;

/// How many more trades may land while a blow is being dealt.
const AHEAD: usize = 20;

/// After how many kills the database is restarted.
const DATABASE_RESTART_AFTER: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_the_engine_and_a_restart_of_the_database_lose_nothing_and_double_nothing() {
    let mut cluster = Cluster::start().await;
    let mut stage = Stage::on_cluster(&cluster).await;
    let client = stage.chain.client().clone();
    let load = Load::prepare(&stage.chain, MARKETS, WALLETS, TRADES).await;
    let listening = subscribers(&stage.engine.ws, SUBSCRIBERS, &load.markets).await;

    let permits = Arc::new(Semaphore::new(TRADES_A_BLOW + AHEAD));
    let traders = load.start(&client, &permits);
    for blow in 1..=KILLS {
        let wanted = blow * TRADES_A_BLOW;
        wait_for("trades before a blow", || async {
            let done = load.done();
            if done >= wanted { Ok(()) } else { Err(done) }
        })
        .await;
        // Trades go on while the engine is down, and while it comes back.
        permits.add_permits(TRADES_A_BLOW);
        stage.engine.kill();
        stage.engine.start().await;
        if blow == DATABASE_RESTART_AFTER {
            cluster.stop();
            cluster.up().await;
            assert!(stage.engine.is_running(), "the engine ends when its database is away for a moment");
        }
    }
    permits.add_permits(TRADES);
    let sent = finish(traders).await;

    assert_eq!(sent.values().map(Vec::len).sum::<usize>(), TRADES);
    stage.engine.ready().await;
    for one in &listening {
        assert!(one.notebook().connections > 1, "a subscriber that never had to come back proves nothing");
    }
    everybody_heard_everything(listening, &sent, &stage.database, &client).await;
    rows_equal_accounts(&load, &stage.database, &client).await;
    assert!(stage.engine.stop().await.success());
}
