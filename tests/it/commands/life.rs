//! The whole life of an order, and of a vote, over one socket: no request of HTTP after sign-in.

use serde_json::{Value, json};
use zmart_testkit::{chain::SOL, patience::wait_for, stage::Stage};

use super::Trader;

/// Waits until a transaction stands where nobody doubts it any more.
async fn confirmed(trader: &mut Trader, signature: &Value) -> Value {
    for _ in 0..600 {
        let seen = trader.get("get", json!({"what": "transaction", "signature": signature})).await;
        match seen["status"].as_str().unwrap() {
            "confirmed" | "finalized" => return seen,
            "failed" | "expired" => panic!("{seen}"),
            _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
    panic!("{signature} is not confirmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_lives_its_whole_life_over_one_socket() {
    let stage = Stage::set().await;
    let client = stage.chain.client();
    let (creator, buyer) = (client.funded_wallet().await, client.funded_wallet().await);
    let market = stage.chain.active_market(&creator, 100 * SOL).await;
    stage.shown_active(market).await;
    let mut trader = Trader::signed_in(&stage.engine, buyer).await;
    let id = market.to_string();

    let subscribed = trader.ask("subscribe", json!({"market_id": id})).await;
    assert_eq!(subscribed["type"], "subscribed");
    let order = json!({"market_id": id, "outcome": "YES", "spend": (20 * SOL).to_string()});
    let mut asked = order.clone();
    asked["trade_type"] = json!("buy");
    let quote = trader.ask("quote", asked.clone()).await;
    assert_eq!((&quote["type"], &quote["market_id"]), (&json!("quote"), &json!(id)), "{quote}");
    for place in ["epoch", "seq"] {
        assert_eq!(quote[place], subscribed[place], "{quote} {subscribed}");
    }
    let path = format!("/api/trades/estimate?trade_type=buy&outcome=YES&market_id={id}&spend={}", 20 * SOL);
    assert_eq!(quote["data"], trader.client.get(&path).await.json(), "the same as by REST");

    let mut build = order.clone();
    build["op"] = json!("buy");
    build["accept_unsound"] = json!(true);
    build["client_ref"] = json!("over-the-socket");
    let built = trader.get("build", build).await;
    assert_eq!(built["quote"]["shares"], quote["data"]["shares"], "{built}");
    let transaction = trader.sign(&built);
    let handed_in = json!({"transaction": transaction, "client_ref": "over-the-socket"});
    let taken = trader.get("submit", handed_in.clone()).await;
    assert_eq!(taken["status"], "received", "{taken}");
    let trade = trader.connection.next_of("trade_executed").await;
    assert_eq!(trade["channel"], json!(format!("market:{id}")));
    assert_eq!(trade["data"]["tx_signature"], taken["signature"], "{trade}");
    assert_eq!(trade["data"]["shares"], quote["data"]["shares"], "what was quoted is what is traded");

    // Said again, it is the same transaction; another one of the intent is refused with the first's name.
    assert_eq!(trader.get("submit", handed_in).await["signature"], taken["signature"]);
    let mut other = order;
    other["op"] = json!("buy");
    other["accept_unsound"] = json!(true);
    other["version"] = json!("legacy");
    let other = trader.get("build", other).await;
    let other = json!({"transaction": trader.sign(&other), "client_ref": "over-the-socket"});
    let refused = trader.ask("submit", other).await;
    assert_eq!((&refused["code"], &refused["signature"]), (&json!("CONFLICT"), &taken["signature"]), "{refused}");
    assert_eq!(refused["retryable"], json!(false));

    let seen = confirmed(&mut trader, &taken["signature"]).await;
    assert_eq!((&seen["client_ref"], &seen["market_id"]), (&json!("over-the-socket"), &json!(id)), "{seen}");
    let held = trader.get("get", json!({"what": "positions"})).await;
    assert_eq!(held["positions"][0]["market_id"], json!(id), "{held}");
    assert_eq!(held["positions"][0]["shares_yes"], quote["data"]["shares"], "{held}");
    let wallet = trader.client.wallet().to_string();
    // What it cost is summed up a moment later: until then no gain is shown, and no other one ever.
    let gained = |position: &Value| {
        let amount = |name: &str| position[name].as_str().unwrap().parse::<i64>().unwrap();
        (!position["roi"].is_null()).then(|| amount("unrealized_pnl") - amount("current_value"))
    };
    let invested = held["positions"][0]["total_invested"].as_str().unwrap().parse::<i64>().unwrap();
    assert!(gained(&held["positions"][0]).is_none_or(|gained| gained == -invested), "{held}");
    wait_for("the position to be the same by both ways", || async {
        let by_rest = trader.client.get(&format!("/api/users/{wallet}/positions")).await.json();
        let is_summed_up = gained(&by_rest[0]) == Some(-invested);
        if is_summed_up { Ok(()) } else { Err(by_rest.to_string()) }
    })
    .await;
    let held = trader.get("get", json!({"what": "positions"})).await;
    let by_rest = trader.client.get(&format!("/api/users/{wallet}/positions")).await.json();
    assert_eq!(held["positions"], by_rest);
    let own = trader.get("get", json!({"what": "trades", "limit": 1})).await;
    assert_eq!(own["trades"][0]["client_ref"], json!("over-the-socket"), "{own}");
    for (what, path) in [
        (json!({"what": "market", "market_id": id}), format!("/api/markets/{id}")),
        (json!({"what": "markets", "state": "ACTIVE", "limit": 5}), "/api/markets?state=ACTIVE&limit=5".to_owned()),
        (json!({"what": "config"}), "/api/config".to_owned()),
        (json!({"what": "portfolio", "window": "24h"}), format!("/api/users/{wallet}/portfolio?window=24h")),
        (json!({"what": "votes", "market_id": id}), format!("/api/votes/{id}")),
    ] {
        // Figures of the last day are taken in the background: both are asked until they agree.
        let (mut ours, mut theirs) = (Value::Null, Value::Bool(true));
        for _ in 0..200 {
            ours = trader.get("get", what.clone()).await;
            theirs = trader.client.get(&path).await.json();
            if ours == theirs {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(ours, theirs, "{what}: as by REST");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_over_the_socket_reaches_the_tally_and_every_step_is_built_there() {
    let stage = Stage::set().await;
    let client = stage.chain.client();
    let mut creator = Trader::signed_in(&stage.engine, client.funded_wallet().await).await;
    let mut voter = Trader::signed_in(&stage.engine, client.funded_wallet().await).await;

    let wanted = json!({"op": "create_market", "question": "Is it all over one socket?", "category": "tests",
                        "b_parameter": (100 * SOL).to_string(), "initial_liquidity": SOL.to_string(),
                        "idempotency_key": "one"});
    let built = creator.get("build", wanted.clone()).await;
    assert_eq!(creator.get("build", wanted.clone()).await, built, "the same key: the same market");
    let mut other = wanted;
    other["category"] = json!("others");
    assert_eq!(creator.refused("build", other).await, "IDEMPOTENCY_MISMATCH");
    let transaction = creator.sign(&built);
    creator.get("submit", json!({"transaction": transaction})).await;
    let market = built["market"].as_str().unwrap().parse().unwrap();
    stage.shown(market).await;
    let id = built["market"].clone();

    let subscribed = voter.ask("subscribe", json!({"market_id": id})).await;
    assert_eq!(subscribed["type"], "subscribed", "{subscribed}");
    let ballot = json!({"vote_type": "proposal", "market_id": id, "vote": true});
    let told = voter.get("vote", ballot.clone()).await;
    assert_eq!((&told["vote"], &told["tally"]["likes"]), (&json!(true), &json!(1)), "{told}");
    let frame = voter.connection.next_of("vote_update").await;
    assert_eq!(frame["data"]["user_wallet"], json!(voter.client.wallet()), "{frame}");
    assert_eq!(frame["data"]["tally"]["likes"], json!(1), "{frame}");
    assert_eq!(voter.refused("vote", ballot).await, "CONFLICT", "a second vote");
    let dispute = json!({"vote_type": "dispute", "market_id": id, "vote": true});
    assert_eq!(voter.refused("vote", dispute).await, "CONFLICT", "another phase");
    let votes = voter.get("get", json!({"what": "votes", "market_id": id})).await;
    assert_eq!(votes["own"]["proposal"], json!({"vote": true, "source": "offchain"}), "{votes}");

    stage.chain.approve(market).await;
    let step = json!({"op": "activate", "market_id": id});
    let refused = voter.ask("build", step.clone()).await;
    assert_eq!(refused["code"], json!("CHAIN_REFUSED"), "{refused}");
    assert_eq!(refused["program_error"]["name"], json!("Unauthorized"), "{refused}");
    for _ in 0..200 {
        let answer = creator.ask("build", step.clone()).await;
        if answer["type"] == "reply" {
            let transaction = creator.sign(&answer["data"]);
            creator.get("submit", json!({"transaction": transaction})).await;
            break;
        }
        // The approval is shown a moment after the chain has it.
        assert_eq!(answer["code"], json!("CHAIN_REFUSED"), "{answer}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    stage.shown_active(market).await;
    for (op, more, name) in [
        ("dispute", json!({}), "InvalidMarketState"),
        ("claim", json!({}), "MarketNotFinalized"),
        ("withdraw", json!({}), "MarketNotFinalized"),
        ("sell", json!({"outcome": "YES", "shares": "5", "min_proceeds": "1"}), "InsufficientShares"),
    ] {
        let mut fields = more;
        fields["op"] = json!(op);
        fields["market_id"] = id.clone();
        let refused = creator.ask("build", fields).await;
        assert_eq!(refused["code"], json!("CHAIN_REFUSED"), "{op}: {refused}");
        assert!(refused["program_error"]["name"].is_string(), "{op}, {name}: {refused}");
    }
    let evidence = json!({"op": "resolve", "market_id": id, "outcome": "YES", "evidence": "It was."});
    let resolved = creator.ask("build", evidence).await;
    let is_early = resolved["program_error"]["name"] == "InvalidTimestamp";
    assert!(resolved["data"]["ipfs_evidence_hash"].is_string() || is_early, "{resolved}");
}
