//! What is read about markets, beside a naive twin that looks at the trades: charts, figures, lists, feeds and exports of
//! real trades on the development chain.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use solana_sdk::signature::Keypair;
use zmart::domain::{event::Outcome, ids::MarketAddress};
use zmart_testkit::{
    chain::{SOL, wallet_of},
    http::{get, request},
    patience::wait_for,
    stage::Stage,
};

/// Two markets, of which the first is traded more.
struct Scene {
    stage: Stage,
    creator: Keypair,
    wallets: Vec<Keypair>,
    markets: [MarketAddress; 2],
}

impl Scene {
    async fn set() -> Self {
        let stage = Stage::set().await;
        let chain = &stage.chain;
        let creator = chain.client().funded_wallet().await;
        let mut wallets = Vec::new();
        for _ in 0..3 {
            wallets.push(chain.client().funded_wallet().await);
        }
        let markets = [chain.active_market(&creator, 100 * SOL).await, chain.active_market(&creator, 200 * SOL).await];
        for trade in 0..9_usize {
            let market = markets[usize::from(trade % 4 == 3)];
            let outcome = Outcome::from(trade % 3 != 0);
            chain.client().buy(market, &wallets[trade % 3], outcome, SOL / 2 + trade as u64 * SOL / 10).await;
        }
        let scene = Self { stage, creator, wallets, markets };
        scene.shown(0, 7).await;
        scene.shown(1, 2).await;
        scene
    }

