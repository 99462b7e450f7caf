//! Whatever happens between a signature and the chain: it trades once, or not at all, and the owner is told which.

use std::time::Duration;

use serde_json::{Value, json};
use zmart::domain::ids::MarketAddress;
use zmart_testkit::{
    chain::SOL,
    patience::wait_for,
    proxy::{Bad, Delay, Fault, Handle, Methods, When},
};

use super::{Floor, Trader};

const SEND: Methods = Methods::Of(&["sendTransaction"]);
const SLOW: Delay = Delay::Fixed(Duration::from_secs(2));

fn order(market: MarketAddress, client_ref: &str) -> Value {
    json!({"market_id": market.to_string(), "outcome": "YES", "spend": SOL.to_string(), "accept_unsound": true,
           "client_ref": client_ref})
}

/// What is on its way once it is signed.
fn handed_in(trader: &Trader, built: &Value) -> Value {
    json!({"transaction": trader.sign(built), "client_ref": built["client_ref"]})
}

async fn trades(floor: &Floor, market: MarketAddress, trader: &Trader) -> u32 {
    floor.client().position(market, trader.wallet()).await.map_or(0, |position| position.trades_count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_repeats_itself_trades_once() {
    let floor = Floor::open().await;
    let trader = floor.trader().await;
    let market = floor.active_market(trader.key(), 100 * SOL).await;
    let built = trader.built("/api/trades/buy", order(market, "an-intent")).await;
    assert_eq!(built["client_ref"], "an-intent");
    let body = handed_in(&trader, &built);
    let first = trader.post_keyed("/api/transactions", &body, "k1").await;
    assert_eq!(first.status, 200, "{}", first.json());
    let signature = first.json()["signature"].as_str().unwrap().to_owned();

    let again = trader.post_keyed("/api/transactions", &body, "k1").await;
    assert_eq!(again.json(), first.json(), "the same key: the same reply");
    let other_key = trader.post_keyed("/api/transactions", &body, "k2").await;
    assert_eq!((other_key.status, &other_key.json()["signature"]), (200, &json!(signature)));
    let without = trader.post("/api/transactions", body).await;
    assert_eq!((without.status, &without.json()["signature"]), (200, &json!(signature)));

    // Another transaction of the same intent: refused while the first may land, and when it has.
    for _ in 0..2 {
        let mut other = order(market, "an-intent");
        other["version"] = json!("legacy");
        let other = trader.built("/api/trades/buy", other).await;
        let conflict = trader.post("/api/transactions", handed_in(&trader, &other)).await.json();
        assert_eq!((&conflict["error"], &conflict["signature"]), (&json!("CONFLICT"), &json!(signature)), "{conflict}");
        trader.stands(&signature, &["finalized"]).await;
    }
    let mismatch = trader.built("/api/trades/buy", order(market, "another")).await;
    let mismatch = trader.post_keyed("/api/transactions", &handed_in(&trader, &mismatch), "k1").await.json();
    assert_eq!(mismatch["error"], "IDEMPOTENCY_MISMATCH");
    assert_eq!(trades(&floor, market, &trader).await, 1);
    let seen = trader.status(&signature).await.json();
    assert_eq!((&seen["client_ref"], &seen["purpose"]), (&json!("an-intent"), &json!("buy_shares")));
    assert_eq!((&seen["settled"], &seen["market_id"]), (&json!(true), &json!(market.to_string())));
    assert_eq!(
        seen["request_id"].as_str(),
        first.header("x-request-id"),
        "the request that handed it in, and no repetition"
    );
    let history = trader.0.get("/api/trades/history").await.json();
    let named: Vec<_> = history["trades"].as_array().unwrap().iter().map(|trade| &trade["client_ref"]).collect();
    assert_eq!(named, [&json!("an-intent")], "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_drops_or_is_slow_or_hangs_up_gets_it_again_until_it_lands_once() {
    let floor = Floor::open().await;
    let trader = floor.trader().await;
    let market = floor.active_market(trader.key(), 100 * SOL).await;
    type Set = fn(&Handle) -> Fault;
    let faults: [(&str, Set); 4] = [
        ("taken-and-dropped", |hand| hand.answer_badly(SEND, Bad::Null, When::Next(2))),
        ("a-bad-gateway", |hand| hand.answer_badly(SEND, Bad::Status(502), When::Next(2))),
        ("executed-and-not-answered", |hand| hand.hang_up(SEND, When::Next(1))),
        ("executed-and-answered-late", |hand| hand.delay_answers(SEND, SLOW, When::Next(1))),
    ];
    for (expected, (what, set)) in (1..).zip(faults) {
        let fault = set(&floor.hand);
        let built = trader.built("/api/trades/buy", order(market, what)).await;
        let signature = trader.submit(&built).await;
        trader.stands(&signature, &["confirmed", "finalized"]).await;
        fault.has_struck(1).await;
        fault.lift();
        assert_eq!(trades(&floor, market, &trader).await, expected, "{what}");
        // The next quote is made from what is known of this trade.
        floor.shown(market, |body| body["trades_count"] == expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_is_sent_by_the_next_life_of_the_engine_and_of_the_actor() {
    let mut floor = Floor::open().await;
    let trader = floor.trader().await;
    let market = floor.active_market(trader.key(), 100 * SOL).await;
    let lost = floor.hand.answer_badly(SEND, Bad::Status(502), When::Always);
    let built = trader.built("/api/trades/buy", order(market, "killed")).await;
    let signature = trader.submit(&built).await;
    lost.has_struck(1).await;
    floor.engine.kill();
    lost.lift();
    floor.engine.start().await;
    let landed = trader.stands(&signature, &["confirmed", "finalized"]).await;
    assert_eq!(landed["client_ref"], "killed");
    assert_eq!(trades(&floor, market, &trader).await, 1);

    floor.shown(market, |body| body["trades_count"] == 1).await;
    let lost = floor.hand.answer_badly(SEND, Bad::Status(502), When::Always);
    let built = trader.built("/api/trades/buy", order(market, "crashed")).await;
    let signature = trader.submit(&built).await;
    lost.has_struck(1).await;
    floor.engine.crash("submissions").await;
    lost.lift();
    trader.stands(&signature, &["confirmed", "finalized"]).await;
    assert_eq!(trades(&floor, market, &trader).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_land_in_its_time_expires_and_frees_its_intent() {
    let floor = Floor::open().await;
    let trader = floor.trader().await;
    let market = floor.active_market(trader.key(), 100 * SOL).await;
    let lost = floor.hand.answer_badly(SEND, Bad::Null, When::Always);
    let built = trader.built("/api/trades/buy", order(market, "late")).await;
    let signature = trader.submit(&built).await;
    let expired = trader.stands(&signature, &["expired"]).await;
    assert_eq!(expired["settled"], true, "{expired}");
    lost.lift();
    assert_eq!(trades(&floor, market, &trader).await, 0);
    // The very same is not sent again; another one of the intent is.
    let again = trader.post("/api/transactions", handed_in(&trader, &built)).await;
    assert_eq!((again.status, &again.json()["status"]), (200, &json!("expired")));
    let built = trader.built("/api/trades/buy", order(market, "late")).await;
    let second = trader.submit(&built).await;
    trader.stands(&second, &["confirmed", "finalized"]).await;
    assert_eq!(trades(&floor, market, &trader).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_node_refuses_is_failed_with_its_reason_and_holds_its_intent_while_it_may_land() {
    let floor = Floor::open().await;
    let trader = floor.trader().await;
    let market = floor.active_market(trader.key(), 100 * SOL).await;
    let built = trader.built("/api/trades/buy", order(market, "refused")).await;
    let mut dearer = order(market, "refused");
    dearer["spend"] = json!((2 * SOL).to_string());
    let other = trader.built("/api/trades/buy", dearer).await;
    // Between building and sending the program is paused.
    floor.chain.toggle_pause().await;
    let signature = trader.submit(&built).await;
    let failed = trader.stands(&signature, &["failed"]).await;
    assert_eq!(failed["reason"], json!({"code": 6010, "name": "ProtocolPaused"}), "{failed}");
    assert_eq!(failed["settled"], false, "{failed}");
    let conflict = trader.post("/api/transactions", handed_in(&trader, &other)).await.json();
    assert_eq!((&conflict["error"], &conflict["signature"]), (&json!("CONFLICT"), &json!(signature)), "{conflict}");
    // When it can't land any more, the intent is free.
    wait_for("the failure to be settled", || async {
        let seen = trader.status(&signature).await.json();
        if seen["settled"] == true { Ok(()) } else { Err(seen) }
    })
    .await;
    floor.chain.toggle_pause().await;
    let built = wait_for("trading to go on", || async {
        let answer = trader.post("/api/trades/buy", order(market, "refused")).await;
        if answer.status == 200 { Ok(answer.json()) } else { Err(answer.json()) }
    })
    .await;
    let second = trader.submit(&built).await;
    trader.stands(&second, &["confirmed", "finalized"]).await;
    assert_eq!(trades(&floor, market, &trader).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rehearsal_refused_once_is_tried_again_and_lands_where_it_would_not_fail_any_more() {
    let floor = Floor::open().await;
    let trader = floor.trader().await;
    let market = floor.active_market(trader.key(), 100 * SOL).await;
    let built = trader.built("/api/trades/buy", order(market, "refused-once")).await;
    floor.chain.toggle_pause().await;
    let signature = trader.submit(&built).await;
    trader.stands(&signature, &["failed"]).await;
    floor.chain.toggle_pause().await;
    let landed = trader.stands(&signature, &["confirmed", "finalized"]).await;
    assert_eq!(landed["reason"], Value::Null, "{landed}");
    assert_eq!(trades(&floor, market, &trader).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_one_that_is_rolled_back_is_on_its_way_again_and_lands_again_or_expires() {
    // Slow enough to be confirmed for a while before it is final.
    let floor = Floor::with_slots_of("200").await;
    let trader = floor.trader().await;
    let market = floor.active_market(trader.key(), 100 * SOL).await;
    let built = trader.built("/api/trades/buy", order(market, "back")).await;
    let signature = trader.submit(&built).await;
    trader.stands(&signature, &["confirmed"]).await;
    let gone = floor.hand.forget(&[signature.parse().unwrap()]);
    trader.stands(&signature, &["received"]).await;
    gone.lift();
    trader.stands(&signature, &["finalized"]).await;

    let built = trader.built("/api/trades/buy", order(market, "gone")).await;
    let signature = trader.submit(&built).await;
    trader.stands(&signature, &["confirmed"]).await;
    let _gone = floor.hand.forget(&[signature.parse().unwrap()]);
    trader.stands(&signature, &["received"]).await;
    let expired = trader.stands(&signature, &["expired"]).await;
    assert_eq!(expired["settled"], true, "{expired}");
}

/// What the engine has logged of a call that fails: how often at all, and how often so that somebody has to look.
fn told(floor: &Floor, method: &str) -> (usize, usize) {
    let said = floor.engine.said();
    let of_it: Vec<&str> = said.lines().filter(|line| line.contains(&format!("{method}: "))).collect();
    let is_loud = |line: &&&str| line.contains(" WARN ") || line.contains(" ERROR ");
    (of_it.len(), of_it.iter().filter(is_loud).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_lasts_is_logged_once_each_time_that_it_begins() {
    let floor = Floor::open().await;
    let trader = floor.trader().await;
    let market = floor.active_market(trader.key(), 100 * SOL).await;
    // What can't land stays on its way, and what the chain has of it is asked again and again.
    let _lost = floor.hand.answer_badly(SEND, Bad::Status(502), When::Always);
    const CALLS: [&[&str]; 2] = [&["getSignatureStatuses"], &["getSignaturesForAddress"]];
    const OVER: [&str; 2] = ["users' transactions go on after", "Rpc is up"];
    let all = || CALLS.map(|methods| told(&floor, methods[0]).0);
    let overs = || OVER.map(|over| floor.engine.said().matches(over).count());
    for begun in 1..=2 {
        let (before, overs_before) = (all(), overs());
        let built = trader.built("/api/trades/buy", order(market, &format!("on-its-way-{begun}"))).await;
        let fails = CALLS.map(|methods| floor.hand.answer_badly(Methods::Of(methods), Bad::Status(502), When::Always));
        // From here on nobody can know that it is too late for it.
        trader.submit(&built).await;
        wait_for("both to fail again and again", || async {
            let all = all();
            if (0..2).all(|call| all[call] >= before[call] + 2) { Ok(()) } else { Err(format!("{all:?}")) }
        })
        .await;
        assert_eq!(CALLS.map(|methods| told(&floor, methods[0]).1), [begun; 2], "{}", floor.engine.said());
        fails.iter().for_each(Fault::lift);
        wait_for("both to be over", || async {
            let overs = overs();
            if (0..2).all(|call| overs[call] > overs_before[call]) { Ok(()) } else { Err(format!("{overs:?}")) }
        })
        .await;
        assert_eq!(overs(), overs_before.map(|before| before + 1));
    }
}
