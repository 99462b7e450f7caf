//! Transactions that were never told: found, and put where they belong.

use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
    signer::Signer,
};
use zmart::domain::event::Outcome;
use zmart_testkit::{
    chain::{Chain, SOL},
    patience::wait_for,
    postgres::Database,
    proxy::{Proxy, When, Which},
    subscriber::Subscriber,
};

use super::{dead_letters, journal_of, journal_with, rig::Rig};

#[tokio::test(flavor = "multi_thread")]
async fn what_live_notifications_lose_is_found_and_put_in_its_place() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let client = chain.client().clone();
    let trader = client.funded_wallet().await;
    let market = chain.active_market(&trader, 100 * SOL).await;
    let proxy = Proxy::before(&client.rpc_url, &chain.ws_url).await;
    // Coverage comes late enough for the stream to notice the hole by itself.
    let settings = [("SOLANA_WS_URL", proxy.ws_url.clone()), ("COVERAGE_INTERVAL_MS", "4000".to_owned())];
    let mut rig = Rig::start(&chain, &database, &settings).await;
    let listening = Subscriber::start(&rig.engine.ws, &[market]);
    wait_for("a first state", || async { if listening.follows(1) { Ok(()) } else { Err("none yet") } }).await;

    // A hole in the middle: the next trade does not fit.
    let mut sent = vec![client.buy(market, &trader, Outcome::Yes, SOL).await];
    journal_with(&database, market, sent[0]).await;
    let lost = proxy.handle().withhold(Which::Logs, When::Next(1));
    sent.push(client.buy(market, &trader, Outcome::No, SOL + 1).await);
    lost.has_struck(1).await;
    sent.push(client.buy(market, &trader, Outcome::Yes, SOL + 2).await);
    journal_with(&database, market, sent[2]).await;

    // The last trade of a market that falls silent: nothing that comes later shows the loss.
    let lost = proxy.handle().withhold(Which::Market(market), When::Next(1));
    sent.push(client.sell(market, &trader, Outcome::Yes, 1_000_000).await);
    lost.has_struck(1).await;
    journal_with(&database, market, sent[3]).await;

    // Nobody is there to be told.
    rig.engine.kill();
    let mut away = Vec::new();
    for more in 0..5 {
        away.push(client.buy(market, &trader, Outcome::No, 2 * SOL + more).await);
    }
    let heard = listening.stop().await;
    rig.engine.start().await;
    let journal = journal_with(&database, market, away[4]).await;

    assert!(heard.faults.is_empty(), "{:#?}", heard.faults);
    let told: Vec<String> = heard.markets[&market].trades.iter().map(|(_, signature)| signature.clone()).collect();
    assert_eq!(told, sent.iter().map(ToString::to_string).collect::<Vec<_>>());
    let journaled: Vec<String> = journal.iter().filter_map(|(_, signature)| signature.clone()).collect();
    let on_chain: Vec<String> = client.signatures(market).await.iter().map(ToString::to_string).collect();
    // A transaction may hold two events of the market (tally and approval).
    let mut once = journaled.clone();
    once.dedup();
    assert_eq!(once, on_chain, "the journal's order is the chain's");
    assert!(journal.iter().all(|(kind, _)| kind != "resync"), "all of the history was there: {journal:?}");
    rig.engine.ready().await;
    rig.agrees_with_the_chain().await;
    assert_eq!(dead_letters(&database).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_only_look_like_ours_leave_no_trace_and_stop_nothing() {
    let (chain, database) = (Chain::start().await, Database::fresh().await);
    let client = chain.client().clone();
    let trader = client.funded_wallet().await;
    let market = chain.active_market(&trader, 100 * SOL).await;
    let rig = Rig::start(&chain, &database, &[]).await;
    let first = client.buy(market, &trader, Outcome::Yes, SOL).await;
    let before = journal_with(&database, market, first).await;

    // A transfer that names the program and the market among its accounts: the node tells it to whoever follows them.
    let (from, program, named) =
        (trader.pubkey(), Pubkey::new_from_array(client.program.0), Pubkey::new_from_array(market.0));
    let mut data = vec![2, 0, 0, 0];
    data.extend_from_slice(&1u64.to_le_bytes());
    let transfer = Instruction {
        program_id: Pubkey::default(),
        accounts: vec![
            AccountMeta::new(from, true),
            AccountMeta::new(from, false),
            AccountMeta::new_readonly(program, false),
            AccountMeta::new_readonly(named, false),
        ],
        data,
    };
    let mention = client.must_send(&[transfer], &[&trader]).await;
    let second = client.buy(market, &trader, Outcome::No, SOL + 5).await;

    let after = journal_with(&database, market, second).await;
    assert_eq!(after.len(), before.len() + 1, "{after:?}");
    // Coverage has seen it as well by the time that it has proved the slot of a later trade.
    let slot: i64 = database
        .connect()
        .await
        .query_one("SELECT max(slot) FROM chain_events WHERE signature = $1::text", &[&second.to_string()])
        .await
        .unwrap()
        .get(0);
    wait_for("coverage of the last trade", || async {
        let row = database.connect().await.query_one("SELECT covered_slot FROM chain_cursor", &[]).await;
        match row.map(|row| row.get::<_, i64>(0)) {
            Ok(covered) if covered >= slot => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert_eq!(journal_of(&database, market).await, after);
    assert!(after.iter().all(|(_, signature)| signature.as_deref() != Some(mention.to_string().as_str())));
    assert_eq!(dead_letters(&database).await, []);
    let staged: i64 =
        database.connect().await.query_one("SELECT count(*) FROM staged_signatures", &[]).await.unwrap().get(0);
    assert_eq!(staged, 0);
    rig.engine.ready().await;
    rig.agrees_with_the_chain().await;
}
