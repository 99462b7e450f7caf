//! Every actor panics while trades go on; nothing is lost, nothing comes twice, nobody has to connect again.

use std::sync::Arc;

use tokio::sync::Semaphore;
use zmart_testkit::{chain::Chain, patience::wait_for, postgres::Database};

use super::{dead_letters, journal_of, rig::Rig};

use zmart_testkit::load::{Load, everybody_heard_everything, finish, rows_equal_accounts, subscribers};

const MARKETS: usize = 2;
const WALLETS: usize = 3;
const SUBSCRIBERS: usize = 3;
/// Trades between one panic and the next.
const TRADES_A_CRASH: usize = 9;

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_any_actor_loses_nothing_and_cuts_nobody_off() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let mut rig = Rig::start(&chain, &database, &[]).await;
    let market = |load: &Load, at: usize| load.markets[at].to_string();
    let names = ["listener", "writer", "registry", "reader", "clock", "sweeper", "outbox", "config"].map(str::to_owned);
    // Alone, and in pairs: who recovers while its neighbour is away.
    let pairs = [("writer", "listener"), ("registry", "writer"), ("reader", "listener")];
    let blows = names.len() + 1 + pairs.len() + 1;
    let trades = (blows + 1) * TRADES_A_CRASH;
    let load = Load::prepare(&chain, MARKETS, WALLETS, trades).await;
    let client = chain.client().clone();
    for market in &load.markets {
        // Who asks for a market that is not known yet is told so, and would have to ask again.
        wait_for("a market to be known", || async {
            let known = journal_of(&database, *market).await.len();
            if known > 0 { Ok(()) } else { Err("not yet") }
        })
        .await;
    }
    let listening = subscribers(&rig.engine.ws, SUBSCRIBERS, &load.markets).await;

    let mut crashes: Vec<Vec<String>> = vec![vec![market(&load, 0)]];
    crashes.extend(names.into_iter().map(|name| vec![name]));
    crashes.extend(pairs.into_iter().map(|(one, other)| vec![one.to_owned(), other.to_owned()]));
    crashes.push(vec![market(&load, 1), "writer".to_owned()]);
    assert_eq!(crashes.len(), blows);

    let permits = Arc::new(Semaphore::new(TRADES_A_CRASH));
    let traders = load.start(&client, &permits);
    for (blow, names) in crashes.iter().enumerate() {
        // In the middle of the trades of this round; those of the next go on while it recovers.
        let wanted = blow * TRADES_A_CRASH + TRADES_A_CRASH / 2;
        wait_for("trades before a panic", || async {
            let done = load.done();
            if done >= wanted { Ok(()) } else { Err(done) }
        })
        .await;
        for name in names {
            rig.engine.crash(name).await;
        }
        permits.add_permits(TRADES_A_CRASH);
    }
    permits.add_permits(trades);
    let sent = finish(traders).await;

    rig.engine.ready().await;
    let connections: Vec<u32> = listening.iter().map(|one| one.notebook().connections).collect();
    everybody_heard_everything(listening, &sent, &database, &client).await;
    assert_eq!(connections, [1; SUBSCRIBERS], "a subscriber had to connect again");
    rows_equal_accounts(&load, &database, &client).await;
    rig.agrees_with_the_chain().await;
    let rows = database.connect().await;
    let adopted: i64 =
        rows.query_one("SELECT count(*) FROM journal WHERE kind LIKE '%resync'", &[]).await.unwrap().get(0);
    assert_eq!(adopted, 0, "all of the history was there: nothing had to be adopted");
    assert_eq!(dead_letters(&database).await, []);
    wait_for("the engine to be ready again, with nothing stale", || async {
        let answer = zmart_testkit::http::get(&rig.engine.api, "/ready").await;
        if answer.status == 200 { Ok(()) } else { Err(answer.status) }
    })
    .await;
}
