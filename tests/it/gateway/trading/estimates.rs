//! An estimate is what the chain then does, to the unit.

use serde_json::{Value, json};
use solana_sdk::signature::Keypair;
use zmart::domain::{event::Outcome, ids::MarketAddress};
use zmart_testkit::{chain::SOL, patience::wait_for, stage::Stage};

const B: u64 = 1_000 * SOL;

fn number(value: &Value) -> u64 {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

async fn estimate(stage: &Stage, market: MarketAddress, rest: &str) -> Value {
    let path = format!("/api/trades/estimate?market_id={market}&{rest}");
    let answer = zmart_testkit::http::get(&stage.engine.api, &path).await;
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

async fn newest_trade(stage: &Stage, market: MarketAddress, count: u64) -> Value {
    wait_for("the trade to be shown", || async {
        let shown = zmart_testkit::http::get(&stage.engine.api, &format!("/api/markets/{market}")).await.json();
        if shown["trades_count"] == count { Ok(()) } else { Err(shown["trades_count"].clone()) }
    })
    .await;
    let trades = zmart_testkit::http::get(&stage.engine.api, &format!("/api/markets/{market}/trades?limit=1")).await;
    trades.json()["trades"][0].clone()
}

fn assert_same(estimate: &Value, trade: &Value) {
    for (ours, theirs) in [("shares", "shares"), ("total", "cost"), ("fees", "fees"), ("price_after", "price_after")] {
        assert_eq!(estimate[ours], trade[theirs], "{ours}: {estimate} and {trade}");
    }
}

async fn buys(stage: &Stage, market: MarketAddress, buyer: &Keypair, outcome: Outcome, rest: &str, count: u64) {
    let (name, client) = (outcome.as_str(), stage.chain.client());
    let estimate = estimate(stage, market, &format!("trade_type=buy&outcome={name}&{rest}")).await;
    client.buy(market, buyer, outcome, number(&estimate["target_cost"])).await;
    let trade = newest_trade(stage, market, count).await;
    assert_same(&estimate, &trade);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_is_what_the_chain_then_does() {
    let stage = Stage::set().await;
    let client = stage.chain.client();
    let (creator, buyer) = (client.funded_wallet().await, client.funded_wallet().await);
    let market = stage.chain.active_market(&creator, B).await;
    stage.shown_active(market).await;

    let wanted = [5 * SOL, SOL / 3, 123_456_789_012];
    let mut count = 0;
    for shares in wanted {
        for outcome in [Outcome::Yes, Outcome::No] {
            count += 1;
            let rest = format!("trade_type=buy&outcome={}&shares={shares}", outcome.as_str());
            let found =
                zmart_testkit::http::get(&stage.engine.api, &format!("/api/trades/quote?market_id={market}&{rest}"))
                    .await
                    .json();
            assert!(number(&found["shares"]) >= shares, "{found}");
            buys(&stage, market, &buyer, outcome, &format!("shares={shares}"), count).await;
            // One lamport less would not have done, before the trade.
        }
    }
    for spend in [SOL, 77 * SOL + 7] {
        count += 1;
        buys(&stage, market, &buyer, Outcome::Yes, &format!("spend={spend}"), count).await;
    }
    for shares in [2 * SOL, 40 * SOL + 1] {
        count += 1;
        let estimate = estimate(&stage, market, &format!("trade_type=sell&outcome=YES&shares={shares}")).await;
        client.sell(market, &buyer, Outcome::Yes, shares).await;
        assert_same(&estimate, &newest_trade(&stage, market, count).await);
    }
    let account = client.market(market).await;
    let shown = zmart_testkit::http::get(&stage.engine.api, &format!("/api/markets/{market}")).await.json();
    assert_eq!(shown["total_volume"], json!(account.total_volume.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_chain_would_refuse_is_said_with_the_programs_name_and_an_unsound_price_with_its_reasons() {
    let stage = Stage::set().await;
    let client = stage.chain.client();
    let creator = client.funded_wallet().await;
    let proposed = client.proposed_market(&creator, B).await;
    let market = stage.chain.active_market(&creator, B).await;
    stage.shown_active(market).await;
    stage.shown(proposed).await;
    let get = async |market: MarketAddress, rest: &str| {
        let path = format!("/api/trades/estimate?market_id={market}&{rest}");
        zmart_testkit::http::get(&stage.engine.api, &path).await
    };
    for (market, rest, code, name) in [
        (proposed, "trade_type=buy&outcome=YES&spend=1000000000", 6007, "InvalidMarketState"),
        (market, "trade_type=buy&outcome=YES&spend=9999", 6018, "TradeTooSmall"),
        // Next to exact balance the program's cost drops, and its search runs into it.
        (market, "trade_type=buy&outcome=YES&spend=10000000", 6034, "UnderflowError"),
        (market, "trade_type=sell&outcome=NO&shares=900000000000000", 6014, "InsufficientShares"),
    ] {
        let answer = get(market, rest).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["error"]), (422, &json!("CHAIN_REFUSED")), "{rest}: {body}");
        assert_eq!(body["program_error"], json!({"code": code, "name": name}), "{rest}: {body}");
    }
    // What the chain does with a small budget at balance is far from fair: said, with both prices.
    let quote = get(market, "trade_type=buy&outcome=YES&spend=100000000").await.json();
    let codes: Vec<_> = quote["warnings"].as_array().unwrap().iter().map(|w| w["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"NEAR_BALANCE") && codes.contains(&"COST_DIVERGENCE"), "{quote}");
    let warning = &quote["warnings"][0];
    assert!(warning["price_program"].is_string() && warning["price_fair"].is_string(), "{warning}");
    assert_ne!(quote["fair_cost"], quote["cost"], "{quote}");
    for (rest, field) in [
        ("trade_type=buy&outcome=YES", "shares"),
        ("trade_type=buy&outcome=MAYBE&shares=1", "outcome"),
        ("trade_type=buy&outcome=YES&shares=1&spend=1", "shares"),
    ] {
        let body = get(market, rest).await.json();
        assert_eq!((&body["status"], &body["details"][0]["field"]), (&json!(400), &json!(field)), "{body}");
    }
}
