//! What the API says of wallets: over a real chain, against a naive count of the trades that the API itself lists.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use solana_sdk::signature::Keypair;
use zmart::domain::{event::Outcome, ids::MarketAddress};
use zmart_testkit::{
    chain::{SOL, wallet_of},
    http::get,
    patience::wait_for,
    signed_in::SignedInClient,
    stage::Stage,
};

fn number(value: &Value) -> i128 {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

/// All trades of a wallet, oldest first, read in pages of two.
async fn trades(stage: &Stage, wallet: &Keypair) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/users/{}/trades?limit=2{cursor}", wallet_of(wallet));
        let page = get(&stage.engine.api, &path).await.json();
        all.extend(page["trades"].as_array().unwrap_or_else(|| panic!("{page}")).iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    all.reverse();
    all
}

/// By average cost: (realised, what is left cost) by market and outcome.
fn count(trades: &[Value]) -> BTreeMap<(String, String), (i128, i128)> {
    let mut books: BTreeMap<(String, String), (i128, i128, i128)> = BTreeMap::new();
    for trade in trades {
        let text = |field: &str| trade[field].as_str().unwrap().to_owned();
        let (shares, realised, left) = books.entry((text("market_id"), text("outcome"))).or_default();
        let (moved, cost) = (number(&trade["shares"]), number(&trade["cost"]));
        if text("trade_type") == "buy" {
            *shares += moved;
            *left += cost;
        } else {
            let given = *left * moved / *shares;
            *shares -= moved;
            *left -= given;
            *realised += cost - given;
        }
    }
    books.into_iter().map(|(key, (_, realised, left))| (key, (realised, left))).collect()
}

async fn position(stage: &Stage, wallet: &Keypair, market: MarketAddress) -> Value {
    let path = format!("/api/users/{}/positions?limit=100", wallet_of(wallet));
    let all = get(&stage.engine.api, &path).await.json();
    let mut found = all.as_array().unwrap_or_else(|| panic!("{all}")).iter();
    found.find(|one| one["market_id"] == market.to_string()).cloned().unwrap_or(Value::Null)
}

/// Waits until so many trades of the wallet are listed and its ledgers have seen them.
async fn settled(stage: &Stage, wallet: &Keypair, trades: usize) -> Value {
    wait_for("the wallet's trades to be summed up", || async {
        let profile = get(&stage.engine.api, &format!("/api/users/{}", wallet_of(wallet))).await.json();
        if profile["totals"]["trades"] == trades { Ok(profile) } else { Err(profile) }
    })
    .await
}

async fn held(stage: &Stage, wallet: &Keypair, market: MarketAddress, outcome: Outcome) -> u64 {
    let position = stage.chain.client().position(market, wallet_of(wallet)).await.unwrap();
    if outcome == Outcome::Yes { position.shares_yes.0 } else { position.shares_no.0 }
}

#[tokio::test(flavor = "multi_thread")]
async fn profits_are_those_of_a_naive_count_through_sells_a_verdict_and_a_claim() {
    let stage = Stage::set().await;
    let (chain, client) = (&stage.chain, stage.chain.client());
    let (creator, alice, bob) =
        (client.funded_wallet().await, client.funded_wallet().await, client.funded_wallet().await);
    let market = chain.active_market(&creator, 100 * SOL).await;
    let other = chain.active_market(&creator, 100 * SOL).await;

    client.buy(market, &alice, Outcome::Yes, SOL).await;
    client.buy(market, &alice, Outcome::Yes, 2 * SOL).await;
    client.buy(market, &bob, Outcome::No, SOL / 2).await;
    let third = held(&stage, &alice, market, Outcome::Yes).await / 3;
    client.sell(market, &alice, Outcome::Yes, third).await;
    client.buy(market, &alice, Outcome::No, SOL / 10).await;
    client.buy(other, &alice, Outcome::No, SOL).await;
    // Payouts are a part of the liquidity on paper: somebody has to bring the money that they are paid from.
    let carol = client.funded_wallet().await;
    client.buy(market, &carol, Outcome::Yes, 15 * SOL).await;
    let profile = settled(&stage, &alice, 5).await;
    settled(&stage, &bob, 1).await;

    // The position, against the count of the listed trades and the chain's account.
    let listed = trades(&stage, &alice).await;
    assert_eq!(listed.len(), 5);
    let books = count(&listed);
    let (name, yes, no) = (market.to_string(), "YES".to_owned(), "NO".to_owned());
    let (realised, yes_left) = books[&(name.clone(), yes.clone())];
    let no_left = books[&(name.clone(), no.clone())].1;
    let shown = position(&stage, &alice, market).await;
    let account = client.position(market, wallet_of(&alice)).await.unwrap();
    assert_eq!(shown["shares_yes"], json!(account.shares_yes.to_string()), "{shown}");
    assert_eq!(shown["shares_no"], json!(account.shares_no.to_string()), "{shown}");
    assert_eq!(shown["total_invested"], json!(account.total_invested.to_string()), "{shown}");
    assert_eq!(number(&shown["realized_pnl"]), realised, "{shown}");
    let unrealised = number(&shown["current_value"]) - yes_left - no_left;
    assert_eq!(number(&shown["unrealized_pnl"]), unrealised, "{shown}");
    let roi = (realised + unrealised) * 10_000 / i128::from(account.total_invested.0);
    let roi = format!("{}{}.{:04}", if roi < 0 { "-" } else { "" }, roi.abs() / 10_000, roi.abs() % 10_000);
    assert_eq!(shown["roi"], json!(roi), "{shown}");
    assert_eq!((&shown["state"], &shown["state_code"]), (&json!("ACTIVE"), &json!(2)), "{shown}");
    assert_eq!((&shown["has_claimed"], &shown["claimable"]), (&json!(false), &json!(false)), "{shown}");
    let fields: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "market_id",
        "question",
        "state",
        "state_code",
        "shares_yes",
        "shares_no",
        "total_invested",
        "current_value",
        "realized_pnl",
        "unrealized_pnl",
        "roi",
        "has_claimed",
        "claimable",
    ];
    expected.sort_unstable();
    assert_eq!(fields, expected);

    // Totals, and the same in the leaderboard.
    let volume: i128 = listed
        .iter()
        .map(|trade| {
            let fees = number(&trade["fees"]["total"]);
            number(&trade["cost"]) + if trade["trade_type"] == "sell" { fees } else { 0 }
        })
        .sum();
    assert_eq!(number(&profile["totals"]["volume"]), volume, "{profile}");
    assert_eq!(profile["totals"]["markets_traded"], 2, "{profile}");
    assert_eq!(number(&profile["totals"]["realized_pnl"]), realised, "{profile}");
    assert_eq!(profile["display_name"], Value::Null, "{profile}");
    wait_for("the creator's markets to be counted", || async {
        let creators = get(&stage.engine.api, &format!("/api/users/{}", wallet_of(&creator))).await.json();
        if creators["totals"]["markets_created"] == 2 { Ok(()) } else { Err(creators) }
    })
    .await;

    // The portfolio ends with now: the shares at the market's price, what they cost, and what was realised.
    let path = format!("/api/users/{}/portfolio?window=24h&points=5", wallet_of(&alice));
    let portfolio = get(&stage.engine.api, &path).await.json();
    let points = portfolio["points"].as_array().unwrap_or_else(|| panic!("{portfolio}"));
    assert_eq!((points.len(), &portfolio["positions"], &portfolio["truncated"]), (5, &json!(2), &json!(false)));
    for point in &points[..4] {
        assert_eq!((number(&point["value"]), number(&point["realized_pnl"])), (0, 0), "{portfolio}");
    }
    let mut value = 0;
    for (address, held) in [(market, &shown), (other, &position(&stage, &alice, other).await)] {
        let price = get(&stage.engine.api, &format!("/api/markets/{address}/prices")).await.json()["price_yes"].clone();
        let price: i128 = price.as_str().unwrap().replace('.', "").parse().unwrap();
        value += number(&held["shares_yes"]) * price / 1_000_000_000;
        value += number(&held["shares_no"]) * (1_000_000_000 - price) / 1_000_000_000;
    }
    let left: i128 = books.values().map(|(_, left)| left).sum();
    let last = &points[4];
    assert_eq!((number(&last["value"]), number(&last["cost"])), (value, left), "{portfolio}");
    assert_eq!(number(&last["realized_pnl"]), realised, "{portfolio}");

    // What bob's position is said to be worth is what its sale pays.
    let worth = position(&stage, &bob, market).await["current_value"].clone();
    let all = held(&stage, &bob, market, Outcome::No).await;
    client.sell(market, &bob, Outcome::No, all).await;
    settled(&stage, &bob, 2).await;
    let sold = trades(&stage, &bob).await;
    assert_eq!(sold[1]["cost"], worth);
    let bobs = position(&stage, &bob, market).await;
    assert_eq!((number(&bobs["current_value"]), number(&bobs["unrealized_pnl"])), (0, 0), "{bobs}");
    client.buy(market, &bob, Outcome::No, SOL / 4).await;
    settled(&stage, &bob, 3).await;
    let bobs_books = count(&trades(&stage, &bob).await);
    let (bobs_realised, bobs_left) = bobs_books[&(name.clone(), no.clone())];

    // YES wins: NO is written off at once, YES is worth its payout until it is claimed.
    chain.finalize(market, &creator, Outcome::Yes).await;
    let total = async |wallet: &Keypair, wanted: i128| {
        wait_for("the verdict to be summed up", || async {
            let profile = get(&stage.engine.api, &format!("/api/users/{}", wallet_of(wallet))).await.json();
            if number(&profile["totals"]["realized_pnl"]) == wanted {
                Ok(profile)
            } else {
                Err(format!("{wanted}: {profile}"))
            }
        })
        .await
    };
    let lost = total(&bob, bobs_realised - bobs_left).await;
    assert_eq!(lost["totals"]["accuracy"], "0.0000", "{lost}");
    let right = total(&alice, realised - no_left).await;
    assert_eq!((&right["totals"]["accuracy"], &right["totals"]["markets_decided"]), (&json!("1.0000"), &json!(1)));
    let shown = position(&stage, &alice, market).await;
    assert_eq!((&shown["state"], &shown["claimable"]), (&json!("FINALIZED"), &json!(true)), "{shown}");
    assert_eq!(number(&shown["realized_pnl"]), realised - no_left, "{shown}");
    let payout = number(&shown["current_value"]);
    assert_eq!(number(&shown["unrealized_pnl"]), payout - yes_left, "{shown}");
    let lost = position(&stage, &bob, market).await;
    assert_eq!((number(&lost["current_value"]), &lost["claimable"]), (0, &json!(false)), "{lost}");
    assert_eq!(
        (number(&lost["realized_pnl"]), number(&lost["unrealized_pnl"])),
        (bobs_realised - bobs_left, 0),
        "{lost}"
    );

    // A vote on the chain is a vote of its wallet.
    let proposal = client.proposed_market(&creator, 100 * SOL).await;
    client.vote(proposal, &alice, true).await;
    wait_for("the vote to be listed", || async {
        let votes = get(&stage.engine.api, &format!("/api/users/{}/votes", wallet_of(&alice))).await.json();
        let vote = &votes["votes"][0];
        let said = (&vote["market_id"], &vote["vote_type"], &vote["source"], &vote["vote"]);
        if said == (&json!(proposal.to_string()), &json!("proposal"), &json!("onchain"), &json!(true)) {
            Ok(())
        } else {
            Err(votes)
        }
    })
    .await;
    let profile = get(&stage.engine.api, &format!("/api/users/{}", wallet_of(&alice))).await.json();
    assert_eq!(profile["totals"]["votes"], 1, "{profile}");

    client.claim(market, &alice, wallet_of(&creator)).await;
    let claimed = client.position(market, wallet_of(&alice)).await.unwrap();
    assert_eq!(i128::from(claimed.claimed_amount.0), payout, "the claim pays what was shown");
    let gained = realised - no_left + payout - yes_left;
    total(&alice, gained).await;
    let shown = position(&stage, &alice, market).await;
    assert_eq!((&shown["has_claimed"], &shown["claimable"]), (&json!(true), &json!(false)), "{shown}");
    assert_eq!((number(&shown["current_value"]), number(&shown["unrealized_pnl"])), (0, 0), "{shown}");
    assert_eq!(number(&shown["realized_pnl"]), gained, "{shown}");

    // Ranked, in every window: all of it happened just now.
    let mut by_profit = [(gained, wallet_of(&alice)), (bobs_realised - bobs_left, wallet_of(&bob))];
    by_profit.sort_unstable_by(|one, other| other.cmp(one));
    for window in ["24h", "7d", "30d", "all"] {
        let ranked = async |by: &str| -> Vec<Value> {
            let path = format!("/api/leaderboard?by={by}&window={window}");
            let ranked = wait_for("the cached page to be of now", || async {
                let page = get(&stage.engine.api, &path).await.json();
                let whole = page["entries"].as_array().unwrap_or_else(|| panic!("{page}"));
                let found = whole.iter().find(|entry| entry["wallet"] == wallet_of(&alice).to_string());
                if found.is_some_and(|entry| number(&entry["realized_pnl"]) == gained) { Ok(page) } else { Err(page) }
            })
            .await;
            ranked["entries"].as_array().unwrap().clone()
        };
        let mut profits: Vec<(i128, Value)> =
            ranked("profit").await.iter().map(|one| (number(&one["realized_pnl"]), one["wallet"].clone())).collect();
        profits.retain(|(_, wallet)| *wallet != wallet_of(&carol).to_string());
        let expected = by_profit.map(|(profit, wallet)| (profit, json!(wallet.to_string())));
        assert_eq!(profits, expected, "{window}");
        let accurate = ranked("accuracy").await;
        assert_eq!(accurate[2]["wallet"], wallet_of(&bob).to_string(), "{window}: {accurate:?}");
        let ranks: Vec<u64> = ranked("volume").await.iter().map(|one| one["rank"].as_u64().unwrap()).collect();
        assert_eq!(ranks, [1, 2, 3], "{window}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_page_by_their_link_header_and_unknown_wallets_are_said_to_be_unknown() {
    let stage = Stage::set().await;
    let (chain, client) = (&stage.chain, stage.chain.client());
    let wallet = client.funded_wallet().await;
    let mut markets = Vec::new();
    for _ in 0..3 {
        let market = chain.active_market(&wallet, 100 * SOL).await;
        client.buy(market, &wallet, Outcome::Yes, SOL).await;
        markets.push(market.to_string());
    }
    markets.sort_unstable();
    settled(&stage, &wallet, 3).await;
    let mut path = format!("/api/users/{}/positions?limit=2", wallet_of(&wallet));
    let mut pages: Vec<Vec<String>> = Vec::new();
    loop {
        let answer = get(&stage.engine.api, &path).await;
        let page = answer.json();
        pages.push(page.as_array().unwrap().iter().map(|one| one["market_id"].as_str().unwrap().to_owned()).collect());
        let Some(link) = answer.header("link") else { break };
        let (target, rel) = link.split_once(">; ").unwrap();
        assert_eq!(rel, "rel=\"next\"");
        path = target.trim_start_matches('<').to_owned();
    }
    let expected: Vec<Vec<String>> = markets.chunks(2).map(<[_]>::to_vec).collect();
    assert_eq!(pages, expected);

    let nobody = "So11111111111111111111111111111111111111112";
    for (path, status) in [
        (format!("/api/users/{nobody}"), 404),
        ("/api/users/nobody".to_owned(), 400),
        (format!("/api/users/{nobody}/positions"), 200),
        (format!("/api/users/{nobody}/positions?cursor=x"), 400),
        (format!("/api/users/{nobody}/trades"), 200),
        (format!("/api/users/{nobody}/votes"), 200),
        (format!("/api/users/{nobody}/votes?limit=0"), 400),
        (format!("/api/users/{nobody}/portfolio"), 200),
        (format!("/api/users/{nobody}/portfolio?window=all"), 200),
        (format!("/api/users/{nobody}/portfolio?points=61"), 400),
        ("/api/leaderboard?by=luck".to_owned(), 400),
        ("/api/trades/history".to_owned(), 401),
    ] {
        assert_eq!(get(&stage.engine.api, &path).await.status, status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_in_wallet_sees_its_own_trades_and_totals_and_nobody_elses() {
    let stage = Stage::set().await;
    let (chain, client) = (&stage.chain, stage.chain.client());
    let (alice, bob) = (client.funded_wallet().await, client.funded_wallet().await);
    let market = chain.active_market(&alice, 100 * SOL).await;
    client.buy(market, &alice, Outcome::Yes, SOL).await;
    client.buy(market, &alice, Outcome::No, SOL).await;
    settled(&stage, &alice, 2).await;
    let own = SignedInClient::with_key(&stage.engine.api, alice.insecure_clone()).await;
    let other = SignedInClient::with_key(&stage.engine.api, bob).await;
    let public = get(&stage.engine.api, &format!("/api/users/{}/trades", wallet_of(&alice))).await.json();
    let mut history = own.get("/api/trades/history").await.json();
    for trade in history["trades"].as_array_mut().unwrap() {
        let named = trade.as_object_mut().unwrap().remove("client_ref");
        assert_eq!(named, Some(Value::Null), "sent past us, so without a name: {trade}");
    }
    assert_eq!(history, public);
    assert_eq!(history["count"], 2);
    let none = other.get(&format!("/api/trades/history?wallet={}", wallet_of(&alice))).await.json();
    assert_eq!(none["count"], 0, "{none}");
    let me = own.get("/api/users/me").await.json();
    assert_eq!((&me["wallet"], &me["totals"]["trades"]), (&json!(wallet_of(&alice).to_string()), &json!(2)), "{me}");
    let profile = get(&stage.engine.api, &format!("/api/users/{}", wallet_of(&alice))).await.json();
    assert_eq!((&profile["totals"], profile["created_at"].is_string()), (&me["totals"], true), "{profile}");
}
