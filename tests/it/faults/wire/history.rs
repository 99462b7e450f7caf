//! The chain's lists change while they are read, are behind, or end too early.

use zmart::domain::event::Outcome;
use zmart_testkit::{
    audit,
    chain::{Chain, SOL},
    compare::differences,
    patience::wait_for,
    proxy::{PageFault, When, Which},
};

use super::{
    super::{journal_of, journal_with, scene::Cast},
    Named, TRADES, Wire,
};

const SEED: u64 = 17;

const FAULTS: [Named; 5] = [
    ("short pages", |hand| hand.bad_pages(PageFault::Short(3), When::Always)),
    ("pages that overlap", |hand| hand.bad_pages(PageFault::Overlap(2), When::Always)),
    ("a page's beginning that was forgotten", |hand| {
        hand.bad_pages(PageFault::ForgottenBefore, When::OneIn { n: 3, seed: SEED })
    }),
    ("JSON-RPC behind its websocket", |hand| hand.rpc_behind(25, false, When::Always)),
    ("JSON-RPC behind its websocket that tells the newest slot", |hand| hand.rpc_behind(25, true, When::Always)),
];

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_change_while_they_are_read_or_are_behind_lose_nothing() {
    let wire = Wire::set(Cast::default(), &[]).await;
    for (name, set) in FAULTS {
        let mut faults = vec![set(&wire.hand), wire.hand.withhold(Which::Logs, When::OneIn { n: 3, seed: SEED })];
        if name.starts_with("page") || name.starts_with("a page") {
            // Pages that go on are only asked for where one does not reach the cursor.
            faults.push(wire.hand.bad_pages(PageFault::Short(2), When::Always));
        }
        wire.bears(name, &faults).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trades_of_one_slot_that_are_listed_in_another_order_are_put_in_the_blocks() {
    // Long slots, and many who trade in few markets: several trades of a market share a slot.
    let cast = Cast { markets: 1, wallets: 6, subscribers: 1 };
    let wire = Wire::on(Chain::with_slots_of("400").await, cast).await;
    let faults = [
        wire.hand.bad_pages(PageFault::SlotsReversed, When::Always),
        wire.hand.withhold(Which::Logs, When::Always),
        wire.hand.transaction_index(false),
    ];
    // Whatever happened before is known in its order: two new trades of the market have to share a slot.
    let market = wire.scene.load.markets[0];
    let known = i64::try_from(journal_of(&wire.scene.database, market).await.len()).unwrap();
    wait_for("two new trades in one slot", || async {
        if wire.scene.load.done() >= wire.scene.allowed() {
            wire.scene.let_trade(cast.wallets);
        }
        let rows = wire.scene.database.connect().await;
        const SQL: &str = "SELECT slot FROM chain_events WHERE stream = $1::text AND seq > $2 \
                           GROUP BY slot HAVING count(DISTINCT signature) > 1";
        let shared = rows.query(SQL, &[&market.to_string(), &known]).await.unwrap();
        if shared.is_empty() { Err("none yet") } else { Ok(()) }
    })
    .await;
    wire.bears("lists in another order than the blocks", &faults[..2]).await;
    faults[2].lift();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_merely_processed_is_shown_when_it_is_confirmed() {
    let wire = Wire::set(Cast::default(), &[]).await;
    let (scene, client) = (&wire.scene, &wire.scene.client);
    let trader = client.funded_wallet().await;
    let market = scene.chain.active_market(&trader, 100 * SOL).await;
    let first = client.buy(market, &trader, Outcome::Yes, SOL).await;
    let before = journal_with(&scene.database, market, first).await;
    let deaf = wire.hand.withhold(Which::Market(market), When::Always);
    let second = client.buy(market, &trader, Outcome::No, SOL + 1).await;
    let processed = wire.hand.only_processed(&[second], When::Always);
    deaf.has_struck(1).await;
    let asked = processed.struck();
    processed.has_struck(asked + 3).await;
    let during = journal_of(&scene.database, market).await;
    // It may have been listed as confirmed before the fault was set.
    if during.len() == before.len() {
        processed.lift();
        journal_with(&scene.database, market, second).await;
    }
    processed.lift();
    deaf.lift();
    scene.is_well("a transaction that was merely processed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_ends_before_the_cursor_is_reported_and_healed_from_accounts() {
    let mut wire = Wire::set(Cast::default(), &[]).await;
    wire.scene.trade(TRADES).await;
    wire.scene.is_well("nothing").await;
    let known: i64 = trades(&wire).await;
    // Nobody is there while trades go on, and of those the node keeps only the newest.
    wire.scene.rig.engine.kill();
    wire.scene.trade(3 * TRADES).await;
    let slot = wire.scene.client.slot().await;
    let retention = wire.hand.history_begins(slot);
    wire.scene.trade(TRADES).await;
    wire.scene.rig.engine.start().await;
    wire.scene.rig.engine.ready().await;

    assert!(retention.struck() > 0);
    let letters = audit::dead_letters(&wire.scene.database).await;
    let reasons: Vec<_> = letters.iter().map(|(source, reason, _)| (source.as_str(), reason.as_str())).collect();
    assert_eq!(reasons, [("coverage", "unfillable")]);
    // The accounts are met; what is known of history is there, and goes on.
    wire.scene.trade(TRADES).await;
    wait_for("every market to be its account", || async {
        let found = differences(&wire.scene.database, &wire.scene.client, &wire.scene.load.markets, &[]).await;
        if found.is_empty() { Ok(()) } else { Err(format!("{found:#?}")) }
    })
    .await;
    assert!(trades(&wire).await > known);
    assert!(audit::adoptions(&wire.scene.database).await > 0);
    // A staged signature is forgotten a moment after its effect is durable.
    wait_for("the journal's rules to hold", || async {
        let breaches = audit::breaches(&wire.scene.database).await;
        if breaches.is_empty() { Ok(()) } else { Err(format!("{breaches:#?}")) }
    })
    .await;
    for notebook in wire.scene.notebooks() {
        assert!(notebook.faults.is_empty(), "{:#?}", notebook.faults);
    }
}

async fn trades(wire: &Wire) -> i64 {
    let rows = wire.scene.database.connect().await;
    rows.query_one("SELECT count(*) FROM trades", &[]).await.unwrap().get(0)
}
