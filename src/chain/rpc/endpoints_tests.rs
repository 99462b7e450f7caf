//! A client of two scripted nodes.

use std::num::NonZeroU32;

use super::{
    node_tests::{Answer, Node, PROGRAM, node, refusal, result},
    *,
};

const CHAIN: &str = "11111111111111111111111111111112";
const SLOT: u64 = 70;
const UNWELL: Answer = Some(("503 Service Unavailable", Value::Null));

/// Genesis hash and slot, again and again.
fn well() -> Vec<Answer> {
    (0..20).flat_map(|_| [result(json!(CHAIN)), result(json!(SLOT))]).collect()
}

async fn two(first: Vec<Answer>, second: Vec<Answer>) -> (Node, Node, ChainRpc) {
    let (first, second) = (node(first).await, node(second).await);
    let endpoints = Endpoints::with_second(&second.url);
    endpoints.bind(CHAIN);
    let options = RpcOptions {
        // Nothing hangs here: an attempt that is merely slow must not be counted twice.
        attempt_timeout: Duration::from_secs(10),
        call_timeout: Duration::from_secs(60),
        attempts: 12,
        ..RpcOptions::new(&first.url, PROGRAM).beside(&endpoints)
    };
    let client = ChainRpc::new(options, RpcBudget::new(NonZeroU32::new(1000).unwrap())).unwrap();
    (first, second, client)
}

async fn look(client: &ChainRpc, endpoint: Endpoint) -> Look {
    let look = client.at(endpoint).look(Duration::from_secs(20)).await;
    client.endpoints().looked(endpoint, &look);
    look
}

#[tokio::test]
async fn a_call_that_begins_at_a_node_that_is_away_ends_at_the_other_and_a_pinned_one_does_not() {
    let (_first, second, client) = two(vec![UNWELL], well()).await;
    assert_eq!(look(&client, Endpoint::Second).await, Look::Answers(Slot(SLOT)));
    assert_eq!(client.endpoint(), Endpoint::First);
    let pinned = client.pinned();
    assert_eq!(client.genesis_hash().await.unwrap(), CHAIN);
    assert_eq!((client.endpoint(), client.decides()), (Endpoint::Second, false));
    assert_eq!(second.count(), 3);
    assert_eq!((pinned.endpoint(), pinned.decides()), (Endpoint::First, true));
}

#[tokio::test]
async fn a_node_of_another_chain_is_seen_before_it_is_used() {
    let (_first, second, client) = two(well(), vec![result(json!("11111111111111111111111111111113"))]).await;
    assert_eq!(look(&client, Endpoint::Second).await, Look::OtherChain);
    assert_eq!(second.count(), 1, "it was asked for nothing else");
    assert!(!client.endpoints().second_is_fit());
    assert!(matches!(client.endpoints().standing(), Standing::Unfit(_)));
}

#[tokio::test]
async fn what_one_node_has_taken_is_given_to_the_other_and_what_one_refuses_is_not() {
    let signature = json!(solana_sdk::signature::Signature::from([5; 64]).to_string());
    let mut second = well();
    second.truncate(2);
    second.push(result(signature.clone()));
    let script = vec![result(signature), refusal(-32002, json!({ "err": "AccountInUse" })), UNWELL];
    let (first, second, client) = two(script, second).await;
    look(&client, Endpoint::Second).await;
    client.send_transaction(&[1], SendOptions::default()).await.unwrap();
    let began = tokio::time::Instant::now();
    while second.count() < 3 && began.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((first.count(), second.count()), (1, 3));
    let refused = client.send_transaction(&[2], SendOptions::default()).await;
    assert!(matches!(refused, Err(ChainSendError::Rejected { .. })), "{refused:?}");
    assert_eq!((first.count(), second.count()), (2, 3));
    client.send_transaction(&[3], SendOptions::default()).await.unwrap();
    assert_eq!((first.count(), second.count()), (3, 4), "the other took it");
}
