//! Live notifications are the fast path and prove nothing.

use std::time::Duration;

use solana_sdk::signer::Signer;
use zmart::domain::event::Outcome;
use zmart_testkit::{
    chain::SOL,
    proxy::{Cut, Delay, Place, When, Which},
};

use super::{
    super::{journal_with, scene::Cast},
    Named, Wire,
};

const SEED: u64 = 3;

/// Names and how they are set.
const FAULTS: [Named; 9] = [
    ("notifications that are late", |hand| {
        hand.delay_notifications(
            Which::All,
            Delay::UpTo(Duration::from_millis(800), SEED),
            When::OneIn { n: 4, seed: SEED },
        )
    }),
    ("notifications that never come", |hand| hand.withhold(Which::Logs, When::OneIn { n: 3, seed: SEED })),
    ("no notification of a transaction at all", |hand| hand.withhold(Which::Logs, When::Always)),
    ("the last notification that never comes", |hand| hand.withhold_last(Which::Logs)),
    ("notifications that come twice", |hand| hand.repeat(Which::All, When::Always)),
    ("notifications that come again later", |hand| hand.repeat_later(Which::Logs, 7, When::Always)),
    ("notifications in another order", |hand| hand.reorder(Which::Logs, 5, SEED)),
    ("logs that are cut and marked", |hand| hand.cut_logs(Place::Notifications, Cut::Marked, When::Always)),
    ("sockets that end inside a notification", |hand| {
        hand.cut_notifications(Which::Logs, When::OneIn { n: 9, seed: SEED })
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_notifications_do_everything_is_heard_in_order() {
    let wire = Wire::set(Cast::default(), &[]).await;
    for (name, set) in FAULTS {
        let fault = set(&wire.hand);
        wire.bears(name, &[fault]).await;
    }
    let both = [
        wire.hand.withhold(Which::Logs, When::OneIn { n: 4, seed: SEED }),
        wire.hand.reorder(Which::Logs, 6, SEED),
        wire.hand.repeat_later(Which::Logs, 3, When::OneIn { n: 2, seed: SEED }),
    ];
    wire.bears("loss, disorder and repetition at once", &both).await;
    assert!(wire.scene.connections().iter().all(|connections| *connections == 1), "a subscriber had to connect again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_notification_of_a_quiet_market_is_missed_by_nobody() {
    let wire = Wire::set(Cast::default(), &[]).await;
    let trader = wire.scene.client.funded_wallet().await;
    let market = wire.scene.chain.active_market(&trader, 100 * SOL).await;
    let fault = wire.hand.withhold_last(Which::Market(market));
    let last = wire.scene.client.buy(market, &trader, Outcome::Yes, SOL).await;
    journal_with(&wire.scene.database, market, last).await;
    assert!(fault.struck() > 0, "it was not withheld");
    // What was found is told once more when it comes after all.
    wire.survives("a last notification that comes late", &[fault]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_cut_without_a_word_is_healed_at_the_next_trade() {
    let wire = Wire::set(Cast::default(), &[]).await;
    let (scene, client) = (&wire.scene, &wire.scene.client);
    let trader = client.funded_wallet().await;
    let market = scene.chain.active_market(&trader, 100 * SOL).await;
    let first = client.buy(market, &trader, Outcome::Yes, SOL).await;
    journal_with(&scene.database, market, first).await;

    let fault = wire.hand.cut_logs_of(Which::Market(market), Place::Notifications, Cut::Unmarked, When::Next(1));
    let two = [(Outcome::No, SOL), (Outcome::Yes, 2 * SOL)]
        .map(|(outcome, cost)| client.buy_instruction(market, trader.pubkey(), outcome, cost));
    let double = client.must_send(&two, &[&trader]).await;
    journal_with(&scene.database, market, double).await;
    fault.has_struck(1).await;
    let next = client.buy(market, &trader, Outcome::Yes, SOL + 1).await;

    let journal = journal_with(&scene.database, market, next).await;
    let of_double = journal.iter().filter(|(_, signature)| *signature == Some(double.to_string())).count();
    assert_eq!(of_double, 2, "{journal:?}");
    fault.lift();
    scene.is_well("a log that was cut without a word").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_truncated_log_lacks_is_made_from_the_instructions_wherever_it_is_read() {
    let wire = Wire::set(Cast::default(), &[]).await;
    let (scene, client) = (&wire.scene, &wire.scene.client);
    let trader = client.funded_wallet().await;
    let market = scene.chain.active_market(&trader, 100 * SOL).await;
    let first = client.buy(market, &trader, Outcome::Yes, SOL).await;
    journal_with(&scene.database, market, first).await;
    let cut = [
        wire.hand.cut_logs(Place::Transactions, Cut::Marked, When::Always),
        wire.hand.cut_logs(Place::Notifications, Cut::Marked, When::OneIn { n: 2, seed: SEED }),
    ];
    // Several of our instructions in one transaction, and a market that is proposed and voted on.
    let two = [(Outcome::No, SOL), (Outcome::Yes, 2 * SOL)]
        .map(|(outcome, cost)| client.buy_instruction(market, trader.pubkey(), outcome, cost));
    let double = client.must_send(&two, &[&trader]).await;
    let journal = journal_with(&scene.database, market, double).await;
    let of_double =
        journal.iter().filter(|(kind, name)| kind == "trade" && name.as_deref() == Some(&double.to_string()));
    assert_eq!(of_double.count(), 2, "{journal:?}");
    let proposed = client.proposed_market(&trader, 100 * SOL).await;
    let voted = client.vote(proposed, &trader, true).await;
    let journal = journal_with(&scene.database, proposed, voted).await;
    assert_eq!(journal.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["event", "event"]);
    wire.bears("truncated logs", &cut).await;
}