    async fn get(&self, path: &str) -> Value {
        let answer = get(&self.stage.engine.api, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// Waits until so many trades of a market are shown, and counted.
    async fn shown(&self, market: usize, trades: u64) {
        let address = self.markets[market];
        wait_for("the trades to be shown and counted", || async {
            // Not known at all for a moment.
            let stats = get(&self.stage.engine.api, &format!("/api/markets/{address}/stats")).await.json();
            let is_there = stats["trades_count"] == trades && stats["trades_24h"] == trades;
            if is_there { Ok(()) } else { Err(stats) }
        })
        .await;
    }

    /// The trades of a market, oldest first.
    async fn trades(&self, market: usize) -> Vec<Value> {
        let page = self.get(&format!("/api/markets/{}/trades?limit=100", self.markets[market])).await;
        page["trades"].as_array().unwrap().iter().rev().cloned().collect()
    }
}

fn number(text: &Value) -> u64 {
    text.as_str().unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

fn costs(trades: &[Value]) -> u64 {
    trades.iter().map(|trade| number(&trade["cost"])).sum()
}

fn wallets(trades: &[Value]) -> BTreeSet<&str> {
    trades.iter().map(|trade| trade["user_wallet"].as_str().unwrap()).collect()
}

#[allow(clippy::float_arithmetic)] // shapes of old front ends
fn sol(lamports: u64) -> f64 {
    lamports as f64 / 1e9
}

#[tokio::test(flavor = "multi_thread")]
async fn charts_and_figures_are_what_the_trades_make_of_them() {
    let scene = Scene::set().await;
    let market = scene.markets[0];
    let trades = scene.trades(0).await;
    assert_eq!(trades.len(), 7);
    let prices: Vec<&str> = trades.iter().map(|trade| trade["price_after"].as_str().unwrap()).collect();

    for (resolution, seconds) in [("1m", 60), ("5m", 300), ("15m", 900), ("1h", 3_600), ("4h", 14_400), ("1d", 86_400)]
    {
        // By bucket, in the order of the trades.
        let mut naive: BTreeMap<i64, Vec<&Value>> = BTreeMap::new();
        for trade in &trades {
            let at = chrono::DateTime::parse_from_rfc3339(trade["block_time"].as_str().unwrap()).unwrap().timestamp();
            naive.entry(at - at % seconds).or_default().push(trade);
        }
        let shown = scene.get(&format!("/api/markets/{market}/candles?resolution={resolution}&limit=100")).await;
        assert_eq!((&shown["resolution"], &shown["market_id"]), (&json!(resolution), &json!(market.to_string())));
        let candles = shown["candles"].as_array().unwrap();
        let mut close = None;
        for candle in candles {
            let at = chrono::DateTime::parse_from_rfc3339(candle["timestamp"].as_str().unwrap()).unwrap().timestamp();
            let of_bucket = naive.remove(&at).unwrap_or_default();
            let prices = || of_bucket.iter().map(|trade| trade["price_after"].as_str().unwrap());
            let expected = match prices().next() {
                Some(open) => json!([open, prices().max(), prices().min(), prices().next_back()]),
                None => json!([close, close, close, close]),
            };
            assert_eq!(json!([candle["open"], candle["high"], candle["low"], candle["close"]]), expected, "{candle}");
            let volume: u64 = of_bucket.iter().map(|trade| number(&trade["cost"])).sum();
            assert_eq!((number(&candle["volume"]), &candle["trades"]), (volume, &json!(of_bucket.len())), "{candle}");
            close = Some(candle["close"].clone());
        }
        assert!(naive.is_empty(), "{resolution}: these were left out: {naive:?}");
    }

    let history = scene.get(&format!("/api/markets/{market}/price-history?points=5")).await;
    let points = history.as_array().unwrap();
    assert!((2..=5).contains(&points.len()), "{history}");
    let last = points.last().unwrap();
    let yes: f64 = prices.last().unwrap().parse().unwrap();
    #[allow(clippy::float_arithmetic)]
    {
        assert!((last["yes"].as_f64().unwrap() - yes * 100.0).abs() < 1e-6, "{last}");
        assert!((last["yes"].as_f64().unwrap() + last["no"].as_f64().unwrap() - 100.0).abs() < 1e-6, "{last}");
    }

    let stats = scene.get(&format!("/api/markets/{market}/stats")).await;
    assert_eq!(number(&stats["volume_24h"]), costs(&trades), "{stats}");
    assert_eq!(stats["traders_24h"], wallets(&trades).len(), "{stats}");
    assert_eq!(stats["high_24h"], json!(prices.iter().max()), "{stats}");
    assert_eq!(stats["low_24h"], json!(prices.iter().min()), "{stats}");
    assert_eq!(stats["price_yes_24h_ago"], "0.500000000", "{stats}");

    let shown = wait_for("the market's figures", || async {
        let shown = scene.get(&format!("/api/markets/{market}")).await;
        if shown["volume_24h"] == stats["volume_24h"] { Ok(shown) } else { Err(shown) }
    })
    .await;
    assert_eq!(shown["traders_count"], wallets(&trades).len(), "{shown}");
    assert!(shown["fair_price_yes"].is_string(), "{shown}");
    assert!(!shown["warnings"].to_string().contains("STALE"), "{shown}");

    let holders = scene.get(&format!("/api/markets/{market}/holders?limit=2")).await;
    let next = holders["next_cursor"].as_str().unwrap();
    let rest = scene.get(&format!("/api/markets/{market}/holders?cursor={next}")).await;
    let mut held: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for trade in &trades {
        let of = held.entry(trade["user_wallet"].as_str().unwrap().to_owned()).or_default();
        let side = if trade["outcome"] == "YES" { &mut of.0 } else { &mut of.1 };
        *side += number(&trade["shares"]);
    }
    let listed: Vec<&Value> = [&holders, &rest].iter().flat_map(|page| page["holders"].as_array().unwrap()).collect();
    let sums: Vec<u64> = listed.iter().map(|it| number(&it["shares_yes"]) + number(&it["shares_no"])).collect();
    assert!(sums.is_sorted_by(|a, b| a >= b), "{sums:?}");
    let listed: BTreeMap<String, (u64, u64)> = listed
        .iter()
        .map(|it| (it["wallet"].as_str().unwrap().to_owned(), (number(&it["shares_yes"]), number(&it["shares_no"]))))
        .collect();
    assert_eq!(listed, held);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_depth_of_a_market_is_what_the_chain_then_does() {
    let scene = Scene::set().await;
    let market = scene.markets[0];
    let depth = scene.get(&format!("/api/markets/{market}/depth?levels=20")).await;
    for (number_of_side, outcome) in [(0, Outcome::Yes), (1, Outcome::No)] {
        let side = &depth["sides"][number_of_side];
        assert_eq!(side["outcome"], outcome.as_str());
        assert_eq!((side["buy"].as_array().unwrap().len(), side["sell"].as_array().unwrap().len()), (20, 20));
    }
    let size = json!(SOL.to_string());
    let level = depth["sides"][0]["buy"].as_array().unwrap().iter().find(|level| level["size"] == size);
    let level = level.unwrap();
    scene.stage.chain.client().buy(market, &scene.wallets[0], Outcome::Yes, SOL).await;
    scene.shown(0, 8).await;
    let done = scene.trades(0).await.pop().unwrap();
    assert_eq!(
        (&level["cost"], &level["shares"], &level["price_yes_after"]),
        (&done["cost"], &done["shares"], &done["price_after"])
    );
    // More than was ever issued can't be sold.
    let most = depth["sides"][0]["sell"].as_array().unwrap().last().unwrap();
    assert!(most["refused"].is_string() && most["cost"].is_null(), "{most}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_rankings_are_in_the_order_of_the_figures() {
    let scene = Scene::set().await;
    let [busy, quiet] = scene.markets.map(|market| market.to_string());
    let (trades, others) = (scene.trades(0).await, scene.trades(1).await);
    assert!(costs(&trades) > costs(&others));
    let listed = async |query: &str| -> Vec<String> {
        let page = scene.get(&format!("/api/markets?{query}")).await;
        page["markets"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    for query in ["sort=volume", "sort=volume_24h", "sort=volume&state=ACTIVE"] {
        assert_eq!(listed(query).await, [busy.clone(), quiet.clone()], "{query}");
    }
    for query in ["sort=volume&order=asc", "sort=volume_24h&order=asc&state=2"] {
        assert_eq!(listed(query).await, [quiet.clone(), busy.clone()], "{query}");
    }
    // On a quick machine both are of the same second of the chain: then their addresses decide.
    let mut by_age = Vec::new();
    for id in [&busy, &quiet] {
        let created_at = scene.get(&format!("/api/markets/{id}")).await["created_at"].as_str().unwrap().to_owned();
        by_age.push((created_at, id.clone()));
    }
    by_age.sort();
    let mut by_age: Vec<String> = by_age.into_iter().map(|(_, id)| id).collect();
    assert_eq!(listed("sort=created_at&order=asc").await, by_age);
    by_age.reverse();
    assert_eq!(listed("").await, by_age);
    let creator = wallet_of(&scene.creator);
    assert_eq!(listed(&format!("creator={creator}&sort=volume")).await, [busy.clone(), quiet.clone()]);
    let stranger = wallet_of(&scene.wallets[0]);
    for query in [
        &format!("creator={stranger}"),
        "category=nothing",
        "search=nothing",
        "sort=ending",
        "state=DISPUTED&sort=volume",
    ] {
        assert_eq!(listed(query).await, Vec::<String>::new(), "{query}");
    }
    let mut walked = Vec::new();
    let mut cursor = String::new();
    for _ in 0..3 {
        let page = scene.get(&format!("/api/markets?sort=liquidity&limit=1{cursor}")).await;
        walked.extend(page["markets"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(walked, listed("sort=liquidity").await);

    let trending = scene.get("/api/markets/trending").await;
    let first = &trending["trending"][0];
    assert_eq!(first["id"], busy, "{trending}");
    #[allow(clippy::float_arithmetic)]
    let score = 0.6 * sol(costs(&trades)) + 0.4 * wallets(&trades).len() as f64;
    #[allow(clippy::float_arithmetic)]
    let difference = (first["trendingScore"].as_f64().unwrap() - score).abs();
    assert!(difference < 1e-6, "{first}: {score}");
    assert_eq!(first["uniqueTraders"], wallets(&trades).len());
    assert_eq!(scene.get(&format!("/api/markets/{busy}/related")).await["markets"][0]["id"], quiet);
    assert_eq!(scene.get("/api/markets/categories").await, json!({"categories": []}));
    let config = scene.get("/api/config").await;
    assert_eq!((&config["fees"]["protocol_bps"], &config["cluster"]), (&json!(300), &json!("localnet")), "{config}");
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_and_exports_hold_each_trade_once_while_trades_go_on() {
    let scene = Scene::set().await;
    let market = scene.markets[0];
    let known: BTreeSet<String> = [scene.trades(0).await, scene.trades(1).await]
        .concat()
        .iter()
        .map(|trade| trade["id"].as_str().unwrap().to_owned())
        .collect();
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for page in 0..40 {
        assert!(page < 39, "the pages do not end");
        let body = scene.get(&format!("/api/markets/activity?limit=3{cursor}")).await;
        seen.extend(body["activities"].as_array().unwrap().clone());
        // What comes meanwhile is newer, and belongs on no later page.
        if page < 3 {
            scene.stage.chain.client().buy(market, &scene.wallets[page], Outcome::No, SOL / 4).await;
        }
        match body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let ids: Vec<&str> = seen.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "none twice: {ids:?}");
    let traded: BTreeSet<String> =
        seen.iter().filter(|it| it["type"] == "trade").map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(traded, known);
    assert_eq!(seen.iter().filter(|it| it["type"] == "creation").count(), 2);
    scene.shown(0, 10).await;

    // The journal of a market, by pages, as frames.
    let (mut since, mut seqs) = (0, Vec::new());
    for _ in 0..40 {
        let body = scene.get(&format!("/api/events/latest?market_id={market}&since={since}&limit=4")).await;
        let events = body["events"].as_array().unwrap();
        if events.is_empty() {
            break;
        }
        for event in events {
            assert_eq!(event["channel"], format!("market:{market}"));
            seqs.push(event["seq"].as_u64().unwrap());
        }
        since = body["next_since"].as_u64().unwrap();
    }
    seqs.dedup();
    let head = scene.get(&format!("/api/markets/{market}")).await["seq"].as_u64().unwrap();
    assert_eq!(seqs, (1..=head).collect::<Vec<_>>(), "without a hole");
    let only =
        scene.get(&format!("/api/events/latest?market_id={market}&since=0&types=trade_executed&limit=100")).await;
    assert_eq!(only["count"], 10, "{only}");
    // All streams, from a moment on.
    let all = scene.get("/api/events/latest?since=1700000000000&limit=100").await;
    let trades_of_all = all["events"].as_array().unwrap().iter().filter(|it| it["type"] == "trade_executed").count();
    assert_eq!(trades_of_all, 12, "{all}");

    let api = &scene.stage.engine.api;
    let trades = scene.trades(0).await;
    let csv = get(api, &format!("/api/export/trades.csv?market={market}")).await;
    let text = String::from_utf8(csv.body).unwrap();
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with("id,market_id,user_wallet,"), "{text}");
    let exported: Vec<&str> = lines.map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(exported, trades.iter().map(|trade| trade["id"].as_str().unwrap()).collect::<Vec<_>>());
    let wallet = wallet_of(&scene.wallets[1]);
    let ndjson = get(api, &format!("/api/export/trades.ndjson?wallet={wallet}")).await;
    let lines: Vec<Value> =
        std::str::from_utf8(&ndjson.body).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line["user_wallet"] == wallet.to_string()), "{lines:?}");
    let later = get(api, "/api/export/trades.ndjson?from=2100-01-01T00:00:00Z").await;
    assert_eq!((later.status, later.body.len()), (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_reads_has_a_tag_and_names_what_it_refuses() {
    let stage = Stage::set().await;
    let creator = stage.chain.client().funded_wallet().await;
    let market = stage.chain.active_market(&creator, 100 * SOL).await;
    stage.shown_active(market).await;
    let api = &stage.engine.api;
    let of_market = |rest: &str| format!("/api/markets/{market}{rest}");
    for path in [
        "/api/markets?sort=volume".to_owned(),
        of_market(""),
        of_market("/candles?to=1800000000"),
        of_market("/price-history?to=1800000000"),
        of_market("/related"),
        of_market("/holders"),
        of_market("/depth"),
        "/api/markets/activity".to_owned(),
        "/api/markets/trending".to_owned(),
        "/api/markets/categories".to_owned(),
        "/api/events/latest?since=1700000000000".to_owned(),
        "/api/config".to_owned(),
    ] {
        let head = request("HEAD", api, &path, &[], b"").await;
        assert_eq!((head.status, head.body.len()), (200, 0), "HEAD {path}");
        assert_eq!(request("OPTIONS", api, &path, &[], b"").await.status, 204, "OPTIONS {path}");
        // Figures may come between two answers; then the tag is another one, and asked with again.
        wait_for(&format!("{path} not to have changed"), || async {
            let tag = get(api, &path).await.header("etag").unwrap().to_owned();
            let again = request("GET", api, &path, &[("If-None-Match", &tag)], b"").await;
            if again.status == 304 { Ok(()) } else { Err(again.status) }
        })
        .await;
    }
    for (path, field) in [
        (of_market("/candles?resolution=2m"), "resolution"),
        (of_market("/candles?limit=501"), "limit"),
        (of_market("/price-history?points=1"), "points"),
        (of_market("/price-history?interval=1m&from=2020-01-01T00:00:00Z"), "interval"),
        (of_market("/holders?cursor=x"), "cursor"),
        (of_market("/depth?levels=21"), "levels"),
        (of_market("/related?limit=0"), "limit"),
        ("/api/markets/activity?cursor=x".to_owned(), "cursor"),
        ("/api/markets/trending?limit=101".to_owned(), "limit"),
        ("/api/events/latest?since=5".to_owned(), "since"),
        ("/api/export/trades.csv?market=x".to_owned(), "market"),
        ("/api/markets?sort=name".to_owned(), "sort"),
    ] {
        let answer = get(api, &path).await;
        assert_eq!((answer.status, &answer.json()["details"][0]["field"]), (400, &json!(field)), "{path}");
    }
    let nobody = "So11111111111111111111111111111111111111112";
    for rest in ["/candles", "/price-history", "/stats", "/related", "/holders", "/depth"] {
        assert_eq!(get(api, &format!("/api/markets/{nobody}{rest}")).await.status, 404, "{rest}");
    }
}
