//! Faults of notifications.

use std::time::Duration;

use serde_json::Value;
use zmart::{
    chain::{model::LOG_TRUNCATED, program::ProgramAddresses},
    domain::ids::MarketSeed,
};
use zmart_testkit::{
    chain::PROGRAM,
    proxy::{Cut, Delay, Place, When, Which},
};

use super::node::Rig;

const MARKET: MarketSeed = MarketSeed([1; 32]);

fn which_market() -> Which {
    Which::Market(ProgramAddresses::new(PROGRAM.parse().unwrap()).market(MARKET).0)
}

#[tokio::test]
async fn what_no_fault_touches_passes_byte_for_byte() {
    let rig = Rig::start().await;
    let mut listener = rig.listen().await;
    let odd = r#"{ "method":"logsNotification",  "params" : {"z":1,"a":2 , "result":{"value":{"signature":"x"}}}}"#;
    rig.say(odd.to_owned());
    assert_eq!(listener.text().await.unwrap(), odd);
    // Also where a fault looks at it.
    let fault = rig.faults.withhold(which_market(), When::Always);
    rig.say(odd.to_owned());
    assert_eq!(listener.text().await.unwrap(), odd);
    assert_eq!(fault.struck(), 0);
}

#[tokio::test]
async fn withheld_notifications_never_come_and_are_counted() {
    let rig = Rig::start().await;
    let mut listener = rig.listen().await;
    let fault = rig.faults.withhold(Which::Logs, When::Next(2));
    for name in 1..=3 {
        rig.execute(name, 10, MARKET);
    }
    assert_eq!(listener.name().await, 3);
    assert_eq!((fault.struck(), fault.left()), (2, 0));
}

#[tokio::test]
async fn only_those_of_the_market_are_withheld_until_the_fault_is_lifted() {
    let rig = Rig::start().await;
    let mut listener = rig.listen().await;
    let fault = rig.faults.withhold(which_market(), When::Always);
    rig.execute(1, 10, MARKET);
    rig.execute(2, 10, MarketSeed([2; 32]));
    assert_eq!(listener.name().await, 2);
    fault.lift();
    rig.execute(3, 10, MARKET);
    assert_eq!(listener.name().await, 3);
    assert_eq!(fault.struck(), 1);
}

#[tokio::test]
async fn whenever_a_market_falls_silent_its_last_notification_is_missing() {
    let rig = Rig::start().await;
    let mut listener = rig.listen().await;
    let fault = rig.faults.withhold_last(which_market());
    rig.execute(1, 10, MARKET);
    rig.execute(2, 10, MarketSeed([2; 32]));
    rig.execute(3, 10, MARKET);
    rig.execute(4, 10, MarketSeed([2; 32]));
    assert_eq!(listener.names(3).await, [2, 1, 4]);
    fault.lift();
    assert_eq!(listener.name().await, 3);
    assert_eq!(fault.struck(), 2);
}

#[tokio::test]
async fn repeated_notifications_come_twice_or_again_much_later() {
    let rig = Rig::start().await;
    let mut listener = rig.listen().await;
    let twice = rig.faults.repeat(Which::Logs, When::Next(1));
    rig.execute(1, 10, MARKET);
    rig.execute(2, 10, MARKET);
    assert_eq!(listener.names(3).await, [1, 1, 2]);
    assert_eq!(twice.struck(), 1);
    twice.lift();

    let later = rig.faults.repeat_later(Which::Logs, 3, When::Next(1));
    for name in 3..=7 {
        rig.execute(name, 10, MARKET);
    }
    assert_eq!(listener.names(6).await, [3, 4, 5, 6, 3, 7]);
    assert_eq!(later.struck(), 1);
}

#[tokio::test]
async fn reordered_notifications_are_all_there_in_an_order_that_the_seed_decides() {
    let mut orders = Vec::new();
    for seed in [7, 7, 8] {
        let rig = Rig::start().await;
        let mut listener = rig.listen().await;
        let fault = rig.faults.reorder(Which::Logs, 6, seed);
        for name in 1..=7 {
            rig.execute(name, 10, MARKET);
        }
        let order = listener.names(6).await;
        let mut sorted = order.clone();
        sorted.sort();
        assert_eq!(sorted, [1, 2, 3, 4, 5, 6]);
        assert_ne!(order, sorted);
        assert!(fault.struck() >= 2);
        // The one that was still held.
        fault.lift();
        assert_eq!(listener.name().await, 7);
        orders.push(order);
    }
    assert_eq!(orders[0], orders[1]);
    assert_ne!(orders[0], orders[2]);
}

#[tokio::test]
async fn late_notifications_keep_their_order() {
    let rig = Rig::start().await;
    let mut listener = rig.listen().await;
    let late = Delay::UpTo(Duration::from_millis(50), 3);
    let fault = rig.faults.delay_notifications(Which::Logs, late, When::OneIn { n: 2, seed: 1 });
    let started = tokio::time::Instant::now();
    for name in 1..=20 {
        rig.execute(name, 10, MARKET);
    }
    assert_eq!(listener.names(20).await, (1..=20).collect::<Vec<u8>>());
    assert!((1..20).contains(&fault.struck()), "{}", fault.struck());
    fault.lift();
    let _fixed = rig.faults.delay_notifications(Which::Logs, Delay::Fixed(Duration::from_millis(80)), When::Always);
    rig.execute(21, 10, MARKET);
    assert_eq!(listener.name().await, 21);
    assert!(started.elapsed() >= Duration::from_millis(80), "it was held back");
}

#[tokio::test]
async fn logs_are_cut_with_and_without_a_mark() {
    let rig = Rig::start().await;
    let mut listener = rig.listen().await;
    let logs = async |listener: &mut super::node::Listener| {
        let note: Value = serde_json::from_str(&listener.text().await.unwrap()).unwrap();
        note["params"]["result"]["value"]["logs"].as_array().unwrap().clone()
    };
    rig.execute(1, 10, MARKET);
    let whole = logs(&mut listener).await;
    let marked = rig.faults.cut_logs(Place::Notifications, Cut::Marked, When::Next(1));
    rig.execute(2, 10, MARKET);
    assert_eq!(logs(&mut listener).await, [&whole[..3], &[LOG_TRUNCATED.into()]].concat());
    let unmarked = rig.faults.cut_logs(Place::Notifications, Cut::Unmarked, When::Next(1));
    rig.execute(3, 10, MARKET);
    assert_eq!(logs(&mut listener).await, whole[..3]);
    assert_eq!((marked.struck(), unmarked.struck()), (1, 1));

    // Elsewhere they are whole.
    let told = rig.result("getTransaction", serde_json::json!([zmart::domain::ids::TxSignature([3; 64])])).await;
    assert_eq!(told["meta"]["logMessages"], Value::from(whole.clone()));
    let answers = rig.faults.cut_logs(Place::Transactions, Cut::Unmarked, When::Next(1));
    let told = rig.result("getTransaction", serde_json::json!([zmart::domain::ids::TxSignature([3; 64])])).await;
    assert_eq!(told["meta"]["logMessages"], Value::from(whole[..3].to_vec()));
    assert_eq!(answers.struck(), 1);
}
