//! JSON-RPC fails often, in every way in which nodes fail; and notifications are lost meanwhile, so that it is needed.

use std::time::Duration;

use zmart_testkit::proxy::{Bad, Delay, Methods, When, Which};

use super::{super::scene::Cast, Named, Wire};

const SEED: u64 = 11;
const OFTEN: When = When::OneIn { n: 3, seed: SEED };
/// Those with an effect on what is known of the chain's history.
const READS: Methods = Methods::Of(&["getSignaturesForAddress", "getTransaction", "getMultipleAccounts", "getSlot"]);

const FAULTS: [Named; 10] = [
    ("internal errors", |hand| hand.answer_badly(Methods::All, Bad::Error(-32603), OFTEN)),
    ("a node that is behind", |hand| hand.answer_badly(Methods::All, Bad::Error(-32005), OFTEN)),
    ("a bad gateway", |hand| hand.answer_badly(Methods::All, Bad::Status(502), OFTEN)),
    ("too many requests", |hand| hand.answer_badly(Methods::All, Bad::TooMany(Some(1)), When::Next(4))),
    ("answers that are no JSON", |hand| hand.answer_badly(READS, Bad::Garbage, OFTEN)),
    ("answers without their second half", |hand| hand.answer_badly(READS, Bad::Half, OFTEN)),
    ("answers without a body", |hand| hand.answer_badly(READS, Bad::Empty, OFTEN)),
    ("transactions that are not there yet", |hand| {
        hand.answer_badly(Methods::Of(&["getTransaction"]), Bad::Null, OFTEN)
    }),
    ("connections that end inside an answer", |hand| hand.cut_answers(Methods::All, OFTEN)),
    ("connections that end instead of an answer", |hand| hand.hang_up(Methods::All, OFTEN)),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_often_fails_to_answer_is_asked_again_and_nothing_is_lost_or_adopted() {
    let wire = Wire::set(Cast::default(), &[]).await;
    for (name, set) in FAULTS {
        let faults = [set(&wire.hand), wire.hand.withhold(Which::Logs, When::OneIn { n: 4, seed: SEED })];
        wire.bears(name, &faults).await;
    }
    let slow = wire.hand.delay_answers(Methods::All, Delay::UpTo(Duration::from_millis(400), SEED), When::Always);
    wire.bears("a node that is slow", &[slow]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_refuses_everything_is_told_by_readiness_and_waited_for() {
    let wire = Wire::set(Cast::default(), &[]).await;
    let lost = wire.hand.withhold(Which::Logs, When::Always);
    for (name, bad) in [("errors only", Bad::Error(-32603)), ("too many requests only", Bad::TooMany(None))] {
        let fault = wire.hand.answer_badly(Methods::All, bad, When::Always);
        wire.strike(name, std::slice::from_ref(&fault), 1).await;
        wire.scene.rig.engine.down("rpc").await;
        fault.lift();
        wire.scene.is_well(name).await;
    }
    lost.lift();
}
