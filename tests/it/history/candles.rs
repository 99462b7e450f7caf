//! Candles of a market that is over.

use serde_json::Value;
use zmart::domain::{event::Outcome, ids::MarketAddress};
use zmart_testkit::{chain::SOL, http::get, patience::wait_for, stage::Stage};

const RESOLUTIONS: [&str; 6] = ["1m", "5m", "15m", "1h", "4h", "1d"];

async fn candles(stage: &Stage, market: MarketAddress, from: &str, to: &str) -> Vec<Value> {
    let mut shown = Vec::new();
    for resolution in RESOLUTIONS {
        let path = format!("/api/markets/{market}/candles?resolution={resolution}&from={from}&to={to}");
        let answer = get(&stage.engine.api, &path).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let candles = answer.json()["candles"].clone();
        assert!(candles.as_array().is_some_and(|candles| !candles.is_empty()), "{resolution}: {candles}");
        shown.push(candles);
    }
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finalized_markets_candles_are_the_same_at_every_resolution_after_it_left_memory_and_after_a_restart() {
    let mut stage = Stage::set().await;
    let client = stage.chain.client().clone();
    let creator = client.funded_wallet().await;
    let market = stage.chain.active_market(&creator, 100 * SOL).await;
    stage.shown_active(market).await;
    for (outcome, cost) in [(Outcome::Yes, SOL), (Outcome::No, SOL / 2), (Outcome::Yes, SOL / 3)] {
        client.buy(market, &creator, outcome, cost).await;
    }
    let trades = async |stage: &Stage| {
        let answer = get(&stage.engine.api, &format!("/api/markets/{market}/trades")).await;
        answer.json()["trades"].as_array().map_or(0, Vec::len)
    };
    wait_for("all trades to be shown", || async {
        let shown = trades(&stage).await;
        if shown == 3 { Ok(()) } else { Err(shown) }
    })
    .await;
    let moment = |seconds: i64| {
        (chrono::Utc::now() + chrono::Duration::seconds(seconds)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    };
    let (from, to) = (moment(-3_600), moment(3_600));
    let alive = candles(&stage, market, &from, &to).await;

    stage.chain.finalize(market, &creator, Outcome::Yes).await;
    wait_for("the market to be finalized", || async {
        let state = get(&stage.engine.api, &format!("/api/markets/{market}")).await.json()["state"].clone();
        if state == "FINALIZED" { Ok(()) } else { Err(state) }
    })
    .await;
    assert_eq!(candles(&stage, market, &from, &to).await, alive);

    // It lives on the disk alone.
    stage.engine.kill();
    stage.engine.set("STREAM_IDLE_MS", "100");
    stage.engine.start().await;
    stage.engine.ready().await;
    assert_eq!(candles(&stage, market, &from, &to).await, alive);
    let rows = stage.database.connect().await;
    let kept = rows.query_one("SELECT count(*) FROM candles WHERE market = $1", &[&market.to_string()]).await.unwrap();
    assert!(kept.get::<_, i64>(0) >= 2, "of a minute and of an hour, for good");
    assert_eq!(trades(&stage).await, 3);
}
