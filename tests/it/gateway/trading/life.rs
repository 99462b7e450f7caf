//! A market's whole life, by transactions that the gateway builds and its users sign.

use serde_json::{Value, json};
use zmart::domain::ids::MarketAddress;
use zmart_testkit::{chain::SOL, patience::wait_for};

use super::{Floor, Trader};

/// Builds a step as soon as the chain's clock lets it: some steps are refused in the second of the one before.
async fn built_in_time(trader: &Trader, path: &str, body: &Value) -> Value {
    wait_for(&format!("{path} to be built"), || async {
        let answer = trader.post(path, body.clone()).await;
        let reply = answer.json();
        match answer.status {
            200 => Ok(reply),
            422 if reply["program_error"]["name"] == "InvalidTimestamp" => Err(reply),
            _ => panic!("{path}: {reply}"),
        }
    })
    .await
}

async fn does_in_time(trader: &Trader, path: &str, body: Value) -> Value {
    let built = built_in_time(trader, path, &body).await;
    let signature = trader.submit(&built).await;
    trader.stands(&signature, &["confirmed", "finalized"]).await;
    built
}

fn version_of(built: &Value) -> &'static str {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let message = BASE64_STANDARD.decode(built["message"].as_str().unwrap()).unwrap();
    if message[0] & 0x80 == 0 { "legacy" } else { "0" }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_lives_its_whole_life_by_transactions_that_its_users_sign() {
    let floor = Floor::open().await;
    let (creator, winner, loser) = (floor.trader().await, floor.trader().await, floor.trader().await);

    let proposal = json!({
        "question": "Will it rain tomorrow?", "description": "At noon.", "category": "weather",
        "b_parameter": (100 * SOL).to_string(), "initial_liquidity": SOL.to_string(), "tags": ["rain"],
        "version": "legacy", "priority_fee": "medium",
    });
    let created = creator.does("/api/markets", proposal).await;
    assert_eq!(version_of(&created), "legacy");
    assert!(created["compute_units"].as_u64().unwrap() >= 60_000, "{created}");
    let market: MarketAddress = created["market"].as_str().unwrap().parse().unwrap();
    let shown = floor.shown(market, |body| body["state"] == "PROPOSED").await;
    assert_eq!(shown["market_seed"], created["market_seed"]);
    assert_eq!(shown["ipfs_question_hash"], created["ipfs_question_hash"]);
    assert_eq!(shown["creator_wallet"], creator.wallet().to_string());

    floor.chain.approve(market).await;
    floor.shown(market, |body| body["state"] == "APPROVED").await;
    let step = |verb: &str| format!("/api/markets/{market}/{verb}");
    let activated = creator.does(&step("activate"), json!({})).await;
    assert_eq!(version_of(&activated), "0");
    floor.shown(market, |body| body["state"] == "ACTIVE").await;

    // At exact balance the price can't be trusted: without a consent nothing is built.
    let order = |outcome: &str, shares: u64, accept: bool| {
        json!({"market_id": market.to_string(), "outcome": outcome, "shares": shares.to_string(),
               "max_cost": (50 * SOL).to_string(), "accept_unsound": accept})
    };
    let refused = winner.post("/api/trades/buy", order("YES", SOL, false)).await.json();
    assert_eq!((&refused["status"], &refused["details"][0]["field"]), (&json!(400), &json!("accept_unsound")));

    let mut body = order("YES", 30 * SOL, true);
    body["min_shares"] = json!((30 * SOL).to_string());
    let bought = winner.does("/api/trades/buy", body).await;
    assert_eq!(bought["guard"], "simulation");
    assert_eq!(bought["rehearsed"]["shares"], bought["quote"]["shares"]);
    let position = floor.client().position(market, winner.wallet()).await.unwrap();
    assert_eq!(bought["quote"]["shares"], position.shares_yes.to_string());
    assert_eq!(bought["quote"]["total"], position.total_invested.to_string());
    floor.shown(market, |body| body["trades_count"] == 1).await;

    let mut body = order("NO", 20 * SOL, true);
    (body["version"], body["priority_fee"]) = (json!("legacy"), json!(500));
    let other = loser.does("/api/trades/buy", body).await;
    assert_eq!((version_of(&other), &other["priority_fee_micro_lamports"]), ("legacy", &json!(500)));
    floor.shown(market, |body| body["trades_count"] == 2).await;

    let sale = json!({"market_id": market.to_string(), "outcome": "YES", "shares": (3 * SOL).to_string(),
                      "min_proceeds": "1", "accept_unsound": true});
    let sold = winner.does("/api/trades/sell", sale).await;
    let after = floor.client().position(market, winner.wallet()).await.unwrap();
    assert_eq!(position.shares_yes.0 - after.shares_yes.0, 3 * SOL);
    assert_eq!(sold["rehearsed"]["total"], sold["quote"]["total"]);
    floor.shown(market, |body| body["trades_count"] == 3).await;

    let outcome = json!({"outcome": "NO", "evidence": "I was there.\n"});
    let resolved = does_in_time(&loser, &step("resolve"), outcome).await;
    let shown = floor.shown(market, |body| body["state"] == "RESOLVING").await;
    assert_eq!(shown["ipfs_evidence_hash"], resolved["ipfs_evidence_hash"]);
    assert!(resolved["document"].as_str().unwrap().contains("I was there."));
    does_in_time(&winner, &step("dispute"), json!({"version": "legacy"})).await;
    floor.shown(market, |body| body["state"] == "DISPUTED").await;
    floor.chain.finalize_dispute(market, 9, 1).await;
    floor.shown(market, |body| body["final_outcome"] == "YES").await;

    let before = floor.client().lamports(winner.wallet()).await;
    winner.does(&step("claim"), json!({})).await;
    assert!(floor.client().lamports(winner.wallet()).await > before);
    wait_for("the claim to be known", || async {
        let again = winner.post(&step("claim"), json!({})).await.json();
        if again["program_error"]["name"] == "AlreadyClaimed" { Ok(()) } else { Err(again) }
    })
    .await;
    let lost = loser.post(&step("claim"), json!({})).await.json();
    assert_eq!(lost["program_error"], json!({"code": 6023, "name": "NoWinnings"}), "{lost}");
    creator.does(&step("withdraw"), json!({})).await;
}
